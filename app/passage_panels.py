"""What the tab Transition shows of a run: which way each stage took, the matches, the words, and the key frames.

Everything that comes from a user, a file or a run passes through `html.escape`.
"""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from app.jobs import Snapshot
from app.markup import file_url, section, sentence
from pipeline.records import RunRecord, StageRecord

STAGE_TITLES = {
    "align": "Alignment",
    "caption": "Captions",
    "plan": "Plan",
    "keyframes": "Key frames",
    "interpolate": "Motion",
    "animate": "Frames",
}
"""The stages that may go several ways, as people call them."""

EXAMPLE = (
    '<div class="strip"><span>Or try</span>'
    '<button type="button" class="textual" data-pair="0">one photo from two views</button>'
    '<button type="button" class="textual" data-pair="1">two different photos</button></div>'
)


def passage_account(job: Snapshot, outputs: Path) -> str:
    """How a transition came about, below its video."""
    record = job.record
    return (
        _ways(record)
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
        f"<dt>{escape(STAGE_TITLES[stage.name])}</dt><dd><b>{escape(stage.method)}</b> {sentence(stage.reason)}</dd>"
        for stage in record.stages
        if stage.name in STAGE_TITLES and stage.method
    )
    return section("How it was made", f'<dl class="record ways">{rows}</dl>' if rows else "")


def _matches(stage: StageRecord | None, outputs: Path) -> str:
    """The picture of the places that both photos share, with their numbers."""
    picture = stage.artifacts.get("picture") if stage is not None else None
    if stage is None or not isinstance(picture, str):
        return ""
    keypoints = stage.artifacts.get("keypoints") or [0, 0]
    counts = f"{keypoints[0]} and {keypoints[1]} keypoints"
    if stage.artifacts.get("homography") is not None:
        counts += (
            f", {stage.artifacts['matches']} matches, {stage.artifacts['inliers']} agree, "
            f"{stage.artifacts['overlap']:.0%} of the first photo is seen in the second"
        )
    url = escape(file_url(outputs / picture))
    return section(
        "What both photos share",
        f'<a href="{url}" target="_blank"><img class="matches" src="{url}" alt="Matches between both photos"></a>'
        f'<p class="hint">{escape(counts)}</p>',
    )


def _told(record: RunRecord) -> str:
    """Captions and plan, as they were used."""
    caption, plan = _stage(record, "caption"), _stage(record, "plan")
    texts = [text for text in (caption.artifacts.get("captions", []) if caption else []) if text]
    prompts = [text for text in (plan.artifacts.get("prompts", []) if plan else []) if text]
    body = "".join(f"<p>{escape(text)}</p>" for text in texts)
    body += "<ol>" + "".join(f"<li>{escape(text)}</li>" for text in prompts) + "</ol>" if prompts else ""
    return section("In words", body)


def _strip(record: RunRecord, outputs: Path) -> str:
    """The painted key frames, each with its prompt and seed, to be painted anew alone."""
    stage = _stage(record, "keyframes")
    if stage is None or record.used is None or not any(stage.artifacts.get("painted", [])):
        return ""
    used = record.used.keyframes
    cards = []
    for number, file in enumerate(stage.artifacts["files"]):
        if file:
            prompt = _at(used.prompts, number) or _nearest(record.used.plan.prompts, number, used.count)
            seed = used.seeds[number] if number < len(used.seeds) and used.seeds[number] >= 0 else record.seed
            cards.append(_key_frame(record.run_id, number, file_url(outputs / file), prompt, seed))
    return f'<div class="frames">{"".join(cards)}</div>'


def _key_frame(run_id: str, number: int, url: str, prompt: str, seed: int) -> str:
    name = f"Key frame {number + 1}"
    return (
        f'<figure data-frame="{number}"><img src="{escape(url)}" alt="{name}">'
        f'<textarea rows="3" maxlength="2000" aria-label="Prompt of key frame {number + 1}">{escape(prompt)}</textarea>'
        f'<label>Seed <input type="number" min="0" max="4294967295" value="{seed}"></label>'
        f'<button type="button" data-repaint="{number}" data-of="{escape(run_id)}">Repaint</button></figure>'
    )


def _nearest(prompts: Sequence[str], number: int, count: int) -> str:
    """The prompt of the plan that lies nearest to a key frame."""
    if not prompts:
        return ""
    place = number * (len(prompts) - 1) / (count - 1) if count > 1 else (len(prompts) - 1) / 2
    return prompts[round(place)]


def _at(values: Sequence[str], number: int) -> str:
    return values[number] if number < len(values) else ""


def _stage(record: RunRecord, name: str) -> StageRecord | None:
    return next((stage for stage in record.stages if stage.name == name), None)
