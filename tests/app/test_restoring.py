"""Files that bring settings back: what is said of them, and all of it on the real page."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from app.restoring import told_panel
from pipeline.history import History, Query
from pipeline.provenance import Provenance
from pipeline.run import execute, submit
from pipeline.settings import Settings, make_settings
from tests.browser import Server, appears, open_advanced, open_motion, setting, settle
from tests.pictures import scene

NASTY = "<img src=x onerror=alert(1)>'\""

PLAN = {"camera": {"roll": 7}, "regions": [{}]}

HELD = """([name, type, bytes]) => {
    const held = new DataTransfer();
    held.items.add(new File([new Uint8Array(bytes)], name, {type}));
    return held;
}"""


def test_names_and_notes_are_text() -> None:
    shown = told_panel(Provenance(NASTY, "animate", Settings(), (None,) * 3, (NASTY,), plan_is_read=True))
    assert "<img" not in shown
    assert shown.count("&lt;img src=x") == 2
    assert "two photos" in shown


def drop(page: Page, path: Path, onto: str) -> None:
    """Drop a file from elsewhere on a place of the page."""
    held = page.evaluate_handle(HELD, [path.name, "", list(path.read_bytes())])
    for event in ("dragover", "drop"):
        page.dispatch_event(onto, event, {"dataTransfer": held, "bubbles": True, "cancelable": True})


def make_old_video(folder: Path, outputs: Path) -> str:
    """The name of the video of an earlier run: painted on, with an edited plan and settings of its own."""
    photo, mask = folder / "old photo.png", folder / "mask.png"
    Image.fromarray(scene(96, 64)).save(photo)
    area = np.zeros((64, 96), np.uint8)
    area[40:] = 255
    Image.fromarray(area).save(mask)
    settings = make_settings(
        {
            "prompt": "水流, pan left",
            "preset": "draft",
            "seed": 77,
            "prepare": {"width": 96, "masks": (mask,)},
            "animate": {"num_frames": 6, "motion": {"amount": 1.5, "plan": PLAN}},
            "encode": {"crf": 31, "fps": "29.97"},
            "runtime": {"threads": 1},
        }
    )
    record = execute(submit((photo,), settings, outputs), (photo,), outputs)
    assert record.output is not None
    return record.output.path


def expect_settings(page: Page, wanted: dict[str, str]) -> None:
    for name, value in wanted.items():
        expect(setting(page, name)).to_have_value(value)


@pytest.mark.browser
@pytest.mark.slow
def test_an_old_video_a_poster_and_a_record_bring_everything_back(page: Page, server: Server, tmp_path: Path) -> None:
    video = server.outputs / make_old_video(tmp_path, server.outputs)
    sent = tmp_path / "sent by a friend <b>.mp4"
    sent.write_bytes(video.read_bytes())
    open_advanced(page)
    open_motion(page)
    setting(page, "runtime.threads").fill("2")

    drop(page, sent, "#photo .photo")  # no photo: what it says of itself is meant
    told = page.locator("#restored .restored")
    expect(told).to_contain_text(sent.name)
    expect(told.locator("li")).to_have_count(0)
    settle(page)
    expect(page.locator("#prompt textarea")).to_have_value("水流, pan left")
    expect(page.locator("#preset input:checked")).to_have_value("draft")
    expect_settings(page, {"seed": "77", "encode.crf": "31", "encode.fps": "30000/1001", "runtime.threads": "2"})
    expect_settings(page, {"animate.num_frames": "6", "prepare.width": "96", "animate.motion.amount": "1.5"})
    expect(page.locator("#plan-camera-roll input[type=number]")).to_have_value("7")
    appears(page.locator("#follow-prompt"))
    expect(page.locator("#photo .photo.painted")).to_have_attribute("data-state", "loaded")

    page.fill("#prompt textarea", "something else")
    drop(page, poster_of(server.outputs), "#header .restore")
    expect(told).to_contain_text(".jpg")
    expect(page.locator("#prompt textarea")).to_have_value("水流, pan left")

    page.locator("#header .restore input").set_input_files(newer_record(video, tmp_path))
    expect(told.locator("li")).to_have_count(2)
    expect(told).to_contain_text("newer version")
    expect(told).to_contain_text(NASTY)
    appears(page.locator("#passage-generate"))
    settle(page)

    nothing = tmp_path / "holiday.mp4"
    nothing.write_bytes(b"\x00\x00\x00\x18ftypmp42 nothing else")
    drop(page, nothing, "body")
    expect(page.locator("#restored [role=alert]")).to_contain_text("holiday.mp4 carries no settings")


def poster_of(outputs: Path) -> Path:
    history = History(outputs)
    poster = history.poster(history.find(Query()).entries[0])
    assert poster is not None
    return poster


def newer_record(video: Path, folder: Path) -> Path:
    """The record of a video as a newer version might have written it, with an engine that this one does not have."""
    record = json.loads(video.with_suffix(".json").read_text())
    record |= {"schema_version": 9, "inputs": [], "job": "transition"}
    record["requested"]["animate"]["engine"] = NASTY
    path = folder / "newer.json"
    path.write_text(json.dumps(record))
    return path
