"""The ladder of downgrades: what it gives up, in which order, and that it always ends."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.catalogue import Activation, ModelCard, Phase, Precision, get_card, model_names
from pipeline.choices import Offload, Quantization
from pipeline.engines.diffusion.sampling import DECODING
from pipeline.errors import OutOfMemory
from pipeline.memory.forecast import forecast, shortages
from pipeline.memory.ladder import TOLERANCE, descend, downgrade, fit, no_rung_left
from pipeline.memory.machine import Machine
from pipeline.memory.rung import Rung
from pipeline.memory.rungs import LADDER, Step
from pipeline.settings import Settings, make_settings

GB = 10**9
LAST_ONE = {
    "frames-three-quarters",
    "frames-half",
    "resolution",
    "no-guidance",
    "float8",
    "decode-bfloat16",
    "bfloat16",
}


def resolved(name: str, width: int, height: int, **sections: dict[str, Any]) -> Settings:
    animate = {"engine": name, **sections.pop("animate", {})}
    return make_settings({"prepare": {"width": width, "height": height}, "animate": animate, **sections})


def machine(device: str, free_gb: float) -> Machine:
    free = int(free_gb * GB)
    return Machine(device, free * (device == "cuda"), free * (device == "cuda"), 10**12, 10**12, 10**12)


def limited(settings: Settings, gb: float) -> Settings:
    """The settings with a limit of memory: what is free counts beside what this process has already."""
    return settings.model_copy(update={"runtime": settings.runtime.model_copy(update={"vram_limit_gb": gb})})


def all_rungs(settings: Settings, card: ModelCard, device: str, phase: Phase) -> list[tuple[Rung[Step], Settings]]:
    taken: list[tuple[Rung[Step], Settings]] = []
    while (found := descend(settings, card, device, phase)) is not None:
        taken.append(found)
        settings = found[1]
    return taken


def names(settings: Settings, device: str, phase: Phase) -> list[str]:
    return [rung.name for rung, _ in all_rungs(settings, get_card(settings.animate.engine), device, phase)]


@st.composite
def requests(draw: st.DrawFn) -> tuple[Settings, ModelCard, str]:
    """Settings that a user may have, for any model and device, with any of the rungs taken already."""
    card = get_card(draw(st.sampled_from(model_names())))
    rules = card.rules
    sides = st.integers(-(-rules.min_side // rules.size_multiple), rules.max_side // rules.size_multiple)
    width, height = (draw(sides) * rules.size_multiple for _ in range(2))
    least = -(-(rules.min_frames - rules.frames_offset) // rules.frames_multiple)
    counts = st.integers(least, (rules.max_frames - rules.frames_offset) // rules.frames_multiple)
    animate = {
        "num_frames": draw(counts) * rules.frames_multiple + rules.frames_offset,
        "guidance_scale": draw(st.sampled_from([1.0, 5.0])),
        "vae_tiling": draw(st.booleans()),
        "encode_tiling": draw(st.booleans()),
        "decode_chunk_size": draw(st.sampled_from([None, 1, 8])),
        "precision": draw(st.sampled_from([None, *Precision])),
        "decode_precision": draw(st.sampled_from([None, *Precision])),
        "quantization": draw(st.sampled_from(list(Quantization))),
    }
    runtime = {
        "offload": draw(st.sampled_from(list(Offload))),
        "guidance_passes": draw(st.sampled_from([1, 2])),
        "allow_downgrades": draw(st.booleans()),
    }
    settings = resolved(card.name, width, height, animate=animate, runtime=runtime)
    return settings, card, draw(st.sampled_from(["cpu", "cuda"]))


@given(requests(), st.sampled_from(list(Phase)))
def test_every_descent_ends_goes_down_and_takes_nothing_twice(
    request_: tuple[Settings, ModelCard, str], phase: Phase
) -> None:
    settings, card, device = request_
    taken = all_rungs(settings, card, device, phase)
    steps = [rung.name for rung, _ in taken]
    # Fewer frames may come to help once the resolution is lower, and tiles for encoding once sampling takes less than
    # that: so only the loss as such never shrinks, and of the other rungs at that.
    losses = [rung.changes_picture for rung, _ in taken if rung.name != "tiled-encoding"]
    assert losses == sorted(losses)
    assert len(set(steps) - {"resolution"}) == len([name for name in steps if name != "resolution"])
    assert steps.count("resolution") <= len(card.rules.resolutions)
    assert len({after for _, after in taken} | {settings}) == len(taken) + 1


@given(requests(), st.sampled_from(list(Phase)))
def test_every_rung_gives_valid_settings_that_the_model_can_work_with(
    request_: tuple[Settings, ModelCard, str], phase: Phase
) -> None:
    settings, card, device = request_
    rules = card.rules
    for _, after in all_rungs(settings, card, device, phase):
        assert Settings.model_validate(after.model_dump()) == after
        animate = after.animate
        frames = animate.sample_frames or animate.num_frames
        assert rules.min_frames <= frames <= settings.animate.num_frames
        assert (frames - rules.frames_offset) % rules.frames_multiple == 0
        for side in (animate.sample_width, animate.sample_height):
            assert side is None or (side % rules.size_multiple == 0 and rules.min_side <= side <= rules.max_side)
        # What the video is asked to be stays: its size and its number of frames.
        assert (after.prepare, after.encode) == (settings.prepare, settings.encode)
        assert animate.num_frames == settings.animate.num_frames


@given(requests(), st.sampled_from(list(Phase)))
def test_no_rung_raises_the_forecast_of_any_phase(request_: tuple[Settings, ModelCard, str], phase: Phase) -> None:
    settings, card, device = request_
    before = forecast(settings, card, device)
    for rung, after in all_rungs(settings, card, device, phase):
        need = forecast(after, card, device)
        for old, new in zip(before.phases, need.phases, strict=True):
            assert new.gpu_bytes <= old.gpu_bytes, (rung.name, new.phase)
            if device == "cpu":
                assert new.ram_bytes <= old.ram_bytes, (rung.name, new.phase)
        before = need


@given(requests(), st.sampled_from(list(Phase)))
def test_what_changes_the_picture_is_left_alone_where_it_is_forbidden(
    request_: tuple[Settings, ModelCard, str], phase: Phase
) -> None:
    settings, card, device = request_
    forbidden = settings.model_copy(update={"runtime": settings.runtime.model_copy(update={"allow_downgrades": False})})
    taken = all_rungs(forbidden, card, device, phase)
    assert not [rung.name for rung, _ in taken if rung.changes_picture]
    exact = {"decode_chunk_size", "vae_tiling", "encode_tiling"}
    for _, after in taken:
        assert after.animate.model_dump(exclude=exact) == settings.animate.model_dump(exclude=exact)


@given(requests(), st.floats(0.5, 100.0))
def test_a_fit_fits_or_says_in_one_sentence_what_would(
    request_: tuple[Settings, ModelCard, str], free_gb: float
) -> None:
    settings, card, device = request_
    settings = settings.model_copy(
        update={"runtime": settings.runtime.model_copy(update={"vram_limit_gb": free_gb, "allow_downgrades": True})}
    )
    there = machine(device, free_gb)
    said = ""
    try:
        fitted, taken = fit(settings, card, there)
    except OutOfMemory as error:
        said = str(error)
    if said:
        assert " GB of " in said
        assert said.count(". ") == 0
        return
    need = forecast(fitted, card, device)
    if device == "cpu":
        assert not shortages(need, there, fitted.runtime)
    assert need.gpu_bytes <= free_gb * GB * TOLERANCE
    assert bool(taken) == (fitted != settings)


def test_the_rungs_that_change_the_picture_are_those_that_may_be_forbidden() -> None:
    assert {rung.name for rung in LADDER if rung.changes_picture} == LAST_ONE


@pytest.mark.parametrize(
    ("device", "phase", "expected"),
    [
        (
            "cpu",
            Phase.SAMPLE,
            "guidance-passes feed-forward-chunks bfloat16 frames-three-quarters frames-half "
            "resolution resolution resolution no-guidance",
        ),
        (
            "cuda",
            Phase.SAMPLE,
            "guidance-passes model-offload feed-forward-chunks group-offload float8 frames-three-quarters "
            "frames-half resolution resolution resolution no-guidance",
        ),
        ("cpu", Phase.DECODE, "decode-singly tiled-decoding decode-bfloat16 resolution"),
        ("cuda", Phase.LOAD, "model-offload group-offload float8"),
        ("cuda", Phase.CONDITION, "model-offload group-offload"),
        ("cpu", Phase.LOAD, "bfloat16"),
    ],
)
def test_i2vgen_xl_goes_down_with_the_least_loss_first(device: str, phase: Phase, expected: str) -> None:
    settings = resolved("i2vgen-xl", 1280, 704, animate={"decode_chunk_size": 4})
    assert names(settings, device, phase) == expected.split()


def test_fewer_frames_are_decoded_only_where_that_helps() -> None:
    settings, card = resolved("svd", 1024, 576, animate={"decode_chunk_size": 1}), get_card("svd")
    whole_clip = card.model_copy(update={"memory": card.memory.model_copy(update={"decode_chunked": False})})
    assert [rung.name for rung, _ in all_rungs(settings, card, "cpu", Phase.DECODE)][:2] == [
        "decode-bfloat16",
        "resolution",
    ]
    assert [rung.name for rung, _ in all_rungs(settings, whole_clip, "cpu", Phase.DECODE)][:4] == [
        "decode-bfloat16",
        "frames-three-quarters",
        "frames-half",
        "resolution",
    ]


def test_fewer_pixels_are_conditioned_on_only_where_that_helps() -> None:
    settings, card = resolved("svd", 1024, 576), get_card("svd")
    memory = card.memory.model_copy(update={"condition": Activation(per_unit=100.0)})
    encoder = card.model_copy(update={"memory": memory})
    text_only = card.model_copy(update={"memory": memory.model_copy(update={"condition": Activation()})})
    assert [rung.name for rung, _ in all_rungs(settings, encoder, "cpu", Phase.CONDITION)][-1] == "resolution"
    assert [rung.name for rung, _ in all_rungs(settings, text_only, "cpu", Phase.CONDITION)] == ["bfloat16"]


@pytest.mark.parametrize(
    ("name", "device", "sections", "expected"),
    [
        ("i2vgen-xl", "cpu", {}, True),
        ("i2vgen-xl", "cpu", {"precision": "bfloat16"}, False),
        ("i2vgen-xl", "cpu", {"precision": "bfloat16", "decode_precision": "float32"}, True),
        ("i2vgen-xl", "cuda", {}, False),
        ("i2vgen-xl", "cuda", {"decode_precision": "float32"}, True),
        ("wan2.2-ti2v-5b", "cuda", {}, True),
        ("wan2.2-ti2v-5b", "cpu", {"precision": "bfloat16"}, True),
        ("wan2.2-ti2v-5b", "cuda", {"decode_precision": "bfloat16"}, False),
    ],
)
def test_decoding_goes_to_bfloat16_where_the_autoencoder_works_in_float32(
    name: str, device: str, sections: dict[str, Any], expected: bool
) -> None:
    settings = resolved(name, 512, 512, animate=sections)
    assert ("decode-bfloat16" in names(settings, device, Phase.DECODE)) == expected
    assert "bfloat16" not in names(settings, device, Phase.DECODE)


@pytest.mark.parametrize("name", model_names())
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_what_decoding_has_of_its_own_comes_before_what_costs_the_latents(name: str, device: str) -> None:
    settings, card = resolved(name, 1024, 576), get_card(name)
    taken = [settings, *(after for _, after in all_rungs(settings, card, device, Phase.DECODE))]
    sampled = [each.animate.model_dump(exclude=set(DECODING)) for each in taken]
    lost = [number for number in range(1, len(taken)) if sampled[number] != sampled[number - 1]]
    assert lost == list(range(len(taken) - len(lost), len(taken)))


def test_a_film_is_encoded_in_tiles_where_that_takes_more_than_a_step() -> None:
    settings, card = resolved("wan2.1-flf2v-14b-720p", 1280, 720), get_card("wan2.1-flf2v-14b-720p")
    needs = {}
    for free_gb in (24, 12):
        fitted, taken = fit(limited(settings, free_gb), card, machine("cuda", free_gb))
        assert not any(each.changes_picture for each in taken)
        needs[free_gb] = [each.rung for each in taken], forecast(fitted, card, "cuda").gpu_bytes
    assert needs[24][0] == ["model-offload", "group-offload"]
    assert needs[12][0] == ["model-offload", "tiled-decoding", "group-offload", "tiled-encoding"]
    assert needs[12][1] < 12 * GB < needs[24][1] < 24 * GB


def test_where_a_step_takes_more_than_encoding_tiles_are_no_help() -> None:
    waiting = {"runtime": {"offload": "model"}}
    small = resolved("wan2.2-ti2v-5b", 1280, 704, animate={"num_frames": 121}, **waiting)
    assert "tiled-encoding" not in names(small, "cuda", Phase.SAMPLE)
    assert "tiled-encoding" not in names(resolved("i2vgen-xl", 512, 512), "cpu", Phase.SAMPLE)
    assert "tiled-encoding" in names(resolved("wan2.1-i2v-14b-480p", 832, 480), "cpu", Phase.SAMPLE)
    assert "tiled-encoding" not in names(resolved("wan2.1-i2v-14b-480p", 832, 480), "cpu", Phase.DECODE)


def test_frames_go_to_three_quarters_and_to_half_of_those_asked_for() -> None:
    for name, asked, expected in [("i2vgen-xl", 16, [12, 8]), ("wan2.1-i2v-14b-480p", 81, [61, 41])]:
        settings = resolved(name, 512, 512, animate={"num_frames": asked})
        counts = [
            after.animate.sample_frames for rung, after in all_rungs(settings, get_card(name), "cpu", Phase.SAMPLE)
        ]
        assert [count for count in dict.fromkeys(counts) if count is not None] == expected


def test_resolution_steps_down_along_the_card_in_the_aspect_of_the_video() -> None:
    settings = resolved("i2vgen-xl", 704, 1280)
    assert sizes(settings, Phase.SAMPLE) == [(512, 960), (384, 704), (256, 448)]
    # The others take no less than a tile does, and would cost what was sampled for nothing.
    assert sizes(settings, Phase.DECODE) == [(256, 448)]


def sizes(settings: Settings, phase: Phase) -> list[tuple[int | None, int | None]]:
    """Width and height that the model works at after each rung that lowers them."""
    taken = all_rungs(settings, get_card(settings.animate.engine), "cpu", phase)
    return [
        (after.animate.sample_width, after.animate.sample_height) for rung, after in taken if rung.name == "resolution"
    ]


def test_frames_that_were_set_lower_already_are_not_raised_again() -> None:
    settings = resolved("i2vgen-xl", 512, 512, animate={"sample_frames": 10})
    assert [name for name in names(settings, "cpu", Phase.SAMPLE) if name.startswith("frames")] == ["frames-half"]


def test_weights_of_bitsandbytes_are_not_offloaded_by_layer() -> None:
    settings = resolved("ltx-video", 704, 512, animate={"quantization": "nf4"})
    assert names(settings, "cuda", Phase.LOAD) == ["model-offload"]
    assert names(resolved("ltx-video", 704, 512), "cuda", Phase.LOAD) == ["model-offload", "group-offload", "float8"]


def test_a_fit_takes_nothing_where_everything_fits() -> None:
    settings = resolved("i2vgen-xl", 512, 512)
    assert fit(settings, get_card("i2vgen-xl"), machine("cuda", 80)) == (settings, [])


def test_a_fit_takes_no_rung_that_the_forecast_does_not_ask_for() -> None:
    settings = resolved("i2vgen-xl", 512, 512)
    card = get_card("i2vgen-xl")
    need = forecast(settings, card, "cpu").ram_bytes
    fitted, taken = fit(limited(settings, need / GB - 0.1), card, machine("cpu", 0))
    assert [record.rung for record in taken] == ["guidance-passes"]
    assert fitted.runtime.guidance_passes == 2
    assert fitted.animate == settings.animate


def test_a_downgrade_says_what_was_changed_why_and_what_it_costs() -> None:
    settings = resolved("i2vgen-xl", 512, 512, animate={"num_frames": 16})
    rung = next(each for each in LADDER if each.name == "frames-three-quarters")
    after = rung.step(settings, get_card("i2vgen-xl"), "cpu")
    assert after is not None
    record = downgrade(rung, Phase.SAMPLE, "shortage", settings, after)
    assert record.message == (
        "Three quarters of the frames are sampled (12 instead of 16) because sampling ran out of memory: "
        "the video keeps its length, and the frames between are interpolated."
    )
    assert (record.before, record.after) == ({"animate.sample_frames": None}, {"animate.sample_frames": 12})
    assert (record.rung, record.phase, record.reason) == ("frames-three-quarters", "sample", "shortage")
    assert record.changes_picture
    foreseen = downgrade(rung, Phase.SAMPLE, "forecast", settings, after)
    assert "because sampling would need more memory than is free" in foreseen.message


def test_every_rung_has_words_of_its_own() -> None:
    for rung in LADDER:
        assert rung.title[0].isupper()
        assert not rung.title.endswith(".")
        assert not rung.cost.endswith(".")
    assert len({rung.name for rung in LADDER}) == len({rung.title for rung in LADDER}) == len(LADDER)


def test_at_the_bottom_the_error_says_what_would_have_helped() -> None:
    card = get_card("i2vgen-xl")
    settings = resolved("i2vgen-xl", 512, 512)
    bottom = all_rungs(settings, card, "cpu", Phase.SAMPLE)[-1][1]
    assert str(no_rung_left(bottom, card, "cpu", Phase.SAMPLE)) == (
        "I2VGen-XL ran out of memory while sampling, and the memory ladder has no rung left: "
        "a size below 256 x 256, fewer frames, a smaller model or closing other programs may help."
    )
    assert "runtime.device cpu" in str(no_rung_left(bottom, card, "cuda", Phase.SAMPLE))


def test_where_the_picture_must_not_change_the_error_names_the_rung_that_was_forbidden() -> None:
    card = get_card("i2vgen-xl")
    settings = resolved("i2vgen-xl", 512, 512, runtime={"allow_downgrades": False})
    bottom = all_rungs(settings, card, "cpu", Phase.SAMPLE)[-1][1]
    error = no_rung_left(bottom, card, "cpu", Phase.SAMPLE)
    assert str(error).endswith(
        "runtime.allow_downgrades would let it go on (the model works in bfloat16 instead of float32)."
    )
    with pytest.raises(OutOfMemory, match=r"needs about .* GB of memory .* runtime\.allow_downgrades would"):
        fit(limited(settings, 1.0), card, machine("cpu", 0))


def test_a_gpu_that_is_slightly_too_small_is_tried_and_main_memory_is_not() -> None:
    card = get_card("svd")
    settings = resolved("svd", 1024, 576, animate={"decode_chunk_size": 2}, runtime={"allow_downgrades": False})
    fitted, _ = fit(settings, card, machine("cuda", 0.9 * _least(settings, card, "cuda")))
    assert fitted.runtime.offload is not Offload.NONE
    with pytest.raises(OutOfMemory, match="of GPU memory even on the lowest rung"):
        fit(settings, card, machine("cuda", 0.8 * _least(settings, card, "cuda")))
    with pytest.raises(OutOfMemory, match="of memory even on the lowest rung"):
        fit(limited(settings, 0.9 * _least(settings, card, "cpu")), card, machine("cpu", 0))


def _least(settings: Settings, card: ModelCard, device: str) -> float:
    """What the lowest rung needs, in GB."""
    for phase in Phase:
        settings = next((after for _, after in reversed(all_rungs(settings, card, device, phase))), settings)
    need = forecast(settings, card, device)
    return (need.gpu_bytes if device == "cuda" else need.ram_bytes) / GB
