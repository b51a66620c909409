"""Another pace, the same packets."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.choices import VideoFormat
from pipeline.errors import InvalidInput, OutputFailed
from pipeline.settings import EncodeSettings
from pipeline.video import probe, read_frames, retime, write_video
from tests.pipeline.video.films import boxes, packets, stream, time_stamps, write


def test_a_film_at_a_new_pace_holds_the_same_packets(tmp_path: Path) -> None:
    source, target = write(tmp_path, stream(50, 30)), tmp_path / "slow.mp4"
    for fps in (Fraction(24000, 1001), Fraction(8)):
        retime(source, target, fps)
        assert packets(target) == packets(source)
        assert time_stamps(target) == [index / fps for index in range(50)]
        assert (probe(target).fps, probe(target).num_frames) == (fps, 50)
        assert boxes(target).index("moov") < boxes(target).index("mdat")
        assert all(map(np.array_equal, read_frames(target).frames, read_frames(source).frames))
        target.unlink()


@pytest.mark.parametrize("fps", [Fraction(8), Fraction(30000, 1001), Fraction(60)])
def test_it_is_the_file_that_the_encoder_would_have_written(tmp_path: Path, fps: Fraction) -> None:
    source, fresh = tmp_path / "30.mp4", tmp_path / "fresh.mp4"
    write_video(stream(40, 30), source, EncodeSettings())
    write_video(stream(40, fps), fresh, EncodeSettings())
    assert packets(source) == packets(fresh)
    retime(source, tmp_path / "retimed.mp4", fps)
    assert (tmp_path / "retimed.mp4").read_bytes() == fresh.read_bytes()


def test_retiming_refuses_what_it_cannot_copy(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"only H\.264"):
        retime(write(tmp_path, stream(3), VideoFormat.GIF), tmp_path / "slow.mp4", Fraction(8))
    source = write(tmp_path, stream(3))
    before = source.read_bytes()
    with pytest.raises(OutputFailed, match="file exists"):
        retime(source, source, Fraction(8))
    assert source.read_bytes() == before
    assert not (tmp_path / "slow.mp4").exists()
