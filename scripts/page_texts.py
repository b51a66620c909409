"""Find every English text that can reach the page, as app/i18n/zh-CN.json has to hold it.

`python -m scripts.page_texts` names the texts that have no Chinese yet, and the entries that nothing says any more.

Texts are found where they are written: string literals and f-strings of app/ and pipeline/, text and attributes of the
HTML in them, the scripts of the page, labels, help and choices of the settings, the words that a prompt is told in, and
the summaries of the model cards. What varies is a slot: f"{count} frames" becomes "{0} frames".
"""

import ast
import itertools
import math
import re
import sys
from collections.abc import Iterable, Iterator
from html import unescape
from typing import TypeGuard

from app.form import label_of, shown
from app.languages import CHINESE, read_texts
from app.texts import LABELS
from pipeline.catalogue import get_card, model_names
from pipeline.engines.motion.grammar.words import Entry, vocabulary
from pipeline.motion_plan import MotionPlan, Region
from pipeline.options import options
from pipeline.paths import PROJECT
from pipeline.settings import Settings, preset_names
from pipeline.style_settings import style_names

ELSEWHERE = (
    "app/api.py", "app/bug_report.py", "app/guard.py", "app/languages.py", "app/launch.py", "app/pulse.py",
    "app/state.py", "app/theme.py", "app/uploads.py", "pipeline/align_command.py", "pipeline/batch/command.py",
    "pipeline/batch/jobs.py", "pipeline/batch/ledger.py", "pipeline/batch/read.py", "pipeline/command_line.py",
    "pipeline/engines/motion/grammar/guide.py", "pipeline/engines/motion/grammar/tokens.py",
    "pipeline/interpolate_command.py", "pipeline/logs.py", "pipeline/models_command.py", "pipeline/named_settings.py",
    "pipeline/options.py", "pipeline/planning/conversation.py", "pipeline/planning/wording.py", "pipeline/selftest.py",
)  # fmt: skip
"""Modules whose texts are for terminals, programs, models or generated pages."""

DEFECTS = (
    "pipeline/interpolation/between.py", "pipeline/interpolation/film.py", "pipeline/interpolation/spread.py",
    "pipeline/morphing/ends.py", "pipeline/morphing/film.py", "pipeline/morphing/passage.py",
    "pipeline/morphing/timing.py", "pipeline/run/__init__.py", "pipeline/style/film.py", "pipeline/video/write.py",
)  # fmt: skip
"""Modules whose texts tell programmers of their own mistakes."""

NOT_SAID = {"LOG", "re", "TypeVar", "TypeAdapter", "cast"}
"""Functions, and objects whose methods, take texts that the page does not show."""

NOT_SHOWN = {"elem_id", "elem_classes", "js_on_load", "storage_key", "secret", "name", "thread_name_prefix", "prefix"}
"""Arguments that the page does not show."""

WORDS = (
    "automatic", "any", "none", "motion", "everything", "errors", "models", "packages", "outputs", "disk", "on",
    "off", "subject", "action", "mood",
    "queued", "running", "succeeded", "failed", "cancelled", "interrupted", "stopped", "waiting", "damaged", "plan",
    "prepare", "align", "caption", "plan", "keyframes", "animate", "interpolate", "enhance", "style", "encode",
    "sampling", "decoding", "encoding", "loading", "processor", "partial", "missing", "ready", "nothing",
    "faithful", "still", "little", "lively", "wild", "steady", "slight", "strong", "blurred", "sharp", "kept", "change",
    "some", "fits", "upper", "lower", "top", "bottom", "Motion", "Flicker", "Sharpness", "Colours", "hair", "black",
    "white",
)  # fmt: skip
"""Single words that stand on the page by themselves. Others are names."""

NAMES = {
    "float32", "float16", "bfloat16", "float8", "int8", "nf4", "mp4", "webm", "gif", "film", "rife", "cpu", "cuda",
    "ddim", "euler", "dpmpp 2m", "unipc", "canny", "ControlNet", "H.264 through libx264", "PSNR {0} dB, SSIM {1}",
    "JPG, PNG, WEBP, HEIC, AVIF, TIFF, BMP, GIF",
}  # fmt: skip
"""Names of formats, methods and devices, which are the same in every language."""

COMPOSED = (
    "{0} s", "{0} min", "{0} h", "{0} ({1})", "{0} {1} s", "{0} left", "{0} cores",
    "zooms in to {0}x", "zooms out to {0}x", "zooms in to {0}x towards the {1}", "zooms out to {0}x towards the {1}",
    "zooming in to {0}x", "zooming out to {0}x", "zooming in to {0}x towards the {1}",
    "zooming out to {0}x towards the {1}", "pans {0} by {1}%", "panning {0} by {1}%", "orbits {0} by {1}%",
    "orbiting {0} by {1}%", "turns {0} degrees {1}", "turning {0} degrees {1}", "dolly zooms {0} by {1}%",
    "dolly zooming {0} by {1}%", "the camera shakes by {0}%", "the camera sways by {0}%", "{0} with parallax",
    "water flows left", "clouds drift left", "smoke drifts left", "fire burns left", "leaves sway left",
    "leaves fall left", "grass sways left", "hair sways left", "stars twinkle left", "the painted area drifts left",
    "the swirling {0}", "{0} at {1}x speed", "{0} to the upper right", "{0} to the upper left",
    "{0} to the lower left", "{0} to the lower right", "{0} right", "{0} up", "{0} down", "not: {0}",
    "upper left", "upper right", "lower left", "lower right",
)  # fmt: skip
"""What the program puts together from parts that say nothing by themselves."""

LIBRARIES = (
    "input should be a valid integer", "input should be a valid number", "input should be a valid string",
    "input should be a valid integer, unable to parse string as an integer",
    "input should be a valid integer, got a number with a fractional part",
    "input should be a valid number, unable to parse string as a number", "input should be a finite number",
    "input should be a valid boolean, unable to interpret input", "input should be greater than {0}",
    "input should be greater than or equal to {0}", "input should be less than {0}",
    "input should be less than or equal to {0}", "input should be {0}", "field required",
    "string should have at most {0} characters", "string should match pattern '{0}'",
    "tuple should have at most {0} items after validation, not {1}",
    "No space left on device", "Permission denied", "No such file or directory", "Is a directory",
    "Not a directory", "Read-only file system", "File exists", "Directory not empty", "Input/output error",
)  # fmt: skip
"""What pydantic and the system say, which the program passes on."""

GRADIO = ("More tabs", "Reset to default value", "number input for {0}", "range slider for {0}")
"""What Gradio says in English in every language."""

SLOT = "\0"
TAG = re.compile(r"<[a-zA-Z/!][^<>]*>")
ATTRIBUTE = re.compile(r"""\b(?:title|aria-label|alt|placeholder|data-ask|data-busy)=(["'])(.*?)\1""")
MOST_ALTERNATIVES = 4
"""A text that may be said in more ways than these is a text with slots."""

CODE = re.compile(
    r"\w\[|=|^[.%*]|^(https?:|data:|--|PIL|not-|card |go )|\.tt[cf]$|^\W*$"
    r"|\b(None|Callable|PRAGMA|SELECT|INSERT|TABLE|Bearer)\b"
)
"""What is no text: annotations, selectors, classes of CSS, SQL."""

LONGEST = 700
"""Characters of the longest text. What is longer is a page of its own."""

EDGES = " \t\n,;·:"
"""What may stand around a text where texts are joined; it is no part of any."""

Found = dict[str, str]
"""Texts with the place that says them first."""


def page_texts() -> Found:
    """Every text of the page, in the order of the files, with where it stands."""
    found: Found = {}
    for place, texts in _sources():
        for text in texts:
            if text not in NAMES:
                found.setdefault(text, place)
    return found


def _sources() -> Iterator[tuple[str, Iterable[str]]]:
    for path in sorted([*(PROJECT / "app").glob("*.py"), *(PROJECT / "pipeline").rglob("*.py")]):
        name = path.relative_to(PROJECT).as_posix()
        if name not in ELSEWHERE and name not in DEFECTS:
            texts = python_texts(path.read_text(encoding="utf-8"))
            yield name, (text for text in texts if name.startswith("app/") or not text.isalpha())
    for path in sorted((PROJECT / "app").glob("*.html")):
        yield f"app/{path.name}", pieces(re.sub(r"@\w+", SLOT, path.read_text(encoding="utf-8")))
    for path in sorted((PROJECT / "app").glob("*.js")):
        if path.name != "languages.js":
            yield f"app/{path.name}", script_texts(path.read_text(encoding="utf-8"))
    yield "scripts/page_texts.py", (*WORDS, *COMPOSED, *LIBRARIES, *GRADIO)
    yield "the settings", setting_texts()
    yield "the vocabulary", vocabulary_texts()
    yield "the catalogue", (get_card(name).summary for name in model_names())


# --- Python -----------------------------------------------------------------------------------------------------------


def python_texts(source: str) -> Iterator[str]:
    """The texts in a module."""
    tree = ast.parse(source)
    for node in _said(tree):
        for text in alternatives(node):
            yield from pieces(text)


def _said(node: ast.AST) -> Iterator[ast.expr]:
    """The outermost expressions below `node` that are texts, without docstrings, annotations and what only logs see."""
    for child in _children(node):
        if _is_text(child):
            yield child
            yield from _inside(child)
        else:
            yield from _said(child)


def _inside(node: ast.expr) -> Iterator[ast.expr]:
    """Texts within the slots of a text: f"{name or 'no prompt'}"."""
    for child in ast.walk(node):
        if isinstance(child, ast.FormattedValue) and not _is_text(child.value):
            yield from _said(child.value) if isinstance(child.value, ast.IfExp) else _said(child)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    if isinstance(node, ast.Call) and _called(node.func) in NOT_SAID:
        return
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
        return
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "slice", "bases", "decorator_list", "format_spec"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.keyword) and child.arg in NOT_SHOWN:
                continue
            if isinstance(child, ast.AST):
                yield child


def _called(function: ast.expr) -> str:
    """The name of a function, or of the object whose method it is."""
    owner = function.value if isinstance(function, ast.Attribute) else function
    return owner.id if isinstance(owner, ast.Name) else ""


def _is_text(node: ast.AST) -> TypeGuard[ast.expr]:
    """Whether an expression is a text, or is joined or chosen from texts."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _is_text(node.left) or _is_text(node.right)
    return isinstance(node, ast.JoinedStr)


def alternatives(node: ast.expr) -> list[str]:
    """What a text may say, with SLOT where it varies; a choice between two literals gives two texts."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [re.sub(r"\{\}", SLOT, node.value)]
    if isinstance(node, ast.FormattedValue):
        return alternatives(node.value)
    if isinstance(node, ast.IfExp) and (_is_text(node.body) or _is_text(node.orelse)):
        return [*alternatives(node.body), *alternatives(node.orelse)]
    if isinstance(node, ast.JoinedStr):
        return _products(node.values)
    if _is_text(node) and isinstance(node, ast.BinOp):
        return _products([node.left, node.right])
    return [SLOT]


def _products(parts: list[ast.expr]) -> list[str]:
    choices = [alternatives(part) for part in parts]
    if math.prod(map(len, choices)) > MOST_ALTERNATIVES:  # the parts are texts of their own then
        choices = [each if len(each) == 1 else [SLOT] for each in choices]
    return ["".join(chosen) for chosen in itertools.product(*choices)]


# --- HTML, scripts ----------------------------------------------------------------------------------------------------


def pieces(text: str) -> Iterator[str]:
    """The texts of a string: those of its HTML where it holds some, each with numbered slots."""
    texts = [*TAG.split(text), *(match[2] for match in ATTRIBUTE.finditer(text))]  # a text without tags is one piece
    for each in texts:
        told = numbered(unescape(" ".join(each.split()) if "\n" in each else each).strip(EDGES))
        if is_for_people(told):
            yield told


def numbered(text: str) -> str:
    """The text with its slots as {0}, {1}; slots that touch are one."""
    counter = itertools.count()
    return re.sub(f"{SLOT}+", lambda _: f"{{{next(counter)}}}", text)


def is_for_people(text: str) -> bool:
    """Whether a literal reads like a text, and not like a name, a path or code."""
    words = re.sub(r"\{\d+\}", "", text)
    if not re.search(r"[A-Za-z]{2}", words) or CODE.search(words) or len(text) > LONGEST:
        return False
    if re.fullmatch(r"[\w./-]*", words.strip()):
        return bool(re.search(r" [a-z]{2}|[a-z]{2} ", words) or re.fullmatch(r"[A-Z][a-z]+", words.strip(" .")))
    return " " in words.strip() or text[:1].isupper() or words != text


ASIDE = re.compile(r"\s//.*$|^//.*$|(?:querySelector\w*|find|closest|matches)\([^)]*\)", re.MULTILINE)
"""Comments and selectors in scripts."""

STRING = re.compile(r"'((?:[^'\\\n]|\\.)*)'|`([^`]*)`")


def script_texts(source: str) -> Iterator[str]:
    """The texts in a script of the page: string literals of several words, or with a capital."""
    for match in STRING.finditer(ASIDE.sub("", source)):
        yield from pieces(re.sub(r"\$\{[^}]*\}", SLOT, match[1] or match[2] or ""))


# --- settings, words --------------------------------------------------------------------------------------------------


def setting_texts() -> Iterator[str]:
    """Labels, help and choices of all settings that the page shows, presets and styles."""
    for model in (Settings, MotionPlan, Region):
        for option in (*shown(model), *(each for each in options(model) if each.many)):
            yield LABELS.get(option.name, label_of(option.name))
            yield option.help
            yield from (choice.replace("_", " ") for choice in option.choices)
    yield from (name.capitalize() for name in preset_names())
    yield from (name.replace("-", " ") for name in style_names())


def vocabulary_texts() -> Iterator[str]:
    """What the words of a prompt are said to mean."""
    for words in vars(vocabulary()).values():
        entries = words.values() if isinstance(words, dict) else words if isinstance(words, tuple | list) else ()
        yield from (entry.shown for entry in entries if isinstance(entry, Entry) and entry.shown)


# --- the catalogue of texts -------------------------------------------------------------------------------------------


def main() -> int:
    """Name what is missing in, and what is left over of, the Chinese texts."""
    found, known = page_texts(), read_texts(CHINESE)
    for text in found:
        if text not in known:
            print(f"missing ({found[text]}): {text!r}")
    for text in known:
        if text not in found:
            print(f"unused: {text!r}")
    return int(set(found) != set(known))


if __name__ == "__main__":
    sys.exit(main())
