"""Make docs/pictures/segments.jpg: frames of long videos of three of the page's examples, eight of each in a row.

Usage: python scripts/segments_strip.py
"""

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.frames import Frame
from pipeline.run import execute, submit
from pipeline.settings import make_settings
from pipeline.video import read_frames

PROJECT = Path(__file__).resolve().parent.parent
PICTURE = PROJECT / "docs" / "pictures" / "segments.jpg"

FILMS = {
    "coffee": ("zoom in towards the left | 2", "pan right | 2", "zoom out while rolling clockwise | 2"),
    "rocket": ("tilt up | 2", "stars twinkle and the camera zooms in | 2", "pan left | 2"),
    "chelsea": ("pan left | 2", "zoom in | 2", "slowly pan right, handheld | 2"),
}
SHOWN = 8


def row(name: str, segments: tuple[str, ...], outputs: Path) -> Frame:
    """Frames of one film, side by side."""
    photo = PROJECT / "app" / "examples" / f"{name}.jpg"
    changes = {"animate": {"segments": segments}, "prepare": {"width": 320, "height": 214}, "seed": 1}
    record = execute(submit((photo,), make_settings(changes), outputs), (photo,), outputs)
    if record.output is None:
        raise SystemExit(f"{name}: {record.error}")
    frames = list(read_frames(outputs / record.output.path).frames)
    places = np.linspace(0, len(frames) - 1, SHOWN).round().astype(int)
    return np.concatenate([frames[place] for place in places], axis=1)


def main() -> None:
    """Make the picture."""
    with tempfile.TemporaryDirectory() as outputs:
        rows = [row(name, segments, Path(outputs)) for name, segments in FILMS.items()]
    Image.fromarray(np.concatenate(rows)).resize((1600, 402)).save(PICTURE, quality=88)
    print(PICTURE)


if __name__ == "__main__":
    main()
