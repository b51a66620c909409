"""What both tabs say of stages before Generate is pressed."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from app import forecasts
from pipeline.preview import Preview, preview, preview_transition
from pipeline.run.ahead import Foreseen
from pipeline.settings import make_settings
from tests.pictures import scene

KEPT = '<p class="kept">'


@pytest.fixture
def animation(tmp_path: Path) -> Preview:
    path = tmp_path / "photo.png"
    Image.fromarray(scene()).save(path)
    return preview(path, make_settings({"prompt": "zoom in"}))


@pytest.mark.parametrize(
    ("foreseen", "told"),
    [
        (Foreseen((), ("animate", "encode")), None),
        (Foreseen(), None),
        (
            Foreseen(("align", "plan"), ("interpolate", "encode")),
            "Kept from earlier runs: align, plan. Made anew: interpolate, encode.",
        ),
        (
            Foreseen(("align", "align"), ("interpolate", "interpolate", "encode")),
            "Kept from earlier runs: align. Made anew: interpolate, encode.",
        ),
        (Foreseen(("animate", "encode")), "This video was made before: it comes at once."),
    ],
)
def test_both_tabs_say_in_one_line_what_is_kept_and_nothing_where_nothing_is(
    animation: Preview, foreseen: Foreseen, told: str | None
) -> None:
    passage = replace(preview_transition((None, None), make_settings({})), foreseen=foreseen)
    asked = forecasts.Asked(photo=True, painted=False, edited=False)
    for shown in (
        forecasts.passage_outlook(passage),
        forecasts.reading_panel(replace(animation, foreseen=foreseen), asked),
    ):
        assert (f"{KEPT}{told}</p>" in shown) if told else (KEPT not in shown)
