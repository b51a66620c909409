"""Image files of every kind, made in the test run from one scene, so that what they must decode to is known."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from pipeline.frames import Frame

GAMMA = 2.2
"""Of the profiles made here: stored = linear ** (1 / GAMMA)."""

ADOBE_RGB_XYZ = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]])
"""Linear Adobe RGB (1998) to XYZ under D50 (Bradford): Adobe RGB (1998) Color Image Encoding, annex B."""

SRGB_XYZ = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
"""Linear sRGB to XYZ under D50, as in the published sRGB profile."""


def scene(width: int = 96, height: int = 64) -> Frame:
    """A smooth picture without symmetry: colours differ in all four corners, and every lossy coder keeps it well."""
    x, y = np.meshgrid(np.linspace(0.0, 1.0, width), np.linspace(0.0, 1.0, height))
    red, green, blue = 30 + 200 * x, 20 + 180 * y, 220 - 150 * x * y
    return np.rint(np.stack([red, green, blue], axis=-1)).astype(np.uint8)


def grey_scene(width: int = 96, height: int = 64) -> NDArray[np.uint8]:
    """The scene's grey counterpart, shape (height, width)."""
    return scene(width, height)[..., 0]


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The bytes of a file of one of Pillow's formats."""
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def encoded_by_opencv(samples: NDArray[Any], ending: str) -> bytes:
    """The bytes of a file with deep samples, RGB, that Pillow cannot write."""
    done, data = cv2.imencode(ending, samples[..., ::-1] if samples.ndim == 3 else samples)
    assert done
    return data.tobytes()


def heic(image: Image.Image, **options: Any) -> bytes:
    """The bytes of a HEIC file."""
    import pillow_heif

    buffer = io.BytesIO()
    pillow_heif.from_pillow(image).save(buffer, quality=95, **options)
    return buffer.getvalue()


def with_orientation(orientation: int) -> bytes:
    """An EXIF block that holds an orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def stored_as(frame: Frame, orientation: int) -> Frame:
    """How a camera stores a picture that is upright once this EXIF orientation is applied, after the standard's table.

    1 = row 0 is the top and column 0 the left side; 2 top, right; 3 bottom, right; 4 bottom, left; 5 left, top;
    6 right, top; 7 right, bottom; 8 left, bottom.
    """
    views: dict[int, Callable[[Frame], Frame]] = {
        1: lambda f: f,
        2: lambda f: f[:, ::-1],
        3: lambda f: f[::-1, ::-1],
        4: lambda f: f[::-1],
        5: lambda f: f.transpose(1, 0, 2),
        6: lambda f: f[:, ::-1].transpose(1, 0, 2),
        7: lambda f: f[::-1, ::-1].transpose(1, 0, 2),
        8: lambda f: f[::-1].transpose(1, 0, 2),
    }
    return np.ascontiguousarray(views[orientation](frame))


def matrix_profile(to_xyz: NDArray[np.float64] = ADOBE_RGB_XYZ) -> bytes:
    """An ICC v2 display profile (ICC.1:2001-04) with these primaries and a plain gamma."""
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(GAMMA * 256)) + bytes(2)
    tags = [(b"rXYZ", _xyz(to_xyz[:, 0])), (b"gXYZ", _xyz(to_xyz[:, 1])), (b"bXYZ", _xyz(to_xyz[:, 2]))]
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    return _profile(b"RGB ", [*tags, (b"wtpt", _xyz(_D50))])


def grey_profile() -> bytes:
    """An ICC v2 profile of grey with a plain gamma."""
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(GAMMA * 256)) + bytes(2)
    return _profile(b"GRAY", [(b"kTRC", curve), (b"wtpt", _xyz(_D50))])


def srgb_profile() -> bytes:
    """An ICC profile of sRGB."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def deep_tiff(samples: NDArray[np.uint16], order: str, negative: bool = False) -> bytes:
    """A plain 16-bit grey TIFF in either byte order (">" or "<"), perhaps with white as 0."""
    data = samples.astype(f"{order}u2").tobytes()
    height, width = samples.shape
    entries = [(256, width), (257, height), (258, 16), (259, 1), (262, 0 if negative else 1), (273, 8), (277, 1)]
    entries += [(278, height), (279, len(data))]
    directory = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in entries)
    start = struct.pack(f"{order}2sHI", b"MM" if order == ">" else b"II", 42, 8 + len(data))
    return start + data + struct.pack(f"{order}H", len(entries)) + directory + bytes(4)


def png_header(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims any size."""
    ihdr = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", ihdr) + chunk(b"IDAT", zlib.compress(bytes(3000))) + chunk(b"IEND", b"")
    )


def chunk(name: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


_D50 = np.array([0.9642, 1.0, 0.8249])


def _xyz(values: NDArray[np.float64]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(float(value) * 65536) for value in values))


def _profile(space: bytes, tags: list[tuple[bytes, bytes]]) -> bytes:
    text = b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78)
    tags = [(b"desc", text + bytes(-len(text) % 4)), (b"cprt", b"text" + bytes(4) + b"CC0\0"), *tags]
    table, data, start = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, value in tags:
        table += struct.pack(">4sII", name, start + len(data), len(value))
        data += value
    dates = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
    head = bytes(8) + struct.pack(">I", 0x02400000) + b"mntr" + space + b"XYZ " + dates + b"acsp"
    head += bytes(28) + _xyz(_D50)[8:]
    head += bytes(128 - len(head))
    return struct.pack(">I", start + len(data)) + head[4:] + table + data
