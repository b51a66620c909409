"""Benchmark of the helpers that read and write, in all ways to hold them: `python -m benchmarks.int8`, on a processor.

Florence-2 base has full size, and Phi-4 mini is an eighth of itself: full width, with an eighth of its layers and of
its vocabulary, so that linear layers have the same share of it. Weights are random, tokenizers those of the tiny
checkpoints of the tests, so nothing but time and sizes is meant. Each way is measured in a process of its own, by the
very calls that the program makes.
"""

import argparse
import itertools
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from benchmarks.full_size import Network, build
from benchmarks.picture import detailed_photo
from benchmarks.report import PROJECT, save, table
from pipeline.catalogue import get_helper
from pipeline.choices import Detail, Device, Quantization
from pipeline.engines import florence2, phi
from pipeline.engines.held import ways
from pipeline.heap import release_unused
from pipeline.memory.fitting import AS_IT_FITS, Setup
from pipeline.memory.machine import read_machine
from pipeline.models.files import locate
from pipeline.models.load import LoadPlan, quiet_libraries
from pipeline.planning import Message
from pipeline.settings import RuntimeSettings
from tests.tiny_models import build as build_tiny

CONFIGS: dict[str, dict[str, Any]] = {
    "florence-2-base": {
        "vision_config": {
            "embed_dim": [128, 256, 512, 1024],
            "num_heads": [4, 8, 16, 32],
            "num_groups": [4, 8, 16, 32],
            "depths": [1, 1, 9, 1],
            "projection_dim": 768,
        },
        "text_config": {
            "model_type": "bart",
            "vocab_size": 51289,
            "d_model": 768,
            "encoder_layers": 6,
            "decoder_layers": 6,
            "encoder_ffn_dim": 3072,
            "decoder_ffn_dim": 3072,
            "encoder_attention_heads": 12,
            "decoder_attention_heads": 12,
        },
    },
    "phi-4-mini": {
        "vocab_size": 200064 // 8,
        "hidden_size": 3072,
        "intermediate_size": 8192,
        "num_hidden_layers": 32 // 8,
        "num_attention_heads": 24,
        "num_key_value_heads": 8,
        "tie_word_embeddings": True,
        "original_max_position_embeddings": 4096,
        "max_position_embeddings": 4096,
    },
}
"""From the published configurations; what is not here is the class's own value, or that of the tiny checkpoint."""

CLASSES = {"florence-2-base": "Florence2ForConditionalGeneration", "phi-4-mini": "Phi3ForCausalLM"}

TITLES = {"florence-2-base": "Florence-2 base", "phi-4-mini": "an eighth of Phi-4 mini"}

HEAD = [
    "",
    "on disk, MB",
    "own memory, MB",
    "peak, MB",
    "forecast, MB",
    "loading, s",
    "first token, s",
    "token, ms",
]

OF_TINY = ("image_token_id", "pad_token_id", "bos_token_id", "eos_token_id", "partial_rotary_factor")
"""Values of the tiny checkpoint's configuration that belong to its tokenizer, or to the kind of model."""

PROMPT = "A red house stands by the water, and a small boat lies before it. " * 6
"""About 400 tokens of the tiny tokenizer, which spells: as many as a request for five prompts has."""

MOST_TOKENS = 16
"""Tokens of Phi that are waited for."""


@dataclass(frozen=True)
class Cost:
    """What one way to hold a model costs, to the first answer.

    `own_bytes` is what the process has in memory for it that is no file; `peak_bytes` all that was resident at once,
    pages of files included, which Linux takes back where it needs them: weights in the files' own precision are such.

    `first_seconds` is the time up to the first token, in which an image or a request is read, and `token_seconds` the
    median of those after it.
    """

    way: str
    disk_bytes: int
    load_seconds: float
    own_bytes: int
    peak_bytes: int
    forecast_bytes: int
    first_seconds: float
    token_seconds: float
    tokens: int


class Tokens:
    """Notes when each token came, by the processor time of this process: others may be at work on the machine."""

    def __init__(self) -> None:
        self._clocks = [time.process_time()]

    def __call__(self) -> None:
        """Take note of one."""
        self._clocks.append(time.process_time())

    def costs(self) -> tuple[float, float, int]:
        """Seconds up to the first token, the median of the others, and their number."""
        first, *others = (after - before for before, after in itertools.pairwise(self._clocks))
        return first, statistics.median(others), 1 + len(others)


def main() -> None:
    """Measure every way in its own process, then write the results and the document's section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs=2, metavar=("MODEL", "NUMBER"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.build:
        checkpoint(given.folder, given.build)
    elif given.measure:
        name, number = given.measure
        print(json.dumps(asdict(measured(name, given.folder, int(number)))))
    else:
        report(measure_all())


def measure_all() -> dict[str, list[Cost]]:
    """The costs of all ways, by model."""
    found: dict[str, list[Cost]] = {}
    for name in CONFIGS:
        with tempfile.TemporaryDirectory() as folder:
            _in_its_own_process("--build", name, "--folder", folder)
            for number in range(len(on_processor(name, Path(folder)))):
                told = _in_its_own_process("--measure", name, str(number), "--folder", folder)
                found.setdefault(name, []).append(Cost(**json.loads(told.splitlines()[-1])))
                print(name, found[name][-1], flush=True)
    return found


def _in_its_own_process(*arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks.int8", *arguments]
    one_core = {**os.environ, "OMP_NUM_THREADS": "1"}  # several wait for each other, which counts as work
    return subprocess.run(command, cwd=PROJECT, env=one_core, check=True, stdout=subprocess.PIPE, text=True).stdout


def on_processor(name: str, folder: Path) -> tuple[Setup, ...]:
    """The ways to hold a model on a processor, as the program offers them."""
    runtime = RuntimeSettings(models_dir=folder, device=Device.CPU)
    return ways(get_helper(name), read_machine(runtime, folder), AS_IT_FITS, runtime)


def checkpoint(folder: Path, name: str) -> None:
    """Put a network of full size into the place of the tiny checkpoint's, in the precision it is published in."""
    import torch

    quiet_libraries()
    target = build_tiny(folder, name)
    tiny = json.loads((target / "config.json").read_text(encoding="utf-8"))
    config = {key: tiny[key] for key in OF_TINY if key in tiny} | CONFIGS[name]
    for old in (*target.glob("*.safetensors"), *target.glob("*.index*.json")):
        old.unlink()
    torch.manual_seed(0)
    network = build(Network("transformers", CLASSES[name], config), torch.float32, "cpu")
    dtype = getattr(torch, get_helper(name).precision.value)
    network.to(dtype).save_pretrained(target)


def measured(name: str, folder: Path, number: int) -> Cost:
    """Load a model in one way and let it answer."""
    quiet_libraries()
    setup = on_processor(name, folder)[number]
    files = locate(get_helper(name), RuntimeSettings(models_dir=folder))
    load: Callable[..., Any] = florence2.load if name == "florence-2-base" else phi.load
    _warm_up()
    before, start = _own(), time.process_time()
    model = load(files, LoadPlan(setup.device, setup.precision, setup.quantization))
    seconds = time.process_time() - start
    tokens = Tokens()
    _answer(model, tokens)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    own = _own() - before
    first, token, count = tokens.costs()
    return Cost(
        way=_name(setup),
        disk_bytes=_saved(model.network, folder / "saved"),
        load_seconds=round(seconds, 2),
        own_bytes=own,
        peak_bytes=peak,
        forecast_bytes=setup.ram_bytes,
        first_seconds=round(first, 3),
        token_seconds=round(token, 4),
        tokens=count,
    )


def _name(setup: Setup) -> str:
    return setup.precision.value if setup.quantization is Quantization.NONE else setup.quantization.value.upper()


def _warm_up() -> None:
    """Load the libraries, so that what they take is not counted among the weights."""
    import torch
    import transformers

    transformers.Florence2ForConditionalGeneration, transformers.Phi3ForCausalLM  # noqa: B018 - loads their modules
    import bitsandbytes  # noqa: F401

    torch.ones(256, 256) @ torch.ones(256, 256)


def _answer(model: Any, tokens: Tokens) -> None:
    if isinstance(model, phi.Phi):
        model.answer([Message("user", PROMPT)], MOST_TOKENS, tokens)
    else:
        model.describe(detailed_photo(768, 768), Detail.SHORT, tokens)


def _own() -> int:
    """Bytes of the process in main memory that are no pages of a file."""
    release_unused()
    memory = psutil.Process().memory_info()
    return int(memory.rss - memory.shared)


def _saved(network: Any, folder: Path) -> int:
    """Bytes of the weights, saved as they are held."""
    network.save_pretrained(folder)
    sizes = [path.stat().st_size for path in folder.glob("*.safetensors")]
    for path in folder.iterdir():
        path.unlink()
    return sum(sizes)


def report(found: dict[str, list[Cost]]) -> None:
    """Write benchmarks/results/int8.json and the section of docs/benchmarks.md."""
    parts = [f"**{TITLES[name]}**\n\n{table(HEAD, _rows(costs))}" for name, costs in found.items()]
    results = {
        "machine": {
            "cpu_count": os.cpu_count(),
            "architecture": platform.machine(),
            "bfloat16_instructions": bfloat16_instructions(),
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "transformers", "bitsandbytes")},
        },
        "models": {name: [asdict(cost) for cost in costs] for name, costs in found.items()},
    }
    kind = "with" if bfloat16_instructions() else "without"
    summary = (
        f"`python -m benchmarks.int8`, on one core {kind} bfloat16 instructions: Florence-2 base in full size, and "
        "an eighth of Phi-4 mini (full width, 4 of 32 layers, an eighth of the vocabulary), both of random "
        "weights. INT8 is LLM.int8, whose activations are quantized while it computes. With INT8 and NF4 all that "
        "is no linear layer of the language model stays in bfloat16.\n\n"
        "*On disk*: the weights, saved as they are held. *Own memory*: what the process has for them, and for its "
        "first answer, that is no file; a file with weights in the precision asked for is mapped and used as it "
        "is. *Peak*: all that was resident at once, with pages of files, which Linux takes back where it needs "
        "them. *Forecast*: what the program reckons with beforehand. *First token*: with reading the image, or a "
        "request of about 400 tokens. Florence-2 follows three beams at once. Times are of the processor."
    )
    save("int8", results, "\n\n".join(["## Small and fast on a processor", summary, *parts]))


def _rows(costs: list[Cost]) -> list[list[str]]:
    return [
        [
            cost.way,
            *(f"{each / 1e6:.0f}" for each in (cost.disk_bytes, cost.own_bytes, cost.peak_bytes)),
            f"{cost.forecast_bytes / 1e6:.0f}",
            f"{cost.load_seconds:.1f}",
            f"{cost.first_seconds:.1f}",
            f"{cost.token_seconds * 1000:.0f}",
        ]
        for cost in costs
    ]


def bfloat16_instructions() -> bool:
    """Whether the processor multiplies bfloat16 by itself."""
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    return "amx_bf16" in flags or "avx512_bf16" in flags


if __name__ == "__main__":
    main()
