"""The memory models of the cards against full-size networks on the meta device, at sizes that take a moment."""

from collections.abc import Iterator

import pytest

from benchmarks.full_size import NETWORKS, build, parameters
from benchmarks.memory_model import (
    CHUNKED,
    DECODE,
    ENCODE,
    ENCODE_TILED,
    PUBLISHED,
    SAMPLE,
    TILED,
    Quantity,
    fit,
    quantities,
)
from benchmarks.memory_model import Measured as Measurement
from benchmarks.meta_device import Clip, LiveStorages, sample_bytes
from pipeline.catalogue import Activation, get_card, model_names

GIB = 2**30


@pytest.mark.parametrize(
    ("quantity", "name", "clip", "published"),
    [
        (SAMPLE, "i2vgen-xl", Clip(256, 256, 16), None),
        (SAMPLE, "i2vgen-xl", Clip(1280, 704, 32), 17.76),
        (CHUNKED, "i2vgen-xl", Clip(1280, 704, 16), None),
        (DECODE, "i2vgen-xl", Clip(1280, 704, 1), 1.29),
        (TILED, "i2vgen-xl", Clip(1280, 704, 1), 0.38),
        (SAMPLE, "svd-xt", Clip(1024, 576, 25), 7.73),
        (DECODE, "svd-xt", Clip(1024, 576, 2), 2.3),
        (SAMPLE, "wan2.1-i2v-14b-480p", Clip(832, 480, 81), 3.49),
        (SAMPLE, "wan2.1-flf2v-14b-720p", Clip(1280, 720, 81), 8.01),
        (SAMPLE, "wan2.1-vace-1.3b", Clip(832, 480, 81), None),
        (ENCODE, "wan2.1-vace-14b", Clip(832, 480, 21), None),
        (DECODE, "wan2.1-i2v-14b-480p", Clip(832, 480, 21), None),
        (ENCODE, "wan2.1-i2v-14b-480p", Clip(832, 480, 21), None),
        (ENCODE_TILED, "wan2.1-i2v-14b-480p", Clip(832, 480, 21), None),
        (ENCODE, "wan2.2-ti2v-5b", Clip(1280, 704, 121), None),
        (ENCODE_TILED, "wan2.2-ti2v-5b", Clip(1280, 704, 121), None),
        (ENCODE, "i2vgen-xl", Clip(1280, 704, 16), None),
        (ENCODE, "svd-xt", Clip(1024, 576, 25), None),
        (ENCODE, "ltx-video", Clip(704, 512, 161), None),
        (ENCODE, "cogvideox-5b-i2v", Clip(720, 480, 49), None),
        (ENCODE_TILED, "cogvideox-5b-i2v", Clip(720, 480, 49), None),
        (SAMPLE, "wan2.2-ti2v-5b", Clip(1280, 704, 121), 5.08),
        (SAMPLE, "ltx-video", Clip(704, 512, 161), 1.64),
        (SAMPLE, "cogvideox-5b-i2v", Clip(720, 480, 49), None),
        (SAMPLE, "framepack-i2v-hy", Clip(832, 480, 33), None),
    ],
    ids=lambda each: getattr(each, "name", str(each)),
)
def test_card_and_measurement_agree_within_ten_percent(
    quantity: Quantity, name: str, clip: Clip, published: float | None
) -> None:
    measured = quantity.measure(name, clip)
    assert quantity.said(get_card(name), clip) == pytest.approx(measured, rel=0.1)
    if published is not None:
        assert measured / GIB == pytest.approx(published, rel=0.03)


@pytest.mark.parametrize("name", model_names())
def test_the_networks_of_a_card_have_the_parameters_that_it_says(name: str) -> None:
    said = {part.name: part.parameters for part in get_card(name).memory.components}
    assert said.keys() == NETWORKS[name].keys()
    for component, network in NETWORKS[name].items():
        assert parameters(build(network)) == pytest.approx(said[component], rel=0.002)


@pytest.mark.parametrize("name", model_names())
def test_every_figure_of_a_card_can_be_measured(name: str) -> None:
    memory, measured = get_card(name).memory, {quantity.name for quantity in quantities(get_card(name))}
    said = {each for each in ("sample_chunked", "decode_tiled", "encode_tiled") if getattr(memory, each) is not None}
    assert measured == said | {"sample", "encode", "decode"}
    assert memory.encode != Activation()
    assert name in PUBLISHED


def test_live_storages_counts_what_is_held_at_once_and_not_the_weights() -> None:
    import torch

    layer = torch.nn.Linear(1000, 1000, device="meta")
    with torch.no_grad(), LiveStorages(layer) as meter:
        for _ in range(3):
            held = layer(torch.empty(10, 1000, device="meta"))
            del held
        view = layer(torch.empty(10, 1000, device="meta")).view(100, 100)
    assert meter.peak == 2 * 10 * 1000 * 4
    assert meter.live == view.numel() * 4


def test_attention_keeps_no_matrix_of_scores() -> None:
    small, large = (sample_bytes("wan2.1-i2v-14b-480p", Clip(832, 480, frames)) for frames in (41, 81))
    assert large / small == pytest.approx(21 / 11, rel=0.02)


def measurements(truth: Activation) -> Iterator[Measurement]:
    for clip in (Clip(64, 64, 3), Clip(64, 64, 9), Clip(128, 96, 3), Clip(128, 96, 9), Clip(256, 256, 5)):
        yield Measurement("m", "decode", clip, round(truth.peak(clip.width * clip.height, clip.frames)), 0.0)


@pytest.mark.parametrize(
    "truth",
    [
        Activation(per_unit=1000),
        Activation(base=1e7, per_unit=20),
        Activation(per_position=500, per_unit=12),
        Activation(base=1e6, per_frame=1e5, per_position=50, per_unit=3),
    ],
    ids=str,
)
def test_a_fit_finds_what_the_measurements_were_made_from(truth: Activation) -> None:
    fitted = fit(list(measurements(truth)), lambda _, clip: (clip.width * clip.height, clip.frames))
    for each in measurements(truth):
        said = fitted.peak(each.clip.width * each.clip.height, each.clip.frames)
        assert said == pytest.approx(each.measured, rel=0.011)
