"""Colours given to another picture: what is known of the result beforehand."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.frames import Frame
from pipeline.style.oklab import to_oklab, to_srgb
from pipeline.style.palette import learned, samples, transport
from tests.photos import ASTRONAUT, CHELSEA, COFFEE, ROCKET, photo


def recoloured(content: Frame, style: Frame) -> Frame:
    return transport(samples(content), samples(style))(content)


def difference(one: Frame, other: Frame) -> float:
    return float(np.abs(one.astype(float) - other).mean())


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_oklab_leads_back_to_srgb(colour: tuple[int, int, int]) -> None:
    srgb = np.array(colour) / 255
    assert np.allclose(to_srgb(to_oklab(srgb)), srgb, atol=1e-6)


def test_oklab_has_the_published_values() -> None:
    assert np.allclose(to_oklab(np.array([1.0, 1.0, 1.0])), [1, 0, 0], atol=1e-4)
    assert np.allclose(to_oklab(np.array([1.0, 0.0, 0.0])), [0.62796, 0.22486, 0.12585], atol=1e-4)


def test_a_picture_in_its_own_colours_stays_what_it_is() -> None:
    for name in (ASTRONAUT, COFFEE, CHELSEA):
        assert difference(recoloured(photo(name), photo(name)), photo(name)) < 1.5


def test_a_grey_style_gives_grey() -> None:
    grey = np.repeat(photo(COFFEE).mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    made = recoloured(photo(ASTRONAUT), grey).astype(int)
    assert int((made.max(axis=2) - made.min(axis=2)).max()) <= 2


def test_mean_and_deviation_come_near_those_of_the_style() -> None:
    for content, style in ((ASTRONAUT, COFFEE), (COFFEE, ROCKET), (CHELSEA, COFFEE)):
        before, wanted = samples(photo(content)), samples(photo(style))
        after = samples(recoloured(photo(content), photo(style)))
        for measure in (np.mean, np.std):
            far = np.abs(measure(before, axis=0) - measure(wanted, axis=0)).sum()
            left = np.abs(measure(after, axis=0) - measure(wanted, axis=0)).sum()
            assert left < 0.35 * far + 0.01


def test_noise_is_not_blown_up() -> None:
    noise = np.random.default_rng(1).integers(126, 130, (64, 64, 3), dtype=np.uint8)
    assert recoloured(noise, photo(COFFEE)).std(axis=(0, 1)).max() < 8


@settings(max_examples=10)
@given(st.tuples(*[st.integers(0, 255)] * 3), st.tuples(*[st.integers(0, 255)] * 3))
def test_a_frame_of_one_colour_takes_a_style_of_one_colour(one: tuple[int, ...], other: tuple[int, ...]) -> None:
    content, style = (np.full((5, 7, 3), colour, np.uint8) for colour in (one, other))
    made = recoloured(content, style)
    assert np.abs(made.astype(int) - style).max() <= 6


def test_the_way_between_two_maps_is_even() -> None:
    frame = photo(CHELSEA)
    here, there = transport(samples(frame), samples(frame)), transport(samples(frame), samples(photo(ROCKET)))
    assert np.array_equal(here.towards(there, 0.0)(frame), here(frame))
    assert np.allclose(here.towards(there, 1.0).nodes, there.nodes, atol=1e-6)
    half = here.towards(there, 0.5)(frame).astype(float)
    assert np.abs(half - (here(frame).astype(float) + there(frame)) / 2).mean() < 1


def test_what_was_done_to_colours_is_learned_from_the_places() -> None:
    """Also where colours change places, which their distribution alone does not tell."""
    content = photo(COFFEE)
    painted = np.asarray(255 - content[..., ::-1], np.uint8)
    assert difference(learned(content, painted)(content), painted) < 5.0


def test_nothing_is_learned_from_a_picture_that_stayed() -> None:
    for name in (ASTRONAUT, CHELSEA):
        assert difference(learned(photo(name), photo(name))(photo(COFFEE)), photo(COFFEE)) < 1.0


def test_colours_that_the_picture_has_not_stay_what_they_are() -> None:
    green = np.full((20, 20, 3), (20, 200, 40), np.uint8)
    red = np.full((20, 20, 3), (220, 30, 20), np.uint8)
    map_of_green = learned(green, np.full_like(green, (60, 90, 200)))
    assert difference(map_of_green(red), red) < 1.0
    assert difference(map_of_green(green), np.full_like(green, (60, 90, 200))) < 2.0
