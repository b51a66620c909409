"""The list of photos that are made into videos together, as HTML. File names pass through `html.escape`."""

from collections.abc import Sequence
from html import escape

from app.actions import Photo
from app.markup import sentences


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
