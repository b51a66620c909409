"""`interpolate`: new frames between those of a video, or between images, as pictures or as a video."""

import time
from argparse import Namespace
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from pipeline.choices import VideoFormat
from pipeline.context import Event, Progress
from pipeline.engines.interpolators import get_method
from pipeline.errors import Cancelled, InvalidSetting, OutputFailed
from pipeline.frames import Frame, FrameStream
from pipeline.interpolation.film import passages, retimed
from pipeline.interpolation.footage import Footage, open_footage
from pipeline.interpolation.scenes import Found
from pipeline.records import Notice
from pipeline.settings import EncodeSettings, Settings, parse_fps
from pipeline.video import container_rules, encode_frames, keeps_fps_exactly, max_fps

MOST = 1000
"""Largest factor."""


@dataclass(frozen=True)
class Request:
    """What is asked for: INPUTs, how many frames, by which method, and where they go.

    `factor` sets the number of frames: (N - 1) * factor + 1. `fps` alone, for a video, keeps its duration; beside
    `factor` it is only the rate at which the frames are played. One of `frames_dir` and `output` is given.
    """

    inputs: tuple[Path, ...]
    factor: int | None
    fps: Fraction | None
    method: str
    frames_dir: Path | None
    output: Path | None


@dataclass(frozen=True)
class Result:
    """What was made. `fps` is None for pictures made from images; `cuts` and `repeats` count what was found."""

    output: str
    method: str
    width: int
    height: int
    num_frames: int
    fps: str | None
    cuts: int
    repeats: int
    seconds: float

    def as_facts(self) -> dict[str, object]:
        """The same as JSON holds it."""
        return asdict(self)


@dataclass(frozen=True)
class _Plan:
    """When the frames of the result are shown: in seconds of the video, or, `by_number`, in frames of the input."""

    count: int
    step: Fraction
    by_number: bool
    fps: Fraction | None

    def times(self) -> Iterator[Fraction]:
        return (number * self.step for number in range(self.count))


def read_request(parsed: Namespace) -> Request:
    """What was typed. Raises InvalidSetting for a rate that is none, and for settings that options stand for."""
    typed = {"encode.fps": "--fps", "encode.format": "the ending of --output"}
    for name, instead in typed.items():
        if f"settings.{name}" in parsed:
            raise InvalidSetting(f"--{name} says nothing here: {instead} does.")
    try:
        fps = None if parsed.fps is None else parse_fps(parsed.fps)
    except ValueError as error:
        raise InvalidSetting(f"--fps: {error}, but '{parsed.fps}' was given.") from error
    return Request(tuple(parsed.inputs), parsed.factor, fps, parsed.method, parsed.frames_dir, parsed.output)


def interpolate_files(
    request: Request, settings: Settings, listen: Callable[[Event], None], is_cancelled: Callable[[], bool]
) -> Result:
    """Do what is asked for, frame by frame. `listen` is told how far it is, and what was done otherwise than asked.

    Raises InvalidSetting, InvalidInput, ModelMissing, OutOfMemory, OutputFailed and Cancelled.
    """

    def note(message: str, level: Literal["info", "warning"] = "info") -> None:
        listen(Notice(stage="interpolate", message=message, level=level))

    started = time.monotonic()
    _check(request)
    method = get_method(request.method, settings.runtime, note)
    footage = open_footage(request.inputs, settings.prepare, note)
    plan = _plan(request, footage, settings.encode.fps)
    if footage.fps is not None and request.factor is not None and plan.fps != footage.fps * request.factor:
        pace = float(plan.fps / (footage.fps * request.factor)) if plan.fps else 1.0
        kind = "slow motion" if pace < 1.0 else "quick motion"
        note(f"The result plays {pace:.3g} times as fast, in {kind}, as --factor and --fps together say.")
    if footage.has_sound:
        note("The sound is not kept: the result holds pictures alone.", "warning")
    found = Found()
    # Of images each one was chosen, and must be among the frames; only in a video they may repeat each other.
    sights = footage.by_number() if plan.by_number else footage.by_time()
    rows = passages(sights, found, repeats=footage.fps is not None)
    frames = retimed(rows, plan.times(), method, settings.runtime.threads or None)
    try:
        with closing(_sink(request, footage, plan, settings.encode, frames, note)) as sink:
            for done in sink:
                listen(Progress("interpolate", done, plan.count, phase="interpolating"))
                if is_cancelled():
                    raise Cancelled("The interpolation was stopped.")
    finally:
        frames.close()
        method.close()
    _tell(found, note)
    return Result(
        str(request.output or request.frames_dir),
        method.name,
        footage.width,
        footage.height,
        plan.count,
        None if plan.fps is None else str(plan.fps),
        found.cuts,
        found.repeats,
        round(time.monotonic() - started, 3),
    )


def _check(request: Request) -> None:
    """Refuse what can be refused before anything is read."""
    if (request.frames_dir is None) == (request.output is None):
        raise InvalidSetting(
            "Give one place for the result: --frames-dir DIR for pictures or --output FILE for a video."
        )
    if request.factor is not None and not 1 <= request.factor <= MOST:
        raise InvalidSetting(f"--factor: a whole number from 1 to {MOST} is needed, but {request.factor} was given.")
    if request.fps is not None and not 0 < request.fps <= MOST:
        raise InvalidSetting(f"--fps: a rate above 0 and up to {MOST} is needed, but {request.fps} was given.")
    if request.output is not None:
        _format(request.output)
        if not request.output.parent.is_dir():
            raise InvalidSetting(f"--output: there is no folder '{request.output.parent}': name a file in one.")
        if request.output.exists():
            raise InvalidSetting(f"--output: '{request.output}' exists already: name a new file.")
    folder = request.frames_dir
    if folder is not None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidSetting(f"--frames-dir: '{folder}' exists already and is not empty: name a new or empty folder.")


def _format(output: Path) -> VideoFormat:
    """The kind of file that a name asks for."""
    endings = [f".{kind.value}" for kind in VideoFormat]
    if output.suffix.lower() not in endings:
        raise InvalidSetting(f"--output: '{output.name}' should end in {', '.join(endings[:-1])} or {endings[-1]}.")
    return VideoFormat(output.suffix.lower().removeprefix("."))


def _plan(request: Request, footage: Footage, default_fps: Fraction) -> _Plan:
    if request.factor is not None:
        own = default_fps if footage.fps is None else footage.fps * request.factor
        fps = request.fps or (None if footage.fps is None and request.output is None else own)
        plan = _Plan((footage.count - 1) * request.factor + 1, Fraction(1, request.factor), by_number=True, fps=fps)
    elif footage.fps is None:
        raise InvalidSetting(
            "Images have no frame rate of their own: say with --factor N how many frames become of one."
        )
    elif request.fps is None:
        raise InvalidSetting("Say how many frames there should be: --factor N times as many, or --fps F per second.")
    else:
        count = max(1, round(footage.count / footage.fps * request.fps))
        plan = _Plan(count, 1 / request.fps, by_number=False, fps=request.fps)
    if request.output is not None and plan.fps is not None:
        limit = max_fps(_format(request.output))
        if not 1 <= plan.fps <= limit:
            kind = request.output.suffix.lower().removeprefix(".")
            raise InvalidSetting(
                f"{float(plan.fps):g} frames per second are outside of what {kind} holds: 1 to {limit}."
            )
    return plan


def _sink(
    request: Request,
    footage: Footage,
    plan: _Plan,
    encode: EncodeSettings,
    frames: Generator[Frame],
    note: Callable[[str], None],
) -> Generator[int]:
    """Write the frames, yielding the number of those written after each one."""
    if request.output is None or plan.fps is None:
        return _write_pictures(frames, request.frames_dir or Path(), plan.count)
    kind = _format(request.output)
    encode = encode.model_copy(update={"format": kind, "fps": plan.fps})
    multiple = container_rules(kind).size_multiple
    down, right = -footage.height % multiple, -footage.width % multiple
    if down or right:
        note(f"{kind.value} needs even sides: the last {'row' if down else 'column'} is repeated.")
    if not keeps_fps_exactly(kind, plan.fps):
        note(f"{kind.value} keeps times in steps, so that frames come up to half a step early or late.")
    width, height = footage.width + right, footage.height + down
    stream = FrameStream(_padded(frames, down, right), width, height, plan.fps, plan.count)
    return encode_frames(stream, request.output, encode)


def _padded(frames: Generator[Frame], down: int, right: int) -> Generator[Frame]:
    for frame in frames:
        yield np.pad(frame, ((0, down), (0, right), (0, 0)), "edge") if down or right else frame


def _write_pictures(frames: Iterator[Frame], folder: Path, count: int) -> Generator[int]:
    """Write the frames as PNG files whose names sort in their order."""
    digits = max(6, len(str(count)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, frame in enumerate(frames):
            with (folder / f"frame_{number:0{digits}}.png").open("xb") as file:
                file.write(_png(frame))
            yield number + 1
    except OSError as error:
        reason = str(error.strerror or error).lower()
        raise OutputFailed(f"The frames cannot be written to {folder} ({reason}): name another folder.") from error


def _png(frame: Frame) -> bytes:
    """A frame as a PNG. The quickest compression: files are a tenth larger, and made in a quarter of the time."""
    done, data = cv2.imencode(".png", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise OSError("a frame could not be compressed")
    return data.tobytes()


def _tell(found: Found, note: Callable[[str], None]) -> None:
    if found.cuts:
        many = f"{found.cuts} cuts were" if found.cuts > 1 else "1 cut was"
        note(f"{many} found: nothing is made up across a cut, the nearer frame is shown.")
    if found.repeats:
        many = f"{found.repeats} repeated frames were" if found.repeats > 1 else "1 repeated frame was"
        note(f"{many} taken out: the motion is spread evenly over their time.")
