"""What is taken from a driving video, by which model, and what is said of it."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.catalogue import get_card
from pipeline.context import Context
from pipeline.control import canny_clip, grey_clip, open_driving
from pipeline.engines.diffusion.driving import control_maps, settled
from pipeline.errors import Cancelled, InvalidInput, ModelMissing
from pipeline.records import Notice
from pipeline.settings import PrepareSettings, Settings, make_settings
from tests.conftest import TinyModels
from tests.pipeline.control.films import HEIGHT, WIDTH, ball, figure, film, place_of_ball

NAME, DEPTH = "wan2.1-vace-1.3b", "depth-anything-v2-small"
SIZE = (WIDTH, HEIGHT)


@pytest.fixture(scope="module")
def rolling(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of a ball that rolls."""
    return film(tmp_path_factory.mktemp("films") / "ball.mp4", ball, 26)


def asked(video: Path, models: Path, **changes: Any) -> Settings:
    """Nine frames at 16 a second, driven by a video."""
    return make_settings(
        {
            "animate": {"engine": NAME, "num_frames": 9, "control": {"video": video, **changes}},
            "runtime": {"models_dir": models, "offline": True, "device": "cpu", "keep_model": False},
        }
    )


def told(folder: Path) -> tuple[Context, list[Notice]]:
    notices: list[Notice] = []
    return Context(seed=1, threads=1, work_dir=folder, notify=notices.append), notices


def test_auto_takes_edges_where_no_model_sees_depth(rolling: Path, tmp_path: Path) -> None:
    context, notices = told(tmp_path)
    settings = settled(asked(rolling, tmp_path), get_card(NAME), context)
    assert (settings.animate.control.kind, settings.animate.control.depth_model) == ("canny", "none")
    assert "auto became canny: no model that sees depth" in notices[0].message
    assert settled(settings, get_card(NAME), context) == settings
    assert len(notices) == 1


def test_auto_takes_drawn_figures_as_given(tmp_path: Path) -> None:
    context, notices = told(tmp_path)
    path = film(tmp_path / "figure.mp4", figure, 26)
    settings = settled(asked(path, tmp_path), get_card(NAME), context)
    assert settings.animate.control.kind == "as_given"
    assert "figures on black" in notices[0].message
    maps = control_maps(settings, SIZE, 9, context)
    own = list(
        open_driving(path, PrepareSettings()).frames_at([Fraction(k, 25) for k in range(26)], SIZE, True, print, 1)
    )
    assert maps is not None
    assert [next(n for n, each in enumerate(own) if np.array_equal(each, one)) for one in maps[:4]] == [0, 2, 3, 5]


def test_auto_takes_depth_where_a_model_sees_it(rolling: Path, tmp_path: Path, tiny_models: TinyModels) -> None:
    context, notices = told(tmp_path)
    settings = settled(asked(rolling, tiny_models(DEPTH)), get_card(NAME), context)
    assert (settings.animate.control.kind, settings.animate.control.depth_model) == ("depth", DEPTH)
    maps = control_maps(settings, SIZE, 3, context)
    assert maps is not None
    film = np.stack(maps)
    assert film.shape == (3, HEIGHT, WIDTH, 3)
    assert (film[..., 0] == film[..., 2]).all()
    assert np.ptp(film) > 200
    assert "that Depth Anything V2 small sees in the driving video" in notices[-1].message


def test_a_model_of_depth_that_is_named_must_be_here(rolling: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=f"models download {DEPTH}"):
        settled(asked(rolling, tmp_path, kind="depth", depth_model=DEPTH), get_card(NAME), told(tmp_path)[0])


def test_without_a_model_depth_is_an_estimate_and_it_is_said(rolling: Path, tmp_path: Path) -> None:
    context, notices = told(tmp_path)
    settings = settled(asked(rolling, tmp_path, kind="depth"), get_card(NAME), context)
    maps = control_maps(settings, SIZE, 4, context)
    assert maps is not None
    assert (notices[-1].level, notices[-1].setting) == ("warning", "animate.control.kind")
    assert "is estimated, foreground and ground only" in notices[-1].message
    plain = film(tmp_path / "plain.mp4", lambda _: np.full((96, 160, 3), 120, np.uint8), 3)
    with pytest.raises(InvalidInput, match="choose canny, or get a model"):
        control_maps(asked(plain, tmp_path, kind="depth", depth_model="none"), SIZE, 3, context)


def test_map_k_is_of_the_moment_of_frame_k(rolling: Path, tmp_path: Path) -> None:
    context, notices = told(tmp_path)
    settings = asked(rolling, tmp_path, kind="grey", start=0.25)
    maps = control_maps(settings, SIZE, 9, context)
    half = control_maps(settings, SIZE, 5, context)
    assert maps is not None
    assert half is not None
    expected = [24 + 80 * (0.25 + number / 16) for number in range(9)]
    assert [place_of_ball(each) for each in maps] == pytest.approx(expected, abs=0.4)
    assert [place_of_ball(each) for each in half] == pytest.approx(expected[::2], abs=0.4)
    assert {notice.message for notice in notices} == {"The motion is guided by the grey levels of the driving video."}


def test_each_kind_is_what_it_says(rolling: Path, tmp_path: Path) -> None:
    context = told(tmp_path)[0]
    made = {
        kind: control_maps(asked(rolling, tmp_path, kind=kind), SIZE, 3, context)
        for kind in ("as_given", "pose", "canny", "grey", "flow")
    }
    assert all(each is not None and len(each) == 3 for each in made.values())
    given = list(made["as_given"] or ())
    assert np.array_equal(given, made["pose"] or ())
    frames = list(
        open_driving(rolling, PrepareSettings()).frames_at([Fraction(k, 4) for k in range(3)], SIZE, False, print, 1)
    )
    assert np.array_equal(made["canny"] or (), canny_clip(frames))
    assert np.array_equal(made["grey"] or (), grey_clip(frames))


def test_a_video_that_ends_too_soon_runs_back_and_forth_and_it_is_said(rolling: Path, tmp_path: Path) -> None:
    context, notices = told(tmp_path)
    maps = control_maps(asked(rolling, tmp_path, kind="grey", start=0.75), SIZE, 9, context)
    assert maps is not None
    places = [place_of_ball(each) for each in maps]
    assert places == pytest.approx([84, 89, 94, 99, 104, 99, 94, 89, 84], abs=0.4)
    assert notices[0].level == "warning"
    assert "ends after 1.00 s, and 0.75 to 1.25 s of it are asked for: it runs back and forth" in notices[0].message


def test_it_is_said_how_much_is_cut_off(rolling: Path, tmp_path: Path) -> None:
    context, notices = told(tmp_path)
    maps = control_maps(asked(rolling, tmp_path, kind="grey"), (48, 96), 2, context)
    assert maps is not None
    assert maps[0].shape == (96, 48, 3)
    assert "is cut to the shape of 48 x 96 around its middle: 70% of it is not seen" in notices[0].message


def test_it_can_be_stopped_while_it_is_read(rolling: Path, tmp_path: Path) -> None:
    context = Context(seed=1, threads=1, work_dir=tmp_path, is_cancelled=lambda: True)
    with pytest.raises(Cancelled):
        control_maps(asked(rolling, tmp_path, kind="canny"), SIZE, 9, context)


def test_nothing_happens_without_a_video_or_for_a_model_that_takes_none(rolling: Path, tmp_path: Path) -> None:
    context, notices = told(tmp_path)
    without = make_settings({"animate": {"engine": NAME}})
    assert settled(without, get_card(NAME), context) == without
    assert control_maps(without, SIZE, 9, context) is None
    settings = asked(rolling, tmp_path)
    assert settled(settings, get_card("wan2.1-i2v-14b-480p"), context) == settings
    assert not notices
