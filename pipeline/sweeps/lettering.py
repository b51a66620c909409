"""Text on a contact sheet: a font that has its letters, and lines that fit."""

from functools import lru_cache

from PIL import ImageFont

FONTS = (
    "NotoSansCJK-Regular.ttc",
    "NotoSansSC-Regular.otf",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "msyh.ttc",
    "DroidSansFallbackFull.ttf",
    "wqy-zenhei.ttc",
    "Arial Unicode.ttf",
    "arial.ttf",
    "DejaVuSans.ttf",
)
"""Fonts that many machines have, for letters that Pillow's own font lacks: it has those of ASCII, and few others."""

ELLIPSIS = "..."

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@lru_cache(maxsize=256)
def font_for(text: str, size: int) -> Font:
    """Pillow's own font in pixels, or the first of FONTS on this machine where it lacks letters of the text."""
    own = ImageFont.load_default(size)
    if _has_all(own, text):
        return own
    return next((font for font in (_installed(name, size) for name in FONTS) if font and _has_all(font, text)), own)


@lru_cache(maxsize=64)
def _installed(name: str, size: int) -> ImageFont.FreeTypeFont | None:
    try:
        return ImageFont.truetype(name, size)
    except OSError:
        return None


def _has_all(font: Font, text: str) -> bool:
    missing = _shape(font, "\uffff")
    return all(_shape(font, letter) != missing for letter in set(text) if not letter.isspace())


def _shape(font: Font, letter: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(letter)
    return mask.size, bytes(mask)


def wrapped(text: str, font: Font, width: int, most: int) -> list[str]:
    """The text in at most `most` lines of at most `width` pixels; what does not fit ends in dots."""
    lines = [""]
    for letter in " ".join(text.split()):
        if font.getlength(lines[-1] + letter) <= width:
            lines[-1] += letter
            continue
        head, _, tail = lines[-1].rpartition(" ")
        lines[-1:] = [head, tail + letter] if head and letter != " " else [lines[-1], letter.strip()]
    if len(lines) > most:
        last = lines[most - 1]
        while last and font.getlength(last + ELLIPSIS) > width:
            last = last[:-1]
        lines[most - 1 :] = [last + ELLIPSIS]
    return [line.rstrip() for line in lines]
