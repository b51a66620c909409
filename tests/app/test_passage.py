"""The tab Transition without a browser: its form becomes settings and back, and its models say what is here."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from app.actions import Actions, load_runner, open_photo
from app.crossing import NO_PAIR, Crossing
from app.downloads import Downloads
from app.form import shown
from app.helpers import HELPERS, helpers_panel, missing_model
from app.jobs import Jobs
from app.offers import helper_choices
from app.passage import CAPTIONS, PassageTab, build_passage_tab, engine_choices, engine_summary, passage_sections
from app.passage_form import Own, PassageForm, PassageState, ShownPassage
from app.state import Displayed
from app.texts import EXAMPLE_PAIRS
from pipeline.catalogue import Role, get_card
from pipeline.errors import InvalidSetting
from pipeline.options import options
from pipeline.run import execute, submit
from pipeline.settings import RuntimeSettings, Settings, make_settings, passage_engines
from pipeline.transition_settings import FLOW, KEYFRAMES, STAGES
from tests.conftest import TinyModels

FLF2V = "wan2.1-flf2v-14b-720p"


@dataclass(frozen=True)
class Bench:
    """The tab with what it holds when it opens."""

    tab: PassageTab
    state: PassageState
    form: PassageForm
    crossing: Crossing

    def values(self, **changed: Any) -> dict[Any, Any]:
        """What the components hold; `changed` names parts of the tab, or settings with __ for the dot."""
        found = {part: part.value for part in (*self.form.bundle.components, *self.form.bundle.states)}
        controls = {**self.tab.advanced.controls, **self.tab.words.captions.controls}
        named: dict[str, Any] = {"engine": self.tab.engine, "preset": self.tab.preset, "prompt": self.tab.prompt}
        named |= {"prompts": self.tab.words.prompts, "own": self.state.own, "photos": self.state.photos}
        for name, value in changed.items():
            found[named.get(name) or controls[name.replace("__", ".")].component] = value
        return found


@pytest.fixture
def bench(outputs: Path, tmp_path: Path) -> Iterator[Bench]:
    jobs = Jobs(outputs, load_runner)
    actions = Actions(jobs, tmp_path, tmp_path, Downloads())
    tab, crossing = asyncio.run(lay_out(actions))
    yield Bench(tab, crossing.state, crossing.form, crossing)
    jobs.close()


async def lay_out(actions: Actions) -> tuple[PassageTab, Crossing]:
    """The tab in a page: inside a loop that runs, since Gradio leaves one of its own open where there is none."""
    with gr.Blocks():
        tab = build_passage_tab()
        return tab, Crossing(tab, actions)


def test_every_setting_of_transitions_has_a_place_on_the_tab() -> None:
    placed = [name for names in passage_sections().values() for name in names]
    assert len(placed) == len(set(placed))
    wanted = {option.name for option in shown(Settings) if option.section in STAGES}
    assert wanted == {name for name in [*placed, *CAPTIONS] if name.partition(".")[0] in STAGES}
    left_out = {option.name for option in options() if option.section in STAGES} - wanted
    assert left_out == {"transition.engine", "plan.prompts", "keyframes.prompts", "keyframes.seeds"}
    assert set(HELPERS) <= set(placed)


def test_what_makes_transitions_is_offered_with_a_sentence_each() -> None:
    offered = [name for _, name in engine_choices(RuntimeSettings())]
    assert offered == passage_engines()
    assert all(engine_summary(name).endswith(".") for name in offered)


def test_the_form_as_it_opens_asks_for_the_defaults(bench: Bench) -> None:
    assert bench.form.settings(bench.values()) == make_settings({})


def test_only_what_belongs_to_the_engine_is_asked_for(bench: Bench) -> None:
    typed = {
        "prompt": "in the rain",
        "prompts": ["a house ", "", "a tower"],
        "caption__text0": "a house",
        "animate__num_inference_steps": 7,
        "own": Own(("", "a ship"), (-1, 4)),
    }
    flow = bench.form.settings(bench.values(engine=FLOW, **typed))
    assert flow == make_settings({})
    painted = bench.form.settings(bench.values(engine=KEYFRAMES, **typed))
    assert painted.prompt == "in the rain"
    assert painted.plan.prompts == ("a house", "a tower")
    assert painted.caption.text0 == "a house"
    assert (painted.keyframes.prompts, painted.keyframes.seeds) == (("", "a ship"), (-1, 4))
    assert painted.animate == make_settings({}).animate
    sampled = bench.form.settings(bench.values(engine=FLF2V, **typed))
    assert sampled.animate.num_inference_steps == 7
    assert sampled.plan.prompts == ()
    assert sampled.keyframes.prompts == ()


def test_what_was_repainted_is_left_out_with_fewer_key_frames(bench: Bench) -> None:
    values = bench.values(engine=KEYFRAMES, keyframes__count=2, own=Own(("", "", "a ship"), (-1, -1, 4)))
    assert bench.form.settings(values).keyframes.prompts == ()


def test_what_is_shown_is_what_is_read(bench: Bench) -> None:
    asked = make_settings(
        {
            "prompt": "oil painting",
            "preset": "draft",
            "seed": 5,
            "transition": {"engine": KEYFRAMES, "seconds": 1.5, "curve": "linear"},
            "align": {"enabled": False},
            "caption": {"text0": "a house", "text1": "a tower", "model": "none"},
            "plan": {"prompts": ("one", "two")},
            "keyframes": {"count": 2, "model": "sd-1.5", "prompts": ("", "own"), "seeds": (-1, 8)},
        }
    )
    held = bench.values()
    for part, update in bench.form.show(asked).items():
        value = update.get("value", held.get(part)) if isinstance(update, dict) else update
        held[part] = value
    assert bench.form.settings(held) == asked


def test_an_engine_lays_only_its_own_values_over_the_form(bench: Bench) -> None:
    controls = bench.tab.advanced.controls
    changes = bench.form.choose_engine(FLF2V, "standard", ShownPassage())
    frames = get_card(FLF2V).defaults["animate"]["num_frames"]
    assert changes[controls["transition.num_frames"].component]["value"] == frames
    assert controls["align.seconds"].component not in changes
    shown = ShownPassage(picked=FLF2V)
    assert bench.form.choose_engine(FLF2V, "standard", shown).keys() == {bench.tab.engine}, "a picker that was left"
    changes = bench.form.choose_preset("draft", KEYFRAMES)
    assert changes[controls["prepare.resolution"].component]["value"] == 480
    assert controls["transition.num_frames"].component not in changes


def test_a_reading_says_what_would_be_made_and_greys_out_the_rest(bench: Bench) -> None:
    tab = bench.tab
    changes = bench.form.read(bench.values(transition__num_frames=20))
    assert "1280 × 720, 20 frames" in changes[tab.forecast]
    controls = {name: control.component for name, control in tab.advanced.controls.items()}
    assert not controls["keyframes.count"].interactive, "greyed out from the start"
    assert controls["align.seconds"].interactive
    assert {name for name, each in controls.items() if each in changes} == set(HELPERS), "shown as it is"
    assert changes[tab.model] == ""
    after = bench.form.read({**bench.values(), bench.state.shown: changes[bench.state.shown]})
    assert not set(after) & set(tab.advanced.components)
    changes = bench.form.read(bench.values(transition__seconds="2"))
    assert not changes[controls["transition.num_frames"]]["interactive"], "the seconds decide"
    changes = bench.form.read(bench.values(prepare__width="640"))
    assert not changes[controls["prepare.resolution"]]["interactive"], "the width decides"


def test_a_reading_says_which_stages_are_kept_from_an_earlier_run(bench: Bench, outputs: Path) -> None:
    first, last = EXAMPLE_PAIRS[0].paths
    photos = open_photo(first, first.name), open_photo(last, last.name)
    values = bench.values(photos=photos, prepare__width="96", prepare__height="64", transition__num_frames=4)
    assert 'class="kept"' not in bench.form.read(values)[bench.tab.forecast]
    settings = bench.form.settings(values)
    execute(submit((first, last), settings, outputs), (first, last), outputs)
    assert "This video was made before" in bench.form.read(values)[bench.tab.forecast]
    values = {**values, bench.tab.advanced.controls["encode.crf"].component: 35}
    told = "Kept from earlier runs: align. Made anew: interpolate, encode."
    assert told in bench.form.read(values)[bench.tab.forecast]


def test_a_wrong_value_is_one_sentence(bench: Bench) -> None:
    changes = bench.form.read(bench.values(prepare__width="9999"))
    assert "prepare.width" in changes[bench.tab.forecast]


def test_without_two_photos_there_is_a_sentence_and_no_run(bench: Bench) -> None:
    changes = bench.crossing.generate(bench.values())
    assert NO_PAIR.partition(":")[0] in changes[bench.tab.error]
    assert bench.crossing.actions.jobs.latest(2) is None


def test_the_photos_are_swapped(bench: Bench) -> None:
    first, last = (open_photo(path, path.name) for path in EXAMPLE_PAIRS[0].paths)
    changes = bench.crossing.swap((first, last))
    assert changes[bench.state.photos] == (last, first)
    assert [changes[box]["photo"]["name"] for box in bench.tab.photos] == [last.name, first.name]
    assert bench.crossing.swap((None, last))[bench.tab.photos[1]]["photo"] is None


def test_nothing_is_shown_again_while_nothing_changes(bench: Bench) -> None:
    first = bench.crossing.poll("", Displayed(), bench.state.shown.value)
    again = bench.crossing.poll("", first[bench.state.displayed], bench.state.shown.value)
    assert set(again) == {bench.state.displayed, bench.tab.status}
    assert again[bench.tab.status]["value"] == ""


def test_a_late_answer_about_the_run_before_does_not_lead_back_to_it(bench: Bench) -> None:
    opened = bench.crossing.restore(bench.state.shown.value)
    late = bench.crossing.poll("video_before", Displayed(), bench.state.shown.value)
    assert opened[bench.tab.status]["about"] == ""
    assert "about" not in late[bench.tab.status]
    assert late[bench.tab.status]["mark"] != opened[bench.tab.status]["mark"]  # so it is asked for once more


def test_own_key_frames_are_changed_one_by_one() -> None:
    own = Own().changed(1, 3, "a ship", -1).changed(2, 3, "", 9)
    assert own == Own(("", "a ship", ""), (-1, -1, 9))
    assert own.numbers == [1, 2]
    assert own.changed(1, 2, "", -1).numbers == []


def test_the_example_pairs_are_here() -> None:
    assert all(path.is_file() for pair in EXAMPLE_PAIRS for path in pair.paths)


def test_helpers_are_offered_with_what_is_here(tiny_models: TinyModels, tmp_path: Path) -> None:
    labels = {}
    for folder in (tmp_path, tiny_models("sd-1.5")):
        offered = helper_choices(Role.KEYFRAMES, RuntimeSettings(models_dir=folder))
        assert [name for _, name in offered][:2] == ["auto", "none"]
        labels[folder] = {name: label for label, name in offered}["sd-1.5"]
    assert [label.rpartition(" ")[2] for label in labels.values()] == ["download", "ready"]


def test_the_helpers_say_what_is_done_without_them(tiny_models: TinyModels) -> None:
    models = {"runtime": {"models_dir": tiny_models("sd-1.5")}, "transition": {"engine": KEYFRAMES}}
    panel = helpers_panel(make_settings({**models, "plan": {"model": "none"}}), Downloads())
    assert "<b>Stable Diffusion 1.5</b> is ready" in panel
    assert 'data-download="florence-2-base"' in panel
    assert "the captions are yours" in panel
    assert "by rule" in panel
    assert 'data-download="phi-4-mini"' not in panel
    assert "nothing is painted" not in panel
    assert helpers_panel(make_settings({}), Downloads()) == ""


def test_the_model_that_is_named_and_missing_is_found(tiny_models: TinyModels) -> None:
    models = {"runtime": {"models_dir": tiny_models("sd-1.5")}, "transition": {"engine": KEYFRAMES}}
    assert missing_model(make_settings({**models, "keyframes": {"model": "sd-1.5"}})) is None
    missing = missing_model(make_settings({**models, "plan": {"model": "phi-4"}}))
    assert missing is not None
    assert missing.name == "phi-4"
    assert missing_model(make_settings({"transition": {"engine": FLF2V}})) == get_card(FLF2V)
    with pytest.raises(InvalidSetting, match="no model 'phi'"):
        missing_model(make_settings({**models, "plan": {"model": "phi"}}))
