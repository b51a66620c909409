"""A driving video at the times of another film, and every reason why a file cannot be one."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.control import at_any_times, back_and_forth, clip_times, is_rendered, open_driving
from pipeline.control.driving import LARGEST_FILE, fitted
from pipeline.errors import InvalidInput
from pipeline.frames import Frame
from pipeline.settings import PrepareSettings
from tests.pipeline.control.films import HEIGHT, SPEED, WIDTH, ball, figure, film, place_of_ball

SIZE = (WIDTH, HEIGHT)
seconds = st.fractions(0, 100, max_denominator=1000)


def unsaid(message: str, _level: str) -> None:
    raise AssertionError(message)


@pytest.fixture(scope="module")
def rolling(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("films") / "ball.mp4", ball, 26)


@pytest.mark.parametrize("fps", [8, 16, Fraction(30000, 1001)])
@pytest.mark.parametrize("start", [0.0, 0.33])
def test_frame_k_shows_the_driving_video_k_frames_later(rolling: Path, fps: Fraction | int, start: float) -> None:
    times = clip_times(5, 5, Fraction(fps), start)
    frames = list(open_driving(rolling, PrepareSettings()).frames_at(times, SIZE, False, unsaid, 1))
    assert [time - times[0] for time in times] == [k / Fraction(fps) for k in range(5)]
    places = [place_of_ball(frame) for frame in frames]
    assert places == pytest.approx([24 + SPEED * float(time) for time in times], abs=0.4)


def test_fewer_frames_stand_for_the_same_time() -> None:
    times = clip_times(5, 17, Fraction(16), 2.0)
    assert times == [2, Fraction(9, 4), Fraction(5, 2), Fraction(11, 4), 3]
    assert clip_times(1, 1, Fraction(16), 0.0) == [0]


def test_drawn_lines_are_never_blended(tmp_path: Path) -> None:
    path = film(tmp_path / "figure.mp4", figure, 12, fps=12)
    driving = open_driving(path, PrepareSettings())
    own = list(driving.frames_at([Fraction(k, 12) for k in range(12)], SIZE, True, unsaid, 1))
    times = clip_times(9, 9, Fraction(10), 0.0)
    shown = list(driving.frames_at(times, SIZE, True, unsaid, 1))
    for time, frame in zip(times, shown, strict=True):
        nearest = min(range(12), key=lambda k: abs(Fraction(k, 12) - time))
        assert np.array_equal(frame, own[nearest])


def test_after_its_end_the_last_frame_is_held(rolling: Path) -> None:
    driving = open_driving(rolling, PrepareSettings())
    assert driving.last == 1
    first, late = driving.frames_at([Fraction(1), Fraction(9)], SIZE, False, unsaid, 1)
    assert np.array_equal(first, late)


@given(seconds, seconds, st.fractions(Fraction(1, 25), 20, max_denominator=1000))
def test_back_and_forth_is_steady_and_stays_inside(one: Fraction, other: Fraction, last: Fraction) -> None:
    shown = back_and_forth(one, last)
    assert 0 <= shown <= last
    assert shown == back_and_forth(one + 2 * last, last)
    assert abs(shown - back_and_forth(other, last)) <= abs(one - other)
    if one <= last:
        assert shown == one


def test_a_time_that_comes_twice_is_read_once(rolling: Path) -> None:
    driving = open_driving(rolling, PrepareSettings())
    asked: list[Fraction] = []
    times = [back_and_forth(Fraction(k, 4), Fraction(1, 2)) for k in range(6)]

    def read(ascending: Sequence[Fraction]) -> Iterator[Frame]:
        asked.extend(ascending)
        return driving.frames_at(ascending, SIZE, False, unsaid, 1)

    places = [place_of_ball(frame) for frame in at_any_times(times, read)]
    assert asked == [0, Fraction(1, 4), Fraction(1, 2)]
    assert places == pytest.approx([24, 44, 64, 44, 24, 44], abs=0.4)


@given(st.integers(16, 90), st.integers(16, 90), st.integers(16, 90), st.integers(16, 90))
@settings(max_examples=60)
def test_a_frame_is_cut_to_shape_from_its_middle_and_never_stretched(
    width: int, height: int, new_width: int, new_height: int
) -> None:
    frame = np.zeros((height, width, 3), np.uint8)
    frame[..., 0] = np.linspace(0, 250, width)
    frame[..., 1] = np.linspace(0, 250, height)[:, None]
    made = fitted(frame, (new_width, new_height)).astype(float)
    assert made.shape == (new_height, new_width, 3)
    scale = min(width / new_width, height / new_height)
    for channel, axis, side in ((0, 1, width), (1, 0, height)):
        line = made[..., channel].mean(axis=1 - axis)
        assert line.mean() == pytest.approx(125, abs=250 / side + 2)  # the middle stays in the middle
        expected, slope = scale * 250 / (side - 1), np.polyfit(range(len(line)), line, 1)[0]
        # Levels are whole, and half a pixel of the frame is level at each end: two levels over the line.
        assert slope == pytest.approx(expected, abs=0.06 * expected + 2 / len(line))


def test_a_circle_stays_round(tmp_path: Path) -> None:
    path = film(tmp_path / "ball.mp4", ball, 3)
    (frame,) = open_driving(path, PrepareSettings()).frames_at([Fraction(0)], (64, 96), False, unsaid, 1)
    assert frame.shape == (96, 64, 3)
    whole = fitted(ball(0.5), (80, 48))
    _, bright = cv2.threshold(whole[..., 0], 130, 1, cv2.THRESH_BINARY)
    assert np.ptp(np.flatnonzero(bright.any(axis=0))) == pytest.approx(
        np.ptp(np.flatnonzero(bright.any(axis=1))), abs=1
    )


def test_a_file_that_is_no_driving_video_is_one_sentence(tmp_path: Path) -> None:
    text, empty, still = tmp_path / "notes.mp4", tmp_path / "empty.mp4", tmp_path / "still.png"
    text.write_text("no video at all\n" * 20)
    empty.touch()
    cv2.imwrite(str(still), ball(0.0))
    single, large, huge = film(tmp_path / "single.mp4", ball, 1), tmp_path / "large.mp4", tmp_path / "huge.mp4"
    film(huge, lambda _: np.full((800, 1400, 3), 90, np.uint8), 2)
    with large.open("wb") as file:
        file.truncate(LARGEST_FILE + 100_000_000)
    expected = {
        tmp_path / "absent.mp4": "there is no file",
        tmp_path: "there is no file",
        text: "cannot be read as a video",
        empty: "empty.mp4",
        still: "still.png is a still: give a video",
        single: "holds a single frame",
        large: "has 4.1 GB, and 4 GB are the most",
        huge: "has frames of 1.1 megapixels, and 1 are the most",
    }
    for path, words in expected.items():
        with pytest.raises(InvalidInput) as caught:
            open_driving(path, PrepareSettings(max_megapixels=1))
        assert words in str(caught.value), path
        assert str(caught.value).count("\n") == 0


def test_a_cut_off_file_shows_what_it_holds_and_says_so(tmp_path: Path) -> None:
    whole = film(tmp_path / "ball.mp4", ball, 50)
    short = tmp_path / "short.mp4"
    short.write_bytes(whole.read_bytes()[: whole.stat().st_size * 3 // 4])
    said: list[str] = []
    driving = open_driving(short, PrepareSettings())
    frames = list(driving.frames_at([Fraction(0), driving.last], SIZE, False, lambda text, _: said.append(text), 1))
    assert len(frames) == 2
    assert said


@pytest.mark.parametrize(("draw", "drawn"), [(figure, True), (ball, False), (lambda _: ball(0.0) * 0, False)])
def test_drawn_figures_are_told_from_footage(tmp_path: Path, draw: Callable[[float], Frame], drawn: bool) -> None:
    path = film(tmp_path / "film.mp4", draw, 10)
    assert is_rendered(open_driving(path, PrepareSettings()).glance()) == drawn
