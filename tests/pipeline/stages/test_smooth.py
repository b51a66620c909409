"""Frames go out at another rate: exact times, exact ends, any method."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.context import Context
from pipeline.errors import ModelMissing
from pipeline.frames import Frame, FrameStream
from pipeline.lengths import outgoing
from pipeline.settings import InterpolateSettings, Settings, make_settings
from pipeline.stages.smooth import Smooth


def film(count: int, fps: int = 8, keyframes: frozenset[int] = frozenset()) -> FrameStream:
    """A bright square that moves by two pixels a frame."""

    def frames() -> list[Frame]:
        made = []
        for number in range(count):
            frame = np.full((48, 96, 3), 40, np.uint8)
            frame[16:32, 10 + 2 * number : 26 + 2 * number] = 220
            made.append(frame)
        return made

    return FrameStream(iter(frames()), 96, 48, Fraction(fps), count, lambda: iter(frames()), keyframes)


def asked(**values: object) -> Settings:
    return make_settings({"interpolate": values, "encode": {"fps": 8}})


@pytest.fixture
def smooth(tmp_path: Path) -> Callable[[FrameStream, Settings], FrameStream]:
    context = Context(seed=1, threads=2, work_dir=tmp_path)
    return lambda stream, settings: Smooth()(stream, settings, context)


def centre(frame: Frame) -> float:
    """Where the square is, in pixels from the left."""
    weights = frame[24, :, 0].astype(float) - 40
    return float((weights * np.arange(96)).sum() / weights.sum())


def test_a_film_that_has_its_rate_is_handed_on_as_it_is(smooth: Callable[..., FrameStream]) -> None:
    stream = film(5)
    assert smooth(stream, asked()) is stream
    stream = film(5)
    assert smooth(stream, asked(fps=8)) is stream


@pytest.mark.parametrize("values", [{"fps": 24}, {"factor": 3}])
def test_every_frame_shows_its_own_time(smooth: Callable[..., FrameStream], values: dict[str, int]) -> None:
    made = smooth(film(6), asked(**values))
    frames = list(made.frames)
    assert (made.fps, made.count) == (Fraction(24), len(frames))
    given = list(film(6).frames)
    assert all(np.array_equal(frames[3 * number], frame) for number, frame in enumerate(given))
    for number, frame in enumerate(frames[:16]):
        assert centre(frame) == pytest.approx(17.5 + number * 2 / 3, abs=0.35)
    assert all(np.array_equal(frame, given[-1]) for frame in frames[16:])
    assert made.again is not None
    assert all(np.array_equal(one, two) for one, two in zip(frames, made.again(), strict=True))


@given(st.integers(1, 400), st.integers(1, 60), st.integers(1, 120))
def test_a_rate_keeps_the_length(count: int, old: int, new: int) -> None:
    fps, made = outgoing(count, Fraction(old), InterpolateSettings(fps=Fraction(new)))
    assert fps == new
    assert made >= 1
    assert abs(made / fps - Fraction(count, old)) <= max(Fraction(1, 2 * new), Fraction(1, new) if made == 1 else 0)


@given(st.integers(1, 400), st.integers(1, 60), st.integers(1, 16))
def test_a_factor_follows_the_contract(count: int, old: int, factor: int) -> None:
    wanted = InterpolateSettings(factor=factor)
    assert outgoing(count, Fraction(old), wanted) == (Fraction(old * factor), (count - 1) * factor + 1)


def test_frames_that_start_anew_do_so_at_their_time(smooth: Callable[..., FrameStream]) -> None:
    made = smooth(film(6, keyframes=frozenset({0, 5})), asked(factor=3))
    assert made.keyframes == {0, 15}


def test_missing_weights_are_told_before_a_frame_is_made(smooth: Callable[..., FrameStream], tmp_path: Path) -> None:
    settings = make_settings({"interpolate": {"factor": 2, "method": "rife"}, "runtime": {"models_dir": tmp_path}})
    with pytest.raises(ModelMissing, match="flownet"):
        smooth(film(3), settings)
