"""How a language model may be held in memory, the best way first, and what each way needs."""

import json
from collections.abc import Iterator

from pipeline.catalogue import HelperCard, Precision
from pipeline.choices import Quantization
from pipeline.memory.fitting import BYTES, Setup
from pipeline.memory.forecast import CUDA_CONTEXT, CUDA_WORKSPACE, PROGRAM, RESERVED
from pipeline.models.files import ModelFiles
from pipeline.models.load import damaged

QUANTIZED = {Quantization.INT8: 1.0, Quantization.NF4: 0.5 + (1 + 4 / 256) / 64}
"""Bytes of a weight in a linear layer, least loss first.

NF4 has a scale of one byte for every 64 weights, and a scale of four bytes for every 256 of those.
"""


def setups(card: HelperCard, files: ModelFiles, device: str, asked: Quantization) -> tuple[Setup, ...]:
    """The ways to hold the model on a machine whose device is "cuda" or "cpu", the best one first.

    All those on the GPU come before the processor: smaller weights hardly change a plan, while each token takes all
    weights once, and so many times longer where they come from main memory. `card` counts the parameters of these
    files. A quantization that is `asked` for leaves the ways with it. Raises ModelMissing for damaged files.
    """
    embeddings = _embeddings(files)
    return tuple(_setup(card, embeddings, *way) for way in _ways(card, device) if asked in (Quantization.NONE, way[2]))


def _ways(card: HelperCard, device: str) -> Iterator[tuple[str, Precision, Quantization]]:
    quantizations = (Quantization.NONE, *QUANTIZED)
    if device == "cuda":
        yield from (("cuda", card.precision, each) for each in quantizations)
    yield "cpu", Precision.FLOAT32, Quantization.NONE
    yield from (("cpu", Precision.BFLOAT16, each) for each in quantizations)


def _setup(card: HelperCard, embeddings: int, device: str, precision: Precision, quantization: Quantization) -> Setup:
    size = BYTES[precision]
    layers = (card.parameters - embeddings) * QUANTIZED.get(quantization, size)
    weights = embeddings * size + layers
    working = card.working.peak(0, 1) * size / BYTES[card.precision]
    if device == "cpu":
        return Setup(device, precision, 0, int(PROGRAM["cpu"] + weights + working), quantization)
    on_gpu = (weights + working) * RESERVED + CUDA_CONTEXT + CUDA_WORKSPACE
    passing = embeddings * size  # weights pass through main memory one at a time, and these are the largest
    return Setup(device, precision, int(on_gpu), PROGRAM["cuda"] + passing, quantization)


def _embeddings(files: ModelFiles) -> int:
    """Parameters of the layers at both ends, which stay as they are with any quantization."""
    try:
        config = json.loads((files.folder / "config.json").read_text(encoding="utf-8"))
        matrices = 1 if config.get("tie_word_embeddings") else 2
        return int(config["vocab_size"]) * int(config["hidden_size"]) * matrices
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(files, error) from error
