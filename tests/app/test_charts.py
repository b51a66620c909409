"""The memory chart: axes that hold what is drawn, and a peak that is the largest reading."""

import math
import re

from hypothesis import given
from hypothesis import strategies as st

from app.charts import INTERVALS, memory_chart, scale

readings = st.lists(
    st.tuples(st.floats(0, 1e5), st.integers(1, 10**12)), min_size=2, max_size=40, unique_by=lambda point: point[0]
).map(sorted)


@given(st.floats(1e-3, 1e13))
def test_an_axis_ends_at_a_round_number_of_few_steps_above_the_largest_value(largest: float) -> None:
    step, end = scale(largest)
    digit = step / 10 ** math.floor(math.log10(step) + 1e-9)
    assert min(abs(digit - each) for each in (1, 2, 5)) < 1e-6
    assert end >= largest * (1 - 1e-9)
    assert end - step < max(largest, 1.0)
    assert 1 <= round(end / step) <= INTERVALS


@given(readings, readings)
def test_every_reading_lies_inside_the_picture(ram: list[tuple[float, int]], gpu: list[tuple[float, int]]) -> None:
    chart = memory_chart(ram, gpu)
    assert chart.count('class="ram line"') == chart.count('class="gpu line"') == 1
    for drawn in re.findall(r'line" d="M([^"]+)"', chart):
        points = [tuple(map(float, point.split())) for point in drawn.split("L")]
        assert all(-0.01 <= coordinate <= 100.01 for point in points for coordinate in point)


def test_the_peak_is_told_with_its_time() -> None:
    chart = memory_chart([(0.0, 10**8), (1.5, 7 * 10**8), (2.0, 3 * 10**8)], [])
    assert "Memory: at most 700.0 MB, after 1.5 s" in chart
    assert "left:75.00%;top:12.50%" in chart
    assert "GPU" not in chart


def test_without_two_readings_there_is_no_chart() -> None:
    assert memory_chart([], []) == ""
    assert memory_chart([(0.0, 5)], []) == ""
