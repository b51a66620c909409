from pathlib import Path
from typing import Any

import pytest

from pipeline.catalogue import CanDo
from pipeline.engines.diffusion.arrangement import all_but, arranged
from pipeline.engines.i2vgen_xl import I2VGenXL
from pipeline.errors import InvalidSetting
from pipeline.options import options
from tests.conftest import TinyModels
from tests.pipeline.engines.video_runs import Run, load


@pytest.fixture(scope="module")
def run(tiny_models: TinyModels) -> Run:
    return load(I2VGenXL, tiny_models("i2vgen-xl"), "i2vgen-xl", 2)


def arranging(run: Run, can: CanDo, doubles_batch: bool = True) -> Any:
    card = run.family.card.model_copy(update={"can": can})
    return arranged(card, run.pipe, run.request, [run.pipe.unet], doubles_batch)


def test_what_a_family_does_not_use_is_told_by_settings_that_exist() -> None:
    reasons = all_but()
    assert reasons.keys() <= {option.name for option in options()}
    assert all(reason.startswith("This model ") and reason.endswith(".") for reason in reasons.values())
    assert all_but(*reasons) == {}
    assert all_but("animate.target_fps").keys() == reasons.keys() - {"animate.target_fps"}


def test_a_sampler_is_exchanged_where_the_card_allows_it(run: Run) -> None:
    published, asked = run.pipe.scheduler, run.asking({"animate": {"scheduler": "euler"}})
    with arranging(asked, CanDo(scheduler=True)):
        assert run.pipe.scheduler is not published
    with arranging(asked, CanDo(scheduler=False)):
        assert run.pipe.scheduler is published


def test_a_lora_is_loaded_where_the_card_allows_it(run: Run, tmp_path: Path) -> None:
    asked = run.asking({"animate": {"lora": tmp_path / "gone.safetensors"}})
    with pytest.raises(InvalidSetting, match="there is no file"), arranging(asked, CanDo(lora=True)):
        pytest.fail("there is no file")
    with arranging(asked, CanDo(lora=False)):
        assert "forward" not in vars(run.pipe.unet)


@pytest.mark.parametrize(
    ("passes", "guidance", "doubles_batch", "split"),
    [(2, 9.0, True, True), (1, 9.0, True, False), (2, 1.0, True, False), (2, 9.0, False, False)],
)
def test_guidance_is_split_where_there_is_something_to_split(
    run: Run, passes: int, guidance: float, *, doubles_batch: bool, split: bool
) -> None:
    asked = run.asking({"animate": {"guidance_scale": guidance}, "runtime": {"guidance_passes": passes}})
    with arranging(asked, CanDo(), doubles_batch):
        assert ("forward" in vars(run.pipe.unet)) is split
