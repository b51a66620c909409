"""The stage `plan`: the user's prompts, a model's, or those by rule, and why."""

import logging
import re
import shutil
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.catalogue import Precision, merge
from pipeline.choices import Device, Quantization
from pipeline.context import Context, Progress
from pipeline.engines import held
from pipeline.engines.phi import Phi, load, session
from pipeline.errors import Cancelled, InvalidSetting, ModelMissing
from pipeline.memory.fitting import Setup
from pipeline.models.load import LoadPlan
from pipeline.models.resident import RESIDENT
from pipeline.planning import answer_limit, template_plan
from pipeline.records import Notice
from pipeline.settings import Settings, make_settings
from pipeline.stages.plan import Plan, PlannedWay
from tests.conftest import TinyModels

LARGE, MINI = "phi-4", "phi-4-mini"
CAPTIONS = ("a red house in summer, blue sky", "a red house in winter, grey sky")
BY_RULE = template_plan(*CAPTIONS, 5)


def asking(models: Path, count: int = 5, **plan: Any) -> Settings:
    runtime = {"models_dir": models, "device": Device.CPU}
    return make_settings({"plan": plan, "keyframes": {"count": count}, "runtime": runtime})


class Run:
    """One call of the stage, with what it reported and said."""

    def __init__(
        self, settings: Settings, captions: tuple[str, str] = CAPTIONS, stop: Callable[[], bool] = lambda: False
    ) -> None:
        self.progress: list[Progress] = []
        self.notices: list[Notice] = []
        context = Context(1, 1, Path(), report=self.progress.append, is_cancelled=stop, notify=self.notices.append)
        self.planned: PlannedWay = Plan()(captions, settings, context)

    @property
    def warnings(self) -> list[str]:
        return [notice.message for notice in self.notices if notice.level == "warning"]


class Watched:
    """Notes each network that is loaded, and may let the model's answers be others or fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: str | BaseException | None) -> None:
        self.plans: list[LoadPlan] = []
        self.networks: list[weakref.ref[Any]] = []
        self._answers = iter(answers)
        self._answer = Phi.answer

        def answer(model: Phi, *given: Any) -> str:
            return self._answered(model, *given)

        monkeypatch.setattr(session, "load", self._load)
        monkeypatch.setattr(Phi, "answer", answer)

    @property
    def alive(self) -> int:
        """How many of the networks are still in memory."""
        return sum(network() is not None for network in self.networks)

    def _load(self, files: Any, plan: LoadPlan) -> Phi:
        assert self.alive == 0
        self.plans.append(plan)
        model = load(files, plan)
        self.networks.append(weakref.ref(model.network))
        return model

    def _answered(self, model: Phi, *given: Any) -> str:
        answer = next(self._answers, None)
        if isinstance(answer, BaseException):
            held = torch.zeros(1000)
            assert held.nbytes
            raise answer
        return self._answer(model, *given) if answer is None else answer


def full() -> torch.OutOfMemoryError:
    """What PyTorch raises on a GPU."""
    return torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


@pytest.mark.parametrize("name", [LARGE, MINI])
@pytest.mark.parametrize("count", [1, 32])
def test_the_model_writes_a_prompt_for_each_key_frame(tiny_models: TinyModels, name: str, count: int) -> None:
    settings = asking(tiny_models(name), count, model=name)
    run = Run(settings)
    assert len(set(run.planned.prompts)) == count
    assert run.planned.way.method == name
    assert run.planned.way.reason in ("Phi-4 wrote the prompts.", "Phi-4 mini instruct wrote the prompts.")
    assert run.notices == []
    assert Run(settings).planned == run.planned


def test_the_largest_model_that_is_here_writes(tiny_models: TinyModels) -> None:
    assert Run(asking(tiny_models(LARGE, MINI))).planned.way.method == LARGE


def test_the_model_is_gone_when_the_stage_is_done(tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch)
    kept = merge(asking(tiny_models(MINI), model=MINI).model_dump(), {"runtime": {"keep_model": True}})
    Run(make_settings(kept))
    assert len(watched.networks) == 1
    assert watched.alive == 0
    assert RESIDENT.model is None


def test_progress_counts_tokens_and_says_what_is_being_done(
    tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    Watched(monkeypatch, "no list", None)
    run = Run(asking(tiny_models(MINI), 2, model=MINI))
    seen = [(each.done, each.phase) for each in run.progress]
    assert seen == [
        (0, "loading Phi-4 mini instruct"),
        (0, "writing the prompts"),
        (0, "mending the prompts"),
        *((done, "mending the prompts") for done in (1, 2, 3, 4)),
        (answer_limit(2), ""),
    ]
    assert {(each.stage, each.total) for each in run.progress} == {("plan", answer_limit(2))}


@pytest.mark.parametrize(
    ("given", "said"), [(5, ""), (2, "2 prompts for 5"), (1, "1 prompt for 5"), (9, "9 prompts for")]
)
def test_the_users_prompts_win_in_any_number(given: int, said: str) -> None:
    prompts = tuple(f" a house, {number} " for number in range(given))
    run = Run(asking(Path("nowhere"), model=LARGE, prompts=prompts))
    assert run.planned.prompts == tuple(prompt.strip() for prompt in prompts)
    assert run.planned.way.method == "yours"
    assert said in run.planned.way.reason
    assert run.warnings == []
    assert run.progress == []


@pytest.mark.parametrize(
    ("captions", "prompt", "method"),
    [
        (("", " "), "", "none"),
        (("a house", ""), "a house", "template"),
        ((" ", " a house "), "a house", "template"),
        (("a house", "A house"), "a house", "template"),
    ],
)
def test_where_there_is_no_way_no_model_is_asked(captions: tuple[str, str], prompt: str, method: str) -> None:
    run = Run(asking(Path("nowhere"), model=LARGE), captions)
    assert (run.planned.prompts, run.planned.way.method) == ((prompt,), method)
    assert [notice.message for notice in run.notices] == [run.planned.way.reason]
    assert run.warnings == []


@pytest.mark.parametrize(("model", "reason"), [("none", "No model is to"), ("auto", "models download phi-4-mini`")])
def test_without_a_model_the_captions_cross_over_by_rule(tmp_path: Path, model: str, reason: str) -> None:
    run = Run(asking(tmp_path, model=model))
    assert (run.planned.prompts, run.planned.way.method) == (BY_RULE, "template")
    assert reason in run.planned.way.reason
    assert [(notice.level, notice.message) for notice in run.notices] == [("info", run.planned.way.reason)]


def test_a_model_that_was_named_and_is_missing_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="models download phi-4"):
        Run(asking(tmp_path, model=LARGE))
    with pytest.raises(InvalidSetting, match="did you mean 'phi-4-mini'"):
        Run(asking(tmp_path, model="phi4-mini"))


@pytest.mark.parametrize("model", ["auto", MINI])
@pytest.mark.parametrize("file", ["model-00002-of-00002.safetensors", "config.json", "tokenizer.json"])
def test_damage_is_said_and_the_rule_takes_over(tiny_models: TinyModels, tmp_path: Path, model: str, file: str) -> None:
    folder = tmp_path / MINI
    shutil.copytree(tiny_models(MINI) / MINI, folder)
    (folder / file).write_bytes((folder / file).read_bytes()[:-100])
    run = Run(asking(tmp_path, model=model))
    assert (run.planned.prompts, run.planned.way.method) == (BY_RULE, "template")
    assert "models verify phi-4-mini" in run.planned.way.reason
    assert run.warnings == [run.planned.way.reason]


def test_a_fault_is_mended_once_and_said(tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch) -> None:
    Watched(monkeypatch, '["only one"]', None)
    run = Run(asking(tiny_models(LARGE), model=LARGE))
    assert len(run.planned.prompts) == 5
    assert run.planned.way.method == LARGE
    assert "had to mend once" in run.planned.way.reason


def test_an_answer_that_is_wrong_twice_leaves_it_to_the_rule(
    tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(monkeypatch, "I cannot do that.", '["a", "b"]')
    run = Run(asking(tiny_models(LARGE), model=LARGE))
    assert (run.planned.prompts, run.planned.way.method) == (BY_RULE, "template")
    assert "has 2 items, not 5" in run.planned.way.reason
    assert run.warnings == [run.planned.way.reason]
    assert watched.alive == 0


def test_prompts_that_painters_cannot_read_are_cut_and_it_is_said(
    tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    Watched(monkeypatch, f'["a house", "{"a red house, " * 50}"]')
    run = Run(asking(tiny_models(LARGE), 2, model=LARGE))
    assert run.planned.prompts[1].endswith("a red house")
    assert "were cut short: 2." in run.planned.way.reason
    assert len(run.warnings) == 1


@pytest.mark.parametrize("shortages", [1, 3])
def test_when_memory_runs_out_it_goes_on_with_the_model_held_in_the_next_way(
    tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch, shortages: int
) -> None:
    watched = Watched(monkeypatch, *(full() for _ in range(shortages)))
    run = Run(asking(tiny_models(MINI), model=MINI))
    assert [(plan.precision, plan.quantization) for plan in watched.plans] == [
        (Precision.FLOAT32, Quantization.NONE),
        (Precision.BFLOAT16, Quantization.NONE),
        (Precision.BFLOAT16, Quantization.INT8),
        (Precision.BFLOAT16, Quantization.NF4),
    ][: shortages + 1]
    assert len(run.planned.prompts) == 5
    assert run.planned.way.method == MINI
    assert len(run.warnings) == shortages
    assert all(warning in run.planned.way.reason for warning in run.warnings)
    assert "there is too little memory" in run.warnings[0]


def test_a_shortage_that_stays_leaves_it_to_the_rule(tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch, *(full() for _ in range(4)))
    run = Run(asking(tiny_models(MINI), model=MINI))
    assert (run.planned.prompts, run.planned.way.method) == (BY_RULE, "template")
    assert "too little memory for Phi-4 mini instruct" in run.planned.way.reason
    assert run.warnings[-1] == run.planned.way.reason
    assert len(watched.networks) == 4
    assert watched.alive == 0
    assert RESIDENT.model is None


@pytest.mark.parametrize(("quantization", "runs_out"), [("int8", False), ("nf4", False), ("nf4", True)])
def test_the_weights_that_are_asked_for_are_the_only_ones_that_are_tried(
    tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch, quantization: str, runs_out: bool
) -> None:
    watched = Watched(monkeypatch, *([full()] if runs_out else []))
    run = Run(asking(tiny_models(MINI), model=MINI, quantization=quantization))
    assert [plan.quantization for plan in watched.plans] == [quantization]
    assert run.planned.way.method == ("template" if runs_out else MINI)
    assert len(run.warnings) == runs_out


def test_weights_of_painters_are_no_choice_here(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match=r"plan\.quantization"):
        asking(tmp_path, quantization="float8")


def test_where_there_is_no_room_at_all_nothing_is_loaded(
    tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(monkeypatch)
    monkeypatch.setattr(held, "has_room", lambda *_: False)
    run = Run(asking(tiny_models(LARGE, MINI)))
    assert run.planned.way.method == "template"
    assert re.search(r"Phi-4, which needs about \d+\.\d GB of main memory", run.planned.way.reason)
    assert watched.plans == []


def test_the_smaller_model_is_taken_where_the_larger_has_no_room(
    tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = Setup("cpu", Precision.BFLOAT16, 0, 1)
    monkeypatch.setattr(held, "ways", lambda card, *_: (small,) if card.name == MINI else ())
    run = Run(asking(tiny_models(LARGE, MINI)))
    assert run.planned.way.method == MINI
    assert run.warnings == ["Phi-4 mini instruct is used: there is too little memory for Phi-4."]
    assert run.warnings[0] in run.planned.way.reason


def test_an_error_of_the_library_leaves_it_to_the_rule(
    tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    watched = Watched(monkeypatch, RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with caplog.at_level(logging.WARNING):
        run = Run(asking(tiny_models(MINI), model=MINI))
    assert run.planned.way.method == "template"
    assert "RuntimeError" in run.planned.way.reason
    assert "mat1" in caplog.text
    assert "mat1" not in run.planned.way.reason
    assert RESIDENT.model is None
    caplog.clear()  # it holds the error
    assert watched.alive == 0


@pytest.mark.parametrize("token", [0, 1, 4])
def test_stop_takes_effect_within_a_token(tiny_models: TinyModels, token: int) -> None:
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > token

    with pytest.raises(Cancelled):
        Run(asking(tiny_models(MINI), 32, model=MINI), stop=stop)
    assert asked == token + 1
    assert RESIDENT.model is None
