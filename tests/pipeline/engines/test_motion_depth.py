"""The embedded engine with a camera in depth: from prompt and settings to frames and what is said."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.context import Context
from pipeline.engines.motion import MotionEngine
from pipeline.engines.motion.prompt import describe_plan, read_prompt
from pipeline.frames import Frame, PreparedImage
from pipeline.records import Notice
from pipeline.settings import Settings, make_settings
from tests.photos import COFFEE, photo

WIDTH, HEIGHT = 192, 128


def still() -> Frame:
    return np.asarray(cv2.resize(photo(COFFEE), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)


def disc() -> NDArray[np.float32]:
    """Near in the middle, far around it."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.asarray((x - WIDTH / 2) ** 2 + (y - HEIGHT / 2) ** 2 < 40**2, np.float32)


def made(tmp_path: Path, prompt: str, image: PreparedImage, **motion: object) -> tuple[list[Frame], list[Notice]]:
    """The frames, and everything that was said."""
    said: list[Notice] = []
    context = Context(seed=3, threads=1, work_dir=tmp_path, notify=said.append)
    masks = [str(tmp_path / "mask.png")] * len(image.masks)
    asked = make_settings(
        {
            "prompt": prompt,
            "prepare": {"masks": masks},
            "animate": {"num_frames": 6, "motion": {"depth_model": "none", **motion}},
            "runtime": {"models_dir": str(tmp_path)},
        }
    )
    settings, notices = MotionEngine().resolve(asked)
    frames = list(MotionEngine().animate(image, settings, context).frames)
    return frames, [*notices, *said]


def sentences(notices: list[Notice]) -> str:
    return " ".join(notice.message for notice in notices)


@pytest.mark.parametrize(
    ("prompt", "orbits"),
    [
        ("orbit around the cup", True),
        ("parallax effect", True),
        ("zoom in with parallax", False),
        ("fly through the forest", False),
        ("push past the foreground", False),
    ],
)
def test_prompts_that_need_depth_ask_for_it(prompt: str, orbits: bool) -> None:
    camera = read_prompt(prompt).plan.camera
    assert camera.parallax == 0.5
    assert camera.orbit is orbits
    again = read_prompt(describe_plan(read_prompt(prompt).plan)).plan.camera
    assert (again.orbit, again.zoom, again.pan_x) == (camera.orbit, camera.zoom, camera.pan_x)


@pytest.mark.parametrize("prompt", ["", "zoom in", "dolly in slowly", "pan left", "waves roll in"])
def test_other_prompts_do_not(prompt: str) -> None:
    assert read_prompt(prompt).plan.camera.parallax == 0.0


def test_a_map_that_is_given_is_used_and_moves_near_things_more(tmp_path: Path) -> None:
    image = still()
    frames, notices = made(tmp_path, "dolly in", PreparedImage(image, image, depth=disc()), depth=tmp_path / "d.png")
    flat, _ = made(tmp_path, "dolly in", PreparedImage(image, image))
    assert "the map given" in sentences(notices)
    assert np.abs(frames[-1].astype(int) - flat[-1]).mean() > 2
    assert np.abs(frames[0].astype(int) - flat[0]).mean() < 1


def test_an_estimate_says_that_it_is_one(tmp_path: Path) -> None:
    image = still()
    _, notices = made(tmp_path, "orbit", PreparedImage(image, image))
    assert "estimated: foreground and ground only" in sentences(notices)


@pytest.mark.parametrize("depth", [None, np.full((HEIGHT, WIDTH), 0.5, np.float32)])
def test_where_there_is_no_depth_the_plain_camera_is_used_and_it_is_said(
    tmp_path: Path, depth: NDArray[np.float32] | None
) -> None:
    image = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    image[:, ::8] = 140
    frames, notices = made(tmp_path, "orbit", PreparedImage(image, image, depth=depth))
    flat, _ = made(tmp_path, "orbit", PreparedImage(image, image), parallax=0.0)
    assert any(notice.level == "warning" and "flat" in notice.message for notice in notices)
    np.testing.assert_array_equal(frames, flat)


def test_a_painted_area_is_what_is_near(tmp_path: Path) -> None:
    image = still()
    mask = (disc() * 255).astype(np.uint8)
    _, notices = made(tmp_path, "", PreparedImage(image, image, (mask,)), parallax=0.5)
    # A painted area alone holds the camera still, and then it drifts as ever.
    assert "drifts" in sentences(notices) or "painted area" in sentences(notices)
    _, notices = made(tmp_path, "orbit", PreparedImage(image, image, (mask,)))
    assert "from the painted area" in sentences(notices)


def test_the_setting_turns_depth_on_and_off(tmp_path: Path) -> None:
    image = still()
    prepared = PreparedImage(image, image, depth=disc())
    on, _ = made(tmp_path, "zoom in", prepared, parallax=0.8)
    off, notices = made(tmp_path, "zoom in with parallax", prepared, parallax=0.0)
    plain, _ = made(tmp_path, "zoom in", PreparedImage(image, image))
    np.testing.assert_array_equal(off, plain)
    assert np.abs(np.asarray(on, int) - plain).mean() > 1
    assert "map" not in sentences(notices)


def test_the_record_repeats_the_run(tmp_path: Path) -> None:
    settings, _ = MotionEngine().resolve(make_settings({"prompt": "orbit", "runtime": {"models_dir": str(tmp_path)}}))
    assert settings.animate.motion.depth_model == "none"
    assert MotionEngine().resolve(settings)[0] == settings
    assert Settings.model_validate_json(settings.model_dump_json()) == settings
