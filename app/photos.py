"""What the page shows of photos: one in its box, and the list of those that are made into videos together, as HTML."""

import time
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from app import brush
from app.actions import Photo
from app.markup import sentences
from pipeline.frames import Mask


def said(text: str) -> list[Any]:
    """A message for the photo. The number makes every one new, so that the same sentence is shown again."""
    return [text, time.monotonic_ns()]


def shown_photo(photo: Photo) -> dict[str, Any]:
    """What a photo box shows of a photo. The number makes it new, so that the same file is shown again."""
    return {"url": photo.url, "name": photo.name, "number": time.monotonic_ns()}


def painted(areas: Mapping[int, Mask]) -> dict[str, Any]:
    """What a photo box shows of whole areas, by region: as strokes, and as pictures of them."""
    strokes = [{"tool": "area", "region": region} for region in areas]
    return {"value": strokes, "areas": {str(region): brush.area_url(area, region) for region, area in areas.items()}}


def is_same(photo: Photo, other: Photo | None) -> bool:
    """Whether two are one file, whatever size they are shown in."""
    return other is not None and photo.path == other.path


def strip(photos: Sequence[Photo], shown: Photo | None, wrong: Sequence[str] = ()) -> str:
    """The photos as small pictures, what is wrong with others, and the ways to add more."""
    rows = "".join(_item(number, photo, is_same(photo, shown)) for number, photo in enumerate(photos))
    told = (
        f"{len(photos)} photos: each becomes a video of its own." if photos else "Several photos? Drop them together."
    )
    alone = '<button type="button" class="button plain" data-alone="yes">Keep only the photo above</button>'
    return (
        f'<div class="photos"><p class="hint">{told}</p>{f"<ul>{rows}</ul>" if rows else ""}'
        f"{sentences(('warning', each) for each in wrong)}"
        '<p class="photos-add"><label class="button plain">Add photos'
        '<input type="file" accept="image/*,.heic,.heif,.avif,.tif,.tiff" multiple aria-label="Add photos"></label>'
        '<label class="button plain">Add a folder'
        f'<input type="file" webkitdirectory aria-label="Add a folder"></label>{alone if photos else ""}</p></div>'
    )


def _item(number: int, photo: Photo, is_shown: bool) -> str:
    name = escape(photo.name)
    current = ' aria-current="true"' if is_shown else ""
    return (
        f'<li><button type="button" class="look" data-look="{number}" title="{name}" translate="no"{current}>'
        f'<img src="{photo.url}" alt="{name}"></button><button type="button" class="leave" data-leave="{number}" '
        'aria-label="Leave this photo out">×</button></li>'
    )
