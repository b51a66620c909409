"""keyframes: pictures painted on the way from one image to the other."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.context import Context
from pipeline.engines.stable_diffusion import PaintedFrames, paint
from pipeline.frames import Frame
from pipeline.settings import Settings

__all__ = ["Keyframes", "KeyframesInput", "PaintedFrames"]


@dataclass(frozen=True)
class KeyframesInput:
    """The pictures of the morph at the key frames' times, between 0 and 1, and the prompts that lead along the way.

    The pictures have the size of the video. There may be more or fewer prompts than pictures.
    """

    morphs: Sequence[Frame]
    times: Sequence[float]
    prompts: tuple[str, ...]


@dataclass(frozen=True)
class Keyframes:
    """Paints over the morph where a model is present, and leaves it as it is where none is."""

    name: str = "keyframes"
    version: str = "1"

    def __call__(self, value: KeyframesInput, settings: Settings, context: Context) -> PaintedFrames:
        """Return the key frames. Raises InvalidSetting and ModelMissing as `choose_models` does, and Cancelled."""
        return paint(value.morphs, value.times, value.prompts, settings, context)
