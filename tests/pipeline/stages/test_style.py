"""The stage `style`: films in a style, from the outside."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from pipeline.context import Context
from pipeline.errors import Cancelled, InvalidImage, InvalidSetting
from pipeline.frames import Frame, FrameStream
from pipeline.settings import Settings
from pipeline.stages.style import Style
from pipeline.style_settings import StyleSettings
from tests.photos import ASTRONAUT, CHELSEA, COFFEE, ROCKET, photo


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A style picture: the photo of a cup of coffee."""
    path = tmp_path_factory.mktemp("style") / "coffee.png"
    Image.fromarray(photo(COFFEE)).save(path)
    return path


def pan(name: str, count: int, size: tuple[int, int] = (256, 144)) -> list[Frame]:
    """A camera that goes over a photo by 1.7 pixels to the right and 0.6 down a frame."""
    frames = []
    for index in range(count):
        matrix = np.array([[1, 0, -40 - 1.7 * index], [0, 1, -40 - 0.6 * index]])
        frames.append(np.asarray(cv2.warpAffine(photo(name), matrix, size, flags=cv2.INTER_CUBIC), np.uint8))
    return frames


def film(frames: list[Frame]) -> FrameStream:
    height, width = frames[0].shape[:2]
    return FrameStream(iter(frames), width, height, Fraction(24), len(frames), lambda: iter(frames), frozenset({0}))


def context(stop: bool = False) -> Context:
    return Context(1, 2, Path(), is_cancelled=lambda: stop)


def styled(frames: list[Frame], settings: StyleSettings) -> FrameStream:
    return Style()(film(frames), Settings(style=settings), context())


def painted(frames: list[Frame], settings: StyleSettings) -> list[Frame]:
    return list(styled(frames, settings).frames)


def mean_difference(one: Frame, other: Frame) -> float:
    return float(np.abs(one.astype(float) - other).mean())


def unsteadiness(frames: list[Frame]) -> float:
    """Mean difference, in 8-bit levels, between each frame of a pan and the one before moved by what is known of it."""
    matrix = np.array([[1, 0, -1.7], [0, 1, -0.6]])
    size = frames[0].shape[1], frames[0].shape[0]
    moved = [np.asarray(cv2.warpAffine(frame, matrix, size, flags=cv2.INTER_CUBIC), np.uint8) for frame in frames]
    pairs = zip(moved, frames[1:], strict=False)
    return float(np.mean([mean_difference(one[8:-8, 8:-8], other[8:-8, 8:-8]) for one, other in pairs]))


@pytest.mark.parametrize("settings", [StyleSettings(), StyleSettings(name="oil", strength=0.0)])
def test_without_a_style_every_frame_stays_byte_for_byte(settings: StyleSettings) -> None:
    frames = pan(CHELSEA, 2)
    stream = film(frames)
    assert Style()(stream, Settings(style=settings), context()) is stream


def test_the_stream_keeps_what_it_was_and_can_be_made_again() -> None:
    frames = pan(CHELSEA, 3)
    stream = styled(frames, StyleSettings(name="oil"))
    assert (stream.width, stream.height, stream.fps, stream.count) == (256, 144, Fraction(24), 3)
    assert stream.keyframes == {0}
    assert stream.again is not None
    assert all(map(np.array_equal, stream.frames, stream.again()))


def test_the_way_is_told_by_name_or_picture(picture: Path) -> None:
    named = Style().way(Settings(style=StyleSettings(name="oil")))
    assert named.method == "oil"
    assert "'coffee.png'" in Style().way(Settings(style=StyleSettings(image=picture))).reason


def test_strength_leads_evenly_from_the_frame_to_its_style() -> None:
    frames = pan(CHELSEA, 1)
    whole = painted(frames, StyleSettings(name="watercolour"))[0].astype(float)
    for strength in (0.25, 0.5, 0.75):
        part = painted(frames, StyleSettings(name="watercolour", strength=strength))[0]
        assert np.abs(part - ((1 - strength) * frames[0] + strength * whole)).max() <= 1


def test_a_picture_lends_its_colours(picture: Path) -> None:
    frames = pan(CHELSEA, 1)
    made = styled(frames, StyleSettings(image=picture))
    frame = next(made.frames)
    wanted = photo(COFFEE).mean(axis=(0, 1))
    assert np.abs(frame.mean(axis=(0, 1)) - wanted).max() < 12
    assert np.abs(frame.std(axis=(0, 1)) - photo(COFFEE).std(axis=(0, 1))).max() < 20


def test_a_picture_in_its_own_style_is_nearly_itself(picture: Path) -> None:
    frame = photo(COFFEE)
    assert mean_difference(painted([frame], StyleSettings(image=picture))[0], frame) < 4.5


def test_a_grey_picture_makes_a_grey_film(tmp_path: Path) -> None:
    Image.fromarray(photo(ROCKET)).convert("L").save(tmp_path / "grey.png")
    frame = painted(pan(ASTRONAUT, 1), StyleSettings(image=tmp_path / "grey.png"))[0].astype(int)
    assert int((frame.max(axis=2) - frame.min(axis=2)).max()) <= 2


@pytest.mark.parametrize("name", ["oil", "pencil", "watercolour"])
def test_named_styles_are_steady_over_a_pan(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = pan(ASTRONAUT, 6)
    with_motion = unsteadiness(painted(frames, StyleSettings(name=name)))
    monkeypatch.setattr("pipeline.style.weave.Anchors._advance", lambda *_: None)
    assert with_motion < 0.6 * unsteadiness(painted(frames, StyleSettings(name=name)))


def test_a_pictures_style_is_steady_over_a_pan(picture: Path) -> None:
    frames = pan(ASTRONAUT, 8)
    assert unsteadiness(painted(frames, StyleSettings(image=picture))) < unsteadiness(frames) + 1.5


def test_a_still_film_stays_still(picture: Path) -> None:
    frames = [pan(ASTRONAUT, 1)[0]] * 14
    for settings in (StyleSettings(name="oil"), StyleSettings(image=picture)):
        made = painted(frames, settings)
        assert all(np.array_equal(made[0], frame) for frame in made)


def test_a_cut_starts_with_the_colours_of_its_own_shot(picture: Path) -> None:
    shots = pan(ASTRONAUT, 3) + pan(ROCKET, 2)
    alone = painted(pan(ROCKET, 2), StyleSettings(image=picture))
    assert all(map(np.array_equal, painted(shots, StyleSettings(image=picture))[3:], alone))


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (33, 2), (17, 19)])
def test_any_size_will_do(size: tuple[int, int], picture: Path) -> None:
    frames = [np.full((size[1], size[0], 3), (200, 60, 20 * index), np.uint8) for index in range(3)]
    for settings in (StyleSettings(name="oil"), StyleSettings(name="ink"), StyleSettings(image=picture)):
        assert [frame.shape for frame in painted(frames, settings)] == [frame.shape for frame in frames]


def test_frames_are_read_only_as_far_as_they_are_made() -> None:
    read = []

    def endless() -> Iterator[Frame]:
        while True:
            read.append(1)
            yield np.full((40, 60, 3), 120, np.uint8)

    made = Style()(
        FrameStream(endless(), 60, 40, Fraction(24), 10_000), Settings(style=StyleSettings(name="ink")), context()
    )
    for _ in range(3):
        next(made.frames)
    made.frames.close()  # type: ignore[attr-defined]
    assert len(read) <= 8


def test_what_is_wrong_is_said_before_any_frame_is_made(tmp_path: Path) -> None:
    frames = pan(CHELSEA, 1)
    with pytest.raises(InvalidSetting, match="did you mean 'pencil'"):
        styled(frames, StyleSettings(name="pencl"))
    with pytest.raises(InvalidImage, match="There is no file"):
        styled(frames, StyleSettings(image=tmp_path / "gone.png"))
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(InvalidImage):
        styled(frames, StyleSettings(image=tmp_path / "text.png"))
    with pytest.raises(ValueError, match="a name or an image, but both are given"):
        StyleSettings(name="oil", image=tmp_path / "gone.png")


def test_stop_ends_it() -> None:
    stream = Style()(film(pan(CHELSEA, 2)), Settings(style=StyleSettings(name="ink")), context(stop=True))
    with pytest.raises(Cancelled):
        next(stream.frames)
