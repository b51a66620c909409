"""Make docs/pictures/styles.jpg: three of the page's examples, in every named style and in that of another photo.

Usage: python scripts/styles_strip.py
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipeline.frames import Frame
from pipeline.run import execute, submit
from pipeline.settings import make_settings
from pipeline.style_settings import style_names
from pipeline.video import read_frames

PROJECT = Path(__file__).resolve().parent.parent
PICTURE = PROJECT / "docs" / "pictures" / "styles.jpg"
EXAMPLES = PROJECT / "app" / "examples"

PHOTOS = ("astronaut", "coffee", "chelsea")
SIZE = {"width": 432, "height": 360}
SHOWN = 11
"""Number of the frame that is shown, of a film in which the camera moves closer."""


def shown(name: str, style: dict[str, Any], outputs: Path) -> Frame:
    """One frame of a photo's film in a style."""
    photo = EXAMPLES / f"{name}.jpg"
    changes = {"prompt": "zoom in", "animate": {"num_frames": 12}, "prepare": SIZE, "style": style, "seed": 1}
    record = execute(submit((photo,), make_settings(changes), outputs), (photo,), outputs)
    if record.output is None:
        raise SystemExit(f"{name}: {record.error}")
    return list(read_frames(outputs / record.output.path).frames)[SHOWN]


def main() -> None:
    """Make the picture."""
    lenders = dict(zip(PHOTOS, (*PHOTOS[1:], PHOTOS[0]), strict=True))
    styles = [dict[str, Any](), *({"name": name} for name in style_names())]
    with tempfile.TemporaryDirectory() as folder:
        outputs = Path(folder)
        rows = [[shown(name, style, outputs) for name in PHOTOS] for style in styles]
        rows.append([shown(name, {"image": EXAMPLES / f"{lenders[name]}.jpg"}, outputs) for name in PHOTOS])
    picture = Image.fromarray(np.concatenate([np.concatenate(row, axis=1) for row in rows]))
    picture.resize((810, picture.height * 810 // picture.width)).save(PICTURE, quality=86)
    print(PICTURE)


if __name__ == "__main__":
    main()
