"""The motion brush: strokes painted on the page become mask files as large as the image.

Strokes travel as points in fractions of the image, not as pixels, so a mask is as sharp as the image whatever the size
of the screen it was painted on. Everything here comes from a browser and is checked before it is drawn.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from pipeline.errors import InvalidSetting
from pipeline.frames import Frame, Mask
from pipeline.motion_plan import MotionPlan, Region

COLOURS = ("#ff5d5d", "#ffc233", "#27c4f5", "#b07cff")
"""The brush's colours, one for each region of a motion plan, told apart by hue and by lightness."""

PREVIEW_SIDE = 1600
"""Longest side in pixels of the picture that the page paints on."""

_FEATHER = 0.004
"""Radius of the soft edge as a fraction of the image's shorter side."""

Fraction01 = Annotated[float, Field(ge=-1.0, le=2.0, allow_inf_nan=False)]
"""A place on the image as a fraction of its width or height; a stroke may leave the image."""


class Stroke(BaseModel):
    """One thing done with the brush, in the order it was done.

    `size` is the brush's diameter as a fraction of the image's width. `area` stands for a whole area that was found.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tool: Literal["brush", "eraser", "area"]
    region: int = Field(0, ge=0, lt=len(COLOURS))
    size: float = Field(0.05, gt=0.0, le=1.0, allow_inf_nan=False)
    points: tuple[tuple[Fraction01, Fraction01], ...] = Field((), max_length=20_000)


_STROKES = TypeAdapter(Annotated[tuple[Stroke, ...], Field(max_length=2_000)])


def parse_strokes(value: Any) -> tuple[Stroke, ...]:
    """Read what the page sends. Raises InvalidSetting when it is not a list of strokes."""
    try:
        return _STROKES.validate_python(value or [])
    except ValidationError as error:
        raise InvalidSetting("The painted areas could not be read: clear the brush and paint them again.") from error


def draw_masks(strokes: Sequence[Stroke], areas: Mapping[int, Mask], width: int, height: int) -> dict[int, Image.Image]:
    """Draw strokes in order and return the masks that are not empty, by region: mode L, 255 inside, soft edges.

    `areas` holds the automatic areas that strokes of the tool `area` stand for, of any size.
    """
    masks: dict[int, Image.Image] = {}
    for stroke in strokes:
        if stroke.tool == "eraser":
            for mask in masks.values():
                _draw(mask, stroke, 0)
            continue
        mask = masks.setdefault(stroke.region, Image.new("L", (width, height)))
        if stroke.tool == "brush":
            _draw(mask, stroke, 255)
        elif stroke.region in areas:
            area = Image.fromarray(areas[stroke.region]).resize((width, height), Image.Resampling.BICUBIC)
            mask.paste(255, mask=area)
    soft = ImageFilter.GaussianBlur(max(0.5, _FEATHER * min(width, height)))
    return {region: masks[region].filter(soft) for region in sorted(masks) if masks[region].getbbox()}


def _draw(mask: Image.Image, stroke: Stroke, value: int) -> None:
    """Draw a stroke with round ends and joints."""
    draw = ImageDraw.Draw(mask)
    points = [(x * mask.width, y * mask.height) for x, y in stroke.points]
    radius = max(0.5, stroke.size * mask.width / 2)
    if len(points) > 1:
        draw.line(points, fill=value, width=round(2 * radius))
    for x, y in points:
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=value)


def free_region(strokes: Sequence[Stroke]) -> int | None:
    """The first region that nothing was painted for, or None where all four have something."""
    taken = {stroke.region for stroke in strokes if stroke.tool != "eraser"}
    return next((region for region in range(len(COLOURS)) if region not in taken), None)


def joined(area: Mask, other: Mask) -> Mask:
    """Both areas as one, of the size of the first."""
    size = area.shape[1], area.shape[0]
    fitted = Image.fromarray(other).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(ImageChops.lighter(Image.fromarray(area), fitted), np.uint8)


def write_masks(masks: Mapping[int, Image.Image], folder: Path) -> tuple[Path, ...]:
    """Write masks as PNG files in the order of their regions. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for region, mask in sorted(masks.items()):
        paths.append(folder / f"area_{region + 1}.png")
        mask.save(paths[-1])
    return tuple(paths)


def plan_for(plan: MotionPlan, painted: Sequence[int], named: int) -> MotionPlan:
    """The plan with the painted regions first, in the order of their masks.

    Masks belong to regions by their order alone. Where the second colour was painted and the first was not, the second
    region has to come first. Of the regions that were not painted, the first `named` stay: the others only stand for
    colours in between that were left out. A painted colour without a region drifts.
    """
    regions = plan.regions
    first = tuple(regions[number] if number < len(regions) else Region() for number in painted)
    rest = tuple(regions[number] for number in range(min(named, len(regions))) if number not in painted)
    return plan.model_copy(update={"regions": (first + rest)[: len(COLOURS)]})


def picture_url(picture: Image.Image, side: int = PREVIEW_SIDE) -> str:
    """A picture for the page to paint on, as a data URL: at most `side` pixels a side."""
    small = picture.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    return _data_url(small, "JPEG")


def frame_url(frame: Frame) -> str:
    """A frame as it is, as a data URL."""
    return _data_url(Image.fromarray(frame), "JPEG")


def thumbnail_url(path: Path, height: int = 128) -> str:
    """A small version of a JPEG file of this program, as a data URL."""
    with Image.open(path) as picture:
        picture.draft("RGB", (2 * height, height))  # lets the decoder itself shrink: a few times quicker
        picture.thumbnail((3 * height, height))
        return _data_url(picture.convert("RGB"), "JPEG")


def area_url(area: Mask, region: int) -> str:
    """An automatic area for the page to show, as a data URL: a PNG in the region's colour, clear outside."""
    alpha = Image.fromarray(area)
    alpha.thumbnail((PREVIEW_SIDE // 2, PREVIEW_SIDE // 2))
    coloured = Image.new("RGB", alpha.size, COLOURS[region])
    coloured.putalpha(alpha)
    return _data_url(coloured, "PNG")


def _data_url(picture: Image.Image, form: Literal["JPEG", "PNG"]) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, form, quality=90)
    return f"data:image/{form.lower()};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
