"""The prompt box of the embedded engine: a prompt in English or Chinese is read as a motion plan.

A prompt is cut into words and phrases of the vocabulary (grammar/items.py), these into clauses in which every verb
finds what moves and how (grammar/clauses.py), and the movements become one plan (grammar/planner.py). docs/prompts.md
explains the grammar to users. Reading is deterministic, and words that are not understood never change the plan.
"""

from dataclasses import dataclass

from pipeline.engines.motion.grammar.camera import gentle_zoom
from pipeline.engines.motion.grammar.clauses import read_clauses
from pipeline.engines.motion.grammar.describe import describe_plan
from pipeline.engines.motion.grammar.draft import Draft
from pipeline.engines.motion.grammar.items import Item, read_items
from pipeline.engines.motion.grammar.moves import Move, Reading
from pipeline.engines.motion.grammar.planner import draft_plan, finished_plan
from pipeline.engines.motion.grammar.segments import mark_negated
from pipeline.engines.motion.grammar.words import (
    Beyond,
    CameraAction,
    ColourWord,
    Ease,
    Intensifier,
    Joiner,
    Measure,
    Mood,
    Negation,
    Pace,
    Plain,
    Quantity,
    Silent,
    Thing,
)
from pipeline.motion_plan import Easing, MotionPlan

__all__ = ["PromptReading", "describe_plan", "read_prompt"]

_NOT_SHOWN = (Silent, Joiner, Plain, Beyond, Intensifier, Negation)


@dataclass(frozen=True)
class PromptReading:
    """How a prompt was read.

    `understood` pairs words of the prompt with what they were taken as; `unknown` are the content words that were not
    understood, in order, as the user wrote them; `notes` are whole sentences about what was done instead.
    `camera_held` says that the prompt itself asks for a camera that stands still.
    """

    plan: MotionPlan
    understood: tuple[tuple[str, str], ...]
    unknown: tuple[str, ...]
    notes: tuple[str, ...]
    camera_held: bool = False


def read_prompt(prompt: str) -> PromptReading:
    """Read any text as a motion plan; what cannot be read is named, never an error."""
    items, notes = read_items(prompt)
    items = mark_negated(items)
    reading = read_clauses(items)
    draft = draft_plan(reading)
    fading = any(move.camera is CameraAction.FADE for move in reading.moves)
    unknown = tuple(dict.fromkeys(item.words for item in items if _is_unknown(item, reading, fading)))
    known = [item for item in items if not _is_unknown(item, reading, fading) and _meaning(item)]
    understood = tuple((item.words, _meaning(item)) for item in known)
    by_default = _default_camera(draft, reading)
    notes += [*draft.notes, *_notes_on_words(items, reading, unknown)]
    if by_default:
        notes.append(_default_note(prompt, bool(reading.moves or reading.loop or draft.fade_in or draft.fade_out)))
    plan = finished_plan(draft, _easing(items))
    held = reading.camera_still or _camera_forbidden(reading.moves)
    return PromptReading(plan, understood, unknown, tuple(dict.fromkeys([*notes, *draft.notes])), held)


def _default_camera(draft: Draft, reading: Reading) -> bool:
    """Let the picture live: where nothing moves and nothing was told to stand still, zoom in gently."""
    if reading.camera_still and draft.camera_moves():
        draft.note("The prompt asks for a camera that stands still and for one that moves: it moves.")
    moves = draft.camera_moves() or bool(draft.regions)
    if moves or reading.camera_still or reading.held or _camera_forbidden(reading.moves):
        return False
    draft.zoom = gentle_zoom([entry for entry in reading.loose if isinstance(entry, Pace)])
    return True


def _camera_forbidden(moves: list[Move]) -> bool:
    return any(move.negated and not move.things for move in moves)


def _easing(items: list[Item]) -> Easing:
    """Return the first easing that the prompt names."""
    for item in items:
        if isinstance(item.entry, (Ease, Pace)) and item.entry.easing:
            return item.entry.easing
    return Easing.EASE_IN_OUT


def _is_unknown(item: Item, reading: Reading, fading: bool) -> bool:
    if isinstance(item.entry, ColourWord):
        return not fading
    unmoved = any(item.words == other.words and item.entry is other.entry for other in reading.unmoved)
    return item.entry is None or unmoved or isinstance(item.entry, (Plain, Beyond))


def _meaning(item: Item) -> str:
    """Return what an item was taken as, for people; empty for words that are passed over."""
    entry = item.entry
    if entry is None or isinstance(entry, _NOT_SHOWN):
        return ""
    if isinstance(entry, Mood):
        return "mood, without effect"
    shown = entry.kind.value.replace("_", " ") if isinstance(entry, Thing) else entry.shown
    return f"not: {shown}" if item.negated and shown else shown


def _notes_on_words(items: list[Item], reading: Reading, unknown: tuple[str, ...]) -> list[str]:
    notes = []
    if unknown and reading.unmoved:
        notes.append(f"Only the camera and things that flow can move here; left as they are: {_listed(unknown)}.")
    elif unknown:
        notes.append(f"Not understood, and left out: {_listed(unknown)}.")
    if any(isinstance(item.entry, Mood) for item in items):
        notes.append("Words of mood and quality have no effect on this engine.")
    if any(isinstance(item.entry, Quantity) and item.entry.unit is Measure.SECONDS for item in items):
        notes.append("The prompt does not set the length of the clip: the number of frames and the frame rate do.")
    return notes


def _listed(words: tuple[str, ...], most: int = 12) -> str:
    shown = ", ".join(f"'{word[:40]}'" for word in words[:most])
    return f"{shown} and {len(words) - most} more" if len(words) > most else shown


def _default_note(prompt: str, something_understood: bool) -> str:
    if not prompt.strip():
        return "The prompt is empty, so the camera zooms in gently."
    if something_understood:
        return "The prompt names no movement of the picture, so the camera zooms in gently."
    return "The prompt names no movement that this engine knows, so the camera zooms in gently."
