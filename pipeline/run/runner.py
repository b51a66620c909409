"""What every run does around its stages: it keeps the record, measures, cleans up, and puts failures into words."""

import contextlib
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from pipeline.cache import open_cache
from pipeline.context import Context, LogLine
from pipeline.environment import environment
from pipeline.errors import (
    Cancelled,
    ImageToVideoError,
    Interrupted,
    InvalidSetting,
    OutOfMemory,
    OutputFailed,
    is_disk_full,
)
from pipeline.logs import FILE_NAME
from pipeline.memory.recover import is_out_of_memory
from pipeline.records import WORK, ErrorRecord, RunRecord, RunStatus, now
from pipeline.run.finishing import REFINEMENTS, Finishing
from pipeline.run.inputs import keep_inputs
from pipeline.run.journal import Listener
from pipeline.settings import Settings
from pipeline.threads import limited_threads

CLOSED = "The program was closed in the middle of this run: resume it to go on."


def outputs_error(error: OSError, outputs: Path) -> ImageToVideoError:
    """What the user is told where the outputs folder cannot be written."""
    if is_disk_full(error):
        return OutputFailed(f"The disk that holds {outputs} is full: free some space or choose another with --outputs.")
    reason = (error.strerror or str(error)).lower()
    return InvalidSetting(f"The outputs folder {outputs} cannot be used ({reason}): choose another with --outputs.")


class Runner(Finishing, ABC):
    """One run under way. A job says in `work` which stages it has, and in which order."""

    def __init__(
        self,
        record: RunRecord,
        images: Sequence[Path],
        outputs: Path,
        listen: Listener,
        is_cancelled: Callable[[], bool],
        is_closing: Callable[[], bool],
    ) -> None:
        super().__init__(record, outputs, listen)
        self.images, self.is_closing = tuple(images), is_closing
        self.is_cancelled = lambda: is_cancelled() or is_closing()
        self.work_dir = outputs / WORK / record.run_id

    def finish(self) -> RunRecord:
        """Run the stages, turn whatever happens into the record's status, and clean up."""
        with self.monitor, limited_threads(self.record.requested.runtime.threads):
            try:
                self.record.status, self.record.started_at = RunStatus.RUNNING, now()
                self.record.environment = environment()
                self.save()
                self.work()
                self.record.status = RunStatus.SUCCEEDED
            except Cancelled as error:
                if self.is_closing():
                    self._fail(Interrupted(CLOSED), RunStatus.INTERRUPTED)
                else:
                    self._fail(error, RunStatus.CANCELLED)
            except ImageToVideoError as error:
                self._fail(error, RunStatus.FAILED)
            except Exception as error:  # noqa: BLE001 - the one boundary: a defect ends the run, not the program
                self._fail_unexpected(error, self._told(error))
            finally:
                shutil.rmtree(self.work_dir, ignore_errors=True)
                with contextlib.suppress(OSError):
                    self.work_dir.parent.rmdir()
        # Not the clock's time, which somebody may have set back meanwhile.
        self.record.finished_at = (self.record.started_at or now()) + timedelta(seconds=self.monitor.seconds())
        self.record.queue_position = None
        self.record.memory_timeline = self.monitor.timeline()
        self.record.gpu_timeline = self.monitor.gpu_timeline()
        self.save()
        return self.record

    @abstractmethod
    def work(self) -> None:
        """Run the stages up to the finished video."""

    def keep_inputs(self, asked: Settings) -> Settings:
        """Keep the inputs and check what can be checked before anything is computed; see `inputs.keep_inputs`.

        Raises InvalidSetting and ModelMissing for what one of the later stages could not work with.
        """
        settings = keep_inputs(self.images, asked, self.record.inputs, self.outputs, self.say)
        for stage in REFINEMENTS:
            stage.check(settings)
        return settings

    def context(self, settings: Settings) -> Context:
        """What the stages of this run are given."""
        self.work_dir.mkdir(parents=True, exist_ok=True)
        return Context(
            seed=settings.seed,
            threads=settings.runtime.threads or os.cpu_count() or 1,
            work_dir=self.work_dir,
            report=self.listen,
            is_cancelled=self.is_cancelled,
            notify=self.notify,
            show=self.listen,
            keep=self.keep_fact,
            outputs=self.outputs,
            cache=open_cache(self.outputs, settings.runtime.cache_gb),
        )

    def _fail(self, error: ImageToVideoError, status: RunStatus) -> None:
        self.record.status = status
        self.record.error = ErrorRecord.of(error)
        self.log.log(20 if isinstance(error, Cancelled) else 30, str(error))
        self.listen(LogLine("error", str(error)))

    def _told(self, error: Exception) -> ImageToVideoError:
        """What the user is told of an error that no stage has put into words."""
        if is_out_of_memory(error):
            return OutOfMemory("Memory ran out: choose a smaller size, or close other programs.")
        if isinstance(error, OSError):
            return outputs_error(error, self.outputs)
        return ImageToVideoError(_unexpected(error))

    def _fail_unexpected(self, error: Exception, told: ImageToVideoError) -> None:
        self.log.error("The run ended unexpectedly", exc_info=error)
        self._fail(told, RunStatus.FAILED)


def _unexpected(error: Exception) -> str:
    return f"Something unexpected went wrong ({type(error).__name__}): the details are in logs/{FILE_NAME}."
