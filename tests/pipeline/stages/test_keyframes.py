"""Key frames are painted, found again and repainted one by one; whatever fails, the others stay, and it is said why."""

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, PNDMScheduler
from PIL import Image
from safetensors.torch import save_file

from pipeline.catalogue import merge
from pipeline.context import Context, Glimpse, Painted, Progress
from pipeline.engines.stable_diffusion import pace, painting
from pipeline.engines.stable_diffusion.gallery import Gallery
from pipeline.engines.stable_diffusion.painter import Brush
from pipeline.errors import Cancelled, InvalidSetting, ModelMissing
from pipeline.frames import Frame
from pipeline.interpolation import enlarge
from pipeline.memory.machine import Machine
from pipeline.models.resident import RESIDENT
from pipeline.records import DowngradeRecord, ForecastRecord, ModelRecord, Notice, PhaseRecord
from pipeline.settings import Settings, make_settings
from pipeline.stages.keyframes import Keyframes, KeyframesInput, PaintedFrames
from tests.conftest import TinyModels
from tests.photos import photo

TIMES = (0.25, 0.5, 0.75)
PROMPTS = ("an astronaut", "somebody", "a cup of coffee")


def dissolve(width: int = 96, height: int = 64) -> list[Frame]:
    """The pictures of a simple morph at `TIMES`."""
    ends = [enlarge(photo(name), width, height).astype(float) for name in ("astronaut", "coffee")]
    return [np.rint((1 - time) * ends[0] + time * ends[1]).astype(np.uint8) for time in TIMES]


@dataclass
class Told:
    """What a run said and showed."""

    facts: list[Any] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    shown: list[Glimpse | Painted] = field(default_factory=list)
    progress: list[Progress] = field(default_factory=list)

    @property
    def painted(self) -> list[Painted]:
        return [each for each in self.shown if isinstance(each, Painted)]

    @property
    def rungs(self) -> list[str]:
        return [fact.rung for fact in self.facts if isinstance(fact, DowngradeRecord)]

    @property
    def phases(self) -> list[tuple[str, str]]:
        return [(fact.name, fact.outcome) for fact in self.facts if isinstance(fact, PhaseRecord)]

    @property
    def warnings(self) -> list[str]:
        return [notice.message for notice in self.notices if notice.level == "warning"]

    def context(self, outputs: Path | None, work_dir: Path, stop_at: int | None = None) -> Context:
        """A context that listens; `stop_at`: Stop is pressed at that report of progress."""
        return Context(
            seed=3,
            threads=1,
            work_dir=work_dir,
            outputs=outputs,
            report=self.progress.append,
            notify=self.notices.append,
            show=self.shown.append,
            keep=self.facts.append,
            is_cancelled=lambda: stop_at is not None and len(self.progress) >= stop_at,
        )


@dataclass
class Stage:
    """The stage over tiny models, with what its last run told."""

    outputs: Path
    models: Path
    told: Told = field(default_factory=Told)

    def settings(self, **sections: dict[str, Any]) -> Settings:
        own = {
            "keyframes": {"model": "sd-1.5", "num_inference_steps": 4, "strength": 0.5},
            "runtime": {"models_dir": self.models, "device": "cpu"},
        }
        return make_settings(merge(own, sections))

    def __call__(
        self,
        prompts: tuple[str, ...] = PROMPTS,
        morphs: list[Frame] | None = None,
        stop_at: int | None = None,
        **sections: dict[str, Any],
    ) -> PaintedFrames:
        self.told = Told()
        context = self.told.context(self.outputs, self.outputs, stop_at)
        value = KeyframesInput(dissolve() if morphs is None else morphs, TIMES, prompts)
        return Keyframes()(value, self.settings(**sections), context)

    @property
    def files(self) -> set[str]:
        return {path.name for path in self.outputs.glob("keyframes/*")}


@pytest.fixture
def stage(outputs: Path, tiny_models: TinyModels) -> Stage:
    return Stage(outputs, tiny_models("sd-1.5", "sdxl", "canny-sd-1.5", "canny-sdxl"))


def same(result: PaintedFrames, other: PaintedFrames) -> list[bool]:
    return [np.array_equal(*pair) for pair in zip(result.frames, other.frames, strict=True)]


# --- painting ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("model", "control"), [("sd-1.5", "none"), ("sdxl", "none"), ("sd-1.5", "auto")])
def test_every_key_frame_is_painted_kept_and_shown(stage: Stage, model: str, control: str) -> None:
    RESIDENT.release()
    result = stage(keyframes={"model": model, "control": control})
    assert result.painted == [True] * 3
    assert [frame.shape for frame in result.frames] == [(64, 96, 3)] * 3
    assert not any(map(np.array_equal, result.frames, dissolve()))
    assert all(
        np.array_equal(np.array(Image.open(stage.outputs / f)), g)
        for f, g in zip(result.files, result.frames, strict=True)
    )
    assert stage.files == {Path(file).name for file in result.files}
    assert result.way.method == model
    assert result.way.reason.startswith("Stable Diffusion")
    assert ("ControlNet canny" in result.way.reason) is (control == "auto")
    assert stage.told.painted == [Painted(n + 1, 3, result.files[n], PROMPTS[n]) for n in range(3)]
    assert stage.told.warnings == []
    assert stage.told.phases == [(name, "done") for name in ["load", "place", "condition", *["sample", "decode"] * 3]]
    kept = [fact for fact in stage.told.facts if isinstance(fact, ModelRecord | ForecastRecord)]
    assert [type(fact) for fact in kept] == [ForecastRecord, ModelRecord]


def test_the_tone_of_the_morph_is_kept(stage: Stage) -> None:
    for frame, morph in zip(stage().frames, dissolve(), strict=True):
        assert np.abs(frame.mean((0, 1)) - morph.mean((0, 1))).max() < 8.0


def test_progress_counts_the_steps_of_all_key_frames_and_ends_full(stage: Stage) -> None:
    RESIDENT.release()
    stage()
    steps = [each for each in stage.told.progress if each.phase.startswith("painting")]
    assert {each.stage for each in stage.told.progress} == {"keyframes"}
    assert [each.done for each in steps] == sorted(each.done for each in steps)
    assert steps[-1].done == steps[-1].total == 12
    assert {each.phase for each in steps} == {f"painting key frame {number} of 3" for number in (1, 2, 3)}
    assert all(each.seconds_left is not None for each in steps[1:])
    assert [each.phase for each in stage.told.progress[:2]] == ["loading Stable Diffusion 1.5", "reading the prompts"]


def test_what_is_in_the_making_is_shown(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "GLIMPSE_SECONDS", 0.0)
    stage()
    glimpses = [each for each in stage.told.shown if isinstance(each, Glimpse)]
    assert glimpses[0].caption == "Key frame 1 of 3, step 1 of 5"
    assert {glimpse.frame.shape for glimpse in glimpses} == {(8, 12, 3)}


def test_a_video_of_another_size_is_painted_near_the_models_own_and_said(stage: Stage) -> None:
    result = stage(morphs=dissolve(203, 151))
    assert [frame.shape for frame in result.frames] == [(151, 203, 3)] * 3
    assert [notice.message for notice in stage.told.notices] == [
        "Stable Diffusion 1.5 paints at 88 x 64, a size that it is made for; the key frames are scaled to 203 x 151."
    ]


def test_little_is_painted_near_the_ends(stage: Stage) -> None:
    """With hardly any strength the ends stay the morph, and with none all of it."""
    weak = stage(keyframes={"strength": 0.025})
    assert (weak.painted, weak.files[0], weak.files[2]) == ([False, True, False], "", "")
    assert weak.way.reason.endswith("1 of 3 key frames. Of the others too little would be painted.")
    assert np.array_equal(weak.frames[0], dissolve()[0])
    none = stage(keyframes={"strength": 0.0})
    assert (none.painted, none.way.method) == ([False] * 3, "morph alone")
    assert none.way.reason == "keyframes.strength is 0: so little is painted that nothing is."


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_any_number_of_prompts_leads_along_the_way(stage: Stage, count: int) -> None:
    result = stage(prompts=tuple(f"prompt {number}" for number in range(count)))
    assert result.painted == [True] * 3


# --- found again ------------------------------------------------------------------------------------------------------


def test_a_second_run_finds_the_key_frames_and_loads_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    first = stage()
    RESIDENT.release()
    monkeypatch.setattr(painting, "load", lambda *_: pytest.fail("nothing is to be loaded"))
    again = stage()
    assert same(first, again) == [True] * 3
    assert (again.files, again.painted) == (first.files, [True] * 3)
    assert again.way.reason == "Stable Diffusion 1.5 painted 3 of 3 key frames, 3 of them in an earlier run."
    assert len(stage.told.painted) == 3
    assert stage.told.phases == []


def test_another_prompt_seed_or_picture_paints_one_key_frame_alone(stage: Stage) -> None:
    first = stage()
    for changed in (
        stage(prompts=(PROMPTS[0], "a dog", PROMPTS[2])),
        stage(keyframes={"seeds": (-1, 11)}),
        stage(morphs=[dissolve()[0], dissolve()[1][:, ::-1].copy(), dissolve()[2]]),
    ):
        assert same(first, changed) == [True, False, True]
        assert [a == b for a, b in zip(first.files, changed.files, strict=True)] == [True, False, True]
    assert stage.told.phases == [("place", "done"), ("condition", "done"), ("sample", "done"), ("decode", "done")]
    assert len(stage.files) == 6


@pytest.mark.parametrize(
    "changes",
    [
        {"keyframes": {"num_inference_steps": 40}},
        {"keyframes": {"guidance_scale": 3.0}},
        {"keyframes": {"negative_prompt": "dark"}},
        {"keyframes": {"scheduler": "euler"}},
        {"keyframes": {"strength": 0.6}},
        {"keyframes": {"control": "canny-sd-1.5"}},
        {"keyframes": {"control": "canny-sd-1.5", "control_scale": 1.5}},
        {"keyframes": {"seeds": (5, 5, 5)}},
    ],
)
def test_whatever_decides_the_pixels_paints_anew(stage: Stage, changes: dict[str, Any]) -> None:
    first, other = stage(), stage(**changes)
    assert not set(first.files) & set(other.files)
    assert same(first, other) == [False] * 3


@pytest.mark.parametrize(
    "changes",
    [
        {"runtime": {"guidance_passes": 2}},
        {"runtime": {"offload": "model"}},
        {"runtime": {"keep_model": False}},
        {"keyframes": {"count": 3, "control_scale": 1.0, "lora_scale": 0.5}},
        {"encode": {"fps": 25}},
    ],
)
def test_what_does_not_decide_them_finds_them(stage: Stage, changes: dict[str, Any]) -> None:
    assert stage().files == stage(**changes).files
    assert stage.told.phases == []


def test_other_weights_in_the_same_folder_paint_anew(stage: Stage, tmp_path: Path) -> None:
    shutil.copytree(stage.models / "sd-1.5", tmp_path / "models" / "sd-1.5")
    stage.models = tmp_path / "models"
    first = stage()
    weights = stage.models / "sd-1.5" / "unet" / "diffusion_pytorch_model.fp16.safetensors"
    shutil.copy(weights, copy := tmp_path / "copy")
    copy.replace(weights)
    assert not set(first.files) & set(stage().files)


@pytest.mark.parametrize("damage", [b"", b"no picture"])
def test_a_damaged_file_is_painted_again(stage: Stage, damage: bytes) -> None:
    first = stage()
    (stage.outputs / first.files[1]).write_bytes(damage)
    (stage.outputs / first.files[2]).write_bytes((stage.outputs / first.files[2]).read_bytes()[:-200])
    again = stage()
    assert same(first, again) == [True] * 3
    assert [name for name, _ in stage.told.phases].count("sample") == 2
    assert len(stage.files) == 3


def test_without_outputs_they_are_kept_in_the_work_folder(stage: Stage, tmp_path: Path) -> None:
    value = KeyframesInput(dissolve(), TIMES, PROMPTS)
    result = Keyframes()(value, stage.settings(), Told().context(None, tmp_path))
    assert all((tmp_path / file).is_file() for file in result.files)


# --- ended by the user ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [1, 2, 3, 5, 8])
def test_stop_ends_painting_at_any_step_and_keeps_what_is_done(stage: Stage, at: int) -> None:
    with pytest.raises(Cancelled):
        stage(stop_at=at)
    assert len(stage.told.progress) <= at + 1
    done = len(stage.told.painted)
    assert done == max(0, (at - 3) // 5)
    assert len(stage.files) == done
    result = stage()
    assert result.painted == [True] * 3
    assert f"{done} of them in an earlier run" in result.way.reason or done == 0


def test_stop_before_it_begins(stage: Stage) -> None:
    with pytest.raises(Cancelled):
        stage(stop_at=0)


# --- shortages --------------------------------------------------------------------------------------------------------


class Shortages:
    """Lets the `at`-th call of a function, and those after it up to `times`, run out of memory."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.calls: Counter[str] = Counter()

    def plan(self, owner: Any, name: str, at: int, times: int = 1) -> None:
        original: Callable[..., Any] = getattr(owner, name)

        def call(*arguments: Any, **named: Any) -> Any:
            self.calls[name] += 1
            if at <= self.calls[name] < at + times:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            return original(*arguments, **named)

        self._monkeypatch.setattr(owner, name, call)


ALWAYS = 10**6


@pytest.fixture
def shortages(monkeypatch: pytest.MonkeyPatch) -> Shortages:
    return Shortages(monkeypatch)


@pytest.mark.parametrize(
    ("call", "at", "phase", "rung"),
    [
        ((painting, "load"), 1, "load", "bfloat16"),
        ((painting, "put"), 1, "place", "bfloat16"),
        ((painting, "encode"), 1, "condition", "bfloat16"),
        ((PNDMScheduler, "step"), 7, "sample", "guidance-passes"),
        ((AutoencoderKL, "encode"), 2, "sample", "guidance-passes"),
        ((AutoencoderKL, "decode"), 3, "decode", "bfloat16"),
    ],
)
def test_a_shortage_takes_the_next_rung_and_keeps_what_is_painted(
    stage: Stage, shortages: Shortages, call: tuple[Any, str], at: int, phase: str, rung: str
) -> None:
    RESIDENT.release()
    shortages.plan(*call, at)
    result = stage()
    assert (result.painted, result.way.method) == ([True] * 3, "sd-1.5")
    assert stage.told.rungs == [rung]
    assert (phase, "out of memory") in stage.told.phases
    assert Counter(outcome for _, outcome in stage.told.phases)["out of memory"] == 1
    assert len(stage.told.painted) == len(stage.files) == 3


def test_what_was_sampled_is_not_sampled_again_for_a_rung_that_keeps_it(stage: Stage, shortages: Shortages) -> None:
    shortages.plan(AutoencoderKL, "decode", 1)
    large = dissolve(640, 448)  # worth working in tiles
    quick = {"strength": 0.05, "num_inference_steps": 1}
    stage.models = larger(stage)
    result = stage(morphs=large, keyframes=quick)
    assert stage.told.rungs == ["tiled-decoding"]
    assert [name for name, _ in stage.told.phases].count("sample") == 3
    assert result.painted == [True] * 3


def larger(stage: Stage) -> Path:
    """The same models, trained for a size at which tiles help."""
    folder = stage.outputs / "models"
    shutil.copytree(stage.models / "sd-1.5", folder / "sd-1.5")
    config = folder / "sd-1.5" / "unet" / "config.json"
    config.write_text(config.read_text().replace('"sample_size": 8', '"sample_size": 64'))
    return folder


@pytest.mark.parametrize(("at", "done"), [(1, 0), (11, 2)])
def test_on_the_lowest_rung_what_is_painted_stays_and_the_rest_is_the_morph(
    stage: Stage, shortages: Shortages, at: int, done: int
) -> None:
    shortages.plan(PNDMScheduler, "step", at, ALWAYS)
    result = stage()
    assert stage.told.rungs == ["guidance-passes", "bfloat16"]
    assert result.painted == [True] * done + [False] * (3 - done)
    assert all(map(np.array_equal, result.frames[done:], dissolve()[done:]))
    assert result.way.method == ("sd-1.5" if done else "morph alone")
    assert "Stable Diffusion 1.5 ran out of memory, and the ladder has no rung left." in result.way.reason
    assert any("no rung left" in warning for warning in stage.told.warnings)


def test_nothing_is_held_of_a_failed_attempt(stage: Stage, shortages: Shortages) -> None:
    shortages.plan(PNDMScheduler, "step", 3, ALWAYS)
    stage(runtime={"keep_model": False})
    assert RESIDENT.model is None


def here(monkeypatch: pytest.MonkeyPatch, room: Callable[[str, Machine, Any], tuple[int, int]]) -> None:
    from pipeline.engines.stable_diffusion import ladder

    monkeypatch.setattr(ladder, "room", room)


def test_too_little_memory_for_any_way_is_said_before_anything_is_loaded(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    here(monkeypatch, lambda *_: (0, 10**8))
    monkeypatch.setattr(painting, "load", lambda *_: pytest.fail("nothing is to be loaded"))
    result = stage()
    assert (result.painted, result.way.method) == ([False] * 3, "morph alone")
    assert result.way.reason.startswith("Stable Diffusion 1.5 needs about ")
    assert stage.told.warnings == [result.way.reason]


def test_a_smaller_model_paints_where_any_will_do(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of these two the autoencoder of XL needs more, for it works in float32."""
    here(monkeypatch, lambda *_: (0, 950_000_000))
    result = stage(keyframes={"model": "auto"})
    assert result.way.method == "sd-1.5"
    assert "Stable Diffusion 1.5 paints: there is too little memory for Stable Diffusion XL." in stage.told.warnings


# --- models that are absent, damaged or not theirs --------------------------------------------------------------------


def test_without_a_model_the_morph_goes_on_alone(stage: Stage, tmp_path: Path) -> None:
    absent = stage(keyframes={"model": "auto"}, runtime={"models_dir": tmp_path / "none"})
    assert absent.way.method == "morph alone"
    assert absent.way.reason == (
        "No model that paints key frames is on this machine: the morph goes on alone, or get one with "
        "`python -m pipeline models download sd-1.5`."
    )
    refused = stage(keyframes={"model": "none"})
    assert refused.way.reason == "No model is to paint key frames."
    for result in (absent, refused):
        assert result.painted == [False] * 3
        assert all(map(np.array_equal, result.frames, dissolve()))
    assert [notice.message for notice in stage.told.notices] == [refused.way.reason]
    assert stage.files == set()


def test_the_largest_model_that_is_here_paints_where_any_will_do(stage: Stage) -> None:
    assert stage(keyframes={"model": "auto"}).way.method == "sdxl"
    assert stage(keyframes={"model": "auto", "control": "canny-sd-1.5"}).way.method == "sd-1.5"


@pytest.mark.parametrize("asked", [{"model": "sdxl"}, {"model": "auto", "control": "canny-sdxl"}])
def test_a_model_that_is_named_and_missing_ends_the_run_at_once(
    stage: Stage, tiny_models: TinyModels, tmp_path: Path, asked: dict[str, str]
) -> None:
    (tmp_path / "sd-1.5").symlink_to(tiny_models("sd-1.5") / "sd-1.5")
    with pytest.raises(ModelMissing, match="models download"):
        stage(keyframes=asked, runtime={"models_dir": tmp_path})
    assert stage.told.phases == []


def test_a_controlnet_that_any_will_do_and_none_is_here_is_said(
    stage: Stage, tiny_models: TinyModels, tmp_path: Path
) -> None:
    (tmp_path / "sd-1.5").symlink_to(tiny_models("sd-1.5") / "sd-1.5")
    result = stage(keyframes={"control": "auto"}, runtime={"models_dir": tmp_path})
    assert result.painted == [True] * 3
    assert [notice.message for notice in stage.told.notices] == [
        "No ControlNet for Stable Diffusion 1.5 is on this machine: it paints without one."
    ]


def test_a_controlnet_of_another_family_is_one_clear_sentence(stage: Stage) -> None:
    with pytest.raises(InvalidSetting) as caught:
        stage(keyframes={"control": "canny-sdxl"})
    assert str(caught.value) == (
        "keyframes.control: ControlNet canny for Stable Diffusion XL does not fit Stable Diffusion 1.5; choose auto or "
        "none."
    )


@pytest.mark.parametrize("name", ["unet/diffusion_pytorch_model.fp16.safetensors", "unet/config.json"])
def test_damaged_files_leave_the_morph_and_are_said_with_what_mends_them(
    stage: Stage, tmp_path: Path, name: str
) -> None:
    shutil.copytree(stage.models / "sd-1.5", tmp_path / "models" / "sd-1.5")
    stage.models = tmp_path / "models"
    (stage.models / "sd-1.5" / name).write_bytes(b"{}")
    for model in ("sd-1.5", "auto"):
        result = stage(keyframes={"model": model})
        assert (result.painted, result.way.method) == ([False] * 3, "morph alone")
        assert "incomplete or damaged" in result.way.reason
        assert "models verify sd-1.5" in stage.told.warnings[0]
        assert len(stage.told.warnings) == 1


@pytest.mark.allow_errors
def test_any_other_failure_leaves_the_morph_and_is_said(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(AutoencoderKL, "decode", fail)
    result = stage()
    assert result.way.method == "morph alone"
    assert result.way.reason == (
        "Stable Diffusion 1.5 failed with an error of its own (RuntimeError), which the log explains. "
        "The key frames stay the morph."
    )


def test_a_full_disk_is_not_hidden(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Gallery, "keep", full)
    with pytest.raises(OSError, match="No space left"):
        stage()


def test_numbers_that_are_none_leave_that_key_frame_the_morph(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    original, calls = Brush.decode, []

    def decode(brush: Any, latents: torch.Tensor) -> Frame | None:
        calls.append(latents)
        return original(brush, latents * float("nan") if len(calls) == 2 else latents)

    monkeypatch.setattr(Brush, "decode", decode)
    result = stage()
    assert result.painted == [True, False, True]
    assert stage.told.warnings == ["Key frame 2 is not painted over: the model made numbers that are none."]


# --- LoRA -------------------------------------------------------------------------------------------------------------


def write_lora(path: Path, models: Path, scale: float = 1.0) -> Path:
    """A LoRA of random weights for the queries of the tiny UNet."""
    from diffusers import UNet2DConditionModel

    unet = UNet2DConditionModel.from_pretrained(models / "sd-1.5" / "unet", local_files_only=True)
    make = torch.Generator().manual_seed(1)
    tensors = {}
    for name, layer in unet.named_modules():
        if name.endswith("attn2.to_q"):
            tensors[f"unet.{name}.lora_A.weight"] = scale * torch.randn(2, layer.in_features, generator=make)
            tensors[f"unet.{name}.lora_B.weight"] = torch.randn(layer.out_features, 2, generator=make)
    save_file(tensors, path)
    return path


def test_a_lora_paints_otherwise_and_leaves_nothing_behind(stage: Stage, tmp_path: Path) -> None:
    plain = stage()
    path = write_lora(tmp_path / "style.safetensors", stage.models)
    styled = stage(keyframes={"lora": path})
    assert same(plain, styled) == [False] * 3
    write_lora(path, stage.models, scale=2.0)
    assert not set(stage(keyframes={"lora": path}).files) & set(styled.files)
    shutil.rmtree(stage.outputs / "keyframes")
    assert same(plain, stage()) == [True] * 3


def test_a_wrong_lora_is_one_clear_sentence_that_names_its_setting(stage: Stage, tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match=r"^keyframes\.lora: there is no file "):
        stage(keyframes={"lora": tmp_path / "gone.safetensors"})
    assert stage.told.phases == []
    save_file({"transformer.x.lora_A.weight": torch.zeros(2, 2)}, other := tmp_path / "other.safetensors")
    with pytest.raises(InvalidSetting, match=r"^keyframes\.lora: other\.safetensors was made for another model"):
        stage(keyframes={"lora": other})
