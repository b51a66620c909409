"""Whether the evidence for a homography is enough, in words."""

from pipeline.alignment.evidence import Evidence

CELLS_ALONE = 30
"""Places that agree, with which no unrelated pair was seen: no more is asked for but that the fit foretells itself."""

CELLS_LIKE = 10
"""Places that agree, which are enough where the pictures laid over each other look alike as well."""

LIKENESS = 0.15
"""Median correlation of small windows above which two pictures look alike."""

FORETOLD = 0.5
"""Share of the agreeing matches that fits to the other matches must foretell."""

DOUBT = 0.005
"""Share of the diagonal by which a fit may move when a third of the picture is left out: more would be seen."""

LEAST_OVERLAP = 0.04
"""Share of either picture that both must show."""


def verdict(evidence: Evidence) -> tuple[bool, str]:
    """Whether to trust a homography, and one sentence on the evidence."""
    geometry, agreeing = evidence.geometry, int(evidence.inliers.sum())
    overlap = min(geometry.overlap, geometry.overlap_back)
    doubts = {
        f"only {agreeing} of {len(evidence.inliers)} matches agree on one view, which may be by chance": (
            evidence.cells < CELLS_LIKE
        ),
        geometry.fault or "": geometry.fault is not None,
        "the images would hardly overlap": overlap < LEAST_OVERLAP,
        "the matches do not foretell each other, so they agree by chance": evidence.foretold < FORETOLD,
        "few matches agree, and laid over each other the images do not look alike": (
            evidence.cells < CELLS_ALONE and evidence.likeness < LIKENESS
        ),
        "the views differ too much to tell exactly enough how they belong together": evidence.doubt > DOUBT,
    }
    why = next((reason for reason, holds in doubts.items() if holds), None)
    if why is not None:
        return False, why
    return True, (
        f"{agreeing} matches in {evidence.cells} places agree, and the views share {geometry.overlap:.0%} "
        "of the first image."
    )
