"""Prompts as the denoiser takes them, and what lies between two of them."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.engines.stable_diffusion.schedule import Words

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Embedding:
    """A prompt as the denoiser takes it, in main memory.

    `states` has the shape (1, 77, width); `pooled`, (1, width), is what XL takes of the text as a whole.
    """

    states: "torch.Tensor"
    pooled: "torch.Tensor | None" = None


def encode(pipe: Any, texts: Collection[str], note: Callable[[str], None]) -> dict[str, Embedding]:
    """The embedding of each text. `note` is told of those that are longer than the model reads."""
    import torch

    found: dict[str, Embedding] = {}
    try:
        with torch.no_grad():
            for text in dict.fromkeys(texts):
                _note_cut(pipe.tokenizer, text, note)
                found[text] = _encoded(pipe, text)
    finally:
        pipe.maybe_free_model_hooks()
    return found


def unprompted(pipe: Any, negative_prompt: str, found: dict[str, Embedding]) -> Embedding:
    """What guidance leads away from: the negative prompt, which is among those that were found.

    Models that say so in their configuration were trained with zeros in place of an empty one.
    """
    import torch

    embedding = found[negative_prompt]
    if negative_prompt or not getattr(pipe.config, "force_zeros_for_empty_prompt", False):
        return embedding
    pooled = None if embedding.pooled is None else torch.zeros_like(embedding.pooled)
    return Embedding(torch.zeros_like(embedding.states), pooled)


def between(words: Words, found: dict[str, Embedding]) -> Embedding:
    """The embedding on the way from one prompt to the next."""
    first, second = found[words.first], found[words.second]
    if words.share == 0.0 or words.first == words.second:
        return first
    pooled = None
    if first.pooled is not None and second.pooled is not None:
        pooled = turned(first.pooled, second.pooled, words.share)
    return Embedding(turned(first.states, second.states, words.share), pooled)


def turned(first: "torch.Tensor", second: "torch.Tensor", share: float) -> "torch.Tensor":
    """Vectors, along the last dimension, between those of two tensors: direction and length go over evenly.

    Spherical interpolation of the directions (Shoemake, "Animating rotation with quaternion curves", 1985). A straight
    line would pass through shorter vectors than the encoder ever gives, and the keys and values that attention makes of
    them would be fainter in the middle of the way. Vectors that point the same way, or oppositely, go straight.
    """
    import torch

    start, end = first.double(), second.double()
    lengths = [each.norm(dim=-1, keepdim=True).clamp(min=1e-12) for each in (start, end)]
    towards = [each / length for each, length in zip((start, end), lengths, strict=True)]
    angle = torch.acos((towards[0] * towards[1]).sum(dim=-1, keepdim=True).clamp(-1.0, 1.0))
    across = torch.sin(angle)
    bent = (torch.sin((1.0 - share) * angle) * towards[0] + torch.sin(share * angle) * towards[1]) / across
    length = torch.lerp(lengths[0], lengths[1], share)
    made = torch.where(across > 1e-4, bent * length, torch.lerp(start, end, share))
    return made.to(first.dtype)


def as_arguments(words: Embedding, negative: Embedding | None) -> dict[str, Any]:
    """What a pipeline is called with in place of prompts; `negative` is for guidance alone."""
    arguments: dict[str, Any] = {"prompt_embeds": words.states}
    if words.pooled is not None:
        arguments["pooled_prompt_embeds"] = words.pooled
    if negative is not None:
        arguments["negative_prompt_embeds"] = negative.states
        if negative.pooled is not None:
            arguments["negative_pooled_prompt_embeds"] = negative.pooled
    return arguments


def _encoded(pipe: Any, text: str) -> Embedding:
    made = pipe.encode_prompt(
        text, device=pipe._execution_device, num_images_per_prompt=1, do_classifier_free_guidance=False
    )
    return Embedding(made[0].cpu(), made[2].cpu() if len(made) > 2 else None)  # the odd ones are for guidance


def _note_cut(tokenizer: Any, text: str, note: Callable[[str], None]) -> None:
    ids, most = tokenizer(text).input_ids, tokenizer.model_max_length
    if len(ids) > most:
        lost = tokenizer.decode(ids[most - 1 : -1]).strip()
        note(f"The model reads {most - 2} tokens of a prompt at most; it does not see '{lost}'.")
