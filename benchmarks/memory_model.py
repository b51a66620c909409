"""The memory model of the cards against the meta device: `python -m benchmarks.memory_model` takes up to half an hour.

For every model it measures the peak activations of a step, of decoding (whole, in tiles) and of encoding on the meta
device (see benchmarks/meta_device.py), at the published size and at smaller ones, beside what the model's card says.
`--fit` prints figures fitted to the measurements instead, to be put into the cards' `memory:` sections.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np

from benchmarks.full_size import NETWORKS, build, largest_layer, parameters
from benchmarks.meta_device import Clip, decode_bytes, encode_bytes, latent_frames, masks_a_film, sample_bytes
from benchmarks.report import save, table
from pipeline.catalogue import Activation, FamilyName, ModelCard, get_card

GIB = 2**30
TARGET = 0.10
"""Largest difference between card and measurement that the project allows."""

CLOSE = 0.01
"""A fit with fewer terms is taken when it is this close everywhere."""

SCALES = (0.5, 0.75, 1.0)
"""Sizes and frame counts that are measured, as shares of the published ones."""

PUBLISHED = {
    "i2vgen-xl": Clip(1280, 704, 16),
    "svd": Clip(1024, 576, 14),
    "svd-xt": Clip(1024, 576, 25),
    "wan2.1-i2v-14b-480p": Clip(832, 480, 81),
    "wan2.1-flf2v-14b-720p": Clip(1280, 720, 81),
    "wan2.2-i2v-a14b": Clip(1280, 720, 81),
    "wan2.2-ti2v-5b": Clip(1280, 704, 121),
    "wan2.1-vace-1.3b": Clip(832, 480, 81),
    "wan2.1-vace-14b": Clip(1280, 720, 81),
    "ltx-video": Clip(704, 512, 161),
    "ltx-video-distilled": Clip(704, 512, 161),
    "cogvideox-5b-i2v": Clip(720, 480, 49),
    "framepack-i2v-hy": Clip(832, 480, 33),
}
"""The largest clip that is measured: what the model was published for, or what it makes in one go."""

FURTHER = {
    "i2vgen-xl": (Clip(256, 256, 16), Clip(512, 512, 16), Clip(1280, 704, 32)),
    "wan2.1-i2v-14b-480p": (Clip(1280, 720, 81),),
}
"""Other sizes that FACTS or users name."""


TILES = {
    FamilyName.I2VGEN_XL: 512,
    FamilyName.WAN: 256,
    FamilyName.WAN_VACE: 256,
    FamilyName.LTX: 512,
    FamilyName.COGVIDEOX: 240,
    FamilyName.FRAMEPACK: 256,
}
"""Sides of tiles in pixels. In a narrower picture tiles are smaller, and the card then says a little too much."""


@dataclass(frozen=True)
class Quantity:
    """One activation of a memory model: how it is measured, and the positions and frames that it is looked up at."""

    name: str
    measure: Callable[[str, Clip], int]
    at: Callable[[str, Clip], tuple[float, int]]

    def said(self, card: ModelCard, clip: Clip) -> float | None:
        """What the card says, in bytes."""
        activation: Activation | None = getattr(card.memory, self.name)
        return None if activation is None else activation.peak(*self.at(card.name, clip))


def _latents(name: str, clip: Clip) -> tuple[float, int]:
    memory = get_card(name).memory
    batch = 2 if memory.guidance_doubles_batch else 1
    return batch * clip.width * clip.height / memory.latent_stride**2, latent_frames(name, clip.frames)


def _pixels(_: str, clip: Clip) -> tuple[float, int]:
    return clip.width * clip.height, clip.frames


@cache
def _autoencoder(name: str, clip: Clip, what: Callable[[str, Clip], int]) -> int:
    return what(name, clip)


def _of_autoencoder(what: Callable[[str, Clip], int]) -> Callable[[str, Clip], int]:
    """The same measurement, made once for models that share their autoencoder."""

    def measure(name: str, clip: Clip) -> int:
        own = (NETWORKS[name]["vae"], masks_a_film(name))
        same = (other for other, parts in NETWORKS.items() if (parts["vae"], masks_a_film(other)) == own)
        return _autoencoder(next(same), clip, what)

    return measure


def _tiled_bytes(name: str, clip: Clip) -> int:
    return decode_bytes(name, clip, tiled=True)


def _encoded_in_tiles_bytes(name: str, clip: Clip) -> int:
    return encode_bytes(name, clip, tiled=True)


SAMPLE = Quantity("sample", sample_bytes, _latents)
CHUNKED = Quantity("sample_chunked", lambda name, clip: sample_bytes(name, clip, chunked=True), _latents)
DECODE = Quantity("decode", _of_autoencoder(decode_bytes), _pixels)
TILED = Quantity("decode_tiled", _of_autoencoder(_tiled_bytes), _pixels)
ENCODE = Quantity("encode", _of_autoencoder(encode_bytes), _pixels)
ENCODE_TILED = Quantity("encode_tiled", _of_autoencoder(_encoded_in_tiles_bytes), _pixels)


@dataclass(frozen=True)
class Measured:
    """One measurement beside what the card says, both in bytes."""

    model: str
    quantity: str
    clip: Clip
    measured: int
    said: float

    @property
    def difference(self) -> float:
        """How far the card is from the measurement, as a share of it."""
        return self.said / self.measured - 1


def quantities(card: ModelCard) -> Iterator[Quantity]:
    """What there is to measure of a model."""
    yield SAMPLE
    if card.family is FamilyName.I2VGEN_XL:
        yield CHUNKED
    yield ENCODE
    if card.memory.encode_tiled is not None:
        yield ENCODE_TILED
    yield DECODE
    if card.family is not FamilyName.SVD:
        yield TILED


def clips(card: ModelCard, quantity: Quantity) -> list[Clip]:
    """The clips that a quantity is measured at: smaller ones, and last the published one."""
    full, rules = PUBLISHED[card.name], card.rules
    together = card.memory.decode_chunked and quantity in (DECODE, TILED)
    counts = (1, 2, 4) if together else tuple(_count(full.frames * scale, card) for scale in SCALES)
    found = []
    for scale in SCALES if len(rules.resolutions) > 1 else SCALES[-1:]:
        width, height = (
            round(side * scale / rules.size_multiple) * rules.size_multiple for side in (full.width, full.height)
        )
        found += [Clip(width, height, frames) for frames in (counts if scale == 1.0 else counts[:2])]
    if not together:
        found += FURTHER.get(card.name, ()) if quantity is not TILED else ()
    return list(dict.fromkeys(found))


def _count(frames: float, card: ModelCard) -> int:
    step, offset = card.rules.frames_multiple, card.rules.frames_offset
    return max(round((frames - offset) / step), 1) * step + offset


def measure(card: ModelCard, quantity: Quantity) -> list[Measured]:
    """Measure a quantity at all its clips. Pictures smaller than a tile are left out where it works in tiles."""
    found = []
    for clip in clips(card, quantity):
        if min(clip.width, clip.height) < _tile(card, quantity):
            continue
        measured = quantity.measure(card.name, clip)
        found.append(Measured(card.name, quantity.name, clip, measured, quantity.said(card, clip) or 0.0))
    return found


def _tile(card: ModelCard, quantity: Quantity) -> int:
    """Side of a tile in pixels; 0 where a quantity is of the whole picture. Wan 2.2's encoder counts in patches."""
    patch = NETWORKS[card.name]["vae"].config.get("patch_size") or 1
    return {TILED: 1, ENCODE_TILED: patch}.get(quantity, 0) * TILES.get(card.family, 0)


def fit(measured: list[Measured], at: Callable[[str, Clip], tuple[float, int]]) -> Activation:
    """The activation with the fewest terms that is everywhere close to the measurements, else the closest one.

    Stitching is not fitted: where long clips in tiles do not fit the rest, it is read from them by hand.
    Least squares of relative errors over each choice of terms; terms must not be negative.
    """
    names = ("base", "per_frame", "per_position", "per_unit")
    places = np.array([at(each.model, each.clip) for each in measured])
    sizes = np.array([each.measured for each in measured], np.float64)
    positions, frames = places[:, 0], places[:, 1]
    terms = np.stack([np.ones(len(measured)), frames, positions, frames * positions], axis=1) / sizes[:, None]
    # Where one size was measured, what does not depend on it cannot be told from what does.
    usable = range(len(names)) if len(set(positions)) > 1 else range(2, len(names))
    best, closest = Activation(), np.inf
    for count in range(1, len(usable) + 1):
        for chosen in combinations(usable, count):
            solved = np.linalg.lstsq(terms[:, chosen], np.ones(len(measured)), rcond=None)[0]
            error = np.abs(terms[:, chosen] @ solved - 1).max()
            if (solved >= 0).all() and error < 0.9 * closest:
                values = {names[index]: float(f"{value:.5g}") for index, value in zip(chosen, solved, strict=True)}
                best, closest = Activation(**values), error
        if closest < CLOSE:
            break
    return best


def print_fit(card: ModelCard) -> None:
    """Print the memory section of a card as measured."""
    print(f"# {card.name}")
    for name, network in NETWORKS[card.name].items():
        built = build(network)
        print(f"  {name}: parameters: {parameters(built)}, largest_layer: {largest_layer(built)}")
    for quantity in quantities(card):
        fitted = fit(measure(card, quantity), quantity.at)
        values = ", ".join(f"{key}: {value:g}" for key, value in fitted.model_dump(exclude_defaults=True).items())
        print(f"  {quantity.name}: {{{values}}}", flush=True)


def main() -> None:
    """Measure, print, and write the results when all models were measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="models to measure; all of them by default")
    parser.add_argument("--fit", action="store_true", help="print fitted figures for the cards instead")
    arguments = parser.parse_args()
    names = arguments.names or list(PUBLISHED)
    if arguments.fit:
        for name in names:
            print_fit(get_card(name))
        return
    found = []
    for name in names:
        for quantity in quantities(get_card(name)):
            here = measure(get_card(name), quantity)
            print(f"{name} {quantity.name}: within {max(abs(each.difference) for each in here):.1%}", flush=True)
            found += here
    print(_rows(found))
    if not arguments.names:
        _save(found)


def _rows(found: list[Measured]) -> str:
    rows = [
        [
            f"{each.model} {each.quantity.replace('_', ' ')} {each.clip}",
            f"{each.measured / GIB:.3f}",
            f"{each.said / GIB:.3f}",
            f"{each.difference:+.1%}",
        ]
        for each in found
    ]
    return table(["", "meta device, GiB", "card, GiB", "difference"], rows)


def _save(found: list[Measured]) -> None:
    worst = max(abs(each.difference) for each in found)
    summary = (
        "`python -m benchmarks.memory_model`: peak activations beside the weights, in the precision that each model "
        "works in on a GPU, measured on the meta device without weights, and what the model's card says, from which "
        f"the forecast is made. Target: within {TARGET:.0%}; the largest difference is {worst:.1%}."
    )
    results = {
        "target": TARGET,
        "worst": round(worst, 4),
        "measured": [
            {
                "model": each.model,
                "quantity": each.quantity,
                "clip": str(each.clip),
                "measured_bytes": each.measured,
                "card_bytes": round(each.said),
            }
            for each in found
        ],
    }
    largest = [each for each in found if each.clip in (PUBLISHED[each.model], *FURTHER.get(each.model, ()))]
    save("memory_model", results, "\n\n".join(["## Memory model", summary, _rows(largest)]))


if __name__ == "__main__":
    main()
