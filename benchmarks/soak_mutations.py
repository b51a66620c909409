"""Part of the soak: mutated images, settings, records, videos and posters. Each is used or refused in one sentence."""

import contextlib
import io
import json
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any

import pillow_heif
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from app.history_panels import run_panel
from benchmarks.soak_program import Program
from pipeline.command_line import main
from pipeline.errors import ImageToVideoError
from pipeline.history import History, Query
from pipeline.lengths import film_length
from pipeline.options import options
from pipeline.provenance import read_provenance
from pipeline.settings import Settings
from tests.pictures import scene

CLIENTS = 8

HANG_SECONDS = 120
"""After so long without an answer it hangs."""

MOST_PIXELS = 3_000_000
"""Of all frames together: what asks for more is checked and not made, which would only take long."""

SMALL: dict[str, Any] = {"prepare.width": 64, "prepare.height": 48, "animate.num_frames": 3, "runtime.cache_gb": 0.1}

WILD: list[Any] = [
    *(None, True, False, 0, -1, 1, 7.5, 2**31, -(2**63), 10**400, 1e308, -0.0),
    *("", " ", "-1", "NaN", "1e999999999", "1/0", "٣", "auto", "none", "motion", "x" * 100_000, "🎞" * 40, "\u202e"),
    *(
        "../../etc/passwd",
        "/etc/passwd",
        "\\\\host\\share",
        "a\x00b",
        "<img src=x onerror=alert(1)>",
        "{{7*7}}",
        "%s%n",
    ),
    *([], {}, [[]], [None] * 70, {"": {}}, [{"a": [{}]}]),
]
"""Values that settings are not made for."""


class Mutations:
    """Mutants of all kinds, and how each was answered."""

    def __init__(self, folder: Path, count: int, seed: int) -> None:
        self.folder, self.count, self.seed = folder, count, seed
        self.program = Program(folder)
        self.faults: list[str] = []
        self.answers: dict[str, Counter[str]] = {}

    def run(self) -> dict[str, Any]:
        """Try `count` images and as many settings and records; return the figures."""
        started = time.monotonic()
        self.program.start()
        self._at_the_page("images", self._image)
        self._at_the_page("settings", self._settings, self.count // 2)
        self.program.stop()
        self._files()
        said = self.program.said.read_text(encoding="utf-8", errors="replace")
        log = "".join(path.read_text(encoding="utf-8") for path in (self.folder / "logs").glob("*.jsonl*"))
        self.faults += [f"printed: {line}" for line in said.splitlines() if line.startswith("Traceback")]
        self.faults += [f"logged: {line[:500]}" for line in log.splitlines() if '"level": "ERROR"' in line]
        report = self.program.report
        outside = sorted(set(report.read_text(encoding="utf-8").splitlines())) if report.exists() else []
        return {
            "seconds": round(time.monotonic() - started),
            "answers": {kind: dict(told.most_common()) for kind, told in self.answers.items()},
            "files_outside": outside,
            "faults": self.faults,
        }

    # --- at the page ------------------------------------------------------------------------------------------------

    def _at_the_page(self, kind: str, call: Callable[[Client, random.Random], str], count: int = 0) -> None:
        """Call the page with mutants from several clients."""
        told = self.answers.setdefault(kind, Counter())
        numbers = list(range(count or self.count))

        def work(client_number: int) -> None:
            downloads = str(self.folder / "downloads")
            client = Client(self.program.address, verbose=False, analytics_enabled=False, download_files=downloads)
            for number in numbers[client_number::CLIENTS]:
                chance = random.Random(f"{self.seed} {kind} {number}")
                started = time.monotonic()
                try:
                    answer = call(client, chance)
                except Exception as error:  # noqa: BLE001 - whatever it ends with is a finding
                    answer = f"{type(error).__name__}: {error}"[:300]
                    self.faults.append(f"{kind} {number}: {answer}")
                if time.monotonic() - started > HANG_SECONDS:
                    self.faults.append(f"{kind} {number} hung")
                told[_kind_of(answer)] += 1
                if number % 250 == 249:
                    print(f"{kind}: {number + 1}, faults: {self.faults[-2:]}", flush=True)
            client.close()

        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(work, range(CLIENTS)))

    def _image(self, client: Client, chance: random.Random) -> str:
        ending, content = chance.choice(IMAGES)
        path = self.folder / "mutants" / f"{chance.getrandbits(60):x}{ending}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(mutated_bytes(content, chance))
        try:
            return self._ask(client, path, json.dumps(SMALL))
        finally:
            path.unlink()

    def _settings(self, client: Client, chance: random.Random) -> str:
        path = self.folder / "picture.png"
        if not path.exists():
            path.write_bytes(IMAGES[0][1])
        values = mutated_settings(dict(SMALL), chance)
        text = json.dumps(values) if chance.random() < 0.8 else mutated_text(json.dumps(values), chance)
        try:
            asked = json.loads(text)
        except (ValueError, RecursionError):
            asked = {}
        return self._ask(client, path, text if _is_small(asked) else json.dumps({**values, **SMALL}))

    def _ask(self, client: Client, path: Path, settings: str) -> str:
        try:
            job = client.submit(handle_file(path), seed=1, settings=settings, api_name="/animate")
            video, _ = job.result(timeout=2 * HANG_SECONDS)
        except AppError as error:
            self._check_sentence(str(error))
            return str(error)
        Path(video).unlink(missing_ok=True)
        return "made"

    def _check_sentence(self, told: str) -> None:
        """A refusal is a sentence; it shows no traceback, and speaks of nothing unexpected."""
        if "Traceback" in told or "unexpected" in told or not told.strip() or 'File "' in told:
            self.faults.append(f"told: {told[:300]}")

    # --- files that come back ---------------------------------------------------------------------------------------

    def _files(self) -> None:
        """Mutants of a record, a video and a poster: repeated from the command line, and shown in the history."""
        outputs, told = self.folder / "files" / "outputs", self.answers.setdefault("files", Counter())
        originals = _originals(outputs, self.folder / "picture.png")
        signal.signal(signal.SIGALRM, _hangs)
        for number in range(self.count - self.count // 2):
            chance = random.Random(f"{self.seed} files {number}")
            ending, content = chance.choice(originals)
            mutant = outputs / f"video_mutant{ending}"
            is_record = ending == ".json"
            as_values = is_record and chance.random() < 0.6
            mutant.write_bytes(_mutated_record(content, chance) if as_values else mutated_bytes(content, chance))
            signal.alarm(HANG_SECONDS)
            try:
                told[_kind_of(self._used(mutant, outputs, is_record))] += 1
            except Exception as error:  # noqa: BLE001 - whatever it ends with is a finding
                self.faults.append(f"file {number} ({ending}): {type(error).__name__}: {error}"[:400])
            finally:
                signal.alarm(0)
            mutant.unlink()

    def _used(self, mutant: Path, outputs: Path, is_record: bool) -> str:
        if is_record:
            self._look(mutant, outputs)
        try:
            found = read_provenance(mutant, [outputs])
        except ImageToVideoError as error:
            self._check_sentence(str(error))
            return str(error)
        if not _is_small_film(found.settings):
            return "restored"
        said, printed = io.StringIO(), io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(printed):
            code = main(["rerun", str(mutant), "--outputs", str(outputs), "--logs", str(self.folder / "logs")])
        errors = [line for line in said.getvalue().splitlines() if line.startswith("error: ")]
        if code:
            self._check_sentence(" ".join(errors))
        if len(errors) != (code != 0) or "Traceback" in said.getvalue():
            self.faults.append(f"rerun ended with {code} and said: {said.getvalue()[:300]}")
        for path in outputs.glob("video_2*"):
            if printed.getvalue() and path.stem in printed.getvalue():
                path.unlink()
        return "made" if code == 0 else " ".join(errors)

    @staticmethod
    def _look(mutant: Path, outputs: Path) -> None:
        """Show the record in the history, as the page does."""
        history = History(outputs)
        history.find(Query(text="mutant"))
        with contextlib.suppress(ImageToVideoError):
            run_panel(history.record(mutant.stem), [], outputs)


def mutated_bytes(content: bytes, chance: random.Random) -> bytes:
    """Bytes with something changed: bits, numbers at their limits, pieces cut out, doubled or swapped, the end gone."""
    data = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 5, 40])):
        place = int(len(data) * chance.random() ** chance.choice([1, 3]))  # headers as often as all the rest
        length = chance.choice([1, 2, 4, 16, 200])
        kind = chance.randrange(6)
        if kind == 0 and data:
            data[min(place, len(data) - 1)] ^= 1 << chance.randrange(8)
        elif kind == 1:
            data[place : place + length] = chance.choice([b"\0", b"\xff", b"\x7f", b"\x80"]) * length
        elif kind == 2:
            data[place : place + length] = chance.randbytes(length)
        elif kind == 3:
            del data[place : place + length]
        elif kind == 4:
            data[place:place] = data[place : place + length] * chance.choice([1, 3])
        elif chance.random() < 0.3:
            del data[place:]
    return bytes(data)


def mutated_text(text: str, chance: random.Random) -> str:
    """JSON text with something changed, perhaps no JSON any more."""
    wild = ['{"a":' * 3000, "[" * 3000, "NaN", "Infinity", "1e400", "9" * 5000, "\\ud800", '"', "}", "\x00", "//"]
    place = chance.randrange(len(text) + 1)
    return text[:place] + chance.choice(wild) + text[place + chance.choice([0, 1, 5]) :]


def mutated_settings(values: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """Settings by full name with others among them: right names with wild values, and wild names."""
    names = [option.name for option in options()]
    for _ in range(chance.choice([1, 1, 2, 4])):
        name = chance.choice(names)
        if chance.random() < 0.15:
            name = chance.choice([name.upper(), f"{name}.x", name.rpartition(".")[0], "", "__class__", name[:-1]])
        values[name] = chance.choice(WILD)
    return values


def _mutated_record(content: bytes, chance: random.Random) -> bytes:
    """A record in which values somewhere are others."""
    record = json.loads(content)
    for _ in range(chance.choice([1, 1, 2, 4])):
        place: Any = record
        while isinstance(place, dict | list) and place:
            key = chance.choice(list(place)) if isinstance(place, dict) else chance.randrange(len(place))
            if chance.random() < 0.35 or not isinstance(place[key], dict | list) or not place[key]:
                place[key] = chance.choice(WILD)
                break
            place = place[key]
    return json.dumps(record).encode()


def _is_small(asked: Any) -> bool:
    """Whether a call with these settings is refused, or makes a video in a moment."""
    from app.api import asked as settings_of

    try:
        return _is_small_film(settings_of({}, json.dumps(asked)))
    except ImageToVideoError:
        return True


def _is_small_film(settings: Settings) -> bool:
    width, height, fps = settings.prepare.width or 4096, settings.prepare.height or 4096, float(settings.encode.fps)
    larger = max(settings.enhance.scale, (settings.enhance.width or 0) / width, (settings.enhance.height or 0) / height)
    seconds = sum(each.seconds for each in settings.animate.segments) + (settings.animate.seconds or 0.0)
    frames = max(float(film_length(settings)), seconds * fps)
    denser = max(float(settings.interpolate.factor), float(settings.interpolate.fps or 0) / fps)
    return width * height * larger**2 * frames * denser * (4 if settings.style.is_wanted else 1) < MOST_PIXELS


def _hangs(_number: int, _frame: FrameType | None) -> None:
    raise TimeoutError(f"no answer within {HANG_SECONDS} s")


def _kind_of(answer: str) -> str:
    """Answers that are alike as one: without what they quote."""
    return answer if answer in ("made", "restored") else "refused"


def _originals(outputs: Path, photo: Path) -> list[tuple[str, bytes]]:
    """A record, a video of each kind and a poster, by their endings."""
    found = []
    logs = ["--logs", str(outputs.parent / "logs")]
    small = [word for name, value in SMALL.items() for word in (f"--{name}", str(value))]
    for kind in ("mp4", "webm", "gif"):
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            words = ["animate", str(photo), "--prompt", "zoom in", "--encode.format", kind, "--encode.fps", "10"]
            main([*words, *small, "--outputs", str(outputs), *logs])
    history = History(outputs)
    for entry in history.find(Query()).entries:
        poster = history.poster(entry)
        if entry.output is None or poster is None:
            raise SystemExit("the originals could not be made")
        found += [(Path(entry.output).suffix, (outputs / entry.output).read_bytes()), (".jpg", poster.read_bytes())]
        found += [(".json", (outputs / f"{entry.run_id}.json").read_bytes())] * 2
    return found


def _images() -> list[tuple[str, bytes]]:
    """A small picture of each kind that is accepted, by its ending."""
    pillow_heif.register_heif_opener()
    picture = Image.fromarray(scene(96, 64))
    forms = {".png": "PNG", ".jpg": "JPEG", ".webp": "WEBP", ".gif": "GIF", ".tif": "TIFF", ".bmp": "BMP"}
    forms |= {".heic": "HEIF", ".avif": "AVIF"}
    found = []
    for ending, form in forms.items():
        buffer = io.BytesIO()
        picture.save(buffer, form)
        found.append((ending, buffer.getvalue()))
    return found


IMAGES = _images()
