"""Checkpoints of random weights in the hub's layout, for every model of the catalogue.

With `--runtime.models_dir FOLDER` the program loads and runs them as it would the published weights, offline and in
moments. `python -m tests.tiny_models FOLDER [NAME ...]` builds them; tests ask the fixture `tiny_models`.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.tiny_models import (
    cogvideox,
    depth_anything,
    florence2,
    framepack,
    i2vgen_xl,
    interpolation,
    ltx,
    phi,
    stable_diffusion,
    svd,
    wan,
    wan_vace,
)

BUILDERS: dict[str, Callable[[Path], None]] = {
    "i2vgen-xl": i2vgen_xl.build,
    "svd": partial(svd.build, num_frames=14),
    "svd-xt": partial(svd.build, num_frames=25),
    "wan2.1-i2v-14b-480p": partial(wan.build, kind=wan.IMAGE_TO_VIDEO),
    "wan2.1-flf2v-14b-720p": partial(wan.build, kind=wan.FIRST_LAST),
    "wan2.2-i2v-a14b": partial(wan.build, kind=wan.TWO_STAGES),
    "wan2.2-ti2v-5b": partial(wan.build, kind=wan.TEXT_IMAGE),
    "wan2.1-vace-1.3b": partial(wan_vace.build, layers=3),
    "wan2.1-vace-14b": partial(wan_vace.build, layers=4, shards=13),
    "ltx-video": ltx.build,
    "ltx-video-distilled": ltx.build_distilled,
    "cogvideox-5b-i2v": cogvideox.build,
    "framepack-i2v-hy": framepack.build,
    "florence-2-base": partial(florence2.build, width=32),
    "florence-2-large": partial(florence2.build, width=48),
    "phi-4": partial(phi.build, kind=phi.PHI_4),
    "phi-4-mini": partial(phi.build, kind=phi.PHI_4_MINI),
    "sd-1.5": stable_diffusion.build_small,
    "sdxl": stable_diffusion.build_large,
    "canny-sd-1.5": partial(stable_diffusion.build_control, large=False),
    "canny-sdxl": partial(stable_diffusion.build_control, large=True),
    "ip-adapter-sd-1.5": partial(stable_diffusion.build_adapter, large=False),
    "ip-adapter-sdxl": partial(stable_diffusion.build_adapter, large=True),
    "film": interpolation.build_film,
    "rife": interpolation.build_rife,
    "depth-anything-v2-small": partial(depth_anything.build, width=16),
    "depth-anything-v2-base": partial(depth_anything.build, width=32),
}
"""What fills a model's own folder, by its name in the catalogue; parts come to lie beside it as OWNER--NAME."""


MIDDLE = "i2vgen-xl"
"""The model that a middle size exists of."""


def build(folder: Path, name: str) -> Path:
    """Build a model's checkpoint at FOLDER/NAME and return that path. The same name always gives the same bytes.

    Raises KeyError for an unknown name, and FileExistsError when there is something at that path.
    """
    target = folder / name
    target.mkdir(parents=True)
    BUILDERS[name](target)
    return target


def build_middle(folder: Path) -> Path:
    """Build an I2VGen-XL large enough to measure at FOLDER/i2vgen-xl: a step takes seconds on two cores at 256x256x16.

    Raises FileExistsError when there is something at that path.
    """
    target = folder / MIDDLE
    target.mkdir(parents=True)
    i2vgen_xl.build(target, "middle")
    return target
