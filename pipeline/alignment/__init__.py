"""Whether two images show one scene, and the homography that leads from one view to the other.

Its answer is honest: images are aligned only where the evidence holds, and otherwise refused with the reason in words.
"""

from pipeline.alignment.aligner import align
from pipeline.alignment.answer import Alignment, Matches
from pipeline.alignment.kept import KeptAlignments
from pipeline.alignment.picture import draw_matches

__all__ = ["Alignment", "KeptAlignments", "Matches", "align", "draw_matches"]
