"""The users' page on prompts, docs/prompts.md, made from the vocabulary and from prompts that are really read."""

from collections.abc import Iterable

from pipeline.engines.motion.grammar.words import Amounts, Entry, Verb, vocabulary
from pipeline.engines.motion.prompt import describe_plan, read_prompt

MOST_WORDS = 8
"""Words of a language that a row of a table shows; vocabulary.yaml holds them all."""

_EXAMPLES = (
    "Ocean waves gently moving",
    "Leaves falling gently from the tree",
    "The stars are twinkling and clouds swirling in the night sky",
    "slowly zoom in while panning left quickly",
    "zoom in 2x towards the upper right",
    "the picture moves left",
    "rotate 15 degrees clockwise",
    "camera rolls clockwise",
    "smoke rising, handheld camera, fade to black",
    "Hair blowing in the wind, no camera movement",
    "zoom in and then pan left",
    "zoom in and out",
    "seamless loop of the waterfall",
    "a cat on a sofa, cinematic, 4k",
    "镜头缓慢推进并向左平移",
    "海浪轻轻涌动，云朵向右飘动",
    "树叶从树上缓缓飘落，最后渐黑",
)

_INTRODUCTION = """# Prompts

<!-- Generated from pipeline/engines/motion/vocabulary.yaml by `python -m scripts.generate_docs`. -->

The embedded engine reads the prompt as a *motion plan*: what the camera does, which parts of the picture move by
themselves, and how the clip begins and ends. The plan is shown, can be edited, and is written in the record. Prompts
are English or Chinese, simplified or traditional, or a mixture. Other engines read prompts in their own way.

## Parts of a good prompt

**[subject] + [action] + [direction and speed] + [mood]**

| part | for example |
|---|---|
| subject | the waves, clouds, smoke, her hair; or the camera |
| action | move, swirl, twinkle, fall; zoom in, pan, rotate |
| direction and speed | to the left, clockwise, towards the upper right; slowly, very quickly, 2x, by 20% |
| mood | peaceful, cinematic: recognised, but without effect on this engine |

*Clouds drift slowly to the right while the camera zooms in gently.* 云朵缓缓向右飘动，镜头缓慢推进。
"""

_RULES = """## How a prompt is read

- Words of speed, amount and direction belong to the nearest movement of their clause: "slowly zoom in while panning
  left quickly". Clauses end at marks and at "and", "while", "with", "then", 同时, 并, 然后.
- A direction is the camera's, as in film: "pan left" looks further left, so the picture slides to the right. Where the
  picture is the subject, it is the picture's: "the picture moves left". Beside a zoom, a direction is the place it goes
  to: "zoom in towards the upper left".
- "Rotate clockwise" turns the picture clockwise. Where the camera is named, the camera turns, so the picture turns the
  other way: "the camera rolls clockwise".
- Only what is named moves: with moving things and no camera, the camera stands still. The sea, trees, grass, hair and
  the sky need a verb ("the sea moves") unless the prompt asks for no movement at all; waves, clouds, smoke, fire and
  stars move by being named.
- "no", "without", "do not", 不要 turn round what follows, to the end of their clause.
- A plan holds one movement. "First ... then ..." happens together, and there and back ("zoom in and out") is a loop.
- Numbers: "2x" and "200%" are the size at the end, "20%" is 20% more or less; for a pan, a share of the frame; for a
  thing, "2x" is twice its natural speed. "15 degrees" is for turns.
- A word with one wrong letter is read as the word that it is nearest to, and this is said.
- People, animals and vehicles do not move here, nor do rain and snow: their words are named back. Words that are not
  known are named back too, and never change the plan. A prompt without a movement gives a gentle zoom in.
- What needs depth (orbit, crane, parallax, flying through) becomes the nearest thing one photo can do, which is said.
"""


def prompt_guide() -> str:
    """Return the text of docs/prompts.md."""
    parts = [_INTRODUCTION, _examples(), _RULES, _amounts(vocabulary().amounts), _words()]
    return "\n".join(parts)


def _examples() -> str:
    rows = [f"| {prompt} | {describe_plan(read_prompt(prompt).plan)} |" for prompt in _EXAMPLES]
    return "\n".join(["## Examples", "", "| prompt | plan |", "|---|---|", *rows, ""])


def _amounts(amounts: Amounts) -> str:
    rows = [
        ("zoom in, zoom out", f"to {1 + amounts.zoom:g}x, to {1 / (1 + amounts.zoom):g}x"),
        ("no movement named", f"zoom in to {1 + amounts.gentle_zoom:g}x"),
        ("pan, tilt", f"{amounts.pan:.0%} of the frame's width or height"),
        ("rotate, roll", f"{amounts.roll:g} degrees"),
        ("dolly zoom", f"{amounts.dolly_zoom:.0%}"),
        ("handheld", f"{amounts.sway:.0%} of the height, {amounts.sway_rate:g} swings in 30 frames"),
        ("shaky", f"{amounts.shake:.0%} of the height, {amounts.shake_rate:g} swings in 30 frames"),
        ("fade", f"{amounts.fade:.0%} of the clip; a slow fade is a longer one"),
    ]
    table = [f"| {name} | {amount} |" for name, amount in rows]
    return "\n".join(["## Amounts without a number", "", "| movement | amount |", "|---|---|", *table, ""])


def _words() -> str:
    words = vocabulary()
    verbs = words.verbs.values()
    camera = [verb for verb in verbs if verb.camera and not verb.instead]
    paces: list[tuple[str, Entry]] = [
        (f"{pace.shown} (camera x{pace.camera:g}, things x{pace.region:g})", pace) for pace in words.paces.values()
    ]
    things: list[tuple[str, Entry]] = [
        (f"{thing.kind.value.replace('_', ' ')}{'' if thing.alone else ', with a verb'}", thing)
        for thing in words.things.values()
    ]
    sections = [
        "## Words\n\nSome words of each meaning; English verbs also as -s, -ing, -ed.\n",
        _table("The camera", _by_meaning(camera)),
        _table("Things", things),
        _table("What things do", _by_meaning([verb for verb in verbs if verb.region and not verb.camera])),
        _table("Directions and places", _by_meaning([*words.directions.values(), *words.turns.values()])),
        _table("Speed and amount", [*paces, *(("more so", word) for word in words.intensifiers.values())]),
        _table("Start and stop", _by_meaning([*words.easings.values(), *words.stills.values(), *words.loops.values()])),
        _table("Colours to fade to or from", [(colour.hex, colour) for colour in words.colours.values()]),
        _table("In depth, where it is known", _replacements(verbs)),
    ]
    return "\n".join(sections)


def _by_meaning(entries: Iterable[Entry]) -> list[tuple[str, Entry]]:
    return [(entry.shown, entry) for entry in entries]


def _replacements(verbs: Iterable[Verb]) -> list[tuple[str, Entry]]:
    return [(verb.instead, verb) for verb in verbs if verb.instead]


def _table(title: str, rows: list[tuple[str, Entry]]) -> str:
    lines = [f"### {title}", "", "| meaning | English | 中文 |", "|---|---|---|"]
    lines += [
        f"| {meaning} | {', '.join(entry.en[:MOST_WORDS])} | {'、'.join(entry.zh[:MOST_WORDS])} |"
        for meaning, entry in rows
    ]
    return "\n".join([*lines, ""])
