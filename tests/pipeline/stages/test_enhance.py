"""The stage: what it does by which setting, in which order, as a stream that can be read again."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.context import Context
from pipeline.enhance_settings import EnhanceSettings
from pipeline.enhancement import sharpened
from pipeline.errors import Cancelled, InvalidSetting
from pipeline.frames import Frame, FrameStream
from pipeline.interpolation import enlarge
from pipeline.records import Notice
from pipeline.settings import Settings
from pipeline.stages.enhance import Enhance
from tests.photos import CHELSEA, COFFEE
from tests.pipeline.enhancement.films import SIZE, corrected, lit, pan
from tests.tiny_models.super_resolution import build_compact


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(seed=1, threads=2, work_dir=tmp_path)


def stream(film: list[Frame]) -> FrameStream:
    return FrameStream(iter(film), *SIZE, Fraction(24), len(film), lambda: iter(film), frozenset({0}))


def enhance(film: list[Frame], context: Context, **asked: float | str) -> FrameStream:
    return Enhance()(stream(film), Settings(enhance=EnhanceSettings.model_validate(asked)), context)


def test_where_nothing_is_asked_for_the_stream_is_passed_on(context: Context) -> None:
    given = stream(pan(CHELSEA, 3))
    assert Enhance()(given, Settings(enhance=EnhanceSettings()), context) is given


def test_frames_are_enlarged_to_the_size_asked_for_and_the_rest_stays(context: Context) -> None:
    film = pan(CHELSEA, 3)
    made = enhance(film, context, width=500)
    assert (made.width, made.height, made.fps, made.count) == (500, 334, Fraction(24), 3)
    assert made.keyframes == frozenset({0})
    assert all((a == enlarge(b, 500, 334)).all() for a, b in zip(made.frames, film, strict=True))


def test_light_first_then_size_then_sharpness(context: Context) -> None:
    film = lit(pan(CHELSEA, 12), lambda k: (0.95 if k % 2 else 0.85,))
    made = enhance(film, context, deflicker=1.0, scale=2.0, sharpen=0.5)
    expected = [sharpened(enlarge(frame, 480, 320), 0.5) for frame in corrected(film, deflicker=1.0)]
    assert all((a == b).all() for a, b in zip(made.frames, expected, strict=True))


def test_it_can_be_read_again_and_comes_out_the_same(context: Context) -> None:
    film = lit(pan(COFFEE, 30), lambda k: (0.95 if k % 2 else 0.85,))
    made = enhance(film, context, deflicker=1.0, colour=1.0, sharpen=0.3)
    assert made.again is not None
    first, second = list(made.frames), list(made.again())
    assert len(first) == 30
    assert all((a == b).all() for a, b in zip(first, second, strict=True))


def test_what_cannot_be_read_again_stays_so(context: Context) -> None:
    given = replace(stream(pan(CHELSEA, 2)), again=None)
    assert Enhance()(given, Settings(enhance=EnhanceSettings(scale=2.0)), context).again is None


def test_a_network_enlarges_and_is_named_in_a_notice(tmp_path: Path) -> None:
    notices: list[Notice] = []
    context = Context(seed=1, threads=2, work_dir=tmp_path, notify=notices.append)
    path = build_compact(tmp_path / "tiny.safetensors")
    film = pan(CHELSEA, 3)
    made = enhance(film, context, model=str(path), scale=3.0)
    plain = [enlarge(frame, 720, 480) for frame in film]
    for frame, other in zip(made.frames, plain, strict=True):
        assert frame.shape == (480, 720, 3)
        assert 0.1 < np.abs(frame.astype(int) - other).mean() < 30.0
    assert [notice.message for notice in notices] == [
        "Frames pass tiny.safetensors, which enlarges 2 times, on the processor."
    ]


def test_weights_that_are_not_there_are_known_before_a_frame_is_made(context: Context) -> None:
    read: list[Frame] = []
    given = replace(stream([]), frames=map(read.append, pan(CHELSEA, 2)), count=2)  # type: ignore[arg-type]
    with pytest.raises(InvalidSetting, match=r"there is no file missing\.pth"):
        Enhance()(given, Settings(enhance=EnhanceSettings(model="missing.pth", scale=2.0)), context)
    assert read == []


def test_stop_stops_it(tmp_path: Path) -> None:
    made: list[Frame] = []
    context = Context(seed=1, threads=2, work_dir=tmp_path, is_cancelled=lambda: len(made) == 3)
    with pytest.raises(Cancelled):
        made.extend(enhance(pan(CHELSEA, 10), context, sharpen=1.0).frames)
    assert len(made) == 3


def test_closing_it_early_closes_its_source(context: Context) -> None:
    closed = []

    def source() -> Iterator[Frame]:
        try:
            yield from pan(CHELSEA, 20)
        finally:
            closed.append(True)

    made = Enhance()(
        replace(stream([]), frames=source(), count=20), Settings(enhance=EnhanceSettings(scale=2.0)), context
    )
    next(made.frames)
    made.frames.close()  # type: ignore[attr-defined]
    assert closed == [True]


def test_the_number_of_threads_changes_nothing(context: Context) -> None:
    film = lit(pan(COFFEE, 16), lambda k: (0.95 if k % 2 else 0.85,))
    asked = {"deflicker": 1.0, "scale": 1.5, "sharpen": 0.4}
    results = [list(enhance(film, replace(context, threads=threads), **asked).frames) for threads in (1, 4)]
    assert all((a == b).all() for a, b in zip(*results, strict=True))


def test_a_model_alone_cleans_frames_at_their_size(tmp_path: Path, context: Context) -> None:
    path = build_compact(tmp_path / "tiny.pth")
    film = pan(CHELSEA, 2)
    made = enhance(film, context, model=str(path))
    assert (made.width, made.height) == SIZE
    assert any((a != b).any() for a, b in zip(made.frames, film, strict=True))
