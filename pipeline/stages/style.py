"""The stage `style`: a film painted over in a named style, or with the colours and the surface of a picture."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from pipeline.context import Context, Way
from pipeline.frames import Frame, FrameStream
from pipeline.images import read_image
from pipeline.settings import Settings
from pipeline.style import ImagePainter, ImageStyle, Painter, RecipePainter, get_recipe, styled


class Style:
    """Paints every frame over, steadily: the style is measured once, and textures move with the picture."""

    name = "style"
    version = "1"

    def way(self, settings: Settings) -> Way:
        """Which way it takes."""
        wanted = settings.style
        if wanted.image is None:
            return Way(wanted.name, f"The style {get_recipe(wanted.name).title} is painted by a recipe.")
        return Way("statistics", f"The colours and the surface of '{wanted.image.name}' are laid over every frame.")

    def __call__(self, value: FrameStream, settings: Settings, context: Context) -> FrameStream:
        """Return the film in its style, made while it is read; the film itself where no style is wanted.

        Raises InvalidSetting for an unknown style, and InvalidImage for a picture that cannot be read, both before any
        frame is made; reading the frames raises Cancelled.
        """
        wanted = settings.style
        if wanted.name:
            get_recipe(wanted.name)  # a wrong name is said even where its strength is 0
        if not wanted.is_wanted:
            return value
        make_painter = _painter(settings, min(value.width, value.height), context)

        def made(source: Callable[[], Iterator[Frame]]) -> Iterator[Frame]:
            frames = _checked(source(), context)
            return styled(frames, value.count, make_painter(), wanted.strength, context.threads)

        again = partial(made, value.again) if value.again else None
        return replace(value, frames=made(lambda: value.frames), again=again)


def _painter(settings: Settings, side: int, context: Context) -> Callable[[], Painter]:
    """What makes a painter for each pass over the film."""
    wanted = settings.style
    if wanted.image is None:
        painter = RecipePainter(get_recipe(wanted.name), side)
        return lambda: painter
    style = ImageStyle(read_image(wanted.image, settings.prepare, partial(_noted, context)), side)
    return lambda: ImagePainter(style)


def _noted(context: Context, message: str, level: str) -> None:
    context.note("style", message, "warning" if level == "warning" else "info", setting="style.image")


def _checked(frames: Iterator[Frame], context: Context) -> Iterator[Frame]:
    for frame in frames:
        context.check_cancelled()
        yield frame
