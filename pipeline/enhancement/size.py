"""The size of the enlarged video."""

from pipeline.enhance_settings import MAX_SIDE, EnhanceSettings


def enlarged_size(settings: EnhanceSettings, width: int, height: int, multiple: int = 2) -> tuple[int, int]:
    """Width and height in pixels that frames of `width` x `height` get.

    The aspect is kept, but for rounding both sides to multiples of `multiple` (2 for H.264): nothing is stretched to
    fit. No side becomes longer than MAX_SIDE. Where nothing is asked for, frames keep their size.
    """
    wanted = [side / own for side, own in ((settings.width, width), (settings.height, height)) if side is not None]
    scale = min(*(wanted or [settings.scale]), MAX_SIDE / max(width, height))
    if scale == 1.0:
        return width, height
    return _side(width * scale, multiple), _side(height * scale, multiple)


def _side(length: float, multiple: int) -> int:
    return min(max(round(length / multiple), 1), MAX_SIDE // multiple) * multiple
