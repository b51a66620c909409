"""Tokenizers with vocabularies of a few hundred pieces, in the files that the published ones have."""

import json
import re
import string
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.tiny_models.hub import make, write_json

SPACE = "▁"
"""How sentencepiece writes the beginning of a word."""

CHARACTERS = string.ascii_letters + string.digits + string.punctuation
WORDS = ("a", "the", "of", "in", "and", "camera", "moves", "slowly", "wind", "water", "waves", "sky", "cat", "walks")

T5_SENTINELS = 100
"""Pieces such as <extra_id_0> that T5 adds behind its vocabulary."""


def clip_vocabulary() -> dict[str, int]:
    """The least vocabulary of CLIP: all bytes, all bytes at the end of a word, and the two ends of a text."""
    symbols = _byte_symbols()
    pieces = [*symbols, *(f"{symbol}</w>" for symbol in symbols), "<|startoftext|>", "<|endoftext|>"]
    return {piece: number for number, piece in enumerate(pieces)}


def _byte_symbols() -> list[str]:
    """One printable character for each byte, as GPT-2 and CLIP write bytes: others are moved behind 255."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    moved = (chr(256 + number) for number in range(256))
    return [chr(byte) if byte in printable else next(moved) for byte in range(256)]


def write_clip(folder: Path) -> None:
    """A CLIP tokenizer as vocab.json and merges.txt, which merges nothing."""
    begin, end = "<|startoftext|>", "<|endoftext|>"
    text = json.dumps(clip_vocabulary(), ensure_ascii=False)
    (folder / "vocab.json").write_text(text, encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    specials = {"bos_token": begin, "eos_token": end, "unk_token": end, "pad_token": end}
    write_json(folder / "special_tokens_map.json", specials)
    config = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "do_lower_case": True, "errors": "replace"}
    write_json(folder / "tokenizer_config.json", config | {"add_prefix_space": False} | specials)


def sentence_pieces() -> list[tuple[str, float]]:
    """Pieces of T5's vocabulary with their log probabilities: the three specials first, then what texts are made of."""
    specials = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    words = [(SPACE + word, -3.0 - number / 10) for number, word in enumerate(WORDS) if len(word) > 1]
    characters = [(piece, -6.0 - number / 100) for number, piece in enumerate([SPACE, *CHARACTERS])]
    return specials + words + characters


def t5_vocabulary_size() -> int:
    """How many rows the embedding of a text encoder with this tokenizer needs."""
    return len(sentence_pieces()) + T5_SENTINELS


def write_sentencepiece(path: Path) -> None:
    """The unigram model of `sentence_pieces` as sentencepiece's own file, spiece.model."""
    model = make("sentencepiece.sentencepiece_model_pb2.ModelProto")
    kinds = {"<unk>": 2, "<pad>": 3, "</s>": 3}  # sentencepiece's UNKNOWN and CONTROL; 1 is NORMAL
    for piece, score in sentence_pieces():
        model.pieces.add(piece=piece, score=score, type=kinds.get(piece, 1))
    model.trainer_spec.model_type = 1  # unigram
    model.trainer_spec.pad_id, model.trainer_spec.eos_id, model.trainer_spec.unk_id = 0, 1, 2
    model.trainer_spec.bos_id = -1
    model.normalizer_spec.name = "identity"
    path.write_bytes(model.SerializeToString(deterministic=True))


def write_t5(folder: Path, class_name: str, fast: bool) -> None:
    """A T5 tokenizer as spiece.model, and where `fast` as tokenizer.json too."""
    write_sentencepiece(folder / "spiece.model")
    specials = {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    write_json(folder / "special_tokens_map.json", specials)
    config: dict[str, Any] = {"tokenizer_class": class_name, "model_max_length": 512, "extra_ids": T5_SENTINELS}
    write_json(folder / "tokenizer_config.json", config | specials)
    if fast:
        from transformers import T5Tokenizer

        T5Tokenizer.from_pretrained(folder).backend_tokenizer.save(str(folder / "tokenizer.json"))


def llama_words() -> list[str]:
    """The words of what FramePack wraps prompts in, as Llama 3 splits text: a word keeps the space before it.

    With them the wrapping has as many tokens as the published tokenizer makes of it, which FramePack counts on.
    """
    from diffusers.pipelines.hunyuan_video.pipeline_hunyuan_video_framepack import DEFAULT_PROMPT_TEMPLATE

    return sorted(set(re.findall(r" ?[A-Za-z]+|\n\n", str(DEFAULT_PROMPT_TEMPLATE["template"]))))


def byte_level(words: Iterable[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Pieces and merges of a byte-level BPE that knows these words: all bytes, and each word grows letter by letter."""
    symbols = _byte_symbols()
    written = ["".join(symbols[byte] for byte in word.encode()) for word in words]
    merges = dict.fromkeys((word[:end], word[end]) for word in written for end in range(1, len(word)))
    return [*symbols, *dict.fromkeys(begin + letter for begin, letter in merges)], list(merges)


def llama_vocabulary() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Vocabulary and merges of a byte-level BPE that knows `llama_words`."""
    pieces, merges = byte_level(llama_words())
    return {piece: number for number, piece in enumerate(pieces)}, merges


LLAMA_SPECIALS = (
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
    "<image>",
    "<pad>",
)


def llama_vocabulary_size() -> int:
    """How many rows the embedding of a text encoder with this tokenizer needs."""
    return len(llama_vocabulary()[0]) + len(LLAMA_SPECIALS)


def write_llama(folder: Path) -> None:
    """A tokenizer as Llama 3 has it, byte-level BPE, as tokenizer.json."""
    import tokenizers
    from tokenizers import decoders, models, pre_tokenizers, processors

    vocabulary, merges = llama_vocabulary()
    tokenizer = tokenizers.Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=True))
    split = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+"
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(tokenizers.Regex(split), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([tokenizers.AddedToken(token, special=True) for token in LLAMA_SPECIALS])
    begin = LLAMA_SPECIALS[0]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A", special_tokens=[(begin, tokenizer.token_to_id(begin))]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    specials = {"bos_token": begin, "eos_token": "<|end_of_text|>", "pad_token": "<pad>"}
    write_json(folder / "special_tokens_map.json", specials)
    config = {"tokenizer_class": "LlamaTokenizer", "model_max_length": 256, "padding_side": "right"}
    write_json(folder / "tokenizer_config.json", config | specials)
