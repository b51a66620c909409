"""Florence-2 (Xiao et al., CVPR 2024) through transformers: one network that answers a task's prompt over an image."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from PIL import Image

from pipeline.choices import Detail
from pipeline.context import Way
from pipeline.engines.florence2.captions import caption
from pipeline.engines.florence2.masks import mask_of_boxes, mask_of_polygons
from pipeline.frames import Frame, Mask
from pipeline.models.files import ModelFiles
from pipeline.models.load import LoadPlan, load_network, load_processor

BEAMS = 3
"""Beams of the search, as published: https://huggingface.co/microsoft/Florence-2-large."""


class Task(StrEnum):
    """The tasks that are asked for, by the tokens that the processor turns into the prompts of the training."""

    CAPTION = "<CAPTION>"
    DETAILED_CAPTION = "<DETAILED_CAPTION>"
    MORE_DETAILED_CAPTION = "<MORE_DETAILED_CAPTION>"
    SEGMENTATION = "<REFERRING_EXPRESSION_SEGMENTATION>"
    GROUNDING = "<CAPTION_TO_PHRASE_GROUNDING>"


TASKS = {
    Detail.SHORT: Task.CAPTION,
    Detail.DETAILED: Task.DETAILED_CAPTION,
    Detail.FULL: Task.MORE_DETAILED_CAPTION,
}
"""The task for each detail of a caption."""

LIMITS = {Task.CAPTION: 64, Task.DETAILED_CAPTION: 256, Task.MORE_DETAILED_CAPTION: 512}
"""The most tokens of a caption: several times the longest usual one, so that a loop ends soon."""

PUBLISHED_LIMIT = 1024
"""The most tokens of any answer, as published; an outline may need many of them."""

MAX_WORDS = 200
"""The most characters of what is to be found: with the image they must fit into the model's 1024 positions."""


def _go_on() -> None:
    return None


@dataclass(frozen=True)
class Florence2:
    """The loaded model: its network on a device, and the processor for its inputs and answers."""

    network: Any
    processor: Any

    def describe(self, image: Frame, detail: Detail, on_token: Callable[[], None] = _go_on) -> str:
        """What an image shows: a sentence or a paragraph, empty where the model found no words.

        The same image gives the same text. `on_token` is called after every token; what it raises ends the work.
        """
        return caption(str(self._answer(image, TASKS[detail], "", on_token)))

    def segment(self, image: Frame, words: str, on_token: Callable[[], None] = _go_on) -> tuple[Mask, Way]:
        """Where in an image something is that words name (English): a mask of the image's size, and how it was found.

        There are at most MAX_WORDS characters. The way is "outline", or "box" where the model gave no outline, or
        "nothing" with a mask that is black all over.
        """
        height, width = image.shape[:2]
        words = " ".join(words.replace("<", " ").replace(">", " ").split())  # else they could name a task
        outlines = self._answer(image, Task.SEGMENTATION, words, on_token)["polygons"]
        mask = mask_of_polygons([polygon for parts in outlines for polygon in parts], width, height)
        if mask.any():
            return mask, Way("outline", f"The model outlined '{words}'.")
        mask = mask_of_boxes(self._answer(image, Task.GROUNDING, words, on_token)["bboxes"], width, height)
        if mask.any():
            return mask, Way("box", f"The model found no outline of '{words}', only the box around it.")
        return mask, Way("nothing", f"The model found no '{words}' in the image: try other words, in English.")

    def _answer(self, image: Frame, task: Task, words: str, on_token: Callable[[], None]) -> Any:
        """The answer to a task as the processor parses it: text, or lists of coordinates in pixels of the image."""
        picture = Image.fromarray(image)
        inputs = self.processor(text=task + words, images=picture, return_tensors="pt")
        tokens = self.network.generate(
            **inputs.to(self.network.device, self.network.dtype),
            max_new_tokens=LIMITS.get(task, PUBLISHED_LIMIT),
            num_beams=BEAMS,
            do_sample=False,
            early_stopping=False,
            stopping_criteria=_listening(on_token),
        )
        text = self.processor.batch_decode(tokens, skip_special_tokens=False)[0]
        return self.processor.post_process_generation(text=text, task=task.value, image_size=picture.size)[task]


def load(files: ModelFiles, plan: LoadPlan) -> Florence2:
    """Load the model onto the plan's device. Raises ModelMissing when its files do not hold a whole one."""
    processor = load_processor(files)
    network = load_network("Florence2ForConditionalGeneration", files, plan)
    return Florence2(network, processor)


def _listening(on_token: Callable[[], None]) -> Any:
    """A stopping criterion that stops nothing itself, and is asked after every token."""
    import torch
    from transformers import StoppingCriteriaList

    def listen(tokens: "torch.Tensor", _scores: Any, **_: Any) -> "torch.Tensor":
        on_token()
        return torch.zeros(len(tokens), dtype=torch.bool, device=tokens.device)

    return StoppingCriteriaList([listen])
