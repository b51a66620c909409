"""The command line, derived from Settings. Contract: results to standard output, words for people to standard error."""

import argparse
import difflib
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from operator import attrgetter
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from pydantic import BaseModel

from pipeline.errors import ImageToVideoError, InvalidSetting
from pipeline.logs import LOGS, start_logging, stop_logging
from pipeline.options import Option, default_text, nest, options, range_text, with_value
from pipeline.paths import PROJECT
from pipeline.settings import Settings, make_settings, preset_names
from pipeline.transition_settings import STAGES

PROGRAM = "python -m pipeline"
OUTPUTS = PROJECT / "outputs"

SECTIONS = {
    "": "main settings",
    "prepare": "prepare: how the input becomes a picture in the size of the video",
    "animate": "animate: how the picture is brought to life",
    "animate.motion": "animate.motion: the embedded engine's own settings",
    "animate.control": "animate.control: a driving video whose motion the image takes on",
    "transition": "transition: how one image becomes the other",
    "align": "align: how the scene that both images show is found",
    "caption": "caption: how the images are put into words",
    "plan": "plan: how the way between the captions is written",
    "keyframes": "keyframes: how pictures are painted on the way",
    "interpolate": "interpolate: new frames between those that were made",
    "enhance": "enhance: what is done to finished frames before they are encoded",
    "style": "style: whether the video is painted over in a style",
    "encode": "encode: how the frames become a file",
    "runtime": "runtime: what changes no pixel",
}

ANIMATING = tuple(section for section in SECTIONS if section not in STAGES)
"""Sections that one image's video depends on."""

IMAGES = "JPEG, PNG, WebP, TIFF, HEIC, AVIF, ..."


class Parser(argparse.ArgumentParser):
    """A parser that raises InvalidSetting, one sentence, instead of printing its usage and leaving."""

    def error(self, message: str) -> NoReturn:
        """Turn what argparse has to say into our one sentence."""
        raise InvalidSetting(f"{message[:1].upper()}{message[1:]}: `{self.prog} --help` explains them.")

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Parse all arguments, and name the nearest one where a name is misspelt."""
        parsed, unknown = self.parse_known_args(arguments)
        if unknown:
            name = unknown[0].partition("=")[0]
            near = difflib.get_close_matches(name, parsed.parser.flags(), 1, 0.5)
            hint = f"did you mean {near[0]}?" if near else f"`{parsed.parser.prog} --help` lists all of them."
            raise InvalidSetting(f"There is no option {name}: {hint}")
        return parsed

    def flags(self) -> list[str]:
        """All option strings that this parser knows."""
        return [flag for action in self._actions for flag in action.option_strings]


def main(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code (see the contract in errors.py)."""
    try:
        parsed = build_parser().parse(arguments)
        with _logging(parsed.logs):
            return int(parsed.run(parsed))
    except ImageToVideoError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        sys.stderr.close()
        return 1


@contextmanager
def _logging(named: Path | None) -> Iterator[None]:
    """Log to the folder that was named, else to logs/. Where logs/ cannot be written the run goes on, and says so."""
    try:
        start_logging(named or LOGS)
    except InvalidSetting as error:
        if named is not None:
            raise
        print(f"warning: {error}", file=sys.stderr)
    try:
        yield
    finally:
        stop_logging()


def build_parser() -> Parser:
    """The parser of all commands."""
    parser = Parser(prog=PROGRAM, description="Bring still images to life.", allow_abbrev=False)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    animate = _command(commands, "animate IMAGE", "make a video from one image", run_animate)
    animate.add_argument("image", type=Path, metavar="IMAGE", help=f"the image: {IMAGES}")
    _add_outputs(animate, OUTPUTS)
    _add_settings(animate, ANIMATING)
    summary = "make a video that leads from one image to another"
    transition = _command(commands, "transition IMAGE0 IMAGE1 [IMAGE ...]", summary, run_transition)
    _add_pair(transition)
    further = "more images: the video leads through all of them, in this order"
    transition.add_argument("more", nargs="*", type=Path, metavar="IMAGE", help=further)
    _add_outputs(transition, OUTPUTS)
    _add_settings(transition)
    align = _command(commands, "align IMAGE0 IMAGE1", "say whether two images show one scene, and how", run_align)
    _add_pair(align)
    align.add_argument("--picture", type=Path, metavar="FILE", help="write a picture of the matches to this file")
    _add_settings(align, ("align",))
    summary = "make new frames between those of a video, or between images"
    interpolate = _command(commands, "interpolate INPUT ...", summary, run_interpolate)
    _add_interpolation(interpolate)
    rerun = _command(commands, "rerun RECORD.json|VIDEO", "make an earlier video again, bit for bit", run_rerun)
    again = "the record beside the earlier video; or the video itself or its poster, with its inputs in the outputs"
    rerun.add_argument("record", type=Path, metavar="RECORD.json|VIDEO", help=again)
    _add_outputs(rerun, None)
    _add_settings(rerun, ("runtime",))
    batch = _command(commands, "batch JOBS.yaml|jsonl", "make the videos of a list of jobs", run_batch)
    _add_batch(batch)
    doctor = _command(commands, "doctor", "say what this machine has, what is missing and what to do", run_doctor)
    _add_outputs(doctor, OUTPUTS)
    summary = "test the weights of this engine: two steps beside the plain diffusers call"
    doctor.add_argument("--engine", metavar="NAME", help=summary)
    _add_settings(doctor, ("runtime",))
    models = _command(commands, "models ACTION [NAME]", "list, download or verify the models of engines", run_models)
    models.add_argument("action", metavar="ACTION", help="list, download or verify")
    models.add_argument("name", nargs="?", metavar="NAME", help="a model of the list")
    _add_settings(models, ("runtime",))
    return parser


def _command(commands: Any, form: str, summary: str, run: Callable[[argparse.Namespace], int]) -> Parser:
    parser: Parser = commands.add_parser(
        form.partition(" ")[0],
        help=summary,
        description=f"{summary[:1].upper()}{summary[1:]}.",
        usage=f"{PROGRAM} {form} [--OPTION VALUE ...]",
        allow_abbrev=False,
    )
    parser.set_defaults(run=run, parser=parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON, and nothing else, to stdout")
    parser.add_argument("--logs", type=Path, metavar="DIR", help="folder for logs (default: logs)")
    return parser


def _add_pair(parser: Parser) -> None:
    parser.add_argument("image0", type=Path, metavar="IMAGE0", help=f"the image it begins with: {IMAGES}")
    parser.add_argument("image1", type=Path, metavar="IMAGE1", help="the image it ends with")


def _add_interpolation(parser: Parser) -> None:
    parser.add_argument("inputs", type=Path, nargs="+", metavar="INPUT", help="one video, or several images in order")
    parser.add_argument("--factor", type=int, metavar="N", help="N images become (N - 1) * factor + 1 frames")
    parser.add_argument("--fps", metavar="FPS", help="instead: this frame rate, for a video of the same duration")
    parser.add_argument(
        "--method", default="flow", metavar="NAME", help="flow (built in), film or rife (default: flow)"
    )
    parser.add_argument("--frames-dir", type=Path, metavar="DIR", help="write PNG pictures to this new folder")
    parser.add_argument("--output", type=Path, metavar="FILE", help="or write a video: a new .mp4, .webm or .gif")
    _add_settings(parser, ("encode", "runtime"))


def _add_batch(parser: Parser) -> None:
    listed = "a list of jobs, with `images` and settings by name; paths are relative to the file"
    parser.add_argument("jobs", type=Path, metavar="JOBS.yaml|jsonl", help=listed)
    dry = "check every job, say what would be made, and make nothing"
    parser.add_argument("--dry-run", action="store_true", help=dry)
    parser.add_argument("--again", action="store_true", help="make those anew that are made already")
    _add_outputs(parser, OUTPUTS)


def _add_outputs(parser: Parser, default: Path | None) -> None:
    shown = "outputs" if default else "the record's folder"
    parser.add_argument("--outputs", type=Path, default=default, metavar="DIR", help=f"folder (default: {shown})")


def _add_settings(parser: Parser, sections: Sequence[str] = tuple(SECTIONS)) -> None:
    groups = {section: parser.add_argument_group(SECTIONS[section]) for section in sections}
    for option in (option for option in options() if option.section in sections):
        group = groups[option.section]
        words: dict[str, Any] = {"default": argparse.SUPPRESS, "dest": f"settings.{option.name}", "help": _help(option)}
        if option.many:
            words |= {"nargs": "+", "metavar": _metavar(option)}
        elif option.kind is bool:
            words |= {"nargs": "?", "const": "true", "metavar": "true|false"}
        else:
            words |= {"metavar": _metavar(option)}
        group.add_argument(f"--{option.name}", **words)


def _help(option: Option) -> str:
    facts = [range_text(option)] if option.low is not None or option.choices else []
    if option.name == "preset":
        facts.append(", ".join(preset_names()))
    facts += [f"default {default_text(option)}"] if default_text(option) else []
    return f"{option.help} ({'; '.join(facts)})".replace(" ()", "").replace("%", "%%")


def _metavar(option: Option) -> str:
    if issubclass(option.kind, BaseModel):
        return "JSON"
    return {"int": "N", "float": "X", "Fraction": "FPS", "Path": "FILE"}.get(option.kind.__name__, "TEXT")


def settings_from(parsed: argparse.Namespace) -> Settings:
    """Build Settings from what was typed. Raises InvalidSetting."""
    known = {option.name: option for option in options()}
    return make_settings(nest({name: _value(known[name], text) for name, text in _typed(parsed).items()}))


def _typed(parsed: argparse.Namespace) -> dict[str, str | list[str]]:
    """The settings that were typed, by full name."""
    return {name.removeprefix("settings."): value for name, value in vars(parsed).items() if "settings." in name}


def _value(option: Option, text: str | list[str]) -> Any:
    if isinstance(text, list):
        return text
    if option.optional and text.strip().lower() in ("", "none", "auto"):
        return None
    if issubclass(option.kind, BaseModel):
        return _json(option.name, text)
    return text


def _json(name: str, text: str) -> Any:
    """Read JSON from the text itself, or from the file that it names."""
    try:
        return json.loads(text if text.lstrip().startswith("{") else Path(text).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSetting(f"--{name} takes JSON or a file that holds it: {text} cannot be read.") from error
    except json.JSONDecodeError as error:
        raise InvalidSetting(f"--{name}: this is not valid JSON ({error}).") from error


@contextmanager
def stop_on_signal() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C or a termination sets. A second Ctrl-C ends the program at once."""
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def run_animate(parsed: argparse.Namespace) -> int:
    """`animate`: one image becomes a video."""
    settings = settings_from(parsed)
    return _run(parsed, (parsed.image,), settings, parsed.outputs)


def run_transition(parsed: argparse.Namespace) -> int:
    """`transition`: two images or more become one video."""
    return _run(parsed, (parsed.image0, parsed.image1, *parsed.more), settings_from(parsed), parsed.outputs)


def run_align(parsed: argparse.Namespace) -> int:
    """`align`: a homography, or why there is none. Both are answers."""
    from pipeline.align_command import align_files

    with stop_on_signal() as stop:
        found = align_files(parsed.image0, parsed.image1, settings_from(parsed), parsed.picture, stop.is_set)
    print(json.dumps(found, indent=2) if parsed.json else found["reason"])
    return 0


def run_interpolate(parsed: argparse.Namespace) -> int:
    """`interpolate`: new frames between given ones."""
    from pipeline.interpolate_command import interpolate_files, read_request
    from pipeline.terminal import Terminal

    request, settings = read_request(parsed), settings_from(parsed)
    with stop_on_signal() as stop, Terminal() as terminal:
        result = interpolate_files(request, settings, terminal, stop.is_set)
    print(json.dumps(result.as_facts(), indent=2) if parsed.json else result.output)
    return 0


def run_rerun(parsed: argparse.Namespace) -> int:
    """`rerun`: the settings and inputs of an earlier run once more, on this machine as it is asked for."""
    from pipeline.rerun import home_of, inputs_of

    outputs = parsed.outputs or home_of(parsed.record, OUTPUTS)
    images, settings = inputs_of(parsed.record, outputs)
    asked = settings_from(parsed)
    for name in _typed(parsed):
        settings = with_value(settings, name, attrgetter(name)(asked))
    return _run(parsed, images, settings, outputs)


def _run(parsed: argparse.Namespace, images: tuple[Path, ...], settings: Settings, outputs: Path) -> int:
    from pipeline.run import execute, submit
    from pipeline.terminal import Terminal

    record = submit(images, settings, outputs)
    with stop_on_signal() as stop, Terminal() as terminal:
        record = execute(record, images, outputs, terminal, stop.is_set)
    if parsed.json:
        print(record.model_dump_json(indent=2))
    elif record.output is not None:
        print(outputs / record.output.path)
    if record.error is None:
        return 0
    print(f"error: {record.error.message}", file=sys.stderr)
    return record.error.exit_code


def run_batch(parsed: argparse.Namespace) -> int:
    """`batch`: the jobs of a file, one after another, and on after a break."""
    from pipeline.batch import command

    request = command.BatchRequest(parsed.jobs, parsed.outputs, parsed.dry_run, parsed.again, parsed.json)
    with stop_on_signal() as stop:
        return command.run_batch(request, stop.is_set)


def run_doctor(parsed: argparse.Namespace) -> int:
    """`doctor`: what this machine has, what is missing, what to do."""
    if parsed.engine is not None:
        return _test_engine(parsed)
    from pipeline.doctor import examine, report

    findings = examine(parsed.outputs, settings_from(parsed).runtime)
    print(json.dumps([finding.as_dict() for finding in findings], indent=2) if parsed.json else report(findings))
    return 0 if all(finding.level != "missing" for finding in findings) else 1


def _test_engine(parsed: argparse.Namespace) -> int:
    """`doctor --engine NAME`: whether the weights on this machine make what diffusers makes of them."""
    from pipeline.selftest import self_test

    tested = self_test(parsed.engine, settings_from(parsed).runtime, parsed.outputs)
    print(json.dumps({**asdict(tested), "agrees": tested.agrees}, indent=2) if parsed.json else tested.message)
    return 0 if tested.agrees else 1


def run_models(parsed: argparse.Namespace) -> int:
    """`models`: what is on this machine of each model, and how it gets here."""
    from pipeline.models_command import run

    runtime = settings_from(parsed).runtime
    with stop_on_signal() as stop:
        return run(parsed.action, parsed.name, runtime, parsed.json, stop.is_set)
