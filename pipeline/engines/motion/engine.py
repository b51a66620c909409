"""The embedded engine: reads the prompt as a motion plan and renders the plan."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from pipeline.cache import Cache, cache_key
from pipeline.catalogue import Role
from pipeline.context import Context
from pipeline.engines.base import Capabilities
from pipeline.engines.embedded import embedded_capabilities
from pipeline.engines.held import choose_with_room
from pipeline.engines.motion.animator import RegionAnimator
from pipeline.engines.motion.areas import find_area
from pipeline.engines.motion.camera import CameraPath
from pipeline.engines.motion.fade import fade_advice, fade_level, fade_to
from pipeline.engines.motion.parallax.renderer import ParallaxRenderer
from pipeline.engines.motion.parallax.source import GUESSED, find_depth
from pipeline.engines.motion.prompt import describe_plan, read_prompt
from pipeline.engines.motion.resample import CameraRenderer
from pipeline.environment import PIXEL_PACKAGES, package_version
from pipeline.frames import Frame, FrameStream, Mask, PreparedImage, render_in_order
from pipeline.memory.fitting import Wish
from pipeline.motion_plan import Camera, MotionPlan, Region
from pipeline.records import Notice
from pipeline.settings import MotionSettings, Settings
from pipeline.transition_settings import NONE

GENTLE_ZOOM = Camera(zoom=1.15)
"""What the camera does where nothing else moves."""

USUAL_PARALLAX = 0.5
"""Strength of a camera in depth where only the depth was given."""


@dataclass(frozen=True)
class MotionEngine:
    """Camera moves, moving regions and fades, rendered frame by frame from one still."""

    name: str = "motion"
    version: str = "2"
    capabilities: Capabilities = field(default_factory=embedded_capabilities)

    def resolve(self, settings: Settings) -> tuple[Settings, list[Notice]]:
        """Put the motion plan into the settings: the one given, else what the prompt is read as."""
        motion, mask_count = settings.animate.motion, len(settings.prepare.masks)
        plan = plan_for(settings.prompt, motion, mask_count) if motion.plan is None else motion.plan
        if len(plan.regions) < mask_count:
            plan = plan.model_copy(update={"regions": _one_each(plan.regions, motion, mask_count)})
        notices: list[Notice] = []
        changes = {"plan": plan, "depth_model": _depth_model(plan, settings, notices)}
        animate = settings.animate.model_copy(update={"motion": motion.model_copy(update=changes)})
        return settings.model_copy(update={"animate": animate}), notices

    def animate(
        self, image: PreparedImage, settings: Settings, context: Context, path: CameraPath | None = None
    ) -> FrameStream:
        """Return the stream of frames of the plan in the settings, which `resolve` has filled in.

        The camera takes the plan's own way, or `path`, one of those of `joined_paths`.
        """
        motion = settings.animate.motion
        if motion.plan is None:
            raise ValueError("the settings are not resolved: they hold no motion plan")
        plan = scaled(motion.plan, motion)
        _explain(plan, settings, context)
        count = settings.animate.num_frames

        def frames() -> Iterator[Frame]:
            # Areas and depth are looked for when the first frame is due: not at all where the film is found in a cache.
            yield from render_in_order(_renderer(plan, image, settings, context, path), count, context.threads)

        key = None if path or image.key is None else film_key(image.key, settings, context.seed)
        return FrameStream(frames(), image.width, image.height, settings.encode.fps, count, key=key)

    def kept(self, image: str, settings: Settings, cache: Cache) -> tuple[str | None, bool]:  # noqa: ARG002
        """The film's key, as `Engine.kept`; frames that are quick to render are not kept."""
        return film_key(image, settings, settings.seed), False


def film_key(image: str, settings: Settings, seed: int) -> str | None:
    """The digest of all that decides the frames of resolved settings: an image's own key, the plan, the seed.

    None where a model sees depth, whose weights are not known here.
    """
    motion, prepare = settings.animate.motion, settings.prepare
    if motion.plan is None:
        raise ValueError("the settings are not resolved: they hold no motion plan")
    in_depth = scaled(motion.plan, motion).camera.parallax > 0.0
    if in_depth and motion.depth is None and motion.depth_model != NONE:
        return None
    decides = {
        "image": image,
        "size": [prepare.width, prepare.height],
        "motion": motion.model_dump(mode="json", exclude={"depth", "depth_model"}),
        "camera_held": read_prompt(settings.prompt).camera_held,
        "seed": seed if motion.plan.camera.sway or motion.plan.regions or in_depth else None,
        "num_frames": settings.animate.num_frames,
        "packages": {name: package_version(name) for name in PIXEL_PACKAGES},
    }
    return cache_key(MotionEngine.name, MotionEngine.version, decides)


def joined_paths(stretches: Sequence[Settings]) -> list[CameraPath] | None:
    """The camera's ways through resolved stretches of one video: each begins where the one before ends.

    None where one of them cannot be gone on from: a camera in depth, a dolly zoom, a loop.
    """
    paths = []
    for settings in stretches:
        motion, prepare = settings.animate.motion, settings.prepare
        if motion.plan is None or prepare.width is None or prepare.height is None:
            raise ValueError("the settings are not resolved")
        plan = scaled(motion.plan, motion)
        if plan.camera.parallax or plan.camera.dolly_zoom or plan.loop:
            return None
        size = prepare.width, prepare.height
        paths.append(CameraPath(plan.camera, *size, settings.animate.num_frames, loop=False, seed=settings.seed))
    CameraPath.join(paths)
    return paths


def _depth_model(plan: MotionPlan, settings: Settings, notices: list[Notice]) -> str:
    """The model that is to see depth, by name, or none: the record then repeats the run with the same one.

    Where depth is not asked for or given it is left as it is. Raises as `pipeline.models.helpers.choose` does.
    """
    motion = settings.animate.motion
    if motion.depth is not None or scaled(plan, motion).camera.parallax == 0.0:
        return motion.depth_model

    def say(message: str) -> None:
        notices.append(Notice(stage="animate", message=message, level="info"))

    card = choose_with_room(Role.DEPTH, motion.depth_model, Wish(), settings.runtime, say)
    return NONE if card is None else card.name


def plan_for(prompt: str, motion: MotionSettings, mask_count: int) -> MotionPlan:
    """The plan that a prompt is read as, with a region for each mask, as the brush settings want them to move."""
    plan = read_prompt(prompt).plan
    if mask_count and not prompt.strip():
        plan = plan.model_copy(update={"camera": Camera()})  # a painted area says where to move: the rest stands still
    brushed = tuple(_brushed(region, motion) for region in plan.regions[:mask_count]) + plan.regions[mask_count:]
    regions = _one_each(brushed, motion, mask_count)
    return plan.model_copy(update={"regions": regions, "loop": plan.loop or motion.loop})


def _one_each(regions: tuple[Region, ...], motion: MotionSettings, mask_count: int) -> tuple[Region, ...]:
    """The regions, and one more for each mask that has none yet."""
    return regions + (_brushed(Region(), motion),) * (mask_count - len(regions))


def _brushed(region: Region, motion: MotionSettings) -> Region:
    changes: dict[str, object] = {}
    if motion.brush_kind is not None:
        changes["kind"] = motion.brush_kind
    if motion.brush_direction is not None:
        changes["direction"] = motion.brush_direction
    return region.model_copy(update=changes)


def scaled(plan: MotionPlan, motion: MotionSettings) -> MotionPlan:
    """The plan with its camera travel scaled by `amount`, its regions' speed by `speed`, and the loop asked for."""
    camera, amount = plan.camera, motion.amount
    moved = camera.model_copy(
        update={
            "zoom": min(max(camera.zoom**amount, 0.25), 4.0),
            "pan_x": min(max(camera.pan_x * amount, -1.0), 1.0),
            "pan_y": min(max(camera.pan_y * amount, -1.0), 1.0),
            "roll": min(max(camera.roll * amount, -180.0), 180.0),
            "dolly_zoom": min(max(camera.dolly_zoom * amount, -1.0), 1.0),
            "sway": min(camera.sway * amount, 0.1),
            "parallax": _parallax(camera, motion),
        }
    )
    regions = tuple(
        region.model_copy(update={"speed": min(region.speed * motion.speed, 5.0)}) for region in plan.regions
    )
    return plan.model_copy(update={"camera": moved, "regions": regions, "loop": plan.loop or motion.loop})


def _parallax(camera: Camera, motion: MotionSettings) -> float:
    """The strength asked for: the setting, else the plan's, else the usual one where a depth map is given."""
    if motion.parallax is not None:
        return motion.parallax
    return camera.parallax or (USUAL_PARALLAX if motion.depth is not None else 0.0)


def _explain(plan: MotionPlan, settings: Settings, context: Context) -> None:
    """Tell the user what will move, and what of the prompt was not understood."""
    motion, mask_count = settings.animate.motion, len(settings.prepare.masks)
    context.note("animate", describe_plan(plan))
    if not plan.camera.parallax and any(map(_is_unsaid, plan.regions[:mask_count])):
        context.note(
            "animate", "A painted area drifts to the right: say what it is, or set the brush kind or direction."
        )
    if motion.plan == plan_for(settings.prompt, motion, mask_count):
        for note in read_prompt(settings.prompt).notes:
            context.note("animate", note, "warning")


def _renderer(
    plan: MotionPlan, image: PreparedImage, settings: Settings, context: Context, path: CameraPath | None
) -> Callable[[int], Frame]:
    """Return the function that renders frame k; it may be called from several threads at once."""
    count, held = settings.animate.num_frames, read_prompt(settings.prompt).camera_held
    in_depth = plan.camera.parallax > 0.0 and not _stands_still(plan.camera)
    areas = _areas(plan, image, in_depth, context)
    if plan.regions and not areas and not held and _stands_still(plan.camera) and path is None:
        context.note("animate", "Nothing in the picture could be set in motion: the camera moves in gently.", "warning")
        plan = plan.model_copy(update={"camera": GENTLE_ZOOM})
    camera = CameraRenderer(path, image.plate) if path else _camera(plan, image, settings, in_depth, context)
    for advice in (camera.path.advice, fade_advice(plan)):
        if advice:
            context.note("animate", advice)
    animators = [
        RegionAnimator(camera.plate, camera.fit_mask(mask), region, count, plan.loop, context.seed + number)
        for number, (region, mask) in enumerate(areas)
    ]

    def render(index: int) -> Frame:
        context.check_cancelled()
        plate = camera.plate
        if animators:
            plate = plate.copy()
            for animator in animators:
                animator.apply(plate, index)
        frame = camera.render(plate, index)
        return fade_to(frame, plan.fade_colour, fade_level(plan, index, count))

    return render


def _camera(
    plan: MotionPlan, image: PreparedImage, settings: Settings, in_depth: bool, context: Context
) -> CameraRenderer | ParallaxRenderer:
    """The camera of the plan: in depth where that is asked for and the picture's depth is known, else a flat one."""
    count, size = settings.animate.num_frames, (image.width, image.height)
    painted = [mask for region, mask in zip(plan.regions, image.masks, strict=False) if _is_unsaid(region)]
    depth = find_depth(image, painted, settings, context) if in_depth else None
    if depth is None:
        return CameraRenderer(CameraPath(plan.camera, *size, count, plan.loop, context.seed), image.plate)
    strength = plan.camera.parallax * (GUESSED if depth.is_guessed else 1.0)
    camera = plan.camera.model_copy(update={"parallax": strength})
    return ParallaxRenderer(camera, image.plate, depth.nearness, size, (count, plan.loop, context.seed))


def _stands_still(camera: Camera) -> bool:
    return camera == Camera(parallax=camera.parallax, orbit=camera.orbit, easing=camera.easing)


def _is_unsaid(region: Region) -> bool:
    """Whether nothing says how a painted area moves."""
    return region == Region(speed=region.speed)


def _areas(plan: MotionPlan, image: PreparedImage, in_depth: bool, context: Context) -> list[tuple[Region, Mask]]:
    """The regions that have an area: their mask, else the one found in the picture, which is said either way.

    Before a camera in depth, a painted area of which nothing says how it moves is what is near, and does not drift.
    """
    painted = list(zip(plan.regions, image.masks, strict=False))
    placed = [(region, mask) for region, mask in painted if not (in_depth and _is_unsaid(region))]
    for region in plan.regions[len(painted) :]:
        context.check_cancelled()
        area = find_area(image.plate, region.kind)
        context.note("animate", area.reason, "info" if area.mask is not None else "warning")
        if area.mask is not None:
            placed.append((region, area.mask))
    return placed
