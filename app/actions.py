"""What the page does when something is pressed: from the values of its components to settings, jobs and panels.

The functions take and return plain values, so they are tested without a browser. pipeline.run and what it needs are
imported on first use: the page opens without them.
"""

import logging
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from app import brush
from app.downloads import Downloads
from app.form import flat
from app.jobs import Jobs, Runner, Snapshot
from app.runs import Runs
from app.sheets import Sheets
from pipeline.catalogue import get_card, merge, model_names
from pipeline.errors import ImageToVideoError, InvalidImage, InvalidInput
from pipeline.frames import Mask
from pipeline.logs import FILE_NAME
from pipeline.records import Notice, PlaceRecord
from pipeline.settings import PrepareSettings, Settings, make_settings
from pipeline.sweeps.grid import places_in_a_row

if TYPE_CHECKING:
    from app.sweep import Sweep
    from pipeline.preview import Preview


LOG = logging.getLogger("app.page")

Outcome = TypeVar("Outcome")

NO_PHOTO = "There is no photo yet: drop one on the page, or take one of the examples."
NO_COLOUR = "All colours are painted with: choose the one that this area should be added to."
NOTHING_MOVES = "The prompt names nothing that moves by itself: name it (water, clouds, smoke ...), or paint it."


@dataclass(frozen=True)
class Photo:
    """The photo on the page: the file as it was uploaded, its own name, and its displayed size in pixels."""

    path: Path
    name: str
    width: int
    height: int
    url: str = field(repr=False)
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True)
class Request:
    """What the page asks for: everything that a run or a preview needs.

    `changes` are the form's settings nested by section; `plan` replaces the plan of the prompt when it was edited.
    """

    photo: Photo | None
    changes: Mapping[str, Any]
    strokes: tuple[brush.Stroke, ...] = ()
    areas: Mapping[int, Mask] = field(default_factory=dict)
    plan: Mapping[str, Any] | None = None

    def settings(self, masks: tuple[Path, ...] = ()) -> Settings:
        """The settings, with mask files. Raises InvalidSetting."""
        changes = merge(dict(self.changes), {"prepare": {"masks": masks}})
        if self.plan is not None:
            changes = merge(changes, {"animate": {"motion": {"plan": dict(self.plan)}}})
        return make_settings(changes)


def load_runner() -> Runner:
    """pipeline.run, imported when first needed."""
    from pipeline import run

    return run


def trusted_upload(path: str, folder: Path) -> Path:
    """The path of an uploaded file. Raises InvalidImage when a browser names any other file of this machine."""
    resolved = Path(path).resolve()
    if not resolved.is_relative_to(folder.resolve()) or not resolved.is_file():
        raise InvalidImage("The uploaded file is gone: choose the photo again.")
    return resolved


def under_own_name(path: Path, name: str) -> Path:
    """Rename an upload to the name that its owner gave it, which records then tell; as it is where that cannot be.

    The upload's own file name lacks what some file systems refuse: "photo (1).jpg" arrives as "photo 1.jpg".
    """
    try:
        return path.rename(path.with_name(name))
    except (OSError, ValueError):  # too long, a NUL, "."
        return path


def open_photo(path: Path, name: str, side: int = brush.PREVIEW_SIDE) -> Photo:
    """Read a photo of any kind that `prepare` takes, to be shown with `side` pixels at most.

    Raises InvalidImage, one sentence with the photo's own name.
    """
    from pipeline.images import open_image

    notices: list[Notice] = []

    def note(message: str, level: Literal["info", "warning"]) -> None:
        notices.append(Notice(stage="prepare", level=level, message=message))

    picture = open_image(path, PrepareSettings(), note)
    return Photo(path, name, picture.width, picture.height, brush.picture_url(picture, side), tuple(notices))


class Actions:
    """What the page can do, over one queue of jobs."""

    def __init__(self, jobs: Jobs, uploads: Path, logs: Path, downloads: Downloads) -> None:
        self.jobs, self.uploads, self.logs, self.downloads = jobs, uploads, logs, downloads
        self.runs = Runs(jobs)
        self.sheets = Sheets(jobs, self.runs.history)

    def attempt(self, action: Callable[[], Outcome], failed: Callable[[str], Outcome]) -> Outcome:
        """The one place where the page turns errors into sentences: what `action` returns, else `failed` of one."""
        try:
            return action()
        except ImageToVideoError as error:
            return failed(str(error))
        except Exception as error:
            LOG.exception("The page met a defect")
            log = self.logs / FILE_NAME
            return failed(f"Something unexpected went wrong ({type(error).__name__}): the details are in {log}.")

    def pick(self, path: str, name: str, side: int = brush.PREVIEW_SIDE) -> Photo:
        """Open an uploaded photo, as `open_photo` does. Raises ImageToVideoError."""
        own = Path(name).name
        return open_photo(under_own_name(trusted_upload(path, self.uploads), own), own, side)

    def preview(self, request: Request) -> "Preview":
        """How the request is read and what it would make. Raises ImageToVideoError."""
        from pipeline.preview import preview

        colours = 1 + max((stroke.region for stroke in request.strokes if stroke.tool != "eraser"), default=-1)
        masks = tuple(Path(f"area_{number + 1}.png") for number in range(colours))  # only their number is looked at
        photo = request.photo.path if request.photo else None
        return preview(photo, request.settings(masks), outputs=self.jobs.outputs)

    def find_areas(self, request: Request) -> tuple[dict[int, Mask], list[str]]:
        """The automatic areas of the regions, by region, and a sentence for each that was not found.

        Raises ImageToVideoError.
        """
        from pipeline.preview import preview

        if request.photo is None:
            raise InvalidInput(NO_PHOTO)
        found = preview(request.photo.path, request.settings(), areas=True)
        plan = found.settings.animate.motion.plan
        if plan is None or not plan.regions:
            raise InvalidInput(NOTHING_MOVES)
        areas = {number: area.mask for number, area in enumerate(found.areas) if area.mask is not None}
        return areas, [area.reason for area in found.areas if area.mask is None]

    def find_by_name(self, request: Request, words: str) -> Mask:
        """The area that words name, found by the model that describes. Raises ImageToVideoError, also for nothing."""
        from pipeline.segmentation import mask_from_words

        if request.photo is None:
            raise InvalidInput(NO_PHOTO)
        mask, way = mask_from_words(request.photo.path, words, request.settings())
        if not mask.any():
            raise InvalidInput(way.reason)
        return mask

    def generate(self, request: Request) -> Snapshot:
        """Put a run in the queue. Raises ImageToVideoError, above all ModelMissing for a model that is not here."""
        self._look_for_model(request.settings())
        return self._submit(request)

    def generate_all(self, sweep: "Sweep") -> Snapshot:
        """Put the runs of a sweep in the queue; return the first one.

        Raises ImageToVideoError as `generate` does, before anything is queued where one of them is wrong.
        """
        from pipeline.sweeps.group import reserve_group

        self.look_over(sweep)
        sweep = sweep.with_one_seed()
        for request in sweep.requests:
            self._look_for_model(request.settings())
        group = reserve_group(self.jobs.outputs)
        pairs = zip(sweep.requests, sweep.places, strict=True)
        jobs = [self._submit(request, group, place) for request, place in pairs]
        return jobs[0]

    def look_over(self, sweep: "Sweep") -> list[Settings]:
        """The settings that each run of a sweep would use. Raises InvalidInput where one is wrong or lacks a photo."""
        from pipeline.batch.check import Checker

        checker, found = Checker(), []
        for request in sweep.requests:
            if request.photo is None:
                raise InvalidInput(NO_PHOTO)
            found.append(checker((request.photo.path,), request.settings()).used)
        return found

    def expected(self, sweep: "Sweep") -> float | None:
        """Seconds that the runs of a sweep take together, where that is known. Raises InvalidInput as `look_over`."""
        from pipeline.sweeps.forecast import expected_total

        return expected_total(self.jobs.outputs, self.look_over(sweep))

    def revise(self, run_id: str, request: Request) -> Snapshot:
        """Let a run that waits be made from what the page asks for now, in its place. Raises ImageToVideoError."""
        self._look_for_model(request.settings())
        job = self.jobs.get(run_id)
        if job is not None and request.photo is not None and request.photo.path in job.images:
            kept = job.record.requested.prepare.masks
            shown = [("area", region) for region in range(len(kept))]
            if [(stroke.tool, stroke.region) for stroke in request.strokes] == shown:
                return self.jobs.replace(run_id, job.images, request.settings(kept))  # nothing was painted anew
        return self.jobs.replace(run_id, *self._drawn(request))

    def _submit(self, request: Request, group: str = "", place: PlaceRecord | None = None) -> Snapshot:
        images, settings, folder = self._drawn(request)
        return self.jobs.submit(images, settings, folder, group, place=place)

    def _drawn(self, request: Request) -> tuple[tuple[Path], Settings, Path | None]:
        """The photo, the settings with the masks that are painted, and the folder of these masks, if there are any."""
        if request.photo is None:
            raise InvalidInput(NO_PHOTO)
        images = (request.photo.path,)
        masks = brush.draw_masks(request.strokes, request.areas, request.photo.width, request.photo.height)
        if not masks:
            return images, request.settings(), None
        folder = Path(tempfile.mkdtemp(prefix="image-to-video-masks-"))
        settings = request.settings(brush.write_masks(masks, folder))
        if list(masks) != list(range(len(masks))):
            settings = self._in_order(settings, request, list(masks))
        return images, settings, folder

    def take_advice(self, run_id: str, number: int) -> Snapshot:
        """Put the runs of an advice in the queue: what was asked for, with its changes. Returns the first one.

        Raises ImageToVideoError.
        """
        from pipeline.sweeps.group import reserve_group

        job = self.jobs.get(run_id)
        if job is None or not 0 <= number < len(job.record.advice) or not job.record.advice[number].runs:
            raise InvalidInput("The run that this advice is about is no longer remembered: set the values by hand.")
        record = job.record
        painted = (each.path for each in record.inputs if each.role == "mask")
        masks = tuple(self.jobs.outputs / path for path in painted if path)
        asked = merge(record.requested.model_dump(mode="json"), {"prepare": {"masks": masks}})
        changes = record.advice[number].runs
        wanted = [make_settings(merge(asked, run)) for run in changes]
        if len(wanted) == 1:
            return self.jobs.submit(job.images, wanted[0])
        group, places = reserve_group(self.jobs.outputs), places_in_a_row([flat(run) for run in changes])
        pairs = zip(wanted, places, strict=True)
        jobs = [self.jobs.submit(job.images, settings, group=group, place=place) for settings, place in pairs]
        return jobs[0]

    def _look_for_model(self, settings: Settings) -> None:
        """Raise ModelMissing when the engine is a model whose files are not on this disk."""
        if settings.animate.engine in model_names():
            from pipeline.models.files import locate

            locate(get_card(settings.animate.engine), settings.runtime)

    def _in_order(self, settings: Settings, request: Request, painted: list[int]) -> Settings:
        """The settings with a motion plan whose regions stand in the order of the masks."""
        preview = self.preview(request)
        plan = preview.settings.animate.motion.plan
        if plan is None:
            return settings
        named = len(preview.reading.plan.regions) if request.plan is None else len(plan.regions)
        motion = settings.animate.motion.model_copy(update={"plan": brush.plan_for(plan, painted, named)})
        return settings.model_copy(update={"animate": settings.animate.model_copy(update={"motion": motion})})
