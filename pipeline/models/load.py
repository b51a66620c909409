"""From files to networks: the only place that calls `from_pretrained`."""

import importlib
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.catalogue import Precision
from pipeline.choices import Quantization
from pipeline.errors import ModelMissing
from pipeline.models.files import ModelFiles

LOG = logging.getLogger("pipeline.models")

KEPT_WHOLE = ("lm_head", "model.vision_tower")
"""Modules of networks of transformers that quantization leaves as they are.

The language head as in LLM.int8. What sees works on tens of thousands of places of an image at once: what 8 bits take
beside the weights, for so many, is more than they save, and it takes several times longer.
"""


@dataclass(frozen=True)
class LoadPlan:
    """In which precision, and for which device ("cuda" or "cpu"), a model is loaded."""

    device: str
    precision: Precision
    quantization: Quantization = Quantization.NONE


def load_pipeline(class_name: str, files: ModelFiles, plan: LoadPlan, **components: Any) -> Any:
    """Load a diffusers pipeline from its folder into main memory, in evaluation mode, without remote code.

    `components` replaces components by objects, such as those of `load_component`; None leaves one out. Components
    whose card asks for a precision of their own get it. Raises ModelMissing when the folder does not hold what its
    model_index.json promises, with the command that mends it.
    """
    quiet_libraries()
    import diffusers

    kind = getattr(diffusers, class_name)
    with _damage_of(files):
        pipe = kind.from_pretrained(
            files.folder,
            dtype=_dtypes(files, plan),
            variant=present_variant(files.folder, files.card.variant),
            use_safetensors=True,
            local_files_only=True,
            **components,
        )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def load_component(class_path: str, files: ModelFiles, component: str, plan: LoadPlan) -> Any:
    """Load one component that lies in a repository of its own; `class_path` is "diffusers.Name" or "transformers.Name".

    Raises ModelMissing as `load_pipeline` does.
    """
    quiet_libraries()
    module, _, name = class_path.rpartition(".")
    part = next(part for part in files.card.parts if part.component == component)
    folder = files.parts[component]
    with _damage_of(files):
        return getattr(importlib.import_module(module), name).from_pretrained(
            folder,
            subfolder=part.subfolder,
            dtype=_dtypes(files, plan).get(component, _torch_dtype(plan.precision)),
            use_safetensors=True,
            local_files_only=True,
        )


def load_top(class_name: str, files: ModelFiles, plan: LoadPlan) -> Any:
    """Load a network of diffusers from the top of its repository, such as a ControlNet, into main memory.

    Raises ModelMissing as `load_pipeline` does.
    """
    quiet_libraries()
    import diffusers

    with _damage_of(files):
        return getattr(diffusers, class_name).from_pretrained(
            files.folder,
            dtype=_torch_dtype(plan.precision),
            variant=present_variant(files.folder, files.card.variant),
            use_safetensors=True,
            local_files_only=True,
        )


def load_inside(class_name: str, files: ModelFiles, subfolder: str, plan: LoadPlan) -> Any:
    """Load a network of transformers from a folder of its repository into main memory, in evaluation mode.

    Raises ModelMissing as `load_pipeline` does.
    """
    quiet_libraries()
    import transformers

    with _damage_of(files):
        network = getattr(transformers, class_name).from_pretrained(
            files.folder,
            subfolder=subfolder,
            dtype=_torch_dtype(plan.precision),
            use_safetensors=True,
            local_files_only=True,
        )
    return network.eval()


def load_network(class_name: str, files: ModelFiles, plan: LoadPlan) -> Any:
    """Load a network of transformers from the top of its repository onto the plan's device, in evaluation mode.

    Weights go there one by one. Never runs remote code. Raises ModelMissing as `load_pipeline` does, also where weights
    are lacking that transformers would fill with random ones.
    """
    quiet_libraries()
    import transformers

    kind = getattr(transformers, class_name)
    with _damage_of(files):
        network, found = kind.from_pretrained(
            files.folder,
            dtype=_torch_dtype(plan.precision),
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are looked at below: left to itself it raises a RuntimeError
            device_map={"": plan.device},
            quantization_config=_quantization(plan),
        )
        if found["missing_keys"] or found["mismatched_keys"]:
            lacking = len(found["missing_keys"]) + len(found["mismatched_keys"])
            raise ValueError(f"{lacking} weights are absent or of another shape")
    return network.eval()


def load_processor(files: ModelFiles) -> Any:
    """Load what turns images and words into a network's inputs and back, from the top of its repository.

    Raises ModelMissing as `load_pipeline` does.
    """
    quiet_libraries()
    import transformers

    kind: Any = transformers.AutoProcessor
    with _damage_of(files):
        return kind.from_pretrained(files.folder, local_files_only=True, trust_remote_code=False)


def load_tokenizer(files: ModelFiles, component: str = "") -> Any:
    """Load a tokenizer as its own files describe it, whatever class model_index.json names.

    `component` is its folder, empty for the top of the repository. The class that model_index.json names may be one
    that transformers rebuilds differently today. Raises ModelMissing as `load_pipeline` does.
    """
    quiet_libraries()
    from transformers import AutoTokenizer

    with _damage_of(files):
        return AutoTokenizer.from_pretrained(files.folder / component, local_files_only=True, trust_remote_code=False)


def present_variant(folder: Path, variant: str | None) -> str | None:
    """The variant, if the folder holds files of it: a plain copy of the repository serves as well."""
    ending = f"*.{variant}.safetensors"
    return variant if any(folder.glob(ending)) or any(folder.glob(f"*/{ending}")) else None


def damaged(files: ModelFiles, error: BaseException) -> ModelMissing:
    """The error for a folder that is there and does not hold a whole model."""
    LOG.warning("%s could not be loaded from %s: %s", files.card.name, files.folder, error)
    return ModelMissing(
        f"The files of {files.card.name} in {files.folder} are incomplete or damaged: "
        f"`python -m pipeline models verify {files.card.name}` names them, "
        f"`python -m pipeline models download {files.card.name}` mends them."
    )


@contextmanager
def _damage_of(files: ModelFiles) -> Iterator[None]:
    """Turn what the libraries raise over incomplete, unreadable or foreign files into ModelMissing."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        if isinstance(error, OSError) and error.errno is not None and not isinstance(error, FileNotFoundError):
            raise  # no memory, no permission: not a question of what the folder holds
        raise damaged(files, error) from error


class _ToOurLog(logging.Handler):
    """Hands what a library logs to our log, as a warning at most: a library's error need not be one of the run."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log the same with the library's name before it."""
        LOG.log(min(record.levelno, logging.WARNING), "%s: %s", record.name, record.getMessage())


@cache
def quiet_libraries() -> None:
    """Keep the libraries' own lines and progress bars off the terminal; the lines go to our log."""
    handler = _ToOurLog(logging.WARNING)
    for name in ("accelerate", "bitsandbytes", "diffusers", "peft", "transformers"):
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.propagate = False
    # In 8 bits it says at every layer, for every token, that it casts what comes in.
    logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
    import diffusers.utils.logging
    import transformers.utils.logging

    for library in (diffusers.utils.logging, transformers.utils.logging):
        library.disable_progress_bar()
        library.disable_default_handler()


def _dtypes(files: ModelFiles, plan: LoadPlan) -> Mapping[str, Any]:
    """Precision by component, as diffusers takes it."""
    own = files.card.own_precisions
    return {"default": _torch_dtype(plan.precision), **{name: _torch_dtype(each) for name, each in own.items()}}


def _quantization(plan: LoadPlan) -> Any:
    """What transformers hands to bitsandbytes, on a processor as on a GPU; None for whole weights.

    LLM.int8 (Dettmers et al., 2022) has weights of 8 bits by row, and quantizes what meets them while it computes: this
    is dynamic quantization, for which PyTorch's own `quantize_dynamic` is deprecated. NF4 (Dettmers et al., 2023) has
    weights of 4 bits.
    """
    import transformers

    config: Any = transformers.BitsAndBytesConfig
    if plan.quantization is Quantization.INT8:
        return config(load_in_8bit=True, llm_int8_skip_modules=[*KEPT_WHOLE])
    if plan.quantization is Quantization.NF4:
        return config(
            load_in_4bit=True,
            llm_int8_skip_modules=[*KEPT_WHOLE],  # it holds for both
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=plan.precision.value,
        )
    return None


def _torch_dtype(precision: Precision) -> Any:
    import torch

    return getattr(torch, precision.value)
