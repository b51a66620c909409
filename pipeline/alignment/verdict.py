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

LEAST_OVERLAP = 0.04
"""Share of either picture that both must show."""


def verdict(evidence: Evidence) -> tuple[bool, str]:
    """Whether to trust a homography, and one sentence on the evidence."""
    geometry = evidence.geometry
    agreeing = int(evidence.inliers.sum())
    if evidence.cells < CELLS_LIKE:
        return False, f"only {agreeing} of {len(evidence.inliers)} matches agree on one view, which may be by chance"
    if geometry.fault is not None:
        return False, geometry.fault
    if min(geometry.overlap, geometry.overlap_back) < LEAST_OVERLAP:
        return False, "the images would hardly overlap"
    if evidence.foretold < FORETOLD:
        return False, "the matches do not foretell each other, so they agree by chance"
    if evidence.cells < CELLS_ALONE and evidence.likeness < LIKENESS:
        return False, "few matches agree, and laid over each other the images do not look alike"
    return True, (
        f"{agreeing} matches in {evidence.cells} places agree, and the views share {geometry.overlap:.0%} "
        "of the first image."
    )
