"""What the tab Transition shows of a run: which way each stage took, the matches, the words, and the key frames.

Everything that comes from a user, a file or a run passes through `html.escape`.
"""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from app.brush import thumbnail_url
from app.jobs import Snapshot
from app.markup import facts, file_url, section, sentence
from app.texts import EXAMPLE_PAIRS
from pipeline.catalogue import all_names, find_card
from pipeline.errors import InvalidSetting
from pipeline.records import RunRecord, StageRecord
from pipeline.settings import Settings
from pipeline.transition_settings import KeyframesSettings

MAX_SEED = 2**32 - 1
"""The largest seed that a run takes."""

STAGE_TITLES = {
    "align": "Alignment",
    "caption": "Captions",
    "plan": "Plan",
    "keyframes": "Key frames",
    "interpolate": "Motion",
    "animate": "Frames",
}
"""The stages that may go several ways, as people call them."""

METHOD_TITLES = {
    "sift": "One scene",
    "affine-sift": "One scene, from another side",
    "identical": "The same photo",
    "refused": "No common scene",
    "off": "Not aligned",
    "yours": "Yours",
    "template": "By rule",
    "none": "None",
    "morph alone": "Morph alone",
    "camera": "Camera",
    "flow": "Optical flow",
    "dissolve": "Dissolve",
    "mixed": "Several ways",
}
"""The ways of the stages. A model goes by its title."""


def method_title(method: str) -> str:
    """A stage's way for people."""
    if method in all_names():
        return find_card(method).title
    return METHOD_TITLES.get(method, method[:1].upper() + method[1:])


def examples_strip() -> str:
    """The example pairs as buttons with small pictures."""
    buttons = "".join(
        f'<button type="button" class="two" data-pair="{number}">'
        + "".join(f'<img src="{thumbnail_url(path)}" alt="">' for path in pair.paths)
        + f"<span>{escape(pair.title)}</span></button>"
        for number, pair in enumerate(EXAMPLE_PAIRS)
    )
    return f'<div class="strip"><span>Or try</span>{buttons}</div>'


def own_panel(numbers: Sequence[int], settings: KeyframesSettings) -> str:
    """Which key frames were painted anew by hand, and the button that lets them follow the plan again."""
    if not numbers:
        return ""
    names = ", ".join(str(number + 1) for number in numbers)
    told = f"Repainted by you, with a prompt or a seed of its own: key frame {names}."
    if max(numbers) >= settings.count:
        told = f"Repainted was on a way with more key frames: all {settings.count} follow the plan now."
    forget = '<button type="button" class="button plain" data-forget="own">Follow the plan</button>'
    return f'<p class="own"><span>{escape(told)}</span>{forget}</p>'


def passage_account(job: Snapshot, outputs: Path) -> str:
    """How a transition came about, below its video."""
    record = job.record
    return (
        f'<p class="again"><button type="button" class="button plain" data-reuse="{escape(record.run_id)}">'
        "Use these photos and settings again</button></p>"
        + _ways(record)
        + _matches(_stage(record, "align"), outputs)
        + _told(record)
        + section("Key frames", _strip(record, outputs), "keyframes")
    )


def painted_so_far(job: Snapshot, outputs: Path) -> str:
    """The key frames that are done, while the others are painted."""
    if not job.painted:
        return ""
    pictures = "".join(
        f'<figure><img src="{escape(file_url(outputs / each.file))}" alt="Key frame {each.number}">'
        f"<figcaption>{each.number} of {each.count}</figcaption></figure>"
        for each in job.painted
    )
    return f'<div class="frames" aria-label="Key frames that are painted">{pictures}</div>'


def _ways(record: RunRecord) -> str:
    rows = "".join(
        f"<dt>{STAGE_TITLES[stage.name]}</dt><dd><b>{escape(method_title(stage.method))}</b> "
        f"{sentence(stage.reason)}</dd>"
        for stage in record.stages
        if stage.name in STAGE_TITLES and stage.method
    )
    return section("How it was made", f'<dl class="record ways">{rows}</dl>' if rows else "")


def _matches(stage: StageRecord | None, outputs: Path) -> str:
    """The picture of the places that both photos share, with their numbers; the numbers alone where there are none."""
    if stage is None or not any(stage.artifacts.get("keypoints", ())):
        return ""
    found = stage.artifacts
    first, last = found["keypoints"]
    keypoints = f"{first:,} and {last:,} keypoints"
    if not found["matches"]:
        return section("What was compared", f'<p class="hint">{keypoints}, and no matches that hold.</p>')
    counts = f"{keypoints}, {found['matches']:,} matches, {found['inliers']:,} of them agree"
    counts += f"; {found['overlap']:.0%} of the first photo is in the last" if found["homography"] else ""
    url = escape(file_url(outputs / found["picture"]))
    picture = f'<img class="matches" src="{url}" alt="Both photos, with lines between the places that match">'
    return section(
        "What both photos share", f'<a href="{url}" target="_blank">{picture}</a><p class="hint">{counts}.</p>'
    )


def _told(record: RunRecord) -> str:
    """Captions and plan, as they were used."""
    caption, plan = _stage(record, "caption"), _stage(record, "plan")
    texts = caption.artifacts.get("captions", []) if caption is not None else []
    prompts = plan.artifacts.get("prompts", []) if plan is not None else []
    names = ("First photo", "Last photo")
    captions = facts(((name, text) for name, text in zip(names, texts, strict=False) if text), own=names)
    lines = "".join(f'<li translate="no">{escape(text)}</li>' for text in prompts if text)
    shown = f'<dl class="record">{captions}</dl>' if captions else ""
    return section("In words", shown + (f'<ol class="prompts">{lines}</ol>' if lines else ""))


def _strip(record: RunRecord, outputs: Path) -> str:
    """The painted key frames, each with its prompt and seed, to be painted anew alone."""
    stage, used = _stage(record, "keyframes"), record.used
    if stage is None or used is None or not any(stage.artifacts.get("painted", [])):
        return ""
    cards = ""
    for number, file in enumerate(stage.artifacts["files"]):
        if file:
            own = used.keyframes.seeds[number] if number < len(used.keyframes.seeds) else -1
            asked = prompt_of(used, number), record.seed if own < 0 else own
            cards += _key_frame(record.run_id, number, file_url(outputs / file), asked)
    hint = "Repaint one with another prompt or seed: the others stay as they are."
    return f'<p class="hint">{hint}</p><div class="frames">{cards}</div>'


def _key_frame(run_id: str, number: int, url: str, asked: tuple[str, int]) -> str:
    """One key frame with the prompt and the seed it was painted with."""
    name, (prompt, seed) = f"Key frame {number + 1}", asked
    return (
        f'<figure data-frame="{number}"><img src="{escape(url)}" alt="{name}">'
        f'<textarea rows="3" maxlength="2000" aria-label="Prompt of key frame {number + 1}">{escape(prompt)}</textarea>'
        f'<div><label>Seed <input type="number" min="0" max="{MAX_SEED}" value="{seed}"></label>'
        f'<button type="button" data-repaint="{number}" data-of="{escape(run_id)}" '
        f'aria-label="Repaint key frame {number + 1}">Repaint</button></div></figure>'
    )


def prompt_of(used: Settings, number: int) -> str:
    """The prompt that a key frame was painted with: its own, or the one of the plan that lies nearest to it."""
    own = used.keyframes.prompts[number] if number < len(used.keyframes.prompts) else ""
    return own or _nearest(used.plan.prompts, number, used.keyframes.count)


def read_seed(text: object) -> int:
    """The seed that was typed for a key frame; empty is the run's own. Raises InvalidSetting."""
    typed = str(text).strip()
    if not typed:
        return -1
    if not typed.isdecimal() or int(typed) > MAX_SEED:
        raise InvalidSetting(
            f"The seed of a key frame is a whole number from 0 to {MAX_SEED}, but {typed!r} was given."
        )
    return int(typed)


def _nearest(prompts: Sequence[str], number: int, count: int) -> str:
    """The prompt of the plan that lies nearest to a key frame."""
    if not prompts:
        return ""
    place = number * (len(prompts) - 1) / (count - 1) if count > 1 else (len(prompts) - 1) / 2
    return prompts[round(place)]


def _stage(record: RunRecord, name: str) -> StageRecord | None:
    return next((stage for stage in record.stages if stage.name == name), None)
