"""The stage `enhance`: finished frames made steadier, larger and sharper, on their way to the encoder."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

from pipeline.cache import cache_key
from pipeline.context import Context, Way
from pipeline.enhancement import Steadied, Upscaler, enlarged_size, find_weights, sharpened, steadied
from pipeline.enhancement.tone_path import Wishes
from pipeline.frames import Frame, FrameStream
from pipeline.interpolation import enlarge
from pipeline.memory.limit import within_limits
from pipeline.memory.machine import read_machine
from pipeline.settings import Settings
from pipeline.video import container_size_multiple
from pipeline.workers import in_order

_Enlarge = Callable[[Frame], Frame]


class Enhance:
    """Corrects, enlarges and sharpens every frame, in this order, while the stream is read."""

    name = "enhance"
    version = "1"

    def way(self, settings: Settings) -> Way:
        """Which way it takes."""
        wanted = settings.enhance
        does = {
            "flicker is taken out": wanted.deflicker > 0.0,
            "colours are held": wanted.colour > 0.0,
            "frames are enlarged": bool(wanted.width or wanted.height) or wanted.scale > 1.0,
            "details are sharpened": wanted.sharpen > 0.0,
        }
        told = ", ".join(what for what, done in does.items() if done)
        return Way(Path(wanted.model).name or "lanczos", f"{told[:1].upper()}{told[1:]}, as you asked for.")

    def check(self, settings: Settings) -> None:
        """Raise InvalidSetting when the user's weights are not to be found."""
        if settings.enhance.model:
            find_weights(settings.enhance.model, settings.runtime)

    def __call__(self, value: FrameStream, settings: Settings, context: Context) -> FrameStream:
        """Return the stream of enhanced frames: as many, as fast, and where nothing is asked for the stream itself.

        Weights are loaded now, so that a file that cannot be used is known before a frame is made. Raises
        InvalidSetting for such a file; reading the stream may raise OutOfMemory and Cancelled.
        """
        outline = self.outline(value, settings)
        if outline is value:
            return value
        wanted = settings.enhance
        wishes = Wishes(wanted.deflicker, wanted.colour)
        enlarging = self._enlarging(settings, (outline.width, outline.height), context)
        finish = partial(_finished, enlarging=enlarging, sharpen=wanted.sharpen)

        def enhanced(source: Iterator[Frame]) -> Iterator[Frame]:
            corrected = steadied(source, float(value.fps), wishes)
            with closing(in_order(finish, corrected, context.threads)) as made:
                for frame in made:
                    context.check_cancelled()
                    yield frame

        again = value.again
        return replace(
            outline, frames=enhanced(value.frames), again=None if again is None else lambda: enhanced(again())
        )

    def outline(self, value: FrameStream, settings: Settings) -> FrameStream:
        """The film's size and key as they will be; the film itself where nothing is asked for."""
        wanted = settings.enhance
        width, height = enlarged_size(
            wanted, value.width, value.height, container_size_multiple(settings.encode.format)
        )
        is_same_size = (width, height) == (value.width, value.height)
        if is_same_size and not (Wishes(wanted.deflicker, wanted.colour).any or wanted.model or wanted.sharpen):
            return value
        return replace(value, width=width, height=height, key=self._key(value, settings))

    def _key(self, value: FrameStream, settings: Settings) -> str | None:
        wanted = settings.enhance
        if value.key is None or wanted.model:
            return None  # weights in files of the user's are not told apart
        measured = wanted.deflicker > 0.0 or wanted.colour > 0.0  # over stretches of seconds
        rate = str(value.fps) if measured else None
        decides = {"frames": value.key, "settings": wanted.model_dump(mode="json"), "fps": rate}
        return cache_key(self.name, self.version, decides)

    def _enlarging(self, settings: Settings, size: tuple[int, int], context: Context) -> _Enlarge:
        """What brings a frame to its size: the user's model, or Lanczos resampling."""
        wanted = settings.enhance
        if not wanted.model:
            return partial(enlarge, width=size[0], height=size[1])
        path = find_weights(wanted.model, settings.runtime)
        machine = read_machine(settings.runtime, context.work_dir)
        limits = partial(within_limits, machine, settings.runtime)
        upscaler = Upscaler(path, size, wanted.tile, context.keep, settings.runtime.allow_downgrades, limits)
        upscaler.place(machine.device)
        where = "on the GPU" if machine.device == "cuda" else "on the processor"
        does = f"enlarges {upscaler.scale} times" if upscaler.scale > 1 else "cleans them at their size"
        context.note(self.name, f"Frames pass {path.name}, which {does}, {where}.")
        return partial(upscaler, check=context.check_cancelled)


def _finished(steady: Steadied, enlarging: _Enlarge, sharpen: float) -> Frame:
    return sharpened(enlarging(steady.corrected()), sharpen)
