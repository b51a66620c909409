"""The size that a model works at: within what it can, and the video's own wherever that fits."""

from pipeline.catalogue import ModelCard
from pipeline.errors import InvalidSetting
from pipeline.records import Notice
from pipeline.settings import Settings


def limited(settings: Settings, card: ModelCard) -> tuple[Settings, list[Notice]]:
    """Settle sample_width and sample_height; they stay empty where the model works at the size of the video.

    A side that is given alone gets the other one by the video's aspect. Raises InvalidSetting for a size that the model
    cannot work at.
    """
    width, height = settings.prepare.width, settings.prepare.height
    if width is None or height is None:
        raise ValueError("the settings are not resolved: the video has no size")
    asked = (settings.animate.sample_width, settings.animate.sample_height)
    notices: list[Notice] = []
    if card.rules.fixed_size is not None:
        size = card.rules.fixed_size
        if asked not in ((None, None), size):
            raise InvalidSetting(f"animate.sample_width: {card.title} works at {size[0]} x {size[1]} only.")
        if size != (width, height) and asked == (None, None):
            notices.append(_fitted(size, (width, height), card))
    elif asked == (None, None):
        size = _largest(width, height, card)
        if size != (width, height):
            notices.append(_scaled_up(size, (width, height), card))
    else:
        size = _given(asked, (width, height), card)
    sample = (None, None) if size == (width, height) else size
    changes = {"sample_width": sample[0], "sample_height": sample[1]}
    frames = settings.animate.sample_frames
    if frames is not None:
        _check_frames(frames, card)
    return settings.model_copy(update={"animate": settings.animate.model_copy(update=changes)}), notices


def _largest(width: int, height: int, card: ModelCard) -> tuple[int, int]:
    """The video's own size, or the largest one of its aspect that the model can work at."""
    rules = card.rules
    scale = min(1.0, rules.max_side / max(width, height))
    if scale == 1.0:
        return width, height
    step = rules.size_multiple
    return max(round(width * scale / step) * step, step), max(round(height * scale / step) * step, step)


def _given(asked: tuple[int | None, int | None], video: tuple[int, int], card: ModelCard) -> tuple[int, int]:
    rules, step = card.rules, card.rules.size_multiple
    for name, side in zip(("sample_width", "sample_height"), asked, strict=True):
        if side is not None and (side % step or not rules.min_side <= side <= rules.max_side):
            raise InvalidSetting(
                f"animate.{name}: {card.title} works at sides from {rules.min_side} to {rules.max_side} pixels "
                f"in steps of {step}, but {side} was given."
            )
    width = asked[0] or max(round((asked[1] or 0) * video[0] / video[1] / step), 1) * step
    height = asked[1] or max(round((asked[0] or 0) * video[1] / video[0] / step), 1) * step
    return width, height


def _check_frames(frames: int, card: ModelCard) -> None:
    rules = card.rules
    if not rules.min_frames <= frames <= rules.max_frames or (frames - rules.frames_offset) % rules.frames_multiple:
        steps = f" in steps of {rules.frames_multiple}" if rules.frames_multiple > 1 else ""
        raise InvalidSetting(
            f"animate.sample_frames: {card.title} makes {rules.min_frames} to {rules.max_frames} frames{steps}, but "
            f"{frames} was given."
        )


def _fitted(size: tuple[int, int], video: tuple[int, int], card: ModelCard) -> Notice:
    return Notice(
        stage="animate",
        setting="animate.sample_width",
        message=(
            f"{card.title} works at {size[0]} x {size[1]} only: the picture is fitted into that, "
            f"and the video taken out of it at {video[0]} x {video[1]}."
        ),
        before=f"{video[0]}x{video[1]}",
        after=f"{size[0]}x{size[1]}",
    )


def _scaled_up(size: tuple[int, int], video: tuple[int, int], card: ModelCard) -> Notice:
    return Notice(
        stage="animate",
        setting="animate.sample_width",
        message=(
            f"{card.title} works at sides of at most {card.rules.max_side} pixels: it makes {size[0]} x {size[1]}, "
            f"which is scaled up to {video[0]} x {video[1]}."
        ),
        before=f"{video[0]}x{video[1]}",
        after=f"{size[0]}x{size[1]}",
    )
