"""Which kind of file a file is, by its first bytes, and the decoder of each kind that is accepted."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from pipeline.errors import InvalidImage

ACCEPTED = "JPEG, PNG, WebP, BMP, TIFF, GIF, HEIC or AVIF"
"""The accepted kinds, for sentences."""

_HEAD = 4096
"""Bytes that are looked at: enough for the brands of a HEIC file and for the first element of an SVG."""

_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}
_RAW_SIGNATURES = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"IIU\0")
_VIDEO_SIGNATURES = (b"\x1aE\xdf\xa3", b"FLV", b"\0\0\x01\xba", b"\0\0\x01\xb3", b"OggS")
_DNG_VERSION, _NEW_SUBFILE_TYPE, _PHOTOMETRIC = 50706, 254, 262
_REDUCED_IMAGE = 1
_COLOUR_FILTER_ARRAY, _LINEAR_RAW = 32803, 34892
"""Values of TIFF tags that only raw files of cameras have (TIFF/EP, DNG 1.7)."""

Decoder = Callable[[IO[bytes], str], ImageFile.ImageFile]
"""Reads the header from an open file and its name; the pixels come with `load()`."""


@dataclass(frozen=True)
class Kind:
    """A kind of image file that is accepted: its name for people, and how its header is read."""

    name: str
    open: Decoder


def kind_of(file: IO[bytes], name: str) -> Kind:
    """Tell an open file's kind by its content, and leave the file at its start.

    Raises InvalidImage when the kind is not accepted; the sentence says what the file seems to be.
    """
    head = file.read(_HEAD)
    file.seek(0)
    kind = _accepted_kind(head)
    if kind is None:
        raise not_accepted(name, _other_kind(head))
    return kind


def not_accepted(name: str, what: str) -> InvalidImage:
    """The error for a file that is something else than an accepted image."""
    return InvalidImage(f"'{name}' is {what}: use an image file ({ACCEPTED}).")


def _accepted_kind(head: bytes) -> Kind | None:
    brands = _brands(head)
    tests: tuple[tuple[bool, str, Decoder], ...] = (
        (head.startswith(b"\xff\xd8\xff"), "JPEG", JpegImagePlugin.JpegImageFile),
        (head.startswith(b"\x89PNG\r\n\x1a\n"), "PNG", PngImagePlugin.PngImageFile),
        (head[:4] == b"RIFF" and head[8:12] == b"WEBP", "WebP", WebPImagePlugin.WebPImageFile),
        (head.startswith((b"GIF87a", b"GIF89a")), "GIF", GifImagePlugin.GifImageFile),
        (_is_tiff(head), "TIFF", _open_tiff),
        (head.startswith(b"BM"), "BMP", BmpImagePlugin.BmpImageFile),
        (bool(brands & _AVIF_BRANDS), "AVIF", AvifImagePlugin.AvifImageFile),
        (bool(brands & _HEIC_BRANDS), "HEIC", _open_heic),
    )
    return next((Kind(name, decoder) for matches, name, decoder in tests if matches), None)


def _brands(head: bytes) -> set[bytes]:
    """The brands in the `ftyp` box of an ISO base media file (ISO/IEC 14496-12); empty for other files."""
    if head[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(head[:4]), len(head))
    return {head[8:12]} | {head[start : start + 4] for start in range(16, end, 4)}


def _is_tiff(head: bytes) -> bool:
    return head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")) and head[8:10] != b"CR"


def _open_tiff(file: IO[bytes], name: str) -> ImageFile.ImageFile:
    """Read a TIFF's header; raw files of cameras, which are TIFFs that begin with a thumbnail, are refused."""
    image = TiffImagePlugin.TiffImageFile(file, name)
    tags = image.tag_v2
    is_raw = _DNG_VERSION in tags or tags.get(_PHOTOMETRIC) in (_COLOUR_FILTER_ARRAY, _LINEAR_RAW)
    if is_raw or tags.get(_NEW_SUBFILE_TYPE) == _REDUCED_IMAGE:
        raise not_accepted(name, "a camera's raw file")
    return image


def _open_heic(file: IO[bytes], name: str) -> ImageFile.ImageFile:
    from pillow_heif.as_plugin import HeifImageFile

    image: ImageFile.ImageFile = HeifImageFile(file, name)  # type: ignore[no-untyped-call]
    return image


def _other_kind(head: bytes) -> str:
    """What a file that is not accepted seems to be, as the end of "It is ..."."""
    brand = head[8:12] if head[4:8] == b"ftyp" else b""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    tests = (
        (brand == b"crx " or head[8:10] == b"CR" or head.startswith(_RAW_SIGNATURES), "a camera's raw file"),
        (brand or head.startswith(_VIDEO_SIGNATURES) or head[8:12] == b"AVI ", "a video or sound file"),
        (b"<svg" in start, "an SVG drawing"),
        (head.startswith(b"%PDF"), "a PDF document"),
        (head.startswith(b"8BPS"), "a Photoshop document"),
        (_is_text(head), "text"),
    )
    return next((what for matches, what in tests if matches), "not an image of a kind that can be read")


def _is_text(head: bytes) -> bool:
    """Whether bytes are UTF-8 (perhaps cut inside a character) without control characters."""
    text = head[:-3].decode("utf-8", errors="replace") if len(head) == _HEAD else head.decode("utf-8", errors="replace")
    return "\ufffd" not in text[:-1] and all(character.isprintable() or character in "\t\r\n\f" for character in text)
