"""An IP-Adapter, which shows a picture to the model beside the words.

H. Ye et al., "IP-Adapter: text compatible image prompt adapter for text-to-image diffusion models" (2023). The
picture's embedding is made once, by an image encoder that leaves memory before the model comes.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from pipeline.catalogue import HelperCard
from pipeline.frames import Frame, pixel_digest
from pipeline.heap import release_unused
from pipeline.models.files import ModelFiles
from pipeline.models.identity import identity
from pipeline.models.load import LoadPlan, damaged, load_inside

if TYPE_CHECKING:
    import torch

ENCODER = "models/image_encoder"
"""The folder of h94/IP-Adapter with the network that sees (ViT-H), that both of its adapters here work with."""

_GROUPS = ("image_proj", "ip_adapter")
"""What the names of an adapter's tensors begin with."""

_MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
_DEVIATION = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)
"""Of the colours that CLIP was trained with, as its preprocessor_config.json states them."""


@dataclass(frozen=True)
class Adapter:
    """The files of an adapter, the picture that it shows, and how strongly: 0 not at all, 1 above the words."""

    card: HelperCard
    files: ModelFiles
    picture: Frame
    scale: float

    @property
    def decides(self) -> list[Any]:
        """What of it decides a painting's pixels."""
        shown = pixel_digest(self.picture)
        return [identity(self.files), shown, self.scale]

    def embedding(self, plan: LoadPlan) -> "torch.Tensor":
        """What the picture is to the model, shape (1, width), in main memory. Raises ModelMissing for damaged files."""
        import torch

        encoder = load_inside("CLIPVisionModelWithProjection", self.files, ENCODER, plan).to(plan.device)
        try:
            pixels = torch.from_numpy(_seen(self.picture, int(encoder.config.image_size)))
            with torch.no_grad():
                made: torch.Tensor = encoder(pixels.to(plan.device, encoder.dtype)).image_embeds.cpu()
            return made
        finally:
            del encoder
            release_unused()

    @contextmanager
    def laid_over(self, pipe: Any) -> Iterator[None]:
        """Lay the adapter over a pipeline, until left. Raises ModelMissing where its file is damaged or another's."""
        processor = pipe.components.get("feature_extractor")
        try:
            self._load(pipe)
            pipe.set_ip_adapter_scale(self.scale)
            yield
        finally:
            pipe.unload_ip_adapter()
            pipe.register_modules(feature_extractor=processor)  # the loader brings one of its own

    def _load(self, pipe: Any) -> None:
        try:
            with _silenced("diffusers.loaders.ip_adapter"), _silenced("diffusers.models.modeling_utils"):
                # Nothing is read by this call: no folder is named, and the picture is encoded already.
                pipe.load_ip_adapter(_tensors(self), subfolder="", weight_name="", image_encoder_folder=None)
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise damaged(self.files, error) from error
        except RuntimeError as error:
            if "size mismatch" not in str(error):  # a lack of memory is of this class, too
                raise
            raise damaged(self.files, error) from error


@contextmanager
def _silenced(logger: str) -> Iterator[None]:
    """Keep a library from warning, at each key frame anew, of what is meant: that the pipeline itself sees nothing."""
    found = logging.getLogger(logger)
    before = found.level
    found.setLevel(logging.ERROR)
    try:
        yield
    finally:
        found.setLevel(before)


def as_argument(embedding: "torch.Tensor | None", guided: bool) -> dict[str, Any]:
    """What a pipeline is called with. Guidance leads away from zeros, as the adapters were trained."""
    import torch

    if embedding is None:
        return {}
    shown = embedding[:, None]  # pictures of one adapter
    return {"ip_adapter_image_embeds": [torch.cat([torch.zeros_like(shown), shown]) if guided else shown]}


def _tensors(adapter: Adapter) -> dict[str, dict[str, "torch.Tensor"]]:
    """The weights of an adapter by their two groups, as diffusers takes them."""
    from safetensors import SafetensorError, safe_open

    found: dict[str, dict[str, torch.Tensor]] = {group: {} for group in _GROUPS}
    try:
        with safe_open(adapter.files.folder / adapter.card.weights[0], framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - no dict
                group, _, rest = name.partition(".")
                found[group][rest] = file.get_tensor(name)
    except SafetensorError as error:
        raise ValueError("the file of weights is damaged") from error
    if not all(found.values()):
        raise ValueError("the file of weights holds no IP-Adapter")
    return found


def _seen(picture: Frame, side: int) -> Any:
    """The middle of a picture as CLIP sees it, float32, shape (1, 3, side, side)."""
    height, width = picture.shape[:2]
    scale = side / min(height, width)
    size = max(round(width * scale), side), max(round(height * scale), side)
    whole = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    middle = whole[top : top + side, left : left + side].astype(np.float32) / np.float32(255.0)
    return np.ascontiguousarray(((middle - _MEAN) / _DEVIATION).transpose(2, 0, 1)[None])
