"""The size of a video: what the settings ask for, in sides that an engine and an encoder can do."""

from fractions import Fraction

from pipeline.records import Notice
from pipeline.settings import MAX_SIDE, MIN_SIDE, PrepareSettings

WIDEST = Fraction(12, 5)
"""Widest aspect (long side : short side) that a video takes over from an image: 2.4, which is that of cinema scope."""


def target_size(
    settings: PrepareSettings, image_width: int, image_height: int, multiple: int, reason: str = ""
) -> tuple[int, int, list[Notice]]:
    """Return the width and height of the video in pixels, and what has to be said about them.

    Both sides are multiples of `multiple` between MIN_SIDE and MAX_SIDE. A side that was asked for goes down to the
    next multiple, with a notice that ends in `reason`; a side that follows from the image's aspect goes to the nearest
    one, silently. The image's size is in pixels as displayed. A result that is asked for again comes back unchanged.
    """
    reason = reason or f"sides must be multiples of {multiple}"
    notices: list[Notice] = []
    aspect = Fraction(image_width, image_height)
    width, height = settings.width, settings.height
    if width is None and height is None:
        return *_from_resolution(settings.resolution, aspect, multiple, reason, notices), notices
    if width is not None:
        width = _snap_asked("prepare.width", width, multiple, reason, notices)
    if height is not None:
        height = _snap_asked("prepare.height", height, multiple, reason, notices)
    if height is None:
        height = _follow(Fraction(width or 0) / aspect, "height", multiple, notices)
    if width is None:
        width = _follow(height * aspect, "width", multiple, notices)
    return width, height, notices


def smallest_side(multiple: int) -> int:
    """The smallest multiple that is a side of a video, in pixels."""
    return -(-MIN_SIDE // multiple) * multiple


def largest_side(multiple: int) -> int:
    """The largest multiple that is a side of a video, in pixels."""
    return MAX_SIDE // multiple * multiple


def _from_resolution(
    resolution: int, aspect: Fraction, multiple: int, reason: str, notices: list[Notice]
) -> tuple[int, int]:
    """Width and height with the shorter side of `resolution` and the image's aspect, within WIDEST."""
    long_by_short = max(aspect, 1 / aspect)
    if long_by_short > WIDEST:
        notices.append(_cropped(long_by_short))
        long_by_short = WIDEST
    fitting = int(largest_side(multiple) / long_by_short)
    if resolution > fitting:
        why = f"the longer side of a video has at most {largest_side(multiple)} pixels"
        short = max(fitting // multiple * multiple, smallest_side(multiple))
        notices.append(_changed("prepare.resolution", resolution, short, why))
    else:
        short = _snap_asked("prepare.resolution", resolution, multiple, reason, notices)
    long = _nearest(short * long_by_short, multiple)
    return (long, short) if aspect >= 1 else (short, long)


def _snap_asked(setting: str, asked: int, multiple: int, reason: str, notices: list[Notice]) -> int:
    """The nearest side not above `asked`; a change is put into `notices`."""
    used = max(asked // multiple * multiple, smallest_side(multiple))
    if used != asked:
        notices.append(_changed(setting, asked, used, reason))
    return used


def _follow(side: Fraction, name: str, multiple: int, notices: list[Notice]) -> int:
    """The side that follows from the other one; where the bounds do not allow the image's aspect, it is said."""
    used = _nearest(side, multiple)
    if not smallest_side(multiple) - multiple < side < largest_side(multiple) + multiple:
        message = f"The image's aspect asks for a {name} of {round(side)} pixels: it is cropped for one of {used}."
        notices.append(Notice(stage="prepare", level="warning", message=message))
    return used


def _nearest(side: Fraction, multiple: int) -> int:
    """The multiple nearest to `side` (a tie goes to the even one) within the bounds."""
    return min(max(round(side / multiple) * multiple, smallest_side(multiple)), largest_side(multiple))


def _changed(setting: str, before: int, after: int, reason: str) -> Notice:
    message = f"{setting} was changed from {before} to {after}: {reason}."
    return Notice(stage="prepare", setting=setting, before=before, after=after, message=message)


def _cropped(long_by_short: Fraction) -> Notice:
    message = (
        f"The image is {float(long_by_short):.1f} times as long as it is wide, so a {float(WIDEST):g}:1 part of it is "
        "shown: set both prepare.width and prepare.height for another shape, or move the part with the focus point."
    )
    return Notice(stage="prepare", level="warning", message=message)
