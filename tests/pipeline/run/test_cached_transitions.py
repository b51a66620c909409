"""What a transition takes from earlier ones, and that this is told before."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from pipeline.alignment import Alignment, align, aligner
from pipeline.cache import FOLDER, Cache
from pipeline.catalogue import merge
from pipeline.context import Context
from pipeline.frames import Frame
from pipeline.models.resident import RESIDENT
from pipeline.preview import preview_transition
from pipeline.records import RunRecord, StageRecord
from pipeline.run import execute, submit
from pipeline.run.ahead import Foreseen
from pipeline.settings import make_settings
from pipeline.stages.align import Align
from pipeline.stages.prepare import Prepare
from tests.conftest import TinyModels
from tests.photos import COFFEE, photo
from tests.pictures import scene

SMALL: dict[str, Any] = {"seed": 4, "prepare": {"width": 96, "height": 64}, "transition": {"num_frames": 6}}

PAINTED: dict[str, Any] = {
    "seed": 2,
    "prepare": {"width": 64, "height": 64},
    "transition": {"engine": "keyframes", "num_frames": 6},
    "keyframes": {"count": 2, "num_inference_steps": 3},
    "runtime": {"device": "cpu"},
}

Pair = tuple[Path, Path]
Make = Callable[..., RunRecord]


def written(folder: Path, **pictures: Frame) -> list[Path]:
    paths = [folder / f"{name}.png" for name in pictures]
    for path, picture in zip(paths, pictures.values(), strict=True):
        Image.fromarray(picture).save(path)
    return paths


@pytest.fixture
def views(tmp_path: Path) -> Pair:
    """Two views of one scene."""
    whole = photo(COFFEE)
    first, last = written(tmp_path, first=whole[:300, :450], last=whole[40:340, 60:510])
    return first, last


@pytest.fixture
def strangers(tmp_path: Path) -> Pair:
    """Two pictures that have nothing in common, and in which there is little to see."""
    first, last = written(tmp_path, one=scene(120, 80), other=scene(120, 80)[::-1].copy())
    return first, last


@pytest.fixture
def make(outputs: Path) -> Make:
    def make(images: tuple[Path, ...], asked: dict[str, Any] = SMALL, **changes: Any) -> RunRecord:
        record = execute(submit(images, make_settings(merge(asked, changes)), outputs), images, outputs)
        assert record.error is None
        return record

    return make


def from_cache(record: RunRecord) -> list[str]:
    return [stage.name for stage in record.stages if stage.cache_hit]


def alignments(record: RunRecord) -> list[StageRecord]:
    return [stage for stage in record.stages if stage.name == "align"]


def digest(record: RunRecord) -> str:
    assert record.output is not None
    return record.output.sha256


def no_search(*_: object) -> None:
    raise AssertionError("features are matched although the answer is kept")


@pytest.mark.parametrize("pair", ["views", "strangers"])
def test_features_are_matched_once_and_a_later_run_says_and_shows_the_same(
    pair: str, make: Make, outputs: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    images: Pair = request.getfixturevalue(pair)
    first = make(images)
    assert from_cache(first) == []
    monkeypatch.setattr("pipeline.stages.align.align", no_search)
    again = make(images, transition={"hold": 0.2})
    assert from_cache(again) == ["align"]
    (before,), (after,) = alignments(first), alignments(again)
    assert after.method == ("refused" if pair == "strangers" else "sift")
    assert (after.method, after.reason) == (before.method, before.reason)
    pictures = [outputs / each.artifacts.pop("picture") for each in (before, after)]
    assert after.artifacts == before.artifacts
    assert pictures[0].read_bytes() == pictures[1].read_bytes()
    told = [[each.message for each in record.notices if each.stage == "align"] for record in (first, again)]
    assert told[0] == told[1]
    assert len(told[0]) == (pair == "strangers")


def test_an_answer_is_kept_to_the_last_bit(views: Pair, make: Make) -> None:
    make(views)
    kept = make(views, transition={"hold": 0.2})
    fresh = make(views, transition={"hold": 0.2}, runtime={"cache_gb": 0})
    assert alignments(kept)[0].artifacts["homography"] == alignments(fresh)[0].artifacts["homography"]
    assert (from_cache(kept), from_cache(fresh)) == (["align"], [])
    assert digest(kept) == digest(fresh)


@pytest.mark.parametrize(
    "changes",
    [
        {"align": {"refine": False}},
        {"align": {"second_try": False}},
        {"align": {"max_keypoints": 500}},
        {"align": {"enabled": False}},
        {"prepare": {"focus_x": 0.0, "width": 64}},
    ],
    ids=str,
)
def test_what_decides_the_alignment_has_it_found_anew(views: Pair, make: Make, changes: dict[str, Any]) -> None:
    make(views)
    assert "align" not in from_cache(make(views, **changes))


def test_more_time_makes_no_difference_to_what_was_found_in_time(views: Pair, make: Make) -> None:
    make(views)
    assert from_cache(make(views, align={"seconds": 60.0}, encode={"crf": 30})) == ["align"]


def test_other_pictures_under_the_same_names_are_aligned_anew(views: Pair, make: Make) -> None:
    first = make(views)
    for path in views:
        Image.open(path).transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(path)
    other = make(views)
    assert from_cache(other) == []
    assert alignments(other)[0].artifacts["homography"] != alignments(first)[0].artifacts["homography"]
    assert "align" not in from_cache(make(views[::-1]))


def test_a_damaged_answer_is_found_again(views: Pair, make: Make, outputs: Path) -> None:
    first = make(views)
    (kept,) = (outputs / FOLDER).glob("*/matches.npz")
    kept.write_bytes(kept.read_bytes()[:-40])
    again = make(views, transition={"hold": 0.2})
    assert from_cache(again) == []
    assert alignments(again)[0].artifacts["homography"] == alignments(first)[0].artifacts["homography"]
    assert from_cache(make(views, transition={"hold": 0.3})) == ["align"]


def test_an_answer_that_was_cut_short_by_time_is_not_kept(
    strangers: Pair, make: Make, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = iter(range(0, 10**6, 100))
    monkeypatch.setattr(aligner, "time", SimpleNamespace(monotonic=lambda: float(next(passed))))
    make(strangers)
    assert list((outputs / FOLDER).glob("*/matches.npz")) == []
    monkeypatch.undo()
    assert from_cache(make(strangers, transition={"hold": 0.2})) == []
    assert from_cache(make(strangers, transition={"hold": 0.3})) == ["align"]


def test_nothing_is_kept_where_nothing_may_be(views: Pair, make: Make, outputs: Path) -> None:
    asked = merge(SMALL, {"runtime": {"cache_gb": 0}})
    make(views, asked)
    assert from_cache(make(views, asked)) == []
    assert not (outputs / FOLDER).exists()
    assert preview_transition(views, make_settings(asked), outputs).foreseen == Foreseen()


def test_of_several_pairs_each_says_for_itself_whether_it_was_aligned_before(
    views: Pair, tmp_path: Path, make: Make
) -> None:
    make(views)
    third = written(tmp_path, third=photo(COFFEE)[80:380, 20:470])
    both = make((*views, *third))
    assert [each.cache_hit for each in alignments(both)] == [True, False]


def test_two_at_once_keep_one_answer(views: Pair, tmp_path: Path) -> None:
    settings = make_settings(SMALL)
    cache = Cache(tmp_path / FOLDER, 10**9)
    context = Context(1, 1, tmp_path, cache=cache)
    first, last = (Prepare()(path, settings, context) for path in views)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: Align()((first, last), settings, context), range(2)))
    later = Align()((first, last), settings, context)
    homographies = [each.homography.tolist() for each in (*found, later) if each.homography is not None]
    assert homographies == [homographies[0]] * 3
    assert len(list((tmp_path / FOLDER).iterdir())) == 1


# --- told before ------------------------------------------------------------------------------------------------------


class Foretold:
    """Asks what a run will take, lets it run, and holds the answer against its record."""

    def __init__(self, images: Pair, asked: dict[str, Any], make: Make, outputs: Path) -> None:
        self.images, self.asked, self.make, self.outputs = images, asked, make, outputs

    def told(self, **changes: Any) -> Foreseen:
        return preview_transition(self.images, make_settings(merge(self.asked, changes)), self.outputs).foreseen

    def run(self, **changes: Any) -> list[str]:
        """The stages from the cache, which must be those that were told."""
        told = self.told(**changes)
        record = self.make(self.images, self.asked, **changes)
        assert list(told.kept) == from_cache(record)
        done = [stage.name for stage in record.stages if not stage.cache_hit and stage.name in told.anew]
        assert list(told.anew) == done
        return from_cache(record)


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Filled where features are matched."""
    seen: list[str] = []

    def watched(*arguments: Any) -> Alignment:
        seen.append("align")
        return align(*arguments)

    monkeypatch.setattr("pipeline.stages.align.align", watched)
    return seen


def test_it_is_known_before_what_a_transition_will_take(
    views: Pair, make: Make, outputs: Path, searches: list[str]
) -> None:
    foretold = Foretold(views, SMALL, make, outputs)
    assert foretold.run() == []
    assert foretold.told() == Foreseen(("align", "interpolate", "encode"))
    assert searches == ["align"]
    assert foretold.run() == foretold.run(encode={"fps": 12}) == ["align", "interpolate", "encode"]
    for changes in ({"encode": {"crf": 35}}, {"transition": {"hold": 0.2}}, {"style": {"name": "oil"}}):
        assert foretold.run(**changes) == ["align"]
    assert foretold.run(style={"name": "oil"}) == ["align", "interpolate", "style", "encode"]
    assert foretold.run(align={"enabled": False}) == []
    assert foretold.run(align={"refine": False}) == []
    assert searches == ["align"] * 2


def test_nothing_is_foretold_of_pictures_that_are_not_there(views: Pair, make: Make, outputs: Path) -> None:
    make(views)
    settings = make_settings(SMALL)
    assert preview_transition((views[0], None), settings, outputs).foreseen == Foreseen()
    assert preview_transition((None, None), settings, outputs).foreseen == Foreseen()
    assert preview_transition(views, settings).foreseen == Foreseen()


def test_it_is_known_before_which_words_and_key_frames_a_transition_will_take(
    views: Pair, make: Make, outputs: Path, tiny_models: TinyModels
) -> None:
    models = tiny_models("florence-2-base", "sd-1.5")
    foretold = Foretold(views, merge(PAINTED, {"runtime": {"models_dir": models}}), make, outputs)
    everything = ["align", "caption", "keyframes", "interpolate", "encode"]  # no model writes the plan
    assert foretold.run() == []
    RESIDENT.release()
    assert foretold.run() == everything
    assert foretold.run(encode={"crf": 35}) == everything[:3]
    assert foretold.run(transition={"hold": 0.2}) == everything[:3]
    assert RESIDENT.name is None  # neither described nor painted
    assert foretold.run(caption={"text0": "a cup", "text1": "a spoon"}) == ["align"]
    assert foretold.run(caption={"text0": "a cup", "text1": "a spoon"}, encode={"crf": 35}) == ["align", "keyframes"]
    assert foretold.run(seed=3) == ["align", "caption"]
    assert foretold.run(prompt="in oil") == ["align", "caption"]
    assert foretold.run(keyframes={"seeds": (-1, 8)}) == ["align", "caption"]
    assert foretold.run(keyframes={"model": "none"}) == ["align", "caption"]
    assert foretold.run(keyframes={"model": "none"}) == ["align", "caption", "interpolate", "encode"]
    RESIDENT.release()


def test_a_video_that_is_there_does_not_hide_that_its_photos_are_described_anew(
    views: Pair, make: Make, outputs: Path, tiny_models: TinyModels
) -> None:
    asked = merge(PAINTED, {"plan": {"prompts": ("a cup",)}, "runtime": {"models_dir": tiny_models("florence-2-base")}})
    foretold = Foretold(views, asked, make, outputs)
    foretold.run()
    told = foretold.told(caption={"detail": "short"})
    assert (told.anew, told.is_whole) == (("caption",), False)
    assert foretold.run(caption={"detail": "short"}) == ["align", "interpolate", "encode"]
    RESIDENT.release()


def test_a_painting_that_was_thrown_away_is_foretold_to_be_painted(
    views: Pair, make: Make, outputs: Path, tiny_models: TinyModels
) -> None:
    asked = merge(PAINTED, {"runtime": {"models_dir": tiny_models("sd-1.5")}})
    foretold = Foretold(views, asked, make, outputs)
    foretold.run()
    next((outputs / "keyframes").glob("*.png")).unlink()
    assert foretold.told() == Foreseen(("align",), ("keyframes", "interpolate", "encode"))
    RESIDENT.release()


def test_it_is_known_before_what_a_model_that_makes_the_passage_will_take(
    views: Pair, make: Make, outputs: Path, tiny_models: TinyModels
) -> None:
    name = "wan2.1-flf2v-14b-720p"
    asked = {
        "seed": 2,
        "prompt": "the light changes",
        "prepare": {"width": 64, "height": 64},
        "transition": {"engine": name, "num_frames": 5},
        "animate": {"num_inference_steps": 2},
        "runtime": {"models_dir": tiny_models(name), "device": "cpu"},
    }
    foretold = Foretold(views, asked, make, outputs)
    assert foretold.run() == []
    RESIDENT.release()
    assert foretold.run() == ["animate", "encode"]
    assert foretold.run(encode={"crf": 35}) == ["animate"]
    assert foretold.run(prompt="night falls") == []
    RESIDENT.release()


def test_a_transition_is_described_planned_and_painted_once(
    tmp_path: Path, make: Make, outputs: Path, tiny_models: TinyModels
) -> None:
    first_image, last_image = written(tmp_path, first=scene(64, 64), last=scene(64, 64)[:, ::-1].copy())
    models = tiny_models("florence-2-base", "phi-4-mini", "sd-1.5")
    asked = merge(PAINTED, {"keyframes": {"count": 1}, "runtime": {"models_dir": models}})
    foretold = Foretold((first_image, last_image), asked, make, outputs)
    assert foretold.run() == []
    RESIDENT.release()
    again, slow, other = foretold.run(), foretold.run(encode={"fps": 10}), foretold.run(encode={"crf": 30})
    assert RESIDENT.name is None
    for taken in (again, slow, other):
        assert taken[:2] == ["align", "caption"]
        assert "keyframes" in taken
    assert again[-2:] == slow[-2:] == ["interpolate", "encode"]
    assert "encode" not in other
    assert "caption" in foretold.told(caption={"detail": "short"}).anew
    assert "caption" not in from_cache(make(foretold.images, asked, caption={"detail": "short"}))
