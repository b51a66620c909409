"""The size that a model works at."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.catalogue import get_card
from pipeline.engines.diffusion.limits import limited
from pipeline.errors import InvalidSetting
from pipeline.settings import Settings, make_settings

CARD = get_card("i2vgen-xl")


def settings(width: int, height: int, **animate: int) -> Settings:
    return make_settings({"prepare": {"width": width, "height": height}, "animate": {"engine": "i2vgen-xl", **animate}})


def test_a_size_that_the_model_can_do_is_worked_at_as_it_is() -> None:
    used, notices = limited(settings(512, 512), CARD)
    assert (used.animate.sample_width, used.animate.sample_height, notices) == (None, None, [])


@given(width=st.integers(64, 4096), height=st.integers(64, 4096))
def test_a_larger_video_is_scaled_up_from_a_size_of_its_aspect(width: int, height: int) -> None:
    used, notices = limited(settings(width, height), CARD)
    rules, sample = CARD.rules, (used.animate.sample_width, used.animate.sample_height)
    if max(width, height) <= rules.max_side:
        assert sample == (None, None)
        return
    assert len(notices) == 1
    for side in sample:
        assert side is not None
        assert side % rules.size_multiple == 0
        assert side <= rules.max_side
    # Rounding to 64 px is the most that the aspect may be off by.
    scale = rules.max_side / max(width, height)
    assert abs((sample[0] or 0) - width * scale) <= rules.size_multiple
    assert abs((sample[1] or 0) - height * scale) <= rules.size_multiple


def test_settled_twice_is_settled_once() -> None:
    used, _ = limited(settings(1920, 1080), CARD)
    again, notices = limited(used, CARD)
    assert again == used
    assert notices == []


def test_one_side_brings_the_other_by_the_videos_aspect() -> None:
    used, _ = limited(settings(1024, 512, sample_width=512), CARD)
    assert (used.animate.sample_width, used.animate.sample_height) == (512, 256)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sample_width": 500}, "animate.sample_width: I2VGen-XL works at sides from 64 to 1280 pixels in steps of 64"),
        ({"sample_height": 2048}, "animate.sample_height"),
        ({"sample_frames": 64}, "animate.sample_frames: I2VGen-XL makes 2 to 32 frames"),
    ],
)
def test_a_size_or_count_that_the_model_cannot_do_is_refused_in_one_sentence(
    changes: dict[str, int], words: str
) -> None:
    with pytest.raises(InvalidSetting, match=words):
        limited(settings(512, 512, **changes), CARD)
