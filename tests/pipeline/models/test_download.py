"""The real client of the hub against a server on the loopback address."""

import itertools
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import Cancelled, ImageToVideoError, InvalidSetting, ModelMissing, OutputFailed
from pipeline.models import download as module
from pipeline.models.download import DownloadProgress, download
from pipeline.models.layout import files_below
from pipeline.models.places import places
from pipeline.models.status import model_status
from pipeline.models.verify import verify
from tests.disks import small_disk
from tests.hub import CHUNK, COMMIT, TOKEN, Hub
from tests.pipeline.models.published import LARGE, NEEDED, REPOSITORY, TEXT, UNET, card, part, runtime, weights, write

Where = Callable[[Path], Path | None]


def own(folder: Path) -> Path | None:
    return folder / "models"


def shared(_folder: Path) -> Path | None:
    return None


both = pytest.mark.parametrize("where", [own, shared])


def ignore(_progress: DownloadProgress) -> None:
    return None


def never() -> bool:
    return False


def refusal(error: type[ImageToVideoError], **settings: object) -> str:
    """The sentence with which a download into the shared cache ends."""
    with pytest.raises(error) as caught:
        download(card(), runtime(None, **settings), ignore, never)
    return str(caught.value)


@both
def test_only_what_is_needed_arrives(hub: Hub, tmp_path: Path, where: Where) -> None:
    settings = runtime(where(tmp_path))
    files = download(card(), settings, ignore, never)
    assert set(files_below(files.folder)) == NEEDED
    assert set(hub.served) == {TEXT, UNET}
    assert files.revision == COMMIT
    assert model_status(card(), settings).state == "ready"
    assert verify(card(), settings, ignore) == []


def test_other_programs_find_what_is_in_the_shared_cache(hub: Hub) -> None:
    from huggingface_hub import hf_hub_download

    folder = download(card(), runtime(None), ignore, never).folder
    assert hf_hub_download(REPOSITORY, UNET, local_files_only=True) == str(folder / UNET)
    assert hub.bytes_served > LARGE


@both
def test_a_model_that_is_here_asks_the_hub_nothing(hub: Hub, tmp_path: Path, where: Where) -> None:
    settings = runtime(where(tmp_path))
    first = download(card(), settings, ignore, never)
    hub.asked.clear()
    assert download(card(), settings, ignore, never) == first
    assert hub.asked == []


@both
def test_a_broken_connection_goes_on_where_it_broke(hub: Hub, tmp_path: Path, where: Where) -> None:
    hub.break_after, hub.breaks = 10 * CHUNK, 3
    folder = download(card(), runtime(where(tmp_path)), ignore, never).folder
    assert hub.breaks == 0
    assert hub.served[UNET] == (folder / UNET).stat().st_size


@both
def test_a_later_download_goes_on_from_what_a_stopped_one_left(hub: Hub, tmp_path: Path, where: Where) -> None:
    settings = runtime(where(tmp_path))
    hub.silent_after = 20 * CHUNK
    with pytest.raises(Cancelled):
        download(card(), settings, ignore, lambda: hub.served.get(UNET, 0) >= 20 * CHUNK)
    status = model_status(card(), settings)
    assert status.state == "partial"
    assert LARGE / 4 < status.bytes_present < status.bytes_total
    assert "goes on from there" in status.message
    assert "unet (weights)" in status.message
    hub.silent_after = None
    time.sleep(0.2)  # what was on its way when it was stopped
    kept = status.bytes_present
    hub.served.clear()
    download(card(), settings, ignore, never)
    assert hub.bytes_served < status.bytes_total - kept + 4 * CHUNK
    assert verify(card(), settings, ignore) == []


def test_a_server_without_ranges_is_asked_for_the_whole_file_again(hub: Hub) -> None:
    hub.break_after, hub.breaks, hub.ranges = 10 * CHUNK, 1, False
    download(card(), runtime(None), ignore, never)
    assert hub.served[UNET] > LARGE + 9 * CHUNK
    assert verify(card(), runtime(None), ignore) == []


def test_a_connection_that_always_breaks_ends_with_a_sentence(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_PAUSE", 0.0)
    hub.break_after, hub.breaks = 0, 10**6
    assert "goes on from there" in refusal(ModelMissing)


def test_stop_is_obeyed_within_a_second_when_the_server_is_silent(hub: Hub) -> None:
    hub.silent_after = 0
    stop = threading.Event()
    timer = threading.Timer(1.0, stop.set)
    timer.start()
    started = time.monotonic()
    with pytest.raises(Cancelled, match="goes on from it"):
        download(card(), runtime(None), ignore, stop.is_set)
    assert time.monotonic() - started < 2.5  # a second until it is pressed


def test_progress_comes_within_one_large_file(hub: Hub) -> None:
    hub.seconds_a_chunk = 0.02
    seen: list[tuple[float, DownloadProgress]] = []
    download(card(), runtime(None), lambda progress: seen.append((time.monotonic(), progress)), never)
    reports = [progress for _, progress in seen if progress.file == UNET]
    assert len({progress.done_bytes for progress in reports}) > 5
    assert (
        max(after - before for (before, _), (after, _) in itertools.pairwise(seen)) < 1.0
    )  # 0.05 s on an idle machine
    done = [progress.done_bytes for _, progress in seen]
    assert done == sorted(done)
    last = seen[-1][1]
    assert last.done_bytes == last.total_bytes == model_status(card(), runtime(None)).bytes_total
    timed = [progress for progress in reports if progress.seconds_left is not None]
    assert timed
    assert all(0 <= progress.seconds_left < 60 for progress in timed if progress.seconds_left is not None)


def test_a_gated_model_without_a_token_names_licence_and_login(hub: Hub) -> None:
    hub.gated.add(REPOSITORY)
    sentence = refusal(ModelMissing)
    assert f"https://huggingface.co/{REPOSITORY}" in sentence
    assert "hf auth login" in sentence
    assert "licence" in sentence


def test_a_token_opens_a_gated_model_and_is_told_to_nobody_else(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hub.gated.add(REPOSITORY)
    monkeypatch.setenv("HF_TOKEN", "hf_" + "b" * 34)
    assert "hf_bbb" not in refusal(ModelMissing)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    download(card(), runtime(None), ignore, never)
    assert TOKEN not in caplog.text
    kept = [path.read_bytes() for path in places(card(), runtime(None))[0].root.rglob("*") if path.is_file()]
    assert not any(TOKEN.encode() in content for content in kept)
    assert hub.tokens[f"/{REPOSITORY}/resolve/{COMMIT}/{UNET}"] == f"Bearer {TOKEN}"
    assert hub.tokens[f"/cdn/{REPOSITORY}/{UNET}"] == ""


def test_a_repository_that_is_gone_is_named(hub: Hub) -> None:
    hub.repositories.clear()
    assert f"The hub does not show {REPOSITORY}" in refusal(ModelMissing)


def test_a_revision_that_is_gone_is_named(hub: Hub) -> None:
    assert hub.repositories
    with pytest.raises(ModelMissing, match="has no revision 'v9' on the hub"):
        download(card(revision="v9"), runtime(None), ignore, never)


def test_a_hub_in_trouble_is_told_with_its_status(hub: Hub) -> None:
    hub.error = 503
    assert "HTTP status 503" in refusal(ModelMissing)


def test_the_login_page_of_a_network_is_not_taken_for_the_hub(hub: Hub) -> None:
    hub.portal = True
    assert "something else than the hub answered" in refusal(ModelMissing)


def test_no_network_is_one_sentence(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    assert hub.address
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert "the hub cannot be reached (no connection): check the network" in refusal(ModelMissing)


def test_offline_asks_nothing(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    assert "runtime.offline" in refusal(InvalidSetting, offline=True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE" in refusal(InvalidSetting)
    assert hub.asked == []


def test_too_little_room_is_said_before_anything_large_is_fetched(hub: Hub, tmp_path: Path) -> None:
    with small_disk(tmp_path, 1024) as disk:
        with pytest.raises(OutputFailed, match=r"needs 3\.1 MB more, but 1\.0 MB are free"):
            download(card(), runtime(disk / "models"), ignore, never)
        assert hub.bytes_served == 0


def test_a_disk_that_becomes_full_keeps_what_is_there(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "free_bytes", lambda _path: 10**12)
    with small_disk(tmp_path, 2048) as disk:
        settings = runtime(disk / "models")
        with pytest.raises(OutputFailed, match="The disk became full") as caught:
            download(card(), settings, ignore, never)
        assert "goes on from there" in str(caught.value)
        assert model_status(card(), settings).bytes_present > 1_000_000
    assert hub.bytes_served > 1_000_000


def test_a_folder_that_cannot_be_made_is_named(hub: Hub, tmp_path: Path) -> None:
    assert hub.address
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OutputFailed, match="cannot be written to"):
        download(card(), runtime(tmp_path / "file" / "models"), ignore, never)


def test_what_arrives_damaged_is_thrown_away(hub: Hub) -> None:
    hub.damage = True
    assert "arrived damaged and was removed" in refusal(ModelMissing)
    hub.damage = False
    download(card(), runtime(None), ignore, never)
    assert verify(card(), runtime(None), ignore) == []


@both
def test_a_file_that_was_cut_off_is_fetched_again(hub: Hub, tmp_path: Path, where: Where) -> None:
    settings = runtime(where(tmp_path))
    folder = download(card(), settings, ignore, never).folder
    with (folder / UNET).open("r+b") as file:
        file.truncate(1000)
    assert model_status(card(), settings).state == "partial"
    hub.served.clear()
    download(card(), settings, ignore, never)
    assert set(hub.served) == {UNET}
    assert verify(card(), settings, ignore) == []


def test_two_downloads_of_one_model_do_not_meet(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from filelock import FileLock

    monkeypatch.setattr(module, "LOCK_WAIT", 0.2)
    settings = runtime(tmp_path / "models")
    notes = places(card(), settings)[0].notes
    notes.mkdir(parents=True)
    with FileLock(notes / "image-to-video.lock"), pytest.raises(OutputFailed, match="Another program is downloading"):
        download(card(), settings, ignore, never)
    assert hub.bytes_served == 0


@both
def test_parts_come_from_repositories_of_their_own(hub: Hub, tmp_path: Path, where: Where) -> None:
    other = tmp_path / "other"
    write(other / "config.json", {"name": "unet"})
    weights(other / "diffusion_pytorch_model.safetensors", 70_000)
    write(other / "README.md", "not wanted")
    hub.add("someone/other-unet", other)
    settings, parted = runtime(where(tmp_path)), card(parts=(part(),))
    files = download(parted, settings, ignore, never)
    assert set(files_below(files.parts["unet"])) == {"config.json", "diffusion_pytorch_model.safetensors"}
    assert not (files.folder / "unet").exists()
    assert model_status(parted, settings).state == "ready"


@both
def test_files_that_a_card_names_one_by_one_are_all_that_arrives(hub: Hub, tmp_path: Path, where: Where) -> None:
    other, wanted = tmp_path / "other", ("models/adapter.safetensors", "models/encoder/config.json")
    write(other / wanted[1], {})
    for name in (wanted[0], "models/adapter_other.safetensors", "sdxl/adapter.safetensors"):
        weights(other / name, 70_000)
    hub.add("someone/adapter", other)
    settings, named = runtime(where(tmp_path)), card(repository="someone/adapter", weights=wanted)
    assert model_status(named, settings).state == "missing"
    files = download(named, settings, ignore, never)
    assert set(hub.served) == {wanted[0]}
    assert all((files.folder / name).is_file() for name in wanted)
    assert not (files.folder / "sdxl").exists()
    assert model_status(named, settings).state == "ready"
    assert verify(named, settings, ignore) == []
    (files.folder / wanted[1]).unlink()
    assert f"missing: {wanted[1]}" in model_status(named, settings).message


def test_beginnings_of_files_that_were_replaced_are_removed(hub: Hub, tmp_path: Path) -> None:
    settings = runtime(tmp_path / "models")
    stale = places(card(), settings)[0].partials / f"{'0' * 64}.incomplete"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"old")
    download(card(), settings, ignore, never)
    assert hub.served
    assert not stale.exists()


def test_a_repository_without_safetensors_is_refused(hub: Hub) -> None:
    files = hub.repositories[REPOSITORY]
    hub.repositories[REPOSITORY] = {name: data for name, data in files.items() if not name.endswith("safetensors")}
    assert "holds no safetensors" in refusal(ModelMissing)
