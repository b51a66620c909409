"""The stage `style` with a model: what it paints, finds again and tells; and that it never fails for lack of one."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from pipeline.catalogue import merge
from pipeline.context import Context, Glimpse, Progress, Settled, StageFact
from pipeline.engines.stable_diffusion import pace, painting
from pipeline.engines.stable_diffusion.painter import Brush
from pipeline.errors import Cancelled, InvalidSetting
from pipeline.frames import Frame, FrameStream
from pipeline.models.resident import RESIDENT
from pipeline.records import DowngradeRecord, Notice
from pipeline.run import execute, submit
from pipeline.settings import Settings, make_settings
from pipeline.stages.style import Style
from tests.conftest import TinyModels
from tests.networks import untouched
from tests.photos import CHELSEA, COFFEE, ROCKET, photo

COUNT = 7
"""Frames of the film: with a key frame every third there are three of those."""


def pan() -> list[Frame]:
    """A camera that goes over a photo by a pixel a frame."""
    matrices = (np.array([[1, 0, -40.0 - index], [0, 1, -40.0]]) for index in range(COUNT))
    return [np.asarray(cv2.warpAffine(photo(CHELSEA), matrix, (96, 64)), np.uint8) for matrix in matrices]


@dataclass
class Told:
    """What a run said and showed."""

    facts: list[Any] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    shown: list[Any] = field(default_factory=list)
    progress: list[Progress] = field(default_factory=list)

    @property
    def last(self) -> StageFact:
        found = [fact for fact in self.facts if isinstance(fact, StageFact)]
        return found[-1]

    @property
    def settled(self) -> Settings:
        return next(fact.settings for fact in self.facts if isinstance(fact, Settled))


@dataclass
class Stage:
    """The stage over tiny models, with what its last run told."""

    outputs: Path
    models: Path
    told: Told = field(default_factory=Told)

    def settings(self, style: dict[str, Any], **sections: dict[str, Any]) -> Settings:
        own = {
            "style": {"model": "sd-1.5", "prompt": "a cat", "every": 3, "num_inference_steps": 4, "control": "none"},
            "runtime": {"models_dir": self.models, "device": "cpu"},
        }
        return make_settings(merge(own, {"style": style, **sections}))

    def __call__(
        self, *, frames: list[Frame] | None = None, stop_at: int | None = None, runtime: Any = None, **style: Any
    ) -> list[Frame]:
        self.told = told = Told()
        frames = pan() if frames is None else frames
        context = Context(
            seed=3,
            threads=1,
            work_dir=self.outputs,
            outputs=self.outputs,
            report=told.progress.append,
            notify=told.notices.append,
            show=told.shown.append,
            keep=told.facts.append,
            is_cancelled=lambda: stop_at is not None and len(told.progress) >= stop_at,
        )
        stream = FrameStream(iter(frames), 96, 64, Fraction(24), len(frames), lambda: iter(frames))
        return list(Style()(stream, self.settings(style, runtime=runtime or {}), context).frames)

    @property
    def files(self) -> set[str]:
        return {f"keyframes/{path.name}" for path in self.outputs.glob("keyframes/*")}


@pytest.fixture(scope="module", autouse=True)
def nothing_resident() -> Iterator[None]:
    """The model is loaded once for this module, and leaves memory with it."""
    yield
    RESIDENT.release()


@pytest.fixture
def stage(outputs: Path, tiny_models: TinyModels) -> Stage:
    return Stage(outputs, tiny_models("sd-1.5", "canny-sd-1.5", "ip-adapter-sd-1.5", "ip-adapter-sdxl"))


@pytest.fixture
def bare(outputs: Path, tmp_path: Path) -> Stage:
    """On a machine without any model."""
    (tmp_path / "no models").mkdir()
    return Stage(outputs, tmp_path / "no models")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """The picture of a style."""
    Image.fromarray(photo(COFFEE)).save(tmp_path / "coffee.png")
    return tmp_path / "coffee.png"


def same(one: list[Frame], other: list[Frame]) -> bool:
    return all(np.array_equal(*pair) for pair in zip(one, other, strict=True))


# --- painting ---------------------------------------------------------------------------------------------------------


def test_key_frames_are_painted_over_the_style_and_told(stage: Stage) -> None:
    plain = stage(model="none", name="oil")
    made = stage(name="oil")
    assert [frame.shape for frame in made] == [(64, 96, 3)] * COUNT
    assert not any(map(np.array_equal, made, plain))
    fact = stage.told.last
    assert fact.stage == "style"
    assert fact.way.method == "sd-1.5"
    assert fact.way.reason == (
        "Stable Diffusion 1.5 painted 3 key frames; the frames between them follow the motion of the film."
    )
    assert fact.artifacts["words"] == "a cat, an oil painting on canvas, thick visible brush strokes"
    assert set(fact.artifacts["key_frames"]) == stage.files
    for number, file in zip((0, 3, 6), fact.artifacts["key_frames"], strict=True):
        assert np.array_equal(np.array(Image.open(stage.outputs / file)), made[number])
        # What is painted keeps the tone of the ground.
        assert np.abs(made[number].mean((0, 1)) - plain[number].mean((0, 1))).max() < 8.0
    assert [notice for notice in stage.told.notices if notice.level == "warning"] == []


def test_strength_leads_from_the_film_to_its_painting(stage: Stage) -> None:
    frames, whole = pan(), stage()
    for frame, painted, half in zip(frames, whole, stage(strength=0.5), strict=True):
        assert np.abs(half - (0.5 * frame + 0.5 * painted)).max() <= 1
    assert same(stage(strength=0.0), frames)


def test_progress_counts_the_steps_of_all_key_frames_and_ends_full(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "GLIMPSE_SECONDS", 0.0)
    stage()
    steps = [each for each in stage.told.progress if each.phase.startswith("painting")]
    assert {each.stage for each in stage.told.progress} == {"style"}
    assert [each.done for each in steps] == sorted(each.done for each in steps)
    assert steps[-1].done == steps[-1].total
    assert {each.phase for each in steps} == {f"painting key frame {number} of 3" for number in (1, 2, 3)}
    assert all(isinstance(each, Glimpse) for each in stage.told.shown)
    assert stage.told.shown


def test_the_settings_name_what_paints_for_auto_may_mean_others_another_day(stage: Stage, picture: Path) -> None:
    stage(model="auto", control="auto", image=str(picture))
    used = stage.told.settled.style
    assert (used.model, used.control, used.adapter) == ("sd-1.5", "canny-sd-1.5", "ip-adapter-sd-1.5")
    assert "with the edges held by ControlNet canny" in stage.told.last.way.reason
    assert stage.told.last.artifacts["with"] == ["canny-sd-1.5", "ip-adapter-sd-1.5"]


def test_the_picture_is_shown_to_the_model_which_stays_untouched(stage: Stage, picture: Path) -> None:
    plain = stage(image=str(picture), adapter="none")
    with untouched(RESIDENT.model.unet):
        made = stage(image=str(picture), adapter_scale=1.0)
        assert "shown the style's picture by IP-Adapter" in stage.told.last.way.reason
        assert not same(made, plain)
        faint = stage(image=str(picture), adapter_scale=0.0)
    assert RESIDENT.model.feature_extractor is None
    assert np.abs(np.subtract(faint[0], plain[0], dtype=float)).max() <= 1
    assert len(stage.files) == 9


def test_a_run_tells_it_in_its_record(stage: Stage, tmp_path: Path) -> None:
    Image.fromarray(photo(ROCKET)).save(tmp_path / "rocket.png")
    images = (tmp_path / "rocket.png",)
    sizes: dict[str, Any] = {
        "prepare": {"width": 96, "height": 64},
        "animate": {"num_frames": 5},
        "enhance": {"sharpen": 0.2},
    }
    settings = stage.settings({"name": "ink", "model": "auto"}, **sizes)
    record = execute(submit(images, settings, stage.outputs), images, stage.outputs)
    assert record.error is None
    entry = next(entry for entry in record.stages if entry.name == "style")
    assert entry.method == "sd-1.5"
    assert "painted 3 key frames" in (entry.reason or "")
    assert set(entry.artifacts["key_frames"]) == stage.files
    assert record.used is not None
    assert record.used.style.model == "sd-1.5"
    assert record.model is None  # it made no frames
    assert "diffusers" in record.environment.packages


# --- found again ------------------------------------------------------------------------------------------------------


def test_a_second_run_paints_nothing_anew(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    first = stage()
    RESIDENT.release()
    monkeypatch.setattr(painting, "load", lambda *_: pytest.fail("nothing is to be loaded"))
    assert same(stage(), first)
    assert "painted 3 key frames, 3 of them in an earlier run;" in stage.told.last.way.reason


def test_what_a_stopped_run_has_painted_is_used_again(stage: Stage) -> None:
    whole = stage()
    shutil.rmtree(stage.outputs / "keyframes")
    with pytest.raises(Cancelled):
        stage(stop_at=12)
    assert 0 < len(stage.files) < 3
    assert same(stage(), whole)
    assert " of them in an earlier run" in stage.told.last.way.reason


# --- without a model --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["auto", "sd-1.5"])
def test_without_weights_the_style_is_laid_over_without_them_and_it_is_said(bare: Stage, model: str) -> None:
    made = bare(model=model, name="pencil")
    assert same(made, bare(model="none", name="pencil"))
    bare(model=model, name="pencil")
    (notice,) = bare.told.notices
    assert notice.level == "warning"
    assert "models download sd-1.5" in notice.message
    assert bare.told.last.way.method == "pencil"
    assert notice.message in bare.told.last.way.reason


def test_with_words_alone_and_no_weights_the_film_stays(bare: Stage) -> None:
    assert same(bare(model="auto"), pan())
    assert len(bare.told.notices) == 1


@pytest.mark.allow_errors
def test_with_damaged_weights_too(stage: Stage, tmp_path: Path) -> None:
    shutil.copytree(stage.models / "sd-1.5", tmp_path / "damaged" / "sd-1.5")
    for path in (tmp_path / "damaged").rglob("unet/*.safetensors"):
        path.write_bytes(path.read_bytes()[:-400])
    RESIDENT.release()
    damaged = Stage(stage.outputs, tmp_path / "damaged")
    assert same(damaged(name="ink"), stage(model="none", name="ink"))
    (notice,) = damaged.told.notices
    assert "are incomplete or damaged" in notice.message
    assert notice.message.endswith("The style is laid over without a model.")
    assert damaged.told.last.way.method == "ink"
    assert "are incomplete or damaged" in damaged.told.last.way.reason


def test_with_a_damaged_adapter_too(stage: Stage, picture: Path, tmp_path: Path) -> None:
    for name in ("sd-1.5", "ip-adapter-sd-1.5"):
        shutil.copytree(stage.models / name, tmp_path / "damaged" / name)
    weights = tmp_path / "damaged" / "ip-adapter-sd-1.5" / "models" / "ip-adapter_sd15.safetensors"
    shutil.copy(stage.models / "ip-adapter-sdxl" / "sdxl_models" / "ip-adapter_sdxl_vit-h.safetensors", weights)
    damaged = Stage(stage.outputs, tmp_path / "damaged")
    assert same(damaged(image=str(picture)), stage(model="none", image=str(picture)))
    assert "The files of ip-adapter-sd-1.5" in damaged.told.notices[0].message


def test_a_failure_half_way_keeps_what_was_painted(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, plain = stage(name="ink"), stage(model="none", name="ink")
    shutil.rmtree(stage.outputs / "keyframes")
    sample, calls = Brush.sample, []

    def failing(*given: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise RuntimeError("something else")
        return sample(*given)

    monkeypatch.setattr(Brush, "sample", failing)
    made = stage(name="ink")
    assert same(made[:4], whole[:4])
    assert np.abs(made[6].astype(float) - plain[6]).mean() < 1.0  # to which it has faded
    assert "painted 2 key frames;" in stage.told.last.way.reason
    assert "failed with an error of its own (RuntimeError)" in stage.told.last.way.reason


def test_on_a_shortage_the_ladder_goes_down_and_painting_goes_on(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    sample, calls = Brush.sample, []

    def short(*given: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise torch.OutOfMemoryError("out of memory")
        return sample(*given)

    monkeypatch.setattr(Brush, "sample", short)
    stage()
    assert [fact.rung for fact in stage.told.facts if isinstance(fact, DowngradeRecord)] == ["guidance-passes"]
    assert "painted 3 key frames;" in stage.told.last.way.reason


# --- what is asked for ------------------------------------------------------------------------------------------------


def test_wrong_names_are_said_before_any_frame_is_made(stage: Stage, picture: Path) -> None:
    with pytest.raises(InvalidSetting, match=r"did you mean 'sd-1\.5'"):
        stage(model="sd-15")
    with pytest.raises(InvalidSetting, match=r"^style.adapter: .* does not fit Stable Diffusion 1.5"):
        stage(image=str(picture), adapter="ip-adapter-sdxl")


def test_so_little_noise_that_nothing_is_painted_is_said(stage: Stage) -> None:
    assert same(stage(name="ink", denoising_strength=0.0), stage(model="none", name="ink"))
    stage(name="ink", denoising_strength=0.0)
    assert "style.denoising_strength is 0: so little" in stage.told.notices[0].message


def test_other_cuts_paint_other_key_frames(stage: Stage) -> None:
    rocket = cv2.resize(photo(ROCKET), (96, 64), interpolation=cv2.INTER_AREA)
    stage(frames=[*pan()[:3], *[np.asarray(rocket, np.uint8)] * 2])
    assert len(stage.told.last.artifacts["key_frames"]) == 4
