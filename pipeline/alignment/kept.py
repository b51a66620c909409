"""Alignments that earlier runs have found, kept by all that decides them."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.alignment.answer import Alignment, Matches
from pipeline.cache import Cache

MATCHES = "matches.npz"

_TOLD = ("status", "reason", "method", "inlier_ratio", "overlap", "seconds")
"""What of an answer JSON holds as it is."""


@dataclass(frozen=True)
class KeptAlignments:
    """The answers of the aligner in a cache; without one nothing is found or kept."""

    cache: Cache | None

    def find(self, key: str | None) -> tuple[Alignment, Mapping[str, Any]] | None:
        """The answer of a key, and what was kept beside it; None where there is none that is whole."""
        entry = self.cache.find(key) if self.cache and key else None
        if entry is None:
            return None
        try:
            matches = _read(entry.folder / MATCHES)
        except OSError:  # another run needed the room just now
            return None
        return _answer(entry.facts["alignment"], matches), entry.facts["beside"]

    def keep(self, key: str | None, found: Alignment, beside: Mapping[str, Any]) -> None:
        """Keep an answer, where there is room, and with it what JSON can hold.

        An answer that was cut short by time is left out: it says how fast this machine was just then.
        """
        if self.cache is None or key is None or not found.is_complete:
            return
        facts = {"alignment": _facts(found), "beside": dict(beside)}
        with contextlib.suppress(OSError), self.cache.adding(key, facts) as folder:
            each = found.matches
            np.savez(folder / MATCHES, points0=each.points0, points1=each.points1, inliers=each.inliers)


def _facts(found: Alignment) -> dict[str, Any]:
    """All of an answer but its matches. JSON gives every float64 back as it was."""
    return {
        **{name: getattr(found, name) for name in _TOLD},
        "homography": None if found.homography is None else found.homography.tolist(),
        "keypoints": list(found.keypoints),
        "crop": None if found.crop is None else list(found.crop),
    }


def _answer(facts: Mapping[str, Any], matches: Matches) -> Alignment:
    homography, crop = facts["homography"], facts["crop"]
    return Alignment(
        **{name: facts[name] for name in _TOLD},
        homography=None if homography is None else np.array(homography, np.float64),
        keypoints=(facts["keypoints"][0], facts["keypoints"][1]),
        crop=None if crop is None else (crop[0], crop[1], crop[2], crop[3]),
        matches=matches,
    )


def _read(path: Path) -> Matches:
    with np.load(path, allow_pickle=False) as arrays:
        return Matches(arrays["points0"], arrays["points1"], arrays["inliers"])
