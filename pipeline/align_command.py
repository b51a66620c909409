"""`align`: the aligner alone, on two image files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipeline.alignment import Alignment, align, draw_matches
from pipeline.errors import Cancelled, InvalidSetting
from pipeline.images import open_image
from pipeline.settings import Settings


def align_files(
    image0: Path, image1: Path, settings: Settings, picture: Path | None, is_cancelled: Callable[[], bool]
) -> dict[str, Any]:
    """Align two image files as they are; return the result for JSON, and write a picture of the matches if asked.

    Raises InvalidImage for a file that cannot be used, InvalidSetting where the picture cannot be written, Cancelled.
    """

    def check() -> None:
        if is_cancelled():
            raise Cancelled("The alignment was stopped.")

    first, last = (np.array(open_image(path, settings.prepare, lambda *_: None)) for path in (image0, image1))
    found = align(first, last, settings.align, check)
    if picture is not None:
        try:
            Image.fromarray(draw_matches(first, last, found)).save(picture)
        except (OSError, ValueError) as error:
            raise InvalidSetting(f"--picture: {picture} cannot be written: name a .png or .jpg file.") from error
    return as_facts(found)


def as_facts(found: Alignment) -> dict[str, Any]:
    """An alignment as JSON holds it."""
    return {
        "status": found.status,
        "homography": None if found.homography is None else found.homography.tolist(),
        "reason": found.reason,
        "method": found.method,
        "keypoints": list(found.keypoints),
        "matches": len(found.matches.points0),
        "inliers": found.inliers,
        "inlier_ratio": round(found.inlier_ratio, 4),
        "overlap": round(found.overlap, 4),
        "crop": None if found.crop is None else [round(value, 2) for value in found.crop],
        "seconds": round(found.seconds, 3),
    }
