"""Any pixel format to 8-bit sRGB: palettes, grey, deep and float samples, CMYK, colour profiles, transparency."""

from collections.abc import Callable
from io import BytesIO
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, TiffImagePlugin

from pipeline.frames import Mask

Note = Callable[[str, Literal["info", "warning"]], None]
"""Takes one sentence for the user and how grave it is."""

_PROFILE_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""ICC colour spaces and the Pillow mode of the pixels they describe."""

_WHITE_IS_ZERO = 0
"""TIFF's PhotometricInterpretation of a negative."""


def to_srgb(image: Image.Image, background: str, note: Note) -> Image.Image:
    """Return a loaded image in mode RGB: 8-bit sRGB, transparent parts over `background` (#RRGGBB).

    Samples of 16 bits are scaled, not clipped; other integers and floats outside 0..1 are stretched to their range. An
    embedded colour profile is applied (relative colorimetric, with black point compensation); one that cannot be used
    is noted and left out.
    """
    colour, alpha = _split_alpha(_to_8_bit(image, note))
    profile = image.info.get("icc_profile")
    colour = _apply_profile(colour, profile, note) if profile else _without_profile(colour)
    if alpha is None or alpha.getextrema() == (255, 255):
        return colour
    flat = Image.new("RGB", colour.size, background)
    flat.paste(colour, mask=alpha)
    return flat


def to_mask(image: Image.Image, note: Note) -> Mask:
    """Return a loaded image as a soft mask: its alpha where that varies, else its grey value as stored."""
    colour, alpha = _split_alpha(_to_8_bit(image, note))
    if alpha is not None:
        low, high = alpha.getextrema()
        if low != high:
            return np.array(alpha)
    return np.array(_without_profile(colour).convert("L"))


def _to_8_bit(image: Image.Image, note: Note) -> Image.Image:
    """Bring 16-bit, 32-bit and float grey, which Pillow's own conversion clips, to mode L; leave the rest alone."""
    if image.mode.startswith("I;16"):
        white = _white_level(image)
        levels = np.rint(np.linspace(0.0, 255.0 * 65535 / white, 65536)).clip(0, 255).astype(np.uint8)
        grey = levels[np.asarray(image)]
    elif image.mode in ("I", "F"):
        grey = _stretch(np.asarray(image, dtype=np.float32), note)
    else:
        return image
    return Image.fromarray(255 - grey if _is_negative(image) else grey)


def _stretch(samples: NDArray[np.float32], note: Note) -> NDArray[np.uint8]:
    """Map 0..1 to 0..255; where samples lie outside, their whole range instead. What is not a number becomes black."""
    samples = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=0.0)
    low, high = float(samples.min()), float(samples.max())
    if low >= 0.0 and high <= 1.0:
        low, high = 0.0, 1.0
    else:
        note(f"The image's samples run from {low:g} to {high:g}: these became black and white.", "info")
    scale = 255.0 / (high - low) if high > low else 0.0
    return np.rint((samples.astype(np.float64) - low) * scale).astype(np.uint8)


def _white_level(image: Image.Image) -> int:
    """The largest sample of a 16-bit image: TIFFs may fill fewer bits."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return 65535
    return (1 << min(int(image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (16,))[0]), 16)) - 1


def _is_negative(image: Image.Image) -> bool:
    """Whether deep samples of a TIFF mean white where they are 0, which Pillow leaves to the caller."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return False
    return bool(image.tag_v2.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == _WHITE_IS_ZERO)


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Return the colour in mode L, RGB, CMYK or LAB, and the alpha in mode L where there is one."""
    if image.mode in ("LA", "La"):
        image = image.convert("LA")
        return image.getchannel("L"), image.getchannel("A")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return image.convert("RGB"), image.getchannel("A")
    if image.mode in ("L", "RGB", "CMYK", "LAB"):
        return image, None
    return image.convert("L" if image.mode == "1" else "RGB"), None


def _without_profile(colour: Image.Image) -> Image.Image:
    """To RGB as the mode stands: RGB and grey are taken as sRGB, CMYK as plain ink."""
    if colour.mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        return _transformed(colour, _transform(ImageCms.ImageCmsProfile(lab), "LAB"))
    return colour if colour.mode == "RGB" else colour.convert("RGB")


def _apply_profile(colour: Image.Image, icc: bytes, note: Note) -> Image.Image:
    """To sRGB through an embedded ICC profile; without it, and noted, where it is damaged or meant for other pixels."""
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(icc))
        mode = _PROFILE_MODES.get(profile.profile.xcolor_space.strip(), "")
        if mode == "RGB" and colour.mode == "L":
            colour = colour.convert("RGB")
        if mode != colour.mode:
            note("The image's colour profile belongs to another kind of image, so it was left out.", "warning")
            return _without_profile(colour)
        transform = _transform(profile, mode)
    except (OSError, ValueError, TypeError, ImageCms.PyCMSError):
        note("The image's colour profile is damaged, so its colours are taken as sRGB.", "warning")
        return _without_profile(colour)
    return colour if mode == "RGB" and _changes_nothing(transform) else _transformed(colour, transform)


def _transform(profile: ImageCms.ImageCmsProfile, mode: str) -> ImageCms.ImageCmsTransform:
    srgb = ImageCms.createProfile("sRGB")
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
    return ImageCms.buildTransform(profile, srgb, mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC, flags)


def _transformed(colour: Image.Image, transform: ImageCms.ImageCmsTransform) -> Image.Image:
    in_place = colour.mode == "RGB" and not colour.readonly
    result = ImageCms.applyTransform(colour, transform, inPlace=in_place)
    return colour if result is None else result


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether a profile is sRGB under whatever name: no colour of a grid moves by more than one level."""
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3)
    moved = np.asarray(ImageCms.applyTransform(Image.fromarray(grid), transform))
    return int(np.abs(moved.astype(np.int16) - grid).max()) <= 1
