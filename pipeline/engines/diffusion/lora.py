"""A LoRA file, laid over a pipeline for a while."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import InvalidSetting

_ADAPTER = "chosen"

SETTING = "animate.lora"
"""The setting that names the file."""


@contextmanager
def loaded_lora(
    pipe: Any, path: Path, scale: float, note: Callable[[str], None], setting: str = SETTING, /, **options: Any
) -> Iterator[None]:
    """Lay the LoRA of a .safetensors file over the pipeline, with that strength, until left.

    `note` is told when it fits only in part; `setting` is what errors name. `options` go to the pipeline's loader. The
    base weights are not altered: nothing of the LoRA stays behind. Raises InvalidSetting when the file is missing, is
    no LoRA, or was made for another model.
    """
    layers = check_lora(path, setting)
    try:
        try:
            pipe.load_lora_weights(str(path.parent), weight_name=path.name, adapter_name=_ADAPTER, **options)
        except (ValueError, KeyError, AttributeError) as error:
            raise _other_model(path, setting) from error
        except RuntimeError as error:
            # torch raises the same class when memory runs out, which is for others to handle
            if "size mismatch" not in str(error):
                raise
            raise _other_model(path, setting) from error
        if not any(_ADAPTER in names for names in pipe.get_list_adapters().values()):
            raise _other_model(path, setting)
        fitting = _adapted_layers(pipe)
        if fitting < layers:
            note(f"Only {fitting} of the {layers} layers of {path.name} exist in the model.")
        pipe.set_adapters(_ADAPTER, scale)
        yield
    finally:
        pipe.unload_lora_weights()


def check_lora(path: Path, setting: str = SETTING) -> int:
    """How many layers the LoRA of a file has, as the names of its tensors say. Reads the header alone.

    Raises InvalidSetting when the file is missing or holds no LoRA.
    """
    from safetensors import SafetensorError, safe_open

    if path.suffix.lower() != ".safetensors":
        raise InvalidSetting(f"{setting}: {path.name} is not a .safetensors file, the only kind that is read.")
    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
    except FileNotFoundError:
        raise InvalidSetting(f"{setting}: there is no file {path}.") from None
    except (SafetensorError, OSError) as error:
        raise InvalidSetting(f"{setting}: {path.name} cannot be read as .safetensors file.") from error
    layers = sum("lora_a." in name.lower() or "lora_down." in name.lower() for name in names)
    if layers == 0:
        raise InvalidSetting(f"{setting}: {path.name} holds no LoRA, none of its tensors is named as one.")
    return layers


def _adapted_layers(pipe: Any) -> int:
    networks = (getattr(pipe, name) for name in pipe.get_list_adapters())
    return sum(_ADAPTER in getattr(module, "lora_A", ()) for network in networks for module in network.modules())


def _other_model(path: Path, setting: str) -> InvalidSetting:
    return InvalidSetting(f"{setting}: {path.name} was made for another model than the one chosen.")
