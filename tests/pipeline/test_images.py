import os
import socket
import stat
import subprocess
import sys
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms, PngImagePlugin

from pipeline.errors import InvalidImage
from pipeline.frames import Frame
from pipeline.images import ImageInfo, probe, read_image, read_mask
from pipeline.paths import PROJECT
from pipeline.settings import PrepareSettings
from tests import pictures
from tests.pictures import encoded, encoded_by_opencv, grey_scene, heic, scene

LIMITS = PrepareSettings()
RGB = Image.fromarray(scene())
GREY = Image.fromarray(grey_scene())
DEEP = grey_scene().astype(np.uint16) * 257
WHITE_RGBA = Image.new("RGBA", (32, 32), (255, 255, 255, 0))


class Notes(list[str]):
    """Collects what the reader has to say."""

    def __call__(self, message: str, level: str) -> None:
        assert level in ("info", "warning")
        self.append(message)


def write(folder: Path, data: bytes, name: str = "picture.dat") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def read(folder: Path, data: bytes, notes: Notes | None = None, background: str = "#ffffff") -> Frame:
    path = write(folder, data)
    frame = read_image(path, PrepareSettings(background=background), Notes() if notes is None else notes)
    info = probe(path, LIMITS.max_megapixels, LIMITS.max_file_mb)
    assert frame.shape == (info.height, info.width, 3)
    assert frame.dtype == np.uint8
    assert frame.flags.c_contiguous
    return frame


def difference(frame: Frame, expected: NDArray[np.generic]) -> float:
    """Largest difference in levels."""
    return float(np.abs(frame.astype(float) - expected.astype(float)).max())


EXACT: dict[str, Callable[[], bytes]] = {
    "png": lambda: encoded(RGB, "PNG"),
    "png interlaced by a palette": lambda: encoded(RGB.quantize(256, dither=Image.Dither.NONE), "PNG"),
    "bmp": lambda: encoded(RGB, "BMP"),
    "tiff": lambda: encoded(RGB, "TIFF"),
    "tiff lzw": lambda: encoded(RGB, "TIFF", compression="tiff_lzw"),
    "tiff deflate": lambda: encoded(RGB, "TIFF", compression="tiff_adobe_deflate"),
    "tiff big": lambda: encoded(RGB, "TIFF", big_tiff=True),
    "webp lossless": lambda: encoded(RGB, "WEBP", lossless=True),
    "png 16 bit": lambda: encoded_by_opencv(scene().astype(np.uint16) * 257, ".png"),
    "tiff 16 bit": lambda: encoded_by_opencv(scene().astype(np.uint16) * 257, ".tiff"),
    "jpeg": lambda: encoded(RGB, "JPEG", quality=95, subsampling=0),
    "jpeg progressive": lambda: encoded(RGB, "JPEG", quality=95, subsampling=0, progressive=True),
    "mpo": lambda: encoded(RGB, "MPO", quality=95, subsampling=0, save_all=True, append_images=[RGB.rotate(90)]),
    "webp": lambda: encoded(RGB, "WEBP", quality=95),
    "avif": lambda: encoded(RGB, "AVIF", quality=95),
    "heic": lambda: heic(RGB),
    "apng": lambda: encoded(RGB, "PNG", save_all=True, append_images=[RGB.rotate(180)]),
    "webp animated": lambda: encoded(RGB, "WEBP", save_all=True, append_images=[RGB.rotate(180)], lossless=True),
    "gif": lambda: encoded(RGB, "GIF"),
    "gif animated": lambda: encoded(RGB, "GIF", save_all=True, append_images=[RGB.rotate(180)]),
    "tiff of pages": lambda: encoded(RGB, "TIFF", save_all=True, append_images=[RGB.rotate(180)]),
}
TOLERANCE = {"jpeg": 6, "jpeg progressive": 6, "mpo": 6, "webp": 8, "avif": 8, "heic": 8}
TOLERANCE |= {"gif": 24, "gif animated": 24, "png interlaced by a palette": 24}
"""In levels, where a kind is lossy; a palette has 256 colours."""
MOVING = {"apng", "webp animated", "gif animated", "tiff of pages"}


@pytest.mark.parametrize("kind", EXACT)
def test_every_kind_decodes_to_the_scene(kind: str, tmp_path: Path) -> None:
    notes = Notes()
    assert difference(read(tmp_path, EXACT[kind](), notes), scene()) <= TOLERANCE.get(kind, 0)
    assert bool(notes) == (kind in MOVING)
    assert all("the first one is used" in note for note in notes)


@pytest.mark.parametrize("kind", sorted(MOVING))
def test_the_header_tells_that_there_are_several_frames(kind: str, tmp_path: Path) -> None:
    assert probe(write(tmp_path, EXACT[kind]()), 1, 1).frames == 2


def test_the_header_tells_kind_and_size(tmp_path: Path) -> None:
    assert probe(write(tmp_path, EXACT["heic"]()), 1, 1) == ImageInfo("HEIC", 96, 64, 1)


@pytest.mark.parametrize("name", ["photo.png", "photo", "photo.txt", "фото.jpeg", "a b.c.gif"])
def test_files_are_told_by_their_content(name: str, tmp_path: Path) -> None:
    path = write(tmp_path, EXACT["avif"](), name)
    assert probe(path, 1, 1).format == "AVIF"


GREYS: dict[str, Callable[[], bytes]] = {
    "png 8 bit": lambda: encoded(GREY, "PNG"),
    "jpeg": lambda: encoded(GREY, "JPEG", quality=100),
    "png 16 bit": lambda: encoded_by_opencv(DEEP, ".png"),
    "tiff 16 bit": lambda: encoded_by_opencv(DEEP, ".tiff"),
    "tiff 16 bit, big endian": lambda: pictures.deep_tiff(DEEP, ">"),
    "tiff 16 bit, negative": lambda: pictures.deep_tiff(65535 - DEEP, "<", negative=True),
    "tiff float": lambda: encoded(Image.fromarray((grey_scene() / 255).astype(np.float32)), "TIFF"),
    "png with opaque alpha": lambda: encoded(GREY.convert("LA"), "PNG"),
    "cmyk of black ink": lambda: encoded(_black_ink(), "TIFF"),
    "lab": lambda: encoded(_lab(), "TIFF"),
}


def _black_ink() -> Image.Image:
    nothing = Image.new("L", GREY.size, 0)
    return Image.merge("CMYK", (nothing, nothing, nothing, Image.fromarray(255 - grey_scene())))


def _lab() -> Image.Image:
    transform = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    lab = ImageCms.applyTransform(GREY.convert("RGB"), transform)
    assert lab is not None
    return lab


@pytest.mark.parametrize("kind", GREYS)
def test_grey_of_any_depth_keeps_its_levels(kind: str, tmp_path: Path) -> None:
    expected = grey_scene()[..., None].repeat(3, axis=-1)
    assert difference(read(tmp_path, GREYS[kind]()), expected) <= {"lab": 2, "jpeg": 2}.get(kind, 0)


def test_one_bit_is_black_and_white(tmp_path: Path) -> None:
    dots = grey_scene() > 130
    frame = read(tmp_path, encoded(Image.fromarray(dots), "PNG"))
    assert difference(frame, dots[..., None].repeat(3, axis=-1) * 255) == 0


def test_floats_beyond_one_are_stretched_and_it_is_said(tmp_path: Path) -> None:
    samples = grey_scene().astype(np.float32) * 40 - 1000
    samples[3, 4] = np.nan
    notes = Notes()
    frame = read(tmp_path, encoded(Image.fromarray(samples), "TIFF"), notes)
    assert (frame.min(), frame.max()) == (0, 255)
    assert len(notes) == 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIC"])
def test_every_exif_orientation_comes_out_upright(kind: str, orientation: int, tmp_path: Path) -> None:
    stored = Image.fromarray(pictures.stored_as(scene(), orientation))
    exif = pictures.with_orientation(orientation)
    data = heic(stored, exif=exif) if kind == "HEIC" else encoded(stored, kind, exif=exif)
    assert difference(read(tmp_path, data), scene()) <= 16


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\x08\0\0\0\xff\xff", pictures.with_orientation(99)]
)
def test_senseless_exif_is_left_out(exif: bytes, tmp_path: Path) -> None:
    assert difference(read(tmp_path, encoded(RGB, "JPEG", quality=95, exif=exif)), scene()) <= 8


def _to_srgb(stored: Frame, to_xyz: NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB of pixels in a matrix profile with a plain gamma, by the formulas of IEC 61966-2-1."""
    linear = (stored / 255.0) ** (563 / 256) @ to_xyz.T @ np.linalg.inv(pictures.SRGB_XYZ).T
    linear = linear.clip(0.0, 1.0)
    return 255.0 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG", "AVIF", "HEIC"])
def test_a_wide_gamut_profile_is_brought_to_srgb(kind: str, tmp_path: Path) -> None:
    profile = pictures.matrix_profile()
    lossy: dict[str, int] = {"quality": 98, "subsampling": 0} if kind == "JPEG" else {}
    options = {"lossless": True} if kind == "WEBP" else lossy
    data = heic(RGB, icc_profile=profile) if kind == "HEIC" else encoded(RGB, kind, icc_profile=profile, **options)
    frame = read(tmp_path, data)
    expected = _to_srgb(scene(), pictures.ADOBE_RGB_XYZ)
    if kind in ("PNG", "TIFF", "WEBP"):
        assert difference(frame, expected) <= 2
    assert np.abs(frame - expected).mean() < 3
    assert np.abs(scene() - expected).mean() > 6


def test_an_srgb_profile_changes_nothing(tmp_path: Path) -> None:
    assert difference(read(tmp_path, encoded(RGB, "PNG", icc_profile=pictures.srgb_profile())), scene()) == 0


def test_a_grey_profile_is_applied(tmp_path: Path) -> None:
    frame = read(tmp_path, encoded(GREY, "PNG", icc_profile=pictures.grey_profile()))
    expected = _to_srgb(grey_scene()[..., None].repeat(3, axis=-1), pictures.SRGB_XYZ)
    assert difference(frame, expected) <= 2


def test_an_rgb_profile_serves_a_grey_image(tmp_path: Path) -> None:
    frame = read(tmp_path, encoded(GREY, "PNG", icc_profile=pictures.matrix_profile()))
    assert np.ptp(frame.astype(int), axis=-1).max() <= 1


@pytest.mark.parametrize("profile", [b"not a profile", pictures.matrix_profile()[:200], pictures.grey_profile()])
def test_a_profile_that_does_not_fit_is_left_out_and_said(profile: bytes, tmp_path: Path) -> None:
    notes = Notes()
    assert difference(read(tmp_path, encoded(RGB, "PNG", icc_profile=profile), notes), scene()) == 0
    assert len(notes) == 1
    assert "profile" in notes[0]


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_without_a_profile_is_plain_ink(kind: str, tmp_path: Path) -> None:
    inks = Image.fromarray(255 - scene())
    cmyk = Image.merge("CMYK", (*inks.split(), Image.new("L", inks.size, 0)))
    assert difference(read(tmp_path, encoded(cmyk, kind, **({"quality": 98} if kind == "JPEG" else {}))), scene()) <= 6


def test_alpha_is_laid_over_the_background_with_clean_edges(tmp_path: Path) -> None:
    """Hidden colours of transparent pixels must not shine through, and half-covered pixels are half of each."""
    rgba = np.zeros((32, 32, 4), np.uint8)
    rgba[:, :16] = (255, 0, 0, 255)
    rgba[:, 16] = (255, 0, 0, 128)
    rgba[:, 17:] = (0, 255, 0, 0)
    for kind, options in {"PNG": {}, "WEBP": {"lossless": True, "exact": True}, "TIFF": {}}.items():
        frame = read(tmp_path, encoded(Image.fromarray(rgba), kind, **options), background="#0000ff")
        assert difference(frame[:, :16], np.array([255, 0, 0])) == 0
        assert difference(frame[:, 16], np.array([128, 0, 127])) <= 1
        assert difference(frame[:, 17:], np.array([0, 0, 255])) == 0


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "P"), ("GIF", "P"), ("PNG", "L"), ("PNG", "RGB"), ("PNG", "LA")])
def test_every_sort_of_transparency_shows_the_background(kind: str, mode: str, tmp_path: Path) -> None:
    key: dict[str, object] = {"P": {"transparency": 0}, "L": {"transparency": 9}, "RGB": {"transparency": (9, 9, 9)}}
    if mode == "P":
        image = Image.new("P", (32, 32), 0)
        image.putpalette([9, 9, 9, 200, 200, 200])
        image.paste(1, (16, 0, 32, 32))
    else:
        image = Image.new("RGBA", (32, 32), (9, 9, 9, 0 if mode == "LA" else 255))
        image.paste((200, 200, 200, 255), (16, 0, 32, 32))
        image = image.convert(mode)
    options = key.get(mode, {})
    assert isinstance(options, dict)
    frame = read(tmp_path, encoded(image, kind, **options), background="#ff8000")
    assert difference(frame[:, :16], np.array([255, 128, 0])) == 0
    assert difference(frame[:, 16:], np.array([200, 200, 200])) == 0


def test_a_palette_with_an_alpha_for_each_colour(tmp_path: Path) -> None:
    image = Image.new("P", (32, 32), 1)
    image.putpalette([0, 0, 0, 255, 255, 255])
    frame = read(tmp_path, encoded(image, "PNG", transparency=bytes([0, 128])), background="#000000")
    assert difference(frame, np.array([128, 128, 128])) == 0


# Masks


def test_a_mask_is_its_grey_value(tmp_path: Path) -> None:
    path = write(tmp_path, encoded(GREY, "PNG"))
    assert (read_mask(path, (96, 64), LIMITS, Notes()) == grey_scene()).all()


def test_a_painted_layer_is_its_alpha(tmp_path: Path) -> None:
    layer = GREY.convert("RGBA")
    layer.putalpha(GREY)
    path = write(tmp_path, encoded(layer, "PNG"))
    assert (read_mask(path, (96, 64), LIMITS, Notes()) == grey_scene()).all()


def test_an_opaque_mask_with_alpha_is_its_grey_value(tmp_path: Path) -> None:
    path = write(tmp_path, encoded(GREY.convert("RGBA"), "PNG"))
    assert (read_mask(path, (96, 64), LIMITS, Notes()) == grey_scene()).all()


def test_a_turned_mask_comes_upright(tmp_path: Path) -> None:
    stored = Image.fromarray(pictures.stored_as(scene(), 6)).getchannel("R")
    path = write(tmp_path, encoded(stored, "PNG", exif=pictures.with_orientation(6)))
    assert (read_mask(path, (96, 64), LIMITS, Notes()) == grey_scene()).all()


@pytest.mark.parametrize("image", [(960, 640), (95, 63), (97, 64), (48, 32), (961, 640)])
def test_a_scaled_mask_is_taken(image: tuple[int, int], tmp_path: Path) -> None:
    assert read_mask(write(tmp_path, encoded(GREY, "PNG")), image, LIMITS, Notes()).shape == (64, 96)


@pytest.mark.parametrize("image", [(640, 960), (96, 70), (1000, 640)])
def test_a_mask_of_another_shape_is_refused(image: tuple[int, int], tmp_path: Path) -> None:
    with pytest.raises(InvalidImage, match=r"mask 'picture.dat' is 96 x 64 pixels.*as large as the image"):
        read_mask(write(tmp_path, encoded(GREY, "PNG")), image, LIMITS, Notes())


# Bad input


def refusal(path: Path) -> str:
    """The one sentence with which a file is refused, by the header or by the pixels."""
    with pytest.raises(InvalidImage) as caught:
        read_image(path, LIMITS, Notes())
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert path.name in sentence
    return sentence


OTHER_FILES = {
    "empty": (b"", "is empty"),
    "text": (b"This is a letter.\n", "is text"),
    "long text": ("Ein Käse, 奶酪. ".encode() * 999, "is text"),
    "svg": (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
    "video": (b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41" + bytes(99), "a video"),
    "matroska": (b"\x1aE\xdf\xa3" + bytes(range(99)), "a video"),
    "avi": (b"RIFF\0\1\0\0AVI LIST" + bytes(99), "a video"),
    "cr2": (b"II*\0\x10\0\0\0CR\2\0" + bytes(99), "a camera's raw file"),
    "cr3": (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(99), "a camera's raw file"),
    "raf": (b"FUJIFILMCCD-RAW 0201" + bytes(99), "a camera's raw file"),
    "dng": (encoded(RGB, "TIFF", tiffinfo={50706: b"\1\4\0\0"}), "a camera's raw file"),
    "pdf": (b"%PDF-1.7\n\x80\x81\x82\n", "a PDF"),
    "psd": (b"8BPS\0\1" + bytes(99), "a Photoshop"),
    "noise": (bytes(range(1, 256)), "not an image of a kind"),
    "a header only": (b"\x89PNG\r\n\x1a\n", "damaged or incomplete"),
}


@pytest.mark.parametrize("kind", OTHER_FILES)
def test_what_is_no_image_is_refused_with_what_it_is(kind: str, tmp_path: Path) -> None:
    data, words = OTHER_FILES[kind]
    sentence = refusal(write(tmp_path, data, "holiday.png"))
    assert words in sentence
    assert "JPEG, PNG, WebP" in sentence or "save it anew" in sentence


def test_a_missing_file_a_folder_and_a_nonsense_path_are_refused(tmp_path: Path) -> None:
    assert "There is no file" in refusal(tmp_path / "nothing.png")
    assert "is a folder" in refusal(tmp_path)
    write(tmp_path, b"x", "file")
    assert "There is no file" in refusal(tmp_path / "file" / "below.png")
    assert "There is no file" in refusal(tmp_path / ("n" * 300))
    with pytest.raises(InvalidImage, match="There is no file"):
        probe(Path("a\0b"), 1, 1)


def test_pipes_sockets_and_devices_are_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert "a device or a pipe" in refusal(tmp_path / "pipe.png")
    monkeypatch.chdir(tmp_path)  # the path of a socket may have 107 bytes only
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind("s.png")
        assert stat.S_ISSOCK(Path("s.png").stat().st_mode)
        assert "a device or a pipe" in refusal(Path("s.png"))
    assert "a device or a pipe" in refusal(Path("/dev/zero"))


READ_AS_ANOTHER_USER = """
import os, sys
from pathlib import Path
from pipeline.errors import InvalidImage
from pipeline.images import probe
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    probe(Path(sys.argv[1]), 150, 200)
except InvalidImage as error:
    print(error)
"""


@pytest.mark.parametrize("locked", ["file", "folder"])
def test_a_file_that_may_not_be_read_is_refused(locked: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("locked")
    path = write(folder, EXACT["png"](), "mine.png")
    closed = path if locked == "file" else folder
    closed.chmod(0)
    try:
        command = [sys.executable, "-c", READ_AS_ANOTHER_USER, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT)
    finally:
        closed.chmod(0o700)
    assert "'mine.png' may not be read by this user" in done.stdout, done.stderr


@pytest.mark.parametrize("size", [(1, 1), (15, 400), (400, 15)])
def test_tiny_images_are_refused(size: tuple[int, int], tmp_path: Path) -> None:
    sentence = refusal(write(tmp_path, encoded(Image.new("RGB", size), "PNG")))
    assert f"is {size[0]} x {size[1]} pixels" in sentence
    assert "at least 16 x 16" in sentence


def test_a_small_file_of_a_huge_image_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = write(tmp_path, pictures.png_header(40_000, 40_000))
    with pytest.raises(InvalidImage, match=r"40000 x 40000 pixels, which is 1600 megapixels: .* at most 150"):
        probe(path, 150, 200)


def test_a_large_file_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(300_000_000)
    assert "has 300 MB: use a file of at most 200 MB" in refusal(path)


@pytest.mark.parametrize("kind", [kind for kind in EXACT if "animated" not in kind])
@pytest.mark.parametrize("part", [0.2, 0.5, 0.9])
def test_a_file_that_was_cut_off_is_refused_or_whole(kind: str, part: float, tmp_path: Path) -> None:
    """Of several frames, the first one may be whole; never is a part of a picture shown."""
    data = EXACT[kind]()
    path = write(tmp_path, data[: int(len(data) * part)])
    if kind in MOVING | {"mpo"}:
        try:
            frame = read_image(path, LIMITS, Notes())
        except InvalidImage:
            return
        assert difference(frame, scene()) <= TOLERANCE.get(kind, 0)
    else:
        assert "is damaged or incomplete" in refusal(path)


@pytest.mark.parametrize("kind", ["jpeg", "jpeg progressive", "png", "webp", "avif", "heic", "tiff lzw", "gif"])
def test_a_download_that_ends_in_zeros_is_refused(kind: str, tmp_path: Path) -> None:
    image = Image.fromarray(scene(480, 320))
    writers: dict[str, Callable[[Image.Image], bytes]] = {
        "heic": heic,
        "jpeg progressive": lambda i: encoded(i, "JPEG", progressive=True),
        "tiff lzw": lambda i: encoded(i, "TIFF", compression="tiff_lzw"),
    }
    data = writers[kind](image) if kind in writers else encoded(image, kind.upper())
    refusal(write(tmp_path, data[: len(data) // 2] + bytes(len(data) - len(data) // 2)))


def test_what_a_decoder_warns_of_is_kept_from_the_user_in_every_thread(tmp_path: Path) -> None:
    """An animation of no frames makes Pillow warn, which is an error here; the filters of others stay as they are."""
    data = EXACT["png"]()
    path = write(tmp_path, data[:33] + pictures.chunk(b"acTL", bytes(8)) + data[33:])
    with ThreadPoolExecutor(8) as pool:
        frames = list(pool.map(lambda _: read_image(path, LIMITS, Notes()), range(64)))
    assert all(difference(frame, scene()) == 0 for frame in frames)
    with pytest.raises(UserWarning, match="ours"):
        warnings.warn("ours", UserWarning, stacklevel=1)


def test_a_text_that_unpacks_to_much_does_no_harm(tmp_path: Path) -> None:
    bomb = zlib.compress(bytes(200_000_000), 9)
    data = EXACT["png"]()
    data = data[:33] + pictures.chunk(b"zTXt", b"Comment\0\0" + bomb) + data[33:]
    with suppress(InvalidImage):
        assert difference(read(tmp_path, data), scene()) == 0


def test_a_huge_text_after_the_picture_is_no_obstacle(tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "x" * 900_000)
    assert difference(read(tmp_path, encoded(RGB, "PNG", pnginfo=info)), scene()) == 0


SEEDS = (
    [make() for make in EXACT.values()]
    + [make() for make in GREYS.values()]
    + [
        encoded(RGB, "JPEG", exif=pictures.with_orientation(6), icc_profile=pictures.matrix_profile()),
        encoded(RGB, "PNG", exif=pictures.with_orientation(6), icc_profile=pictures.matrix_profile()),
        encoded(WHITE_RGBA, "PNG"),
    ]
)


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_damaged_files_are_read_or_refused_and_nothing_else(data: st.DataObject, tmp_path: Path) -> None:
    """Flipped, cut and inserted bytes, most of them near the start, where the headers are."""
    content = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 6))):
        reach = data.draw(st.sampled_from([40, 300, len(content)]))
        place = data.draw(st.integers(0, max(0, min(reach, len(content)) - 1)))
        patch = data.draw(st.binary(max_size=6) | st.sampled_from([b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff"]))
        removed = data.draw(st.sampled_from([len(patch), 0, 1, 500]))
        content[place : place + removed] = patch
    path = write(tmp_path, bytes(content))
    small = PrepareSettings(max_megapixels=4)
    with suppress(InvalidImage):
        info = probe(path, small.max_megapixels, small.max_file_mb)
        assert read_image(path, small, Notes()).shape == (info.height, info.width, 3)
