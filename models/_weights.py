"""Weights on disk: safetensors, or a PyTorch file of tensors alone."""

import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from degrade.core import atomic
from degrade.core.errors import SourceError

State = dict[str, Tensor]
NO_FLOW_WEIGHTS = "flow 'raft' has no weights: give flow_weights, or a checkpoint that holds them"


def save(model: nn.Module, path: str | Path, **about: Any) -> None:
    """Write a model's weights as safetensors.

    Args:
        model: Any module; a model made by `build` also stores its configuration.
        path: Ends in `.safetensors`.
        about: What else to remember (task, steps), as JSON.
    """
    path = Path(path).expanduser()
    if path.suffix != ".safetensors":
        raise SourceError(f"{path}: weights are written as .safetensors")
    state = {name: value.contiguous() for name, value in model.state_dict().items()}
    # Files of weights that it was built from are not needed again: their tensors are in the state.
    config = {key: value for key, value in getattr(model, "config", {}).items() if not key.endswith("weights")}
    about = {"model": type(model).__name__, "config": config, **about}
    metadata = {key: json.dumps(value) for key, value in about.items()}
    atomic.write(path, lambda temporary: save_file(state, temporary, metadata))


def read_about(path: str | Path) -> dict[str, Any]:
    """What `save` wrote beside the tensors; empty for other files."""
    if Path(path).suffix != ".safetensors":
        return {}
    with _one_line(path), safe_open(path, "pt") as file:
        return {key: _json(value) for key, value in (file.metadata() or {}).items()}


def read_state(path: str | Path) -> State:
    """The tensors of a weights file, by name. Never runs code from it.

    Raises:
        SourceError: Missing, damaged, not a weights file, or a pickle of anything but tensors.
    """
    with _one_line(path):
        if Path(path).suffix == ".safetensors":
            with safe_open(path, "pt") as file:
                return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        state = torch.load(path, map_location="cpu", weights_only=True)
    # Training scripts keep the network under a name of their own, beside optimizers and counters.
    for key in ("netG", "state_dict", "params_ema", "params", "model"):
        if isinstance(state, Mapping) and isinstance(state.get(key), Mapping):
            state = state[key]
    if not (isinstance(state, Mapping) and state and all(isinstance(v, Tensor) for v in state.values())):
        raise SourceError(f"{path}: holds no state dict (names and tensors)")
    return {name: value for name, value in state.items() if name != "n_averaged"}


def load(model: nn.Module, state: State, path: str | Path) -> None:
    """Put tensors into a model; all names and shapes must fit.

    Raises:
        SourceError: Which names are missing or unknown, which shapes differ.
    """
    own = model.state_dict()
    missing, extra = own.keys() - state.keys(), state.keys() - own.keys()
    shapes = [
        f"{name} is {tuple(state[name].shape)}, not {tuple(own[name].shape)}"
        for name in sorted(own.keys() & state.keys())
        if own[name].shape != state[name].shape
    ]
    faults = [
        f"{len(names)} {what} ({_some(names)})"
        for what, names in (("missing", missing), ("unknown", extra), ("of another shape", shapes))
        if names
    ]
    if faults:
        raise SourceError(f"{path}: does not fit {type(model).__name__}: " + "; ".join(faults))
    bad = [name for name, value in state.items() if value.is_floating_point() and not value.isfinite().all()]
    if bad:
        raise SourceError(f"{path}: NaN or infinite values in {_some(bad)}")
    model.load_state_dict(state)


def _some(names: Any, most: int = 3) -> str:
    names = sorted(names)
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


class _one_line:
    """Turns what the readers raise for a bad file into one line that names it."""

    def __init__(self, path: str | Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        if not Path(self.path).is_file():
            raise SourceError(f"{self.path}: no such weights file")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: Any) -> None:
        if isinstance(error, Exception) and (found := _no_download(Path(self.path))):
            raise SourceError(f"{self.path}: {found}") from error
        if isinstance(error, pickle.UnpicklingError) and "weights_only" in str(error).lower():
            raise SourceError(f"{self.path}: holds more than tensors, and could run code; refused") from error
        if isinstance(error, SafetensorError | pickle.UnpicklingError | RuntimeError | EOFError | OSError | ValueError):
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise SourceError(f"{self.path}: damaged or not a weights file ({reason})") from error


def _no_download(path: Path) -> str:
    """What came in place of the weights, if it is one of the usual things."""
    with path.open("rb") as file:
        head = file.read(64).lstrip()
    if head.startswith(b"version https://git-lfs"):
        return "not a weights file, but a Git LFS pointer; fetch the file itself with `git lfs pull`"
    if head.startswith(b"<"):
        return "not a weights file, but a web page; download the file itself"
    return ""
