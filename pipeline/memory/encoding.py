"""What the encoder can do with less memory: its own short ladder, taken after the frames are on disk."""

from pipeline.choices import X264Preset
from pipeline.records import DowngradeRecord
from pipeline.settings import Settings

PHASE = "encode"
"""The phase that these rungs are recorded for."""


def descend_encoding(settings: Settings, resident: str | None) -> tuple[Settings, DowngradeRecord] | None:
    """The next rung for an encoder that ran out of memory: the settings, and what to say. None at the bottom.

    `resident` names the model that is still loaded: freeing it comes first, and changes nothing of the video.
    """
    encode = settings.encode
    if resident is not None:
        message = f"Memory ran out while the video was encoded: {resident} was unloaded, and encoding repeated."
        return settings, _taken("free-model", message, {}, {})
    if encode.threads > 1:
        message = "Memory ran out while the video was encoded: it was repeated with one thread, which is slower."
        return _with(settings, "encoder-thread", message, {"threads": 1})
    if encode.x264_preset is not X264Preset.ULTRAFAST:
        message = "Memory ran out while the video was encoded: it was repeated with x264's leanest preset."
        return _with(settings, "encoder-preset", message, {"x264_preset": X264Preset.ULTRAFAST})
    return None


def _with(settings: Settings, rung: str, message: str, changes: dict[str, object]) -> tuple[Settings, DowngradeRecord]:
    before = {f"encode.{name}": getattr(settings.encode, name) for name in changes}
    after = {f"encode.{name}": value for name, value in changes.items()}
    encode = settings.encode.model_copy(update=changes)
    return settings.model_copy(update={"encode": encode}), _taken(rung, message, before, after)


def _taken(rung: str, message: str, before: dict[str, object], after: dict[str, object]) -> DowngradeRecord:
    return DowngradeRecord(
        rung=rung, phase=PHASE, reason="shortage", message=message, changes_picture=False, before=before, after=after
    )
