"""The job `animate`: one image comes to life."""

from dataclasses import replace

from pipeline.engines import EMBEDDED
from pipeline.lengths import film_length
from pipeline.quality import advise
from pipeline.resolve import resolve
from pipeline.run.runner import Runner
from pipeline.settings import Settings
from pipeline.stages.animate import Animate
from pipeline.stages.prepare import Prepare


class Animation(Runner):
    """prepare -> animate -> encode."""

    def work(self) -> None:
        """Bring one image to life."""
        settings = self._resolve()
        context = self.context(settings)
        with self.stage("prepare"):
            image = Prepare()(self.images[0], settings, context)
        with self.stage(self.maker, settings.animate.num_frames):
            # The embedded engine renders while its frames are encoded; the others come with all of them.
            stream = Animate()(image, settings, context)
        again = stream.again or (lambda: Animate()(image, self.used, context).frames)
        encoded = self.encode(replace(stream, again=again), image.image, context)
        self.publish(encoded)
        self.record.advice = advise(self.record.quality, self.used, self.used.animate.engine != EMBEDDED)
        self.save()
        self.publish_candidates(context)

    def _resolve(self) -> Settings:
        """Settle every setting for this image."""
        asked = self.record.requested.model_copy(update={"seed": self.record.seed})
        kept = self.keep_inputs(asked)
        image = self.record.inputs[0]
        used, notices = resolve(kept, image.width or 0, image.height or 0)
        self.settle(used, notices)
        self.say(
            f"Video {used.prepare.width} x {used.prepare.height}, {film_length(used)} frames at "
            f"{float(used.encode.fps):g} per second, engine {used.animate.engine}, seed {used.seed}"
        )
        # The record names the masks that are kept below the outputs; this run reads the given ones.
        prepare = used.prepare.model_copy(update={"masks": asked.prepare.masks})
        return used.model_copy(update={"prepare": prepare})
