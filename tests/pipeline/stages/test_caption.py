"""The stage `caption`: the user's words, a model's, or none, and why."""

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
from pipeline.choices import Device
from pipeline.context import Context, Progress
from pipeline.engines import held
from pipeline.engines.florence2 import Florence2, load, session
from pipeline.errors import Cancelled, InvalidSetting, ModelMissing
from pipeline.frames import Frame, PreparedImage
from pipeline.memory.fitting import Setup
from pipeline.models.resident import RESIDENT
from pipeline.records import Notice
from pipeline.settings import Settings, make_settings
from pipeline.stages.caption import YOURS, Caption, Captions
from tests.conftest import TinyModels
from tests.photos import CHELSEA, ROCKET, photo

LARGE, BASE = "florence-2-large", "florence-2-base"


@pytest.fixture
def images() -> tuple[Frame, Frame]:
    return photo(CHELSEA), photo(ROCKET)


def asking(models: Path, **caption: Any) -> Settings:
    runtime = {"models_dir": models, "device": Device.CPU, "keep_model": False}
    return make_settings({"caption": caption, "runtime": runtime})


class Run:
    """One call of the stage, with what it reported and said."""

    def __init__(
        self, images: tuple[Frame, Frame], settings: Settings, stop: Callable[[], bool] = lambda: False
    ) -> None:
        self.progress: list[Progress] = []
        self.notices: list[Notice] = []
        context = Context(1, 1, Path(), report=self.progress.append, is_cancelled=stop, notify=self.notices.append)
        first, last = (PreparedImage(image, image) for image in images)
        self.captions: Captions = Caption()((first, last), settings, context)

    @property
    def warnings(self) -> list[str]:
        return [notice.message for notice in self.notices if notice.level == "warning"]


def shortage(monkeypatch: pytest.MonkeyPatch, *calls: int) -> list[torch.dtype]:
    """Let the numbered calls of `describe` run out of memory. Returns the precisions of all calls as they come."""
    seen: list[torch.dtype] = []
    describe = Florence2.describe

    def watched(model: Florence2, *arguments: Any) -> str:
        seen.append(model.network.dtype)
        if len(seen) in calls:
            held = torch.zeros(1000)
            raise torch.OutOfMemoryError(f"CUDA out of memory. Tried to allocate {held.nbytes} bytes.")
        return describe(model, *arguments)

    monkeypatch.setattr(Florence2, "describe", watched)
    return seen


def test_both_images_are_described_by_the_largest_model_that_is_here(
    images: tuple[Frame, Frame], tiny_models: TinyModels
) -> None:
    run = Run(images, asking(tiny_models(LARGE, BASE)))
    assert run.captions.text0.endswith(".")
    assert run.captions.text1.endswith(".")
    assert run.captions.text0 != run.captions.text1
    assert run.captions.way0 == run.captions.way1
    assert run.captions.way0.method == LARGE
    assert run.captions.way0.reason == "Florence-2 large described the image."
    assert run.notices == []
    assert RESIDENT.model is None
    assert Run(images, asking(tiny_models(LARGE, BASE))).captions == run.captions


def test_progress_counts_images_and_says_what_is_being_done(
    images: tuple[Frame, Frame], tiny_models: TinyModels
) -> None:
    run = Run(images, asking(tiny_models(BASE), model=BASE))
    assert [(each.stage, each.done, each.total, each.phase) for each in run.progress] == [
        ("caption", 0, 2, "loading Florence-2 base"),
        ("caption", 0, 2, "describing image 1 of 2"),
        ("caption", 1, 2, "describing image 2 of 2"),
        ("caption", 2, 2, ""),
    ]


def test_the_users_words_win_and_only_the_missing_ones_are_described(
    images: tuple[Frame, Frame], tiny_models: TinyModels
) -> None:
    run = Run(images, asking(tiny_models(BASE), model=BASE, text0="  a cat  "))
    assert (run.captions.text0, run.captions.way0) == ("a cat", YOURS)
    assert run.captions.way1.method == BASE
    assert run.progress[-1].total == 1
    own = Run(images, asking(Path("nowhere"), model="florence-2-large", text0="a cat", text1="a rocket"))
    assert own.captions == Captions("a cat", "a rocket", YOURS, YOURS)
    assert own.progress == []


@pytest.mark.parametrize(
    ("model", "reason"), [("none", "No model is to"), ("auto", "models download florence-2-base`")]
)
def test_without_a_model_there_are_no_words_and_it_is_said_why(
    images: tuple[Frame, Frame], tmp_path: Path, model: str, reason: str
) -> None:
    run = Run(images, asking(tmp_path, model=model, text1="a rocket"))
    assert (run.captions.text0, run.captions.text1) == ("", "a rocket")
    assert run.captions.way0.method == "none"
    assert reason in run.captions.way0.reason
    assert [notice.level for notice in run.notices] == ["info"]


def test_a_model_that_was_named_and_is_missing_ends_the_run(images: tuple[Frame, Frame], tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="models download florence-2-large"):
        Run(images, asking(tmp_path, model=LARGE))
    with pytest.raises(InvalidSetting, match="did you mean 'florence-2-large'"):
        Run(images, asking(tmp_path, model="florence2-large"))


@pytest.mark.parametrize("model", ["auto", LARGE])
def test_a_damaged_model_ends_the_run_where_it_was_named_and_is_said_where_not(
    images: tuple[Frame, Frame], tiny_models: TinyModels, tmp_path: Path, model: str
) -> None:
    folder = tmp_path / LARGE
    shutil.copytree(tiny_models(LARGE) / LARGE, folder)
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:-100])
    if model == LARGE:
        with pytest.raises(ModelMissing, match="damaged"):
            Run(images, asking(tmp_path, model=model))
        return
    run = Run(images, asking(tmp_path, model=model))
    assert (run.captions.text0, run.captions.way0.method) == ("", "none")
    assert "models verify florence-2-large" in run.captions.way0.reason
    assert len(run.warnings) == 1


def test_a_shortage_half_way_goes_on_in_half_precision_with_what_is_done(
    images: tuple[Frame, Frame], tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = Run(images, asking(tiny_models(LARGE), model=LARGE)).captions.text0
    seen = shortage(monkeypatch, 2)
    run = Run(images, asking(tiny_models(LARGE), model=LARGE))
    assert seen == [torch.float32, torch.float32, torch.bfloat16]
    assert run.captions.text0 == expected
    assert run.captions.text1
    assert run.warnings == [
        "Florence-2 large works on the processor in half precision: there is too little memory for it on the processor."
    ]
    assert run.warnings[0] in run.captions.way1.reason


def test_the_model_that_ran_out_of_memory_is_gone_before_the_next_is_loaded(
    images: tuple[Frame, Frame], tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks: list[weakref.ref[Any]] = []

    def watched(*arguments: Any) -> Florence2:
        assert [network() for network in networks] == [None] * len(networks)
        model = load(*arguments)
        networks.append(weakref.ref(model.network))
        return model

    monkeypatch.setattr(session, "load", watched)
    shortage(monkeypatch, 2)
    Run(images, asking(tiny_models(BASE), model=BASE))
    assert len(networks) == 2


@pytest.mark.parametrize("calls", [(1, 2, 3, 4), (2, 3, 4, 5)])
def test_a_shortage_that_stays_keeps_what_is_done_and_says_why_the_rest_is_missing(
    images: tuple[Frame, Frame], tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch, calls: tuple[int, ...]
) -> None:
    shortage(monkeypatch, *calls)
    run = Run(images, asking(tiny_models(LARGE), model=LARGE))
    assert bool(run.captions.text0) == (calls[0] == 2)
    assert (run.captions.text1, run.captions.way1.method) == ("", "none")
    assert "too little memory for Florence-2 large" in run.captions.way1.reason
    assert run.captions.way1.reason in run.warnings[-1]
    assert RESIDENT.model is None


def test_where_there_is_no_room_at_all_nothing_is_loaded(
    images: tuple[Frame, Frame], tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "has_room", lambda *_: False)
    monkeypatch.setattr(session, "load", lambda *_: pytest.fail("it was loaded"))
    run = Run(images, asking(tiny_models(LARGE, BASE)))
    assert run.captions.way0.method == "none"
    assert re.search(r"Florence-2 large, which needs about [1-9]\.\d GB of main memory", run.captions.way0.reason)


def test_the_smaller_model_is_taken_where_the_larger_has_no_room(
    images: tuple[Frame, Frame], tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = (Setup("cpu", Precision.FLOAT32, 0, 1),)
    monkeypatch.setattr(held, "ways", lambda card, *_: setup if card.name == BASE else ())
    run = Run(images, asking(tiny_models(LARGE, BASE)))
    assert run.captions.way0.method == BASE
    assert "too little memory for Florence-2 large" in run.captions.way0.reason


def test_an_error_of_the_library_leaves_the_run_without_words(
    images: tuple[Frame, Frame],
    tiny_models: TinyModels,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> str:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(Florence2, "describe", fail)
    with caplog.at_level(logging.WARNING):
        run = Run(images, asking(tiny_models(BASE), model=BASE))
    assert run.captions.way0.method == "none"
    assert "RuntimeError" in run.captions.way0.reason
    assert "mat1" in caplog.text
    assert "mat1" not in run.captions.way0.reason


def test_a_model_without_words_is_said(
    images: tuple[Frame, Frame], tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Florence2, "describe", lambda *_: "")
    run = Run(images, asking(tiny_models(BASE), model=BASE))
    assert run.captions.way0.method == "none"
    assert run.warnings == ["Florence-2 base found no words for the image."]


@pytest.mark.parametrize("token", [0, 1, 5, 25])
def test_stop_takes_effect_within_a_token(images: tuple[Frame, Frame], tiny_models: TinyModels, token: int) -> None:
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > token

    with pytest.raises(Cancelled):
        Run(images, asking(tiny_models(BASE), model=BASE), stop)
    assert asked == token + 1
    assert RESIDENT.model is None


def test_the_model_stays_for_the_next_run_where_that_is_wanted(
    images: tuple[Frame, Frame], tiny_models: TinyModels
) -> None:
    settings = asking(tiny_models(BASE), model=BASE)
    kept = make_settings(merge(settings.model_dump(), {"runtime": {"keep_model": True}}))
    try:
        Run(images, kept)
        assert RESIDENT.name == BASE
        model = RESIDENT.model
        Run(images, kept)
        assert RESIDENT.model is model
    finally:
        del model
        RESIDENT.release()
