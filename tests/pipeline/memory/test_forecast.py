"""The forecast: what a run needs by its settings, and what is said about it."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.catalogue import Phase, get_card, model_names
from pipeline.memory.forecast import (
    CUDA_CONTEXT,
    CUDA_WORKSPACE,
    GB,
    PROGRAM,
    RESERVED,
    Forecast,
    describe,
    forecast,
    room,
    shortages,
)
from pipeline.memory.machine import Machine
from pipeline.settings import Settings, make_settings

GIB = 2**30
PLENTY = 10**13


def resolved(name: str, width: int, height: int, frames: int, **sections: dict[str, Any]) -> Settings:
    animate = {"engine": name, "num_frames": frames, **sections.pop("animate", {})}
    return make_settings({"prepare": {"width": width, "height": height}, "animate": animate, **sections})


def foreseen(device: str, name: str = "i2vgen-xl", frames: int = 16, **sections: dict[str, Any]) -> Forecast:
    return forecast(resolved(name, 512, 512, frames, **sections), get_card(name), device)


def gpu(need: Forecast, phase: Phase) -> float:
    """What weights and activations take on the GPU in a phase, in GiB."""
    bytes_ = next(each.gpu_bytes for each in need.phases if each.phase == phase)
    return (bytes_ - CUDA_CONTEXT - CUDA_WORKSPACE) / RESERVED / GIB


def machine(device: str = "cuda", gpu_free: float = PLENTY, ram: float = PLENTY) -> Machine:
    return Machine(device, int(gpu_free), int(gpu_free), int(ram), int(ram), PLENTY)


def test_i2vgen_xl_needs_its_weights_and_the_published_activations() -> None:
    need = foreseen("cuda")
    assert gpu(need, Phase.LOAD) == pytest.approx(4.64, rel=0.01)
    assert gpu(need, Phase.SAMPLE) == pytest.approx(4.64 + 2.59, rel=0.01)
    assert need.gpu_bytes == next(each.gpu_bytes for each in need.phases if each.phase == Phase.SAMPLE)


@pytest.mark.parametrize(
    ("sections", "phase", "gib"),
    [
        ({"runtime": {"guidance_passes": 2}}, Phase.SAMPLE, 4.64 + 2.59 / 2),
        ({"animate": {"guidance_scale": 1.0}}, Phase.SAMPLE, 4.64 + 2.59 / 2),
        ({"animate": {"sample_frames": 8}}, Phase.SAMPLE, 4.64 + 2.59 / 2),
        ({"animate": {"sample_width": 256, "sample_height": 256}}, Phase.SAMPLE, 4.64 + 2.59 / 4),
        ({"animate": {"quantization": "float8"}}, Phase.SAMPLE, 4.64 - 2.65 / 2 + 2.59),
        ({"animate": {"precision": "float32"}}, Phase.SAMPLE, 2 * (4.64 + 2.59)),
        ({"runtime": {"offload": "model"}}, Phase.SAMPLE, 2.65 + 2.59),
        ({"runtime": {"offload": "model"}}, Phase.CONDITION, 0.66),
        ({"runtime": {"offload": "model"}}, Phase.DECODE, 0.16 + 0.375),
        ({"runtime": {"offload": "group"}}, Phase.SAMPLE, 2.59 + 0.11),
        ({"runtime": {"chunk_feed_forward": True}}, Phase.SAMPLE, 4.64 + 2.59 * 7.0 / 8.88),
        ({"animate": {"decode_chunk_size": 4}}, Phase.DECODE, 4.64 + 4 * 0.375),
        ({"animate": {"sample_width": 1024, "sample_height": 1024}}, Phase.DECODE, 4.64 + 4 * 0.375),
        (
            {"animate": {"sample_width": 1024, "sample_height": 1024, "vae_tiling": True}},
            Phase.DECODE,
            4.64 + 0.3775,
        ),
    ],
)
def test_a_setting_that_saves_memory_is_counted(sections: dict[str, Any], phase: Phase, gib: float) -> None:
    assert gpu(foreseen("cuda", **sections), phase) == pytest.approx(gib, rel=0.03)


def test_on_a_processor_everything_is_in_main_memory_and_in_float32_unless_said_otherwise() -> None:
    need, half = foreseen("cpu"), foreseen("cpu", animate={"precision": "bfloat16"})
    assert need.gpu_bytes == 0
    assert (need.ram_bytes - PROGRAM["cpu"]) / GIB == pytest.approx(2 * (4.64 + 2.59), rel=0.01)
    assert need.ram_bytes - PROGRAM["cpu"] == pytest.approx(2 * (half.ram_bytes - PROGRAM["cpu"]), rel=1e-6)


def test_weights_pass_through_main_memory_and_stay_there_when_they_wait_there() -> None:
    placed = {each.phase: each.ram_bytes for each in foreseen("cuda").phases}
    waiting = {each.phase: each.ram_bytes for each in foreseen("cuda", runtime={"offload": "model"}).phases}
    assert placed[Phase.LOAD] == waiting[Phase.SAMPLE] > placed[Phase.SAMPLE] == PROGRAM["cuda"]


def test_an_autoencoder_in_float32_decodes_with_the_same_memory_whatever_the_precision_of_the_rest() -> None:
    decoding = [
        gpu(
            foreseen("cuda", "wan2.1-i2v-14b-480p", 81, animate={"precision": each}, runtime={"offload": "model"}),
            Phase.DECODE,
        )
        for each in ("bfloat16", "float32")
    ]
    assert decoding[0] == decoding[1]


def test_wan_needs_more_for_encoding_than_for_a_step_once_its_weights_wait_elsewhere() -> None:
    settings = resolved("wan2.1-i2v-14b-480p", 1280, 720, 81, runtime={"offload": "group"})
    need = forecast(settings, get_card(settings.animate.engine), "cuda")
    assert gpu(need, Phase.SAMPLE) == pytest.approx(12.95, rel=0.03)


def test_a_film_that_is_encoded_in_tiles_takes_a_tile_and_itself() -> None:
    tiled: dict[str, dict[str, Any]] = {"animate": {"encode_tiling": True}, "runtime": {"offload": "group"}}
    settings = resolved("wan2.1-i2v-14b-480p", 1280, 720, 81, **tiled)
    card = get_card(settings.animate.engine)
    encoding = card.memory.encode_tiled
    assert encoding is not None
    assert encoding.peak(1280 * 720, 81) / GIB == pytest.approx(1.74, rel=0.03)
    assert gpu(forecast(settings, card, "cuda"), Phase.SAMPLE) == pytest.approx(8.01 + 0.6, rel=0.03)


@pytest.mark.parametrize(
    ("name", "device", "share"),
    [("wan2.1-i2v-14b-480p", "cuda", 0.5), ("i2vgen-xl", "cpu", 0.5), ("i2vgen-xl", "cuda", 1.0)],
)
def test_decoding_in_bfloat16_halves_what_is_in_float32(name: str, device: str, share: float) -> None:
    frames = 81 if name.startswith("wan") else 16
    runtime = {"offload": "model"}
    usual = foreseen(device, name, frames, runtime=runtime)
    half = foreseen(device, name, frames, runtime=runtime, animate={"decode_precision": "bfloat16"})
    for before, after in zip(usual.phases, half.phases, strict=True):
        assert before == after or before.phase is Phase.DECODE
    if device == "cuda":
        assert gpu(half, Phase.DECODE) == pytest.approx(share * gpu(usual, Phase.DECODE), rel=1e-6)
    else:
        vae = next(part for part in get_card(name).memory.components if part.name == "vae")
        saved = usual.phases[-1].ram_bytes - half.phases[-1].ram_bytes
        assert saved == pytest.approx(2 * vae.parameters + 1536.2 * 512 * 512, rel=0.01)


def test_svd_encodes_in_float32_which_can_take_more_than_a_step_of_few_frames() -> None:
    few = {"runtime": {"offload": "group", "guidance_passes": 2}}
    need = forecast(resolved("svd", 1024, 576, 4, **few), get_card("svd"), "cuda")
    assert gpu(need, Phase.SAMPLE) == pytest.approx((2572 * 1024 * 576 + 2 * 97742847) / GIB, rel=0.01)
    whole = forecast(resolved("svd", 1024, 576, 14, **few), get_card("svd"), "cuda")
    assert gpu(whole, Phase.SAMPLE) == pytest.approx(4.35 / 2 + 0.11, rel=0.02)


def test_the_disk_holds_latents_and_frames_of_every_candidate() -> None:
    one, three = foreseen("cuda"), foreseen("cuda", animate={"candidates": 3})
    raw = 512 * 512 * 3 * 16
    assert raw < one.disk_bytes < 2 * raw
    assert three.disk_bytes > 2.5 * one.disk_bytes


@given(
    st.sampled_from(model_names()),
    st.sampled_from(["cuda", "cpu"]),
    st.tuples(st.integers(4, 30), st.integers(4, 30), st.integers(1, 20)),
    st.tuples(st.integers(0, 10), st.integers(0, 10), st.integers(0, 10)),
)
def test_more_pixels_or_frames_never_need_less(
    name: str, device: str, size: tuple[int, int, int], more: tuple[int, int, int]
) -> None:
    def need(width: int, height: int, count: int) -> Forecast:
        return forecast(resolved(name, 32 * width, 32 * height, 8 * count + 1), get_card(name), device)

    small, large = need(*size), need(*(each + extra for each, extra in zip(size, more, strict=True)))
    for before, after in zip(small.phases, large.phases, strict=True):
        assert before.gpu_bytes <= after.gpu_bytes
        assert before.ram_bytes <= after.ram_bytes
    assert small.disk_bytes <= large.disk_bytes


def test_only_the_phases_that_do_not_fit_are_short() -> None:
    need = foreseen("cuda")
    runtime = resolved("i2vgen-xl", 512, 512, 16).runtime
    sample = need.gpu_bytes
    assert shortages(need, machine(gpu_free=sample), runtime) == ()
    assert shortages(need, machine(gpu_free=sample - 1), runtime) == (Phase.SAMPLE,)
    assert set(shortages(need, machine(gpu_free=GB), runtime)) == set(Phase)


def test_the_limit_of_the_user_counts_where_less_would_be_free() -> None:
    runtime = resolved("i2vgen-xl", 512, 512, 16, runtime={"vram_limit_gb": 5.0}).runtime
    assert room("cuda", machine(), runtime)[0] == 5 * GB
    assert room("cpu", machine("cpu"), runtime) == (0, 5 * GB)
    assert room("cuda", machine(gpu_free=3 * GB), runtime)[0] == 3 * GB
    assert shortages(foreseen("cpu"), machine("cpu"), runtime) == tuple(Phase)


def test_main_memory_can_be_short_on_a_gpu_too() -> None:
    runtime = resolved("i2vgen-xl", 512, 512, 16).runtime
    assert shortages(foreseen("cuda"), machine(ram=-2 * GB), runtime) == tuple(Phase)


@pytest.mark.parametrize(
    ("device", "frames", "limit", "sentence"),
    [
        (
            "cuda",
            16,
            11.1,
            r"^Needs about 9\.1 GB of GPU memory, 11\.1 GB may be used: fits; with 27 frames it would not\.$",
        ),
        (
            "cuda",
            32,
            11.1,
            r"^Needs about \d+\.\d GB of GPU memory, 11\.1 GB may be used: does not fit; with 26 frames it would\.$",
        ),
        ("cuda", 16, 100, r"may be used: fits\.$"),
        ("cuda", 16, 6.6, r"does not fit; with \d frames it would\.$"),
        ("cuda", 16, 1, r"may be used: does not fit\.$"),
        (
            "cpu",
            16,
            17,
            r"^Needs about 16\.\d GB of memory, 17\.0 GB may be used: fits; with 19 frames it would not\.$",
        ),
    ],
)
def test_the_sentence_names_the_nearest_choice_that_decides_otherwise(
    device: str, frames: int, limit: float, sentence: str
) -> None:
    settings = resolved("i2vgen-xl", 512, 512, frames, runtime={"vram_limit_gb": limit})
    card = get_card("i2vgen-xl")
    said = describe(forecast(settings, card, device), machine(device), settings, card)
    assert re.search(sentence, said), said


def test_the_sentence_speaks_of_what_is_free_and_of_the_resolution_where_frames_decide_nothing() -> None:
    card = get_card("svd")
    settings, larger = resolved("svd", 448, 448, 14), resolved("svd", 576, 576, 14)
    free = forecast(larger, card, "cuda").gpu_bytes - 1
    sentence = describe(forecast(settings, card, "cuda"), machine(gpu_free=free), settings, card)
    assert sentence.endswith(" GB are free: fits; at 576 x 576 it would not.")
    sentence = describe(forecast(larger, card, "cuda"), machine(gpu_free=free), larger, card)
    assert sentence.endswith(" GB are free: does not fit; with 13 frames it would.")


def test_a_lack_of_main_memory_is_what_the_sentence_speaks_of_where_the_gpu_has_enough() -> None:
    card, settings = get_card("svd"), resolved("svd", 448, 448, 14)
    sentence = describe(forecast(settings, card, "cuda"), machine(ram=0), settings, card)
    assert re.match(r"Needs about \d\.\d GB of memory, \d\.\d GB are free: does not fit\.$", sentence)
