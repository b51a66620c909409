"""Looking at a job before any is made: what its run would refuse at once, and what of its models is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.catalogue import get_card, model_names
from pipeline.errors import ModelMissing
from pipeline.images import probe
from pipeline.lengths import film_length, outgoing
from pipeline.models.files import locate
from pipeline.records import fps_text
from pipeline.resolve import check_models, resolve, resolve_transition
from pipeline.run.finishing import REFINEMENTS
from pipeline.run.inputs import files_named
from pipeline.settings import Settings


@dataclass(frozen=True)
class Checked:
    """A job that can be made: the settings that it would use, and what of its models is not here, in one sentence."""

    used: Settings
    missing: str = ""

    def summary(self, kind: str) -> str:
        """What would be made: "motion, 640 x 480, 90 frames at 30 fps, mp4"."""
        used = self.used
        engine, count = used.transition.engine, used.transition.num_frames
        if kind == "animate":
            engine, count = used.animate.engine, film_length(used)
        fps, count = outgoing(count, used.encode.fps, used.interpolate)
        size = f"{used.prepare.width} x {used.prepare.height}"
        return f"{engine}, {size}, {count} frames at {fps_text(fps)} fps, {used.encode.format}"


class Checker:
    """Looks at jobs. Sizes of images are read once, however many jobs there are of each."""

    def __init__(self) -> None:
        self._sizes: dict[tuple[Path, int, int], tuple[int, int]] = {}

    def __call__(self, images: Sequence[Path], settings: Settings) -> Checked:
        """Check a job without computing or keeping anything. Raises InvalidInput, one sentence, where it is wrong."""
        sizes = [self._size(image, settings) for image in images]
        for mask in settings.prepare.masks:
            self._size(mask, settings)
        for each, path in files_named(settings, len(images)):
            if each.role in ("depth", "style"):
                self._size(path, settings)
        is_animation = len(images) == 1
        used, _ = (resolve if is_animation else resolve_transition)(settings, *sizes[0])
        try:
            _look_for_models(used, is_animation)
        except ModelMissing as error:
            return Checked(used, str(error))
        return Checked(used)

    def _size(self, image: Path, settings: Settings) -> tuple[int, int]:
        limits = settings.prepare
        key = (image, limits.max_megapixels, limits.max_file_mb)
        if key not in self._sizes:
            info = probe(*key)
            self._sizes[key] = info.width, info.height
        return self._sizes[key]


def _look_for_models(used: Settings, is_animation: bool) -> None:
    """Raise ModelMissing for a model that is named and not here, and InvalidSetting for one that does not exist."""
    if not is_animation:
        check_models(used)
    elif used.animate.engine in model_names():
        locate(get_card(used.animate.engine), used.runtime)
    for stage in REFINEMENTS:
        stage.check(used)
