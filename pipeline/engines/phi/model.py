"""Phi-4 (Abdin et al., 2024) and Phi-4-mini through transformers: one network that answers a conversation."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.models.files import ModelFiles
from pipeline.models.load import LoadPlan, load_network, load_tokenizer
from pipeline.planning import Message

ENDS = ("<|im_end|>", "<|end|>")
"""Tokens that end a message in the chats of Phi-4 and Phi-4-mini, whichever the tokenizer knows.

Early copies of Phi-4 do not name theirs among the ends of a text, and would go on to talk to themselves.
"""


def _go_on() -> None:
    return None


@dataclass(frozen=True)
class Phi:
    """The loaded model: its network on a device, and the tokenizer with the model's own chat template."""

    network: Any
    tokenizer: Any

    def answer(self, messages: Sequence[Message], limit: int, on_token: Callable[[], None] = _go_on) -> str:
        """What the model answers to a conversation, in at most `limit` tokens; the same each time.

        `on_token` is called after every token; what it raises ends the work.
        """
        inputs = self.tokenizer.apply_chat_template(
            [asdict(message) for message in messages],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
        )
        tokens = self.network.generate(
            **inputs.to(self.network.device),
            max_new_tokens=limit,
            do_sample=False,
            eos_token_id=self._ends(),
            stopping_criteria=_listening(on_token),
        )
        told = tokens[0, inputs["input_ids"].shape[1] :]
        return str(self.tokenizer.decode(told, skip_special_tokens=True))

    def _ends(self) -> list[int]:
        """Numbers of the tokens that end an answer."""
        published = self.network.generation_config.eos_token_id
        known = self.tokenizer.get_vocab()
        numbers = published if isinstance(published, list) else [published]
        return sorted({*numbers, *(known[token] for token in ENDS if token in known)} - {None})


def load(files: ModelFiles, plan: LoadPlan) -> Phi:
    """Load the model onto the plan's device, weight by weight. Raises ModelMissing when its files hold no whole one."""
    tokenizer = load_tokenizer(files)
    return Phi(load_network("Phi3ForCausalLM", files, plan), tokenizer)


def _listening(on_token: Callable[[], None]) -> Any:
    """A stopping criterion that stops nothing itself, and is asked after every token."""
    import torch
    from transformers import StoppingCriteriaList

    def listen(tokens: "torch.Tensor", _scores: Any, **_: Any) -> "torch.Tensor":
        on_token()
        return torch.zeros(len(tokens), dtype=torch.bool, device=tokens.device)

    return StoppingCriteriaList([listen])
