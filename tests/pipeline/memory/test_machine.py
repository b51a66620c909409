"""What the machine has to offer."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pynvml
import pytest

from pipeline.choices import Device
from pipeline.errors import InvalidSetting
from pipeline.memory import gpu as gpu_module
from pipeline.memory import machine as machine_module
from pipeline.memory.gpu import GpuMemory, read_gpu
from pipeline.memory.machine import main_memory, read_machine
from pipeline.settings import RuntimeSettings

MB = 1_000_000


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_module, "read_gpu", lambda: None)


@pytest.fixture
def fresh_handle() -> Iterator[None]:
    gpu_module._handle.cache_clear()
    yield
    gpu_module._handle.cache_clear()


def write_group(folder: Path, files: dict[str, object]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        (folder / name).write_text(f"{value}\n")


def own_group(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "cgroup"
    path.write_text(text)
    return path


@pytest.mark.usefixtures("no_gpu")
def test_the_processor_and_its_memory_are_read(tmp_path: Path) -> None:
    machine = read_machine(RuntimeSettings(), tmp_path / "outputs" / "not there yet")
    assert (machine.device, machine.gpu_total, machine.gpu_free) == ("cpu", 0, 0)
    assert 0 < machine.ram_available <= machine.ram_total <= psutil.virtual_memory().total
    assert machine.disk_free > 0


@pytest.mark.usefixtures("no_gpu")
def test_a_gpu_that_is_not_there_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match=r"^runtime\.device: cuda needs an NVIDIA GPU, but .*auto or cpu\.$"):
        read_machine(RuntimeSettings(device=Device.CUDA), tmp_path)


@pytest.mark.parametrize(
    ("usable", "asked", "device"),
    [(True, Device.AUTO, "cuda"), (True, Device.CUDA, "cuda"), (True, Device.CPU, "cpu"), (False, Device.AUTO, "cpu")],
)
def test_a_gpu_serves_where_pytorch_can_use_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asked: Device, device: str, *, usable: bool
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: usable)
    monkeypatch.setattr(machine_module, "read_gpu", lambda: GpuMemory(8, 3, 5))
    machine = read_machine(RuntimeSettings(device=asked), tmp_path)
    expected = (8, 5) if device == "cuda" else (0, 0)
    assert (machine.device, machine.gpu_total, machine.gpu_free) == (device, *expected)


def test_the_tightest_limit_of_all_cgroups_counts(tmp_path: Path) -> None:
    own = own_group(tmp_path, "0::/outer/inner\n")
    root = tmp_path / "fs"
    write_group(root / "outer", {"memory.max": 500 * MB, "memory.current": 300 * MB, "memory.stat": "inactive_file 0"})
    write_group(
        root / "outer" / "inner",
        {"memory.max": 400 * MB, "memory.current": 350 * MB, "memory.stat": f"anon 5\ninactive_file {250 * MB}"},
    )
    assert main_memory(root, own) == (400 * MB, 200 * MB)


def test_a_cgroup_without_a_limit_changes_nothing(tmp_path: Path) -> None:
    own = own_group(tmp_path, "0::/\n")
    write_group(tmp_path / "fs", {"memory.max": "max", "memory.current": 300 * MB})
    total, available = main_memory(tmp_path / "fs", own)
    assert total == psutil.virtual_memory().total
    assert available > 0


def test_the_first_version_of_cgroups_is_known_and_a_path_of_the_host_is_not_needed(tmp_path: Path) -> None:
    own = own_group(tmp_path, "12:cpu:/host/path\n4:memory:/host/path\n0::/host/path\n")
    files = {
        "memory.limit_in_bytes": 300 * MB,
        "memory.usage_in_bytes": 900 * MB,
        "memory.stat": "total_inactive_file 1",
    }
    write_group(tmp_path / "fs" / "memory", files)
    assert main_memory(tmp_path / "fs", own) == (300 * MB, 0)


@pytest.mark.usefixtures("fresh_handle")
@pytest.mark.parametrize(
    ("visible", "handle"),
    [(None, "index 0"), ("2,0", "index 2"), ("GPU-12ab", "name GPU-12ab"), ("", None), ("-1", None)],
)
def test_the_gpu_that_cuda_would_take_is_read(
    monkeypatch: pytest.MonkeyPatch, visible: str | None, handle: str | None
) -> None:
    seen: list[str] = []

    def read(asked: str) -> GpuMemory:
        seen.append(asked)
        return GpuMemory(8, 3, 5)

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda index: f"index {index}")
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByUUID", lambda name: f"name {name}")
    monkeypatch.setattr(pynvml, "nvmlDeviceGetMemoryInfo", read)
    assert read_gpu() == (GpuMemory(8, 3, 5) if handle else None)
    assert seen == [handle] * (handle is not None)


@pytest.mark.usefixtures("fresh_handle")
@pytest.mark.parametrize("fails", ["nvmlInit", "nvmlDeviceGetHandleByIndex", "nvmlDeviceGetMemoryInfo"])
def test_a_driver_that_does_not_answer_is_no_gpu(monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    def refuse(*_: object) -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_UNKNOWN)

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda index: index)
    monkeypatch.setattr(pynvml, fails, refuse)
    assert read_gpu() is None
