"""The stage `style`: a film painted over in a named style, in that of a picture, or by a model that is told one."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np

from pipeline.cache import cache_key
from pipeline.context import Context, Settled, StageFact, Way
from pipeline.engines.stable_diffusion.models import Models
from pipeline.engines.style_painter import Grounds, KeyPainter, find_models, given, painted_over
from pipeline.frames import Frame, FrameStream
from pipeline.images import read_image
from pipeline.models.identity import digest
from pipeline.settings import Settings
from pipeline.style import ImagePainter, ImageStyle, Painter, RecipePainter, get_recipe, styled


class Style:
    """Paints every frame over, steadily: the style is measured once, and textures move with the picture.

    With a model, key frames are painted over in that style, and the frames between them follow the motion of the film.
    """

    name = "style"
    version = "3"

    def way(self, settings: Settings) -> Way:
        """Which way it takes without a model; what a model has painted is told as it comes, in StageFacts."""
        wanted = settings.style
        if wanted.image is not None:
            return Way("statistics", f"The colours and the surface of '{wanted.image.name}' are laid over every frame.")
        if not wanted.name:
            return Way("none", "Without a model there is no way to paint what the words say: the frames stay.")
        return Way(wanted.name, f"The style {get_recipe(wanted.name).title} is painted by a recipe.")

    def check(self, settings: Settings) -> None:
        """Raise InvalidSetting for an unknown style."""
        if settings.style.name:
            get_recipe(settings.style.name)

    def __call__(self, value: FrameStream, settings: Settings, context: Context) -> FrameStream:
        """Return the film in its style, made while it is read; the film itself where no style is wanted.

        Raises InvalidSetting for an unknown style or model, and InvalidImage for a picture that cannot be read, both
        before any frame is made; reading the frames raises Cancelled. A model that is not here, or fails, is said, and
        the style is laid over without it.
        """
        wanted = settings.style
        if wanted.name:
            get_recipe(wanted.name)  # a wrong name is said even where its strength is 0
        if not wanted.is_wanted:
            return value
        picture = _picture(settings, context)
        make_painter = _painter(settings, min(value.width, value.height), picture)
        models = self._models(settings, picture, context) if wanted.is_painted else None
        if models is None and make_painter is None:
            return value
        film = _Film(settings, context, value.count, make_painter)

        def made(source: Callable[[], Iterator[Frame]]) -> Iterator[Frame]:
            frames = _checked(source(), context)
            return film.styled(frames) if models is None else film.painted(frames, models, self.way(settings))

        again = partial(made, value.again) if value.again else None
        key = None if models is not None else _key(value, settings)
        return replace(value, frames=made(lambda: value.frames), again=again, key=key)

    def outline(self, value: FrameStream, settings: Settings) -> FrameStream:
        """The film's key as it will be, unknown where a model is asked to paint; the film itself without a style."""
        wanted = settings.style
        if not wanted.is_wanted:
            return value
        return replace(value, key=None if wanted.is_painted else _key(value, settings))

    def _models(self, settings: Settings, picture: Frame | None, context: Context) -> Models | None:
        """What paints; None where nothing does, which is said."""
        found = find_models(settings, picture)
        if isinstance(found, Models):
            adapter = found.adapter.card if found.adapter else None
            others = {"control": found.control_card, "adapter": adapter}
            named = {part: card.name for part, card in others.items() if card is not None}
            style = settings.style.model_copy(update={"model": found.card.name, **named})
            context.keep(Settled(settings.model_copy(update={"style": style})))
            return found
        context.note(self.name, found, "warning", setting="style.model")
        way = self.way(settings)
        context.keep(StageFact(self.name, replace(way, reason=f"{way.reason} {found}"), {}))
        return None


def _key(value: FrameStream, settings: Settings) -> str | None:
    wanted = settings.style
    if value.key is None:
        return None
    recipe = get_recipe(wanted.name).model_dump(mode="json") if wanted.name else None
    picture = None if wanted.image is None else digest(wanted.image)
    decides = {"frames": value.key, "recipe": recipe, "picture": picture, "strength": wanted.strength}
    return cache_key(Style.name, Style.version, decides)


@dataclass(frozen=True)
class _Film:
    """A film of `count` frames and its style; `make_painter` is what paints without a model, where anything does."""

    settings: Settings
    context: Context
    count: int
    make_painter: Callable[[], Painter] | None

    def styled(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """The film painted without a model."""
        return self._grounds(self.settings.style.strength)(frames)

    def painted(self, frames: Iterator[Frame], models: Models, without: Way) -> Generator[Frame]:
        """The film with its key frames painted by a model over the style without one."""
        wanted = self.settings.style
        painter = KeyPainter(models, _words(self.settings), self.settings, self.context, self.count, without)
        film = given(frames, self._grounds(1.0))
        try:
            with closing(painted_over(film, wanted.every, painter, self.context.threads)) as made:
                for each, painting in made:
                    self.context.check_cancelled()
                    yield _mixed(each.frame, painting, wanted.strength)
        finally:
            painter.close()

    def _grounds(self, strength: float) -> Grounds:
        """What lays the style over frames without a model."""
        make_painter = self.make_painter
        if make_painter is None:
            return _as_they_are
        count, workers = self.count, self.context.threads
        return lambda frames: styled(frames, count, make_painter(), strength, workers)


def _picture(settings: Settings, context: Context) -> Frame | None:
    if settings.style.image is None:
        return None
    return read_image(settings.style.image, settings.prepare, partial(_noted, context))


def _painter(settings: Settings, side: int, picture: Frame | None) -> Callable[[], Painter] | None:
    """What makes a painter for each pass over the film; None where there is no way without a model."""
    if picture is not None:
        style = ImageStyle(picture, side)
        return lambda: ImagePainter(style)
    if not settings.style.name:
        return None
    painter = RecipePainter(get_recipe(settings.style.name), side)
    return lambda: painter


def _words(settings: Settings) -> str:
    """What a model is told: the user's words, and after them those of the named style."""
    style = settings.style
    own = get_recipe(style.name).prompt if style.name else ""
    return ", ".join(filter(None, (style.prompt.strip(), own)))


def _as_they_are(frames: Iterable[Frame]) -> Iterator[Frame]:
    return iter(frames)


def _mixed(frame: Frame, painting: Frame, strength: float) -> Frame:
    """The share `strength` of a painting over its frame."""
    if strength == 1.0:
        return painting
    return np.asarray(cv2.addWeighted(frame, 1.0 - strength, painting, strength, 0.0), np.uint8)


def _noted(context: Context, message: str, level: str) -> None:
    context.note("style", message, "warning" if level == "warning" else "info", setting="style.image")


def _checked(frames: Iterator[Frame], context: Context) -> Iterator[Frame]:
    for frame in frames:
        context.check_cancelled()
        yield frame
