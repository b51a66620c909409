"""What a family of diffusion models has to offer. One adapter for each family; nothing else knows their differences."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.catalogue import ModelCard
from pipeline.frames import Frame
from pipeline.models.files import ModelFiles
from pipeline.models.load import LoadPlan, load_pipeline
from pipeline.settings import AnimateSettings, RuntimeSettings, Settings

if TYPE_CHECKING:
    import torch

Tensors = dict[str, "torch.Tensor"]
"""Named tensors in main memory: what one phase hands to the next, and what is kept on disk."""


@dataclass(frozen=True)
class Request:
    """What is to be sampled: everything a phase may depend on.

    `image` has exactly the size to work at, uint8 RGB. `seed` is that of the candidate. `device` is "cuda" or "cpu".
    `note` tells the user something that only the model could find out, such as a prompt that it reads in part.
    """

    image: Frame
    settings: Settings
    seed: int
    num_frames: int
    device: str
    last_image: Frame | None = None
    control: tuple[Frame, ...] | None = None
    """What guides the motion: a map for each frame, of the size to work at."""
    note: Callable[[str], None] = field(default=lambda _: None, compare=False)

    @property
    def width(self) -> int:
        """Width in pixels to work at."""
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels to work at."""
        return int(self.image.shape[0])

    @property
    def animate(self) -> AnimateSettings:
        """The settings of the stage."""
        return self.settings.animate

    @property
    def runtime(self) -> RuntimeSettings:
        """The settings that change no pixel."""
        return self.settings.runtime


class Family(ABC):
    """One family of models: how it is loaded, conditioned, sampled and decoded.

    `pipe` is always what `load` returned, placed on its device. Phases raise whatever torch raises when memory runs
    out; the engine recovers. A phase leaves nothing on the device beside the weights.
    """

    pipeline_class: str
    """Name of the diffusers class."""

    ignores: Mapping[str, str] = {}
    """Full names of settings without effect, with the reason, beside those that follow from the card."""

    denoiser: str = "transformer"
    """Name of the component that is called at every step."""

    def __init__(self, card: ModelCard) -> None:
        self.card = card

    def load(self, files: ModelFiles, plan: LoadPlan) -> Any:
        """Load the pipeline into main memory."""
        return load_pipeline(self.pipeline_class, files, plan)

    @abstractmethod
    def condition(self, pipe: Any, request: Request) -> Tensors:
        """Compute what does not depend on the seed, above all the embeddings of the prompts."""

    @abstractmethod
    def sample(self, pipe: Any, request: Request, conditions: Tensors) -> Tensors:
        """Denoise; return the latents. The same request gives the same latents."""

    @abstractmethod
    def decode(self, pipe: Any, latents: Tensors, request: Request) -> Iterator[Frame]:
        """Yield the frames in order, uint8 RGB of the request's size, as many as the request asks for."""

    @abstractmethod
    def bare(self, pipe: Any, request: Request) -> list[Frame]:
        """The frames of the plain diffusers call with the same settings, to compare with."""

    @abstractmethod
    def arrange(self, pipe: Any, request: Request) -> AbstractContextManager[None]:
        """Around sampling: guidance in two passes, chunked layers, another scheduler. Undone on leaving."""

    def steps(self, request: Request) -> int:
        """How often the scheduler will step, for the progress."""
        return request.animate.num_inference_steps

    @abstractmethod
    def glimpse(self, latents: "torch.Tensor", request: Request) -> Frame | None:
        """A small picture of the middle frame from latents in the midst of sampling, or None where there is no way."""
