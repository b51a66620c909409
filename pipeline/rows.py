"""Pictures worked on a few rows at a time, where the work needs many planes at once."""

import math
from collections.abc import Iterator


def cut(height: int, own: int, reach: float) -> Iterator[tuple[range, range]]:
    """Yield rows that belong together, `own` of them at a time from the top, and the rows that they depend on.

    `reach` is how far in pixels a pixel depends on those around it.
    """
    margin = math.ceil(reach)
    for top in range(0, height, own):
        bottom = min(top + own, height)
        yield range(top, bottom), range(max(0, top - margin), min(bottom + margin, height))
