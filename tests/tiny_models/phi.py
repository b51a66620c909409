"""Phi-4 and Phi-4-mini-instruct with small networks that write as many prompts as they are asked for.

The weights are made by hand: one attention head finds the number that the request names, and the layer after it leads
from each prompt to the next, and from the last one to the end of the list.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.planning.conversation import EXACTLY
from tests.tiny_models.hub import make, network, published_weights, write_json, write_weights
from tests.tiny_models.tokenizers import byte_level

MOST = 32
"""Prompts that can be asked for: as many as there can be key frames."""

WIDTH, HEADS, GROUPS = 128, 4, 2
"""Width of the states, and heads for queries and for keys: each is 32 wide."""

HEAD = WIDTH // HEADS

NUMBERS, PROMPTS, CONSTANT = 0, HEAD, 2 * HEAD + 3
"""Places in the states: the number asked for; the start, each prompt, the list's end and the answer's; and always 1."""

LOUD, SHARP = 4.0, 20.0
"""How clearly a state is told from others, and the number from what stands around it: found by trying."""


@dataclass(frozen=True)
class Kind:
    """What differs between the two: the tokens of their chats, and what they put around the list."""

    specials: tuple[str, ...]
    """Last the first token of an answer, before it the one that ends a message, and first the end of a text."""
    template: str
    before: str
    after: str
    shards: int
    config: dict[str, Any]


PHI_4 = Kind(
    specials=("<|endoftext|>", "<|dummy_85|>", "<|im_start|>", "<|im_end|>", "<|im_sep|>"),
    template=(
        "{% for message in messages %}<|im_start|>{{ message['role'] }}<|im_sep|>{{ message['content'] }}<|im_end|>"
        "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant<|im_sep|>{% endif %}"
    ),
    before="",
    after="",
    shards=6,
    config={
        "max_position_embeddings": 16384,
        "original_max_position_embeddings": 16384,
        "tie_word_embeddings": False,
        "rope_theta": 250000,
        "rope_scaling": None,
    },
)

PHI_4_MINI = Kind(
    specials=("<|endoftext|>", "<|system|>", "<|user|>", "<|end|>", "<|assistant|>"),
    template=(
        "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% else %}{{ eos_token }}{% endif %}"
    ),
    before="```json\n",
    after="\n```",
    shards=2,
    config={
        "max_position_embeddings": 131072,
        "original_max_position_embeddings": 4096,
        "tie_word_embeddings": True,
        "auto_map": {  # for remote code, which nobody asks for
            "AutoConfig": "configuration_phi3.Phi3Config",
            "AutoModelForCausalLM": "modeling_phi3.Phi3ForCausalLM",
            "AutoTokenizer": "Xenova/gpt-4o",
        },
        "rope_theta": 10000.0,
        "partial_rotary_factor": 0.75,
        "rope_scaling": {
            "type": "longrope",
            "short_factor": [1.0] * (HEAD * 3 // 8),
            "long_factor": [1.0 + place for place in range(HEAD * 3 // 8)],
        },
        "sliding_window": 262144,
    },
)


def build(folder: Path, kind: Kind) -> None:
    """Fill `folder` with a model of this kind."""
    pieces, merges = byte_level(EXACTLY.format(count=count) for count in range(1, MOST + 1))
    symbols = pieces[:256]
    said = ["".join(symbols[byte] for byte in text.encode()) for text in _said(kind)]
    numbers = {token: number for number, token in enumerate([*pieces, *said, *kind.specials])}
    _write_tokenizer(folder, kind, numbers, merges)
    end_of_text, end, begin = numbers[kind.specials[0]], numbers[kind.specials[-2]], numbers[kind.specials[-1]]
    ends = {"bos_token_id": end_of_text, "pad_token_id": end_of_text}
    config = _config(kind, len(numbers)) | ends | {"eos_token_id": end_of_text}
    model = network("transformers.Phi3ForCausalLM", make("transformers.Phi3Config", **config))
    asked = [numbers["".join(symbols[byte] for byte in EXACTLY.format(count=n).encode())] for n in range(1, MOST + 1)]
    _teach(model, asked, [begin, *(numbers[text] for text in said), end])
    write_json(folder / "config.json", config)
    write_weights(folder, "model", published_weights(model), kind.shards)
    write_json(folder / "generation_config.json", ends | {"eos_token_id": [end, end_of_text]})


def _said(kind: Kind) -> list[str]:
    """The pieces of the answer in order: each prompt, and the end of the list."""
    prompts = [f'"The scene in soft light, moment {number} of the way"' for number in range(1, MOST + 1)]
    return [f"{kind.before}[\n{prompts[0]}", *(f",\n{prompt}" for prompt in prompts[1:]), f"\n]{kind.after}"]


def _config(kind: Kind, vocabulary: int) -> dict[str, Any]:
    """The configuration with the names that the published ones have, of which transformers makes others today."""
    return {
        "architectures": ["Phi3ForCausalLM"],
        "model_type": "phi3",
        "vocab_size": vocabulary,
        "hidden_size": WIDTH,
        "intermediate_size": WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": HEADS,
        "num_key_value_heads": GROUPS,
        "torch_dtype": "bfloat16",
        **kind.config,
    }


def _teach(model: Any, asked: list[int], row: list[int]) -> None:
    """Let the model say the tokens in `row` after the first one, but go on from the prompt that was `asked` for."""
    import torch

    embeddings, layer = model.model.embed_tokens.weight, model.model.layers[0]
    with torch.no_grad():
        embeddings[:, : CONSTANT + 1] = 0.0
        embeddings[:, CONSTANT + 1 :] = torch.nn.functional.normalize(embeddings[:, CONSTANT + 1 :], dim=1)
        embeddings[[*asked, *row]] = 0.0
        embeddings[:, CONSTANT] = 1.0
        embeddings[asked, torch.arange(MOST) + NUMBERS] = 1.0
        embeddings[row, torch.arange(len(row)) + PROMPTS] = 1.0
        model.lm_head.weight.copy_(embeddings)
        _find_number(layer.self_attn)
        _lead_on(layer.mlp)


def _find_number(attention: Any) -> None:
    """Let the first head add the number asked for to every state.

    Its last place is hardly turned by any position, so it looks the same far back.
    """
    size = (WIDTH / 2) ** 0.5  # of each of the two places of a token, normalized
    weights = attention.qkv_proj.weight
    queries, keys, values = weights.split([WIDTH, GROUPS * HEAD, GROUPS * HEAD])
    for part in (queries, keys, values, attention.o_proj.weight.T):
        part[:HEAD] = 0.0
    sharpness = (SHARP * HEAD**0.5) ** 0.5 / size
    queries[HEAD - 1, CONSTANT] = sharpness
    keys[HEAD - 1, NUMBERS : NUMBERS + MOST] = sharpness
    for place in range(MOST):
        values[place, NUMBERS + place] = 1.0 / size
        attention.o_proj.weight[NUMBERS + place, place] = 1.0


def _lead_on(mlp: Any) -> None:
    """Let each token in the row bring up the next one, and the last prompt asked for the end of the list, louder."""
    gate, up = mlp.gate_up_proj.weight.chunk(2)
    close = PROMPTS + MOST + 1
    for part in (gate, up, mlp.down_proj.weight.T):
        part[: 2 * MOST + 2] = 0.0
    up[: 2 * MOST + 2, CONSTANT] = 1.0
    for place in range(MOST + 2):
        gate[place, PROMPTS + place] = LOUD
        mlp.down_proj.weight[PROMPTS + place + 1, place] = 1.0 / LOUD
    for place in range(MOST):
        unit = MOST + 2 + place
        gate[unit, [PROMPTS + place + 1, NUMBERS + place]] = LOUD
        gate[unit, CONSTANT] = -1.5 * LOUD
        mlp.down_proj.weight[close, unit] = 4.0 / LOUD


def _write_tokenizer(folder: Path, kind: Kind, numbers: dict[str, int], merges: list[tuple[str, str]]) -> None:
    """A byte-level BPE as tokenizer.json, with the chat's template."""
    import tokenizers
    from tokenizers import decoders, models, pre_tokenizers

    vocabulary = {token: number for token, number in numbers.items() if token not in kind.specials}
    tokenizer = tokenizers.Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([tokenizers.AddedToken(token, special=True) for token in kind.specials])
    tokenizer.save(str(folder / "tokenizer.json"))
    end_of_text = kind.specials[0]
    specials = {"bos_token": end_of_text, "eos_token": end_of_text, "pad_token": end_of_text, "unk_token": end_of_text}
    write_json(folder / "special_tokens_map.json", specials)
    config = {"tokenizer_class": "GPT2Tokenizer", "model_max_length": 16384, "add_prefix_space": False}
    write_json(folder / "tokenizer_config.json", config | specials | {"chat_template": kind.template})
