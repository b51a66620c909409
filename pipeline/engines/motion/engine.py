"""The embedded engine: reads the prompt as a motion plan and renders the plan."""

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.context import Context
from pipeline.engines.base import Capabilities
from pipeline.engines.motion.animator import RegionAnimator
from pipeline.engines.motion.areas import find_area
from pipeline.engines.motion.camera import CameraPath
from pipeline.engines.motion.fade import fade_level, fade_to
from pipeline.engines.motion.prompt import describe_plan, read_prompt
from pipeline.engines.motion.resample import CameraRenderer
from pipeline.frames import Frame, FrameStream, Mask, PreparedImage, render_in_order
from pipeline.motion_plan import Camera, MotionPlan, Region, RegionKind
from pipeline.settings import MotionSettings, Settings

NO_SAMPLING = "motion renders its plan directly, without a diffusion model"


@dataclass(frozen=True)
class MotionEngine:
    """Camera moves, moving regions and fades, rendered frame by frame from one still."""

    name: str = "motion"
    version: str = "1"
    capabilities: Capabilities = Capabilities(
        ignores={
            "animate.num_inference_steps": f"No effect: {NO_SAMPLING}.",
            "animate.guidance_scale": f"No effect: {NO_SAMPLING}.",
            "animate.negative_prompt": f"No effect: {NO_SAMPLING}.",
        }
    )

    def resolve(self, settings: Settings) -> Settings:
        """Put the motion plan into the settings: the one given, else what the prompt is read as."""
        motion = settings.animate.motion
        if motion.plan is not None:
            return settings
        plan = plan_for(settings.prompt, motion, len(settings.prepare.masks))
        animate = settings.animate.model_copy(update={"motion": motion.model_copy(update={"plan": plan})})
        return settings.model_copy(update={"animate": animate})

    def animate(self, image: PreparedImage, settings: Settings, context: Context) -> FrameStream:
        """Return the stream of frames of the plan in the settings, which `resolve` has filled in."""
        motion = settings.animate.motion
        if motion.plan is None:
            raise ValueError("the settings are not resolved: they hold no motion plan")
        plan = scaled(motion.plan, motion)
        _explain(settings, context)
        render = _renderer(plan, image, settings.animate.num_frames, context)
        frames = render_in_order(render, settings.animate.num_frames, context.threads)
        return FrameStream(frames, image.width, image.height, settings.encode.fps, settings.animate.num_frames)


def plan_for(prompt: str, motion: MotionSettings, mask_count: int) -> MotionPlan:
    """The plan that a prompt is read as, with a region for each mask, as the brush settings want them to move."""
    plan = read_prompt(prompt).plan
    regions = list(plan.regions)
    if mask_count and not prompt.strip():
        plan = plan.model_copy(update={"camera": Camera()})  # a painted area says where to move: the rest stands still
    regions += [Region()] * (mask_count - len(regions))
    regions[:mask_count] = [_brushed(region, motion) for region in regions[:mask_count]]
    return plan.model_copy(update={"regions": tuple(regions), "loop": plan.loop or motion.loop})


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


def _explain(settings: Settings, context: Context) -> None:
    """Tell the user how the prompt was read and what was not understood."""
    plan = settings.animate.motion.plan
    assert plan is not None
    context.note("animate", describe_plan(plan))
    if plan.regions and plan.regions[0].kind is RegionKind.DRIFT and settings.prepare.masks:
        context.note("animate", "The painted area drifts steadily: say what it is in the prompt, or set the brush kind.")
    if plan == plan_for(settings.prompt, settings.animate.motion, len(settings.prepare.masks)):
        for note in read_prompt(settings.prompt).notes:
            context.note("animate", note, "warning")


def _renderer(plan: MotionPlan, image: PreparedImage, count: int, context: Context) -> Callable[[int], Frame]:
    """Return the function that renders frame k of `count`; it may be called from several threads at once."""
    path = CameraPath(plan.camera, image.width, image.height, count, plan.loop, context.seed)
    if path.advice:
        context.note("animate", path.advice)
    camera = CameraRenderer(path, image.plate)
    masks = [camera.fit_mask(mask) for mask in image.masks]
    animators = _animators(plan, camera.plate, masks, count, context)

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


def _animators(
    plan: MotionPlan, plate: Frame, masks: list[Mask], count: int, context: Context
) -> list[RegionAnimator]:
    """One animator for each region that has an area: its mask, else the one found in the picture."""
    animators = []
    for number, region in enumerate(plan.regions):
        context.check_cancelled()
        mask = masks[number] if number < len(masks) else _found(plate, region, context)
        if mask is not None:
            seed = context.seed + number
            animators.append(RegionAnimator(plate, mask, region, count, plan.loop, seed))
    return animators


def _found(plate: Frame, region: Region, context: Context) -> Mask | None:
    area = find_area(plate, region.kind)
    context.note("animate", area.reason, "info" if area.mask is not None else "warning")
    return area.mask
