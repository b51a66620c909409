"""The stage `style`: a film painted over in a named style, or with the colours and the surface of a picture."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

from pipeline.context import Context, Way
from pipeline.frames import Frame, FrameStream
from pipeline.images import read_image
from pipeline.settings import PrepareSettings
from pipeline.style import ImagePainter, ImageStyle, Painter, RecipePainter, get_recipe, styled
from pipeline.style_settings import StyleSettings


@dataclass(frozen=True)
class Styled:
    """The frames of a film in a style, and which way they are made."""

    stream: FrameStream
    way: Way


@dataclass(frozen=True)
class Style:
    """Paints every frame over, steadily: the style is measured once, and textures move with the picture.

    `limits` say how large a style picture may be.
    """

    limits: PrepareSettings = field(default_factory=PrepareSettings)
    name: str = "style"
    version: str = "1"

    def __call__(self, value: FrameStream, settings: StyleSettings, context: Context) -> Styled:
        """Return the film in its style, made while it is read; the film itself where no style is wanted.

        Raises InvalidSetting for an unknown style, and InvalidImage for a picture that cannot be read, both before any
        frame is made; reading the frames raises Cancelled.
        """
        if settings.name:
            get_recipe(settings.name)  # a wrong name is said even where its strength is 0
        if not settings.is_wanted:
            return Styled(value, Way("off", "No style is laid over the video."))
        make_painter, way = self._painter(settings, min(value.width, value.height), context)

        def made(source: Callable[[], Iterator[Frame]]) -> Iterator[Frame]:
            frames = _checked(source(), context)
            return styled(frames, value.count, make_painter(), settings.strength, context.threads)

        again = partial(made, value.again) if value.again else None
        return Styled(replace(value, frames=made(lambda: value.frames), again=again), way)

    def _painter(self, settings: StyleSettings, side: int, context: Context) -> tuple[Callable[[], Painter], Way]:
        """What makes a painter for each pass over the film, and which way that is."""
        if settings.image is None:
            recipe = get_recipe(settings.name)
            painter = RecipePainter(recipe, side)
            return lambda: painter, Way(settings.name, f"The style {recipe.title} is painted by a recipe.")
        picture = read_image(settings.image, self.limits, partial(_noted, context))
        style = ImageStyle(picture, side)
        reason = f"The colours and the surface of '{settings.image.name}' are laid over every frame."
        return lambda: ImagePainter(style), Way("statistics", reason)


def _noted(context: Context, message: str, level: str) -> None:
    context.note("style", message, "warning" if level == "warning" else "info", setting="style.image")


def _checked(frames: Iterator[Frame], context: Context) -> Iterator[Frame]:
    for frame in frames:
        context.check_cancelled()
        yield frame
