"""What the encoders are told, beyond size and rate."""

import cv2

from pipeline.choices import VideoFormat, X264Preset
from pipeline.settings import EncodeSettings

LOOKAHEAD = {
    X264Preset.ULTRAFAST: 0,
    X264Preset.VERYFAST: 10,
    X264Preset.FAST: 30,
    X264Preset.MEDIUM: 40,
    X264Preset.SLOW: 50,
    X264Preset.SLOWER: 60,
}
"""Frames that each preset of x264 looks ahead (x264 --fullhelp), each of them held in memory."""

LOOKAHEAD_PIXELS = 27 * 1280 * 720
"""Bound on all pixels looked ahead at, about 100 MB: 27 frames at 720p and 12 at 1080p, where `medium` has 40.

Measured on two clips: at 720p that costs no bits for the same PSNR, at 1080p 1.7%.
"""

MIN_LOOKAHEAD = 10
"""Fewest frames that the bound leaves: below, x264 sees too little to place its bits."""

VP9_SPEED = 4
"""libvpx's cpu-used: a quarter less time than 2 for 0.2 dB."""

MAX_CRF_VP9 = 63

_OPENCV_AVX2 = 11
"""OpenCV's number of AVX2 (CV_CPU_AVX2), which its Python module does not name."""


def codec_options(settings: EncodeSettings, width: int, height: int) -> dict[str, str]:
    """Options of the encoder for a video of this size in pixels, by FFmpeg's names."""
    if settings.format is VideoFormat.MP4:
        return {
            "crf": str(settings.crf),
            "preset": settings.x264_preset.value,
            "forced-idr": "1",  # a key frame that was asked for is one that a player can start from
            "x264-params": _x264_params(settings.x264_preset, width * height),
        }
    if settings.format is VideoFormat.WEBM:
        crf = str(vp9_crf(settings.crf))
        return {"crf": crf, "b": "0", "deadline": "good", "cpu-used": str(VP9_SPEED), "row-mt": "1"}
    return {}


def vp9_crf(crf: int) -> int:
    """VP9's rate factor (0 to 63) for one of H.264 (0 to 51): 18 becomes 25.

    Measured on a slow zoom at 720p, PSNR is 0.5 dB above x264's at 18 and 1.8 dB above at 23.
    """
    return min(round(1.4 * crf), MAX_CRF_VP9)


def _x264_params(preset: X264Preset, pixels: int) -> str:
    lookahead = min(LOOKAHEAD[preset], max(MIN_LOOKAHEAD, LOOKAHEAD_PIXELS // pixels))
    # A thread of its own for looking ahead holds eight more frames, 28 MB at 1080p, for the same bytes as fast.
    params = [f"rc-lookahead={lookahead}", "sync-lookahead=0"]
    if cv2.checkHardwareSupport(_OPENCV_AVX2):
        # x264's AVX-512 code for its macroblock tree reads past the row where the width is no multiple of 128, so
        # that the same frames give other bytes each time. This is also the same on processors without AVX-512.
        params.append("asm=avx2")
    return ":".join(params)
