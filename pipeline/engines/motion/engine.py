"""The embedded engine: reads the prompt as a motion plan and renders the plan."""

from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.context import Context
from pipeline.engines.base import Capabilities
from pipeline.engines.motion.animator import RegionAnimator
from pipeline.engines.motion.areas import find_area
from pipeline.engines.motion.camera import CameraPath
from pipeline.engines.motion.fade import fade_advice, fade_level, fade_to
from pipeline.engines.motion.prompt import describe_plan, read_prompt
from pipeline.engines.motion.resample import CameraRenderer
from pipeline.frames import Frame, FrameStream, Mask, PreparedImage, render_in_order
from pipeline.motion_plan import Camera, MotionPlan, Region
from pipeline.options import options
from pipeline.records import Notice
from pipeline.settings import MotionSettings, Settings

GENTLE_ZOOM = Camera(zoom=1.15)
"""What the camera does where nothing else moves."""

NO_SAMPLING = "No effect: motion renders its plan directly, without a diffusion model."

MEANT_FOR_IT = (
    "animate.engine",
    "animate.num_frames",
    "animate.seconds",
    "animate.segments",
    "animate.overlap",
    "animate.hold_colour",
    "animate.motion.",
    "runtime.threads",
)
"""Settings of animate and runtime that concern this engine, or the beginnings of their names."""


def _without_effect() -> dict[str, str]:
    """Settings that belong to diffusion models alone."""
    names = [option.name for option in options() if option.section in ("animate", "runtime")]
    return {name: NO_SAMPLING for name in names if not name.startswith(MEANT_FOR_IT)}


@dataclass(frozen=True)
class MotionEngine:
    """Camera moves, moving regions and fades, rendered frame by frame from one still."""

    name: str = "motion"
    version: str = "1"
    capabilities: Capabilities = field(default_factory=lambda: Capabilities(ignores=_without_effect()))

    def resolve(self, settings: Settings) -> tuple[Settings, list[Notice]]:
        """Put the motion plan into the settings: the one given, else what the prompt is read as."""
        motion, mask_count = settings.animate.motion, len(settings.prepare.masks)
        plan = plan_for(settings.prompt, motion, mask_count) if motion.plan is None else motion.plan
        if len(plan.regions) < mask_count:
            plan = plan.model_copy(update={"regions": _one_each(plan.regions, motion, mask_count)})
        animate = settings.animate.model_copy(update={"motion": motion.model_copy(update={"plan": plan})})
        return settings.model_copy(update={"animate": animate}), []

    def animate(self, image: PreparedImage, settings: Settings, context: Context) -> FrameStream:
        """Return the stream of frames of the plan in the settings, which `resolve` has filled in."""
        motion = settings.animate.motion
        if motion.plan is None:
            raise ValueError("the settings are not resolved: they hold no motion plan")
        plan = scaled(motion.plan, motion)
        _explain(plan, settings, context)
        render = _renderer(plan, image, settings, context)
        frames = render_in_order(render, settings.animate.num_frames, context.threads)
        return FrameStream(frames, image.width, image.height, settings.encode.fps, settings.animate.num_frames)


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
        }
    )
    regions = tuple(
        region.model_copy(update={"speed": min(region.speed * motion.speed, 5.0)}) for region in plan.regions
    )
    return plan.model_copy(update={"camera": moved, "regions": regions, "loop": plan.loop or motion.loop})


def _explain(plan: MotionPlan, settings: Settings, context: Context) -> None:
    """Tell the user what will move, and what of the prompt was not understood."""
    motion, mask_count = settings.animate.motion, len(settings.prepare.masks)
    context.note("animate", describe_plan(plan))
    if any(region == Region(speed=region.speed) for region in plan.regions[:mask_count]):
        context.note(
            "animate", "A painted area drifts to the right: say what it is, or set the brush kind or direction."
        )
    if motion.plan == plan_for(settings.prompt, motion, mask_count):
        for note in read_prompt(settings.prompt).notes:
            context.note("animate", note, "warning")


def _renderer(plan: MotionPlan, image: PreparedImage, settings: Settings, context: Context) -> Callable[[int], Frame]:
    """Return the function that renders frame k; it may be called from several threads at once."""
    count, held = settings.animate.num_frames, read_prompt(settings.prompt).camera_held
    areas = _areas(plan, image, context)
    if plan.regions and not areas and not held and plan.camera == Camera(easing=plan.camera.easing):
        context.note("animate", "Nothing in the picture could be set in motion: the camera moves in gently.", "warning")
        plan = plan.model_copy(update={"camera": GENTLE_ZOOM})
    path = CameraPath(plan.camera, image.width, image.height, count, plan.loop, context.seed)
    for advice in (path.advice, fade_advice(plan)):
        if advice:
            context.note("animate", advice)
    camera = CameraRenderer(path, image.plate)
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


def _areas(plan: MotionPlan, image: PreparedImage, context: Context) -> list[tuple[Region, Mask]]:
    """The regions that have an area: their mask, else the one found in the picture, which is said either way."""
    placed = list(zip(plan.regions, image.masks, strict=False))
    for region in plan.regions[len(placed) :]:
        context.check_cancelled()
        area = find_area(image.plate, region.kind)
        context.note("animate", area.reason, "info" if area.mask is not None else "warning")
        if area.mask is not None:
            placed.append((region, area.mask))
    return placed
