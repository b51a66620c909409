"""RIFE: a network that finds the motion between two frames in one go, at any time between them."""

from pathlib import Path

from pipeline.catalogue import HelperCard, Role, get_helper
from pipeline.engines.network_method import Kind, Maker, NetworkMethod, Say
from pipeline.engines.rife.layout import pixels_at_work
from pipeline.models.files import locate_file
from pipeline.models.load import LoadPlan
from pipeline.settings import RuntimeSettings

__all__ = ["load_rife"]

NAME = "rife"


def load_rife(runtime: RuntimeSettings, say: Say) -> NetworkMethod:
    """The method `rife`, with the weights in the folder of models, which are read with the first frames.

    `say` takes a sentence on what is done otherwise than best, such as in tiles. Raises ModelMissing when there is no
    file of weights, with where it comes from and where it belongs.
    """
    card = get_helper(NAME, Role.INTERPOLATE)
    return NetworkMethod(Kind(card, locate_file(card, runtime), _load, pixels_at_work), runtime, say)


def _load(card: HelperCard, path: Path, plan: LoadPlan) -> Maker:
    from pipeline.engines.rife.maker import RifeMaker

    return RifeMaker.load(card, path, plan)
