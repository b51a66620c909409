"""caption: the two images in words."""

from dataclasses import dataclass

from pipeline.cache import Cache, Recalled
from pipeline.context import MIXED, Context, Way
from pipeline.engines.florence2 import describe, recall
from pipeline.frames import PictureKey, PreparedImage
from pipeline.settings import Settings

YOURS = Way("yours", "You wrote the caption.")


@dataclass(frozen=True)
class Captions:
    """What the two images show, empty where nothing is known, and how each caption came about."""

    text0: str
    text1: str
    way0: Way
    way1: Way

    @property
    def way(self) -> Way:
        """How both came about."""
        if self.way0 == self.way1:
            return self.way0
        method = self.way0.method if self.way0.method == self.way1.method else MIXED
        return Way(method, f"First image: {self.way0.reason} Last image: {self.way1.reason}")


@dataclass(frozen=True)
class Caption:
    """Takes the user's own captions, and describes the images that have none."""

    name: str = "caption"
    version: str = "1"

    def __call__(self, value: tuple[PreparedImage, PreparedImage], settings: Settings, context: Context) -> Captions:
        """Return the captions. Raises ModelMissing and InvalidSetting as `describe` does, and Cancelled."""
        context.check_cancelled()
        silent = [image for image, text in zip(value, _own(settings), strict=True) if not text]
        return _with_own(settings, describe(silent, settings, context) if silent else [])

    def recall(
        self, images: tuple[PictureKey, PictureKey], settings: Settings, cache: Cache | None
    ) -> Recalled[Captions] | None:
        """The captions of images with these keys where no model is asked; None where one would be. Raises as above."""
        silent = [image for image, text in zip(images, _own(settings), strict=True) if not text]
        described = recall(silent, settings, cache) if silent else Recalled([], is_kept=False)
        return None if described is None else Recalled(_with_own(settings, described.value), described.is_kept)


def _own(settings: Settings) -> tuple[str, str]:
    """The user's own captions, empty where there is none."""
    return settings.caption.text0.strip(), settings.caption.text1.strip()


def _with_own(settings: Settings, described: list[tuple[str, Way]]) -> Captions:
    """The user's own captions, and in the place of those that are missing, in order, what was described."""
    others = iter(described)
    (text0, way0), (text1, way1) = ((text, YOURS) if text else next(others) for text in _own(settings))
    return Captions(text0, text1, way0, way1)
