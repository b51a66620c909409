"""Florence-2 (florence-community/Florence-2-base and -large) with small networks.

What the decoder knows of each position is made of words, so that the network says a sentence, names the places of four
corners, and ends. Among the words and places offered, the image decides.
"""

from pathlib import Path
from typing import Any

from tests.tiny_models.hub import make, network, published_weights, write_config, write_json, write_weights
from tests.tiny_models.tokenizers import byte_level

SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
"""The first tokens of BART's vocabulary, by number."""

IMAGE = "<image>"
"""Stands in a prompt for each of IMAGE_TOKENS."""

IMAGE_TOKENS = 577
"""24 x 24 places of an image of 768 x 768, and their mean."""

ADDED = ("<od>", "</od>", "<poly>", "</poly>", "<sep>", *(f"<loc_{place}>" for place in range(1000)), IMAGE)
"""Tokens that Florence-2 adds, among them 1000 places across and down."""

SENTENCE = (
    ("The",),
    (" image",),
    (" shows",),
    (" a", " the", " one"),
    (" red", " white", " small", " grey"),
    (" house", " boat", " cat", " tree"),
    (" by", " in", " near"),
    (" the",),
    (" water", " forest", " street", " mountains"),
    (".",),
)
"""What the network says, with the words it chooses among."""

CORNERS = ((100, 200, 300), (100, 250), (600, 750), (150, 300), (650, 800), (700, 850), (120, 260), (660, 900))
"""What follows: x and y of four corners, with the places it chooses among."""

LOUDER, STRENGTH, ATTENTION = 4.0, 4.0, 3.0
"""What is offered anywhere over what is not, a position over the last word, and the image: found by trying."""

PARSED = (
    "ocr",
    "phrase_grounding",
    "pure_text",
    "description_with_bboxes",
    "description_with_polygons",
    "polygons",
    "bboxes",
    "description_with_bboxes_or_polygons",
)
"""Kinds of answers that the published processor can read."""


def build(folder: Path, width: int) -> None:
    """Fill `folder` with a model whose states are `width` wide."""
    pieces, merges = byte_level(word for choices in SENTENCE for word in choices)
    numbers = {token: number for number, token in enumerate([*SPECIALS, *pieces, *ADDED])}
    _write_tokenizer(folder, numbers, merges)
    _write_processor(folder)
    model = network("transformers.Florence2ForConditionalGeneration", _config(numbers, width), seed=str(width))
    _teach(model, numbers)
    write_config(folder, model)
    write_weights(folder, "model", published_weights(model))
    ends = {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 2}
    write_json(folder / "generation_config.json", ends | {"forced_bos_token_id": 0, "no_repeat_ngram_size": 3})


def _config(numbers: dict[str, int], width: int) -> Any:
    text = {
        "model_type": "bart",
        "vocab_size": len(numbers),
        "d_model": width,
        "encoder_layers": 1,
        "decoder_layers": 1,
        "encoder_ffn_dim": 2 * width,
        "decoder_ffn_dim": 2 * width,
        "encoder_attention_heads": 4,
        "decoder_attention_heads": 4,
        "init_std": 0.1,
    }
    vision = {
        "embed_dim": [8, 8, 16, 16],
        "num_heads": [1, 1, 2, 2],
        "num_groups": [1, 1, 2, 2],
        "depths": [1, 1, 1, 1],
        "projection_dim": width,
        "initializer_range": 0.2,
    }
    image = numbers[IMAGE]
    return make("transformers.Florence2Config", text_config=text, vision_config=vision, image_token_id=image)


def _teach(model: Any, numbers: dict[str, int]) -> None:
    """Let the decoder's positions spell the sentence, the corners and the end."""
    import torch

    spoken = [[_spelt(word) for word in choices] for choices in SENTENCE]
    places = [[f"<loc_{place}>" for place in choices] for choices in CORNERS]
    offered = [[numbers[token] for token in choices] for choices in (["<s>"], *spoken, *places, ["</s>"])]
    language = model.model.language_model
    words, positions = language.shared.weight, language.decoder.embed_positions
    with torch.no_grad():
        quiet = torch.nn.functional.normalize(torch.randn(words.shape, generator=torch.Generator().manual_seed(1)))
        words.copy_(quiet)
        rows = sorted({number for choices in offered for number in choices})
        words[rows] = words[rows] * LOUDER
        for place, choices in enumerate(offered):
            positions.weight[place + positions.offset] = STRENGTH * words[choices].sum(0)
        for layer in language.decoder.layers:
            layer.encoder_attn.out_proj.weight *= ATTENTION


def _spelt(word: str) -> str:
    """A word as byte-level BPE writes it."""
    return word.replace(" ", "Ġ")


def _write_tokenizer(folder: Path, numbers: dict[str, int], merges: list[tuple[str, str]]) -> None:
    """BART's tokenizer, byte-level BPE, with the tokens that Florence-2 adds."""
    import tokenizers
    from tokenizers import decoders, models, pre_tokenizers

    vocabulary = {token: number for token, number in numbers.items() if token not in ADDED}
    tokenizer = tokenizers.Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([tokenizers.AddedToken(token, special=True) for token in (*SPECIALS, *ADDED)])
    tokenizer.save(str(folder / "tokenizer.json"))
    specials = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    extra = {"extra_special_tokens": {"image_token": IMAGE}, "image_token": IMAGE}
    config = {"tokenizer_class": "BartTokenizer", "model_max_length": 1024, "processor_class": "Florence2Processor"}
    write_json(folder / "tokenizer_config.json", config | specials | extra)
    write_json(folder / "special_tokens_map.json", specials | {"image_token": IMAGE})


def _write_processor(folder: Path) -> None:
    """Preprocessing as published: squeezed to 768 x 768, with the colours of ImageNet."""
    image = {
        "image_processor_type": "CLIPImageProcessor",
        "crop_size": {"height": 768, "width": 768},
        "do_center_crop": False,
        "do_convert_rgb": None,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
        "image_seq_length": IMAGE_TOKENS,
        "resample": 3,
        "rescale_factor": 1 / 255,
        "size": {"height": 768, "width": 768},
    }
    write_json(folder / "preprocessor_config.json", image | {"processor_class": "Florence2Processor"})
    parsers = {kind: {"banned_grounding_tokens": ["the image"]} if "grounding" in kind else {} for kind in PARSED}
    config = {"processor_class": "Florence2Processor", "num_additional_image_tokens": 0}
    write_json(folder / "processor_config.json", config | {"post_processor_config": parsers})
