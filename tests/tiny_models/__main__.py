"""The command line of the tiny checkpoints: `python -m tests.tiny_models FOLDER [NAME ...]`."""

import argparse
import difflib
import sys
import time
from pathlib import Path

from tests.tiny_models import BUILDERS, MIDDLE, build, build_middle


def main() -> None:
    """Build what is named, or everything; say what was built. A wrong name ends it with one sentence."""
    arguments = parser().parse_intermixed_args()
    names = arguments.names or ([MIDDLE] if arguments.size == "middle" else list(BUILDERS))
    problem = next(filter(None, (wrong(name, arguments.folder, arguments.size) for name in names)), None)
    if problem:
        sys.exit(problem)
    for name in names:
        started = time.monotonic()
        folder = build_middle(arguments.folder) if arguments.size == "middle" else build(arguments.folder, name)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
        sys.stdout.write(f"{folder}: {size:.1f} MB in {time.monotonic() - started:.1f} s\n")


def parser() -> argparse.ArgumentParser:
    """What the command line takes."""
    made = argparse.ArgumentParser(prog="python -m tests.tiny_models", description="Checkpoints of random weights.")
    made.add_argument("folder", type=Path, help="for --runtime.models_dir")
    made.add_argument("names", nargs="*", metavar="NAME", help="models of the catalogue; all when none is named")
    made.add_argument("--size", choices=["tiny", "middle"], default="tiny", help=f"middle: {MIDDLE}, for measurements")
    return made


def wrong(name: str, folder: Path, size: str) -> str | None:
    """What is wrong with a name, in one sentence."""
    known = [MIDDLE] if size == "middle" else list(BUILDERS)
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean '{near[0]}'?" if near else f"choose from {', '.join(known)}."
        return f"There is no {size} checkpoint '{name}': {hint}"
    if (folder / name).exists():
        return f"{folder / name} is there already: name another folder, or remove it."
    return None


if __name__ == "__main__":
    main()
