"""Image files: which kinds are accepted, how large they may be, and how they become pixels.

Files are told by their content, not by their name. What is wrong with one is an InvalidImage of one sentence. Decoders
are called directly, without Pillow's registry, so that nothing but the kinds below is ever decoded.
"""

import mmap
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageFile, TiffImagePlugin

from pipeline.errors import ImageToVideoError, InvalidImage, OutOfMemory
from pipeline.frames import Frame, Mask
from pipeline.image_colour import Note, to_mask, to_srgb
from pipeline.image_kinds import ACCEPTED, kind_of
from pipeline.settings import MIN_SIDE, PrepareSettings

_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What brings a picture upright, by its EXIF orientation (CIPA DC-008, tag 0x0112)."""

_START_OF_SCAN, _END_OF_IMAGE = 0xDA, b"\xff\xd9"
"""JPEG markers (ITU-T T.81, table B.1)."""

_WITH_END = ("JPEG", "PNG", "WebP", "HEIC", "AVIF")
"""Kinds whose end is looked for. Other decoders miss it themselves; in bare pixels, as of a BMP, zeros are black."""

_LONGEST_PADDING = 256
"""A file of these kinds that ends in more zeros than this was not written to its end."""


@dataclass(frozen=True)
class ImageInfo:
    """What the header of an image file says.

    `format` is the name of its kind, such as JPEG. `width` and `height` are in pixels as displayed, after EXIF
    orientation. `frames` is 1 for a still; 2 stands for several where only reading the whole file would count them.
    """

    format: str
    width: int
    height: int
    frames: int


def probe(path: Path, max_megapixels: int, max_file_mb: int) -> ImageInfo:
    """Read the header of an image file; nothing is decoded.

    Raises InvalidImage when it is not a file, cannot be read, is of no accepted kind, or is outside the limits: at
    least MIN_SIDE pixels a side, at most `max_megapixels` million pixels and `max_file_mb` million bytes.
    """
    with _opened(path, max_megapixels, max_file_mb) as (_, info):
        return info


def open_image(path: Path, settings: PrepareSettings, note: Note) -> Image.Image:
    """Decode an image file to an upright picture in mode RGB, 8-bit sRGB; the first frame of an animation.

    Raises InvalidImage as `probe` does, and when the file is damaged or cut off; OutOfMemory when it does not fit.
    """
    with _opened(path, settings.max_megapixels, settings.max_file_mb) as (image, info):
        if info.frames > 1:
            note(f"'{path.name}' holds several pictures: the first one is used.", "info")
        orientation = _orientation(image)
        _decode(image, info, path)
        return _upright(to_srgb(image, settings.background, note), orientation)


def read_image(path: Path, settings: PrepareSettings, note: Note) -> Frame:
    """Decode an image file as `open_image` does, to a Frame in the file's own size."""
    return np.array(open_image(path, settings, note))


def read_mask(path: Path, image_size: tuple[int, int], settings: PrepareSettings, note: Note) -> Mask:
    """Decode a mask for an image whose displayed size is `image_size` (width, height).

    White or opaque means inside; alpha counts where it varies, else the grey value. The mask has its own size, which
    is the image's or a scaled one of the same aspect. Raises InvalidImage as `open_image` does, and for another aspect.
    """
    with _opened(path, settings.max_megapixels, settings.max_file_mb) as (image, info):
        if not _same_aspect((info.width, info.height), image_size):
            raise InvalidImage(
                f"The mask '{path.name}' is {info.width} x {info.height} pixels and the image "
                f"{image_size[0]} x {image_size[1]}: make the mask as large as the image."
            )
        orientation = _orientation(image)
        _decode(image, info, path)
        return np.array(_upright(Image.fromarray(to_mask(image, note)), orientation))


@contextmanager
def _opened(path: Path, max_megapixels: int, max_file_mb: int) -> Iterator[tuple[ImageFile.ImageFile, ImageInfo]]:
    """An image file whose header was read and found within the limits; its pixels can be loaded inside the block."""
    _check_file(path, max_file_mb)
    _ignore_decoder_warnings()
    with _open_file(path) as file:
        kind = kind_of(file, path.name)
        with _decoding(path):
            image = kind.open(file, path.name)
            info = _info(kind.name, image)
        _check_size(info, path, max_megapixels)
        yield image, info


def _check_file(path: Path, max_file_mb: int) -> None:
    """Refuse what cannot be an image file, before it is opened: opening a pipe would wait for ever."""
    try:
        status = path.stat()
    except PermissionError:
        raise _unreadable(path) from None
    except (OSError, ValueError):
        raise InvalidImage(f"There is no file '{path}': give the path of an image.") from None
    if stat.S_ISDIR(status.st_mode):
        raise InvalidImage(f"'{path}' is a folder: give the path of one image in it.")
    if not stat.S_ISREG(status.st_mode):
        raise InvalidImage(f"'{path}' is a device or a pipe: give the path of an image file.")
    if status.st_size == 0:
        raise InvalidImage(f"'{path.name}' is empty: choose a file that holds an image ({ACCEPTED}).")
    if status.st_size > max_file_mb * 1_000_000:
        raise InvalidImage(
            f"'{path.name}' has {status.st_size / 1e6:.0f} MB: use a file of at most {max_file_mb} MB, "
            "or raise prepare.max_file_mb."
        )


def _open_file(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except PermissionError:
        raise _unreadable(path) from None
    except OSError as error:
        raise InvalidImage(f"'{path.name}' cannot be read ({error.strerror}): choose another file.") from None


def _unreadable(path: Path) -> InvalidImage:
    return InvalidImage(f"'{path.name}' may not be read by this user: change its permissions or choose another file.")


def _check_size(info: ImageInfo, path: Path, max_megapixels: int) -> None:
    size = f"'{path.name}' is {info.width} x {info.height} pixels"
    if min(info.width, info.height) < MIN_SIDE:
        raise InvalidImage(f"{size}: use an image of at least {MIN_SIDE} x {MIN_SIDE}.")
    if info.width * info.height > max_megapixels * 1_000_000:
        raise InvalidImage(
            f"{size}, which is {info.width * info.height / 1e6:.0f} megapixels: use an image of at most "
            f"{max_megapixels}, or raise prepare.max_megapixels."
        )


def _info(kind: str, image: ImageFile.ImageFile) -> ImageInfo:
    width, height = image.size
    if _orientation(image) in (5, 6, 7, 8):
        width, height = height, width
    return ImageInfo(kind, width, height, _frames(kind, image))


def _frames(kind: str, image: ImageFile.ImageFile) -> int:
    """Frames as far as the header tells: GIF and TIFF have no count, and counting a million would take minutes."""
    if kind in ("JPEG", "BMP", "HEIC") or not getattr(image, "is_animated", False):
        return 1
    return 2 if kind in ("GIF", "TIFF") else int(getattr(image, "n_frames", 1))


def _orientation(image: ImageFile.ImageFile) -> int:
    """EXIF orientation; 1 where there is none or a senseless one, and where the decoder applies it (TIFF, HEIC)."""
    data = image.info.get("exif")
    if not isinstance(data, bytes) or isinstance(image, TiffImagePlugin.TiffImageFile):
        return 1
    exif = Image.Exif()
    with suppress(Exception):  # damaged metadata raises whatever it likes, and is no reason to refuse a picture
        exif.load(data)
        value = exif.get(_ORIENTATION_TAG)
        return value if value in _UPRIGHT else 1
    return 1


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image


def _same_aspect(size: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether one size is the other one scaled and rounded: one of its sides is off by at most a pixel."""
    (width, height), (other_width, other_height) = size, other
    by_width, by_height = width * other_height / other_width - height, height * other_width / other_height - width
    return min(abs(by_width), abs(by_height)) <= 1.0


def _decode(image: ImageFile.ImageFile, info: ImageInfo, path: Path) -> None:
    """Decode the pixels of an image whose header was read."""
    if info.format in _WITH_END and not _has_end(info.format, path):
        raise _damaged(path)
    with _decoding(path):
        image.load()


def _has_end(kind: str, path: Path) -> bool:
    """Whether the end of a file is there: decoders paint grey or noise where a broken download left zeros."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if kind == "JPEG":
            return data.rfind(_END_OF_IMAGE) > _jpeg_scan(data)
        if kind == "PNG":
            return data.rfind(b"IEND") > 0
        return any(data[-_LONGEST_PADDING:])


def _jpeg_scan(data: mmap.mmap) -> int:
    """Where the first scan of a JPEG begins, after its metadata, which may hold a small JPEG of its own."""
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF and data[position + 1] != _START_OF_SCAN:
        is_fill_byte = data[position + 1] == 0xFF
        position += 1 if is_fill_byte else 2 + int.from_bytes(data[position + 2 : position + 4])
    return position


@contextmanager
def _decoding(path: Path) -> Iterator[None]:
    """Turn whatever a decoder raises into one sentence. Nothing of ours runs in such a block: no defect hides in it."""
    try:
        yield
    except ImageToVideoError:
        raise
    except MemoryError as error:
        raise OutOfMemory(f"'{path.name}' does not fit into memory: use a smaller image.") from error
    except Exception as error:  # decoders raise more than a dozen types on damaged files
        raise _damaged(path) from error


def _damaged(path: Path) -> InvalidImage:
    return InvalidImage(f"'{path.name}' is damaged or incomplete: copy or download it again, or save it anew as PNG.")


def _ignore_decoder_warnings() -> None:
    """Silence what Pillow warns of in a file: what matters of it is checked here, and the rest is nobody's business.

    `warnings.catch_warnings` would swap the process's filters under the feet of other threads; one filter that is put
    in front and stays does no harm. It is put there each time because others may have restored an older list.
    """
    warnings.filterwarnings("ignore", module=r"PIL\.")
