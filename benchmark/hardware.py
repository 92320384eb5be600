"""Devices: choice, name, peak memory."""

import sys
from pathlib import Path

import torch

from degrade.core.errors import SpecError

if sys.platform != "win32":  # which has no such module
    import resource


def choose_device(device: str) -> str:
    """The device to run on, checked; ``auto`` takes a GPU if there is one.

    Raises:
        SpecError: There is no such device.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise SpecError(f"{device!r} cannot be used: {str(error).splitlines()[0]}", "--device") from error
    return device


def device_name(device: str) -> str:
    """The processor, for people."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name()
    names = [line.partition(":")[2].strip() for line in _proc("cpuinfo") if line.startswith("model name")]
    return f"{names[0] if names else 'CPU'}, {torch.get_num_threads()} threads"


def reset_peak_memory(device: str) -> bool:
    """Forgets what `peak_memory` has seen so far; False where the system does not allow it."""
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()
        return True
    try:
        Path("/proc/self/clear_refs").write_text("5")  # Linux forgets the process's highest memory so far
    except OSError:
        return False
    return True


def peak_memory(device: str) -> float | None:
    """MiB: of the device, or of the process; None where the system does not say."""
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated() / 2**20
    high = [line.split()[1] for line in _proc("self/status") if line.startswith("VmHWM")]
    if high:
        return int(high[0]) / 1024
    return None if sys.platform == "win32" else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _proc(name: str) -> list[str]:
    path = Path("/proc") / name
    return path.read_text().splitlines() if path.exists() else []
