"""Weights on disk: safetensors, or a PyTorch file of tensors alone."""

import json
import pickle
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save as serialise
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from degrade.core import atomic
from degrade.core.errors import DegradeError, SourceError

State = dict[str, Tensor]
ABOUT = "film_degrade"
"""The only key of the metadata; safetensors would write several in random order."""
SPARE = 10_000_000
"""Numbers that a model may have beside those of its weights: RAFT has 5 million."""
NO_FLOW_WEIGHTS = "flow 'raft' has no weights: give flow_weights, or a checkpoint that holds them"


def save(model: nn.Module, path: str | Path, **about: Any) -> None:
    """Write a model's weights as safetensors; the same weights give the same bytes.

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
    atomic.write(path, serialise(state, {ABOUT: json.dumps(about, sort_keys=True)}))


def read_about(path: str | Path) -> dict[str, Any]:
    """What `save` wrote beside the tensors; empty for other files.

    Raises:
        SourceError: Missing or damaged.
    """
    if Path(path).suffix != ".safetensors":
        return {}
    with _reading(path), safe_open(path, "pt") as file:
        about = json.loads((file.metadata() or {}).get(ABOUT, "{}"))
        if not (isinstance(about, dict) and isinstance(about.get("config", {}), dict)):
            raise ValueError(f"{ABOUT} in its metadata is not what it should be")
        return about


def read_state(path: str | Path) -> State:
    """The tensors of a weights file, by name. Never runs code from it.

    Raises:
        SourceError: Missing, damaged, not a weights file, or a pickle of anything but tensors.
    """
    with _reading(path):
        if Path(path).suffix == ".safetensors":
            with safe_open(path, "pt") as file:
                return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        state = torch.load(path, map_location="cpu", weights_only=True)
    # Training scripts keep the network under a name of their own, beside optimizers and counters.
    for key in ("netG", "modelR", "state_dict", "params_ema", "params", "model"):
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


@contextmanager
def no_larger(state: State) -> Iterator[None]:
    """Stops the making of a model that is far larger than its weights: what a file says of sizes is not believed."""
    left, maker = SPARE + 4 * sum(value.numel() for value in state.values()), threading.get_ident()

    def count(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        nonlocal left
        if parameter is not None and threading.get_ident() == maker:
            left -= parameter.numel()
            if left < 0:
                raise SourceError("its configuration is that of a much larger model")

    hook = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        hook.remove()


def one_line(error: BaseException) -> str:
    """What an exception says, or its kind."""
    return str(error).strip().partition("\n")[0][:300] or type(error).__name__


def _some(names: Any, most: int = 3) -> str:
    names = sorted(names)
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


class _reading:
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
        # A hostile file makes PyTorch's reader raise almost anything.
        if isinstance(error, Exception) and not isinstance(error, DegradeError):
            raise SourceError(f"{self.path}: damaged or not a weights file ({one_line(error)})") from error


def _no_download(path: Path) -> str:
    """What came in place of the weights, if it is one of the usual things."""
    with path.open("rb") as file:
        head = file.read(64).lstrip()
    if head.startswith(b"version https://git-lfs"):
        return "not a weights file, but a Git LFS pointer; fetch the file itself with `git lfs pull`"
    if head.startswith(b"<"):
        return "not a weights file, but a web page; download the file itself"
    return ""
