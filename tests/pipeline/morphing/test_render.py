"""A frame between two pictures, where something passes in front of something else."""

import cv2
import numpy as np
import pytest

from pipeline.frames import Frame
from pipeline.morphing import Passage
from pipeline.transition_settings import TransitionSettings
from tests.photos import CHELSEA, COFFEE, photo


def scene(place: int) -> Frame:
    """A cup that stands before a cat, `place` pixels from the left."""
    frame = photo(CHELSEA)[40:240, 60:380].copy()
    frame[60:150, place : place + 90] = photo(COFFEE)[80:170, 200:290]
    return frame


@pytest.mark.parametrize("way", [8, 24])
def test_what_passes_in_front_moves_whole_and_is_not_smeared_over_what_it_hides(way: int) -> None:
    made = Passage(scene(80), scene(80 + way), np.eye(3), TransitionSettings()).at(0.5)
    truth, place = scene(80 + way // 2), 80 + way // 2
    in_front = np.s_[60:150, place : place + 90]
    assert cv2.PSNR(made[in_front], truth[in_front]) > 33.0
    assert cv2.PSNR(made, truth) > 31.0
    assert cv2.absdiff(made, truth)[:, : 80 - way].max() < 30
