"""Where the depth of a still comes from: the map given, else a model, else an estimate, and it is said which."""

from collections.abc import Sequence

from pipeline.context import Context, Way
from pipeline.depth import Depth, aligned, estimate_depth
from pipeline.engines.depth_anything import predicted_depth
from pipeline.engines.held import Say
from pipeline.frames import Mask, PreparedImage
from pipeline.settings import Settings

GUESSED = 0.5
"""How much of the strength asked for an estimate gets: where it is wrong, a thing is torn less far apart."""


def find_depth(image: PreparedImage, painted: Sequence[Mask], settings: Settings, context: Context) -> Depth | None:
    """The depth of a still, in the plate's size and on its edges; None, with the reason noted, where there is none.

    `painted` are masks of near things, for the estimate. Raises as `predicted_depth` does.
    """

    def say(message: str) -> None:
        context.note("animate", message)

    context.check_cancelled()
    depth = _known(image, settings, say) or estimate_depth(image.plate, painted)
    if depth is None:
        context.note(
            "animate",
            "Nothing stands out clearly enough from this picture to be taken as near, so the camera moves over it as "
            "over a flat one: paint over what is near, give a depth map, or get a model that sees depth.",
            "warning",
        )
        return None
    if depth.is_flat:
        context.note("animate", "Everything is equally far, so the camera moves as over a flat picture.", "warning")
        return None
    say(depth.way.reason)
    if depth.is_guessed:
        return depth
    return Depth(aligned(depth.nearness, image.plate), depth.way)


def _known(image: PreparedImage, settings: Settings, say: Say) -> Depth | None:
    """The depth that was given, or that a model sees."""
    if image.depth is not None:
        return Depth(image.depth, Way("given", "Depth is that of the map given."))
    return predicted_depth(image.plate, settings.animate.motion.depth_model, settings.runtime, say)
