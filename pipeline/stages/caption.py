"""caption: the two images in words."""

from dataclasses import dataclass

from pipeline.context import Context, Way
from pipeline.engines.florence2 import describe
from pipeline.frames import Frame
from pipeline.settings import Settings

YOURS = Way("yours", "You wrote the caption.")


@dataclass(frozen=True)
class Captions:
    """What the two images show, empty where nothing is known, and how each caption came about."""

    text0: str
    text1: str
    way0: Way
    way1: Way


@dataclass(frozen=True)
class Caption:
    """Takes the user's own captions, and describes the images that have none."""

    name: str = "caption"
    version: str = "1"

    def __call__(self, value: tuple[Frame, Frame], settings: Settings, context: Context) -> Captions:
        """Return the captions. Raises ModelMissing and InvalidSetting as `describe` does, and Cancelled."""
        context.check_cancelled()
        own = [text.strip() for text in (settings.caption.text0, settings.caption.text1)]
        silent = [image for image, text in zip(value, own, strict=True) if not text]
        described = iter(describe(silent, settings, context) if silent else [])
        (text0, way0), (text1, way1) = ((text, YOURS) if text else next(described) for text in own)
        return Captions(text0, text1, way0, way1)
