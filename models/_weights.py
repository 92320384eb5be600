"""Weights on disk: safetensors, or a PyTorch file of tensors alone."""

import json
import pickle
import re
import threading
from collections.abc import Callable, Iterator, Mapping
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
DEPTH = 12
"""Names that may lead to a network in a file."""
NO_FLOW_WEIGHTS = "flow 'raft' has no weights: give flow_weights, or a checkpoint that holds them"


def save(model: nn.Module, path: str | Path, **about: Any) -> None:
    """Write a model's weights as safetensors; the same weights give the same bytes.

    Args:
        model: Any module; a model made by `build` also stores its configuration, and the colour that it was trained on.
        path: Ends in `.safetensors`.
        about: What else to remember (task, steps), as JSON.
    """
    path = Path(path).expanduser()
    if path.suffix != ".safetensors":
        raise SourceError(f"{path}: weights are written as .safetensors")
    state = {name: value.contiguous() for name, value in model.state_dict().items()}
    # Files of weights that it was built from are not needed again: their tensors are in the state.
    files = ("flow_weights", "second_weights")
    config = {key: value for key, value in getattr(model, "config", {}).items() if key not in files}
    color = {"color": model.color} if getattr(model, "color", None) else {}
    about = {"model": type(model).__name__, "config": config, **color, **about}
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
    """All tensors of a weights file by name; those that lie in mappings are named ``outer.inner.name``.

    Never runs code from it.

    Raises:
        SourceError: Missing, damaged, not a weights file, or a pickle of anything but tensors.
    """
    with _reading(path):
        if Path(path).suffix == ".safetensors":
            with safe_open(path, "pt") as file:
                content = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    state = dict(_flattened(content, set()))
    if not state and Path(path).suffix != ".safetensors":  # which may be those of a model that learns nothing
        raise SourceError(f"{path}: holds no state dict (names and tensors){_keys(content)}")
    return state


def _flattened(content: Any, seen: set[int], depth: int = 0) -> Iterator[tuple[str, Tensor]]:
    """What lies in mappings, once each: a hostile file may hold one within itself."""
    if not isinstance(content, Mapping) or id(content) in seen or depth > DEPTH:
        return
    seen.add(id(content))
    for key, value in content.items():
        if isinstance(value, Tensor):
            yield str(key), value
        yield from ((f"{key}.{name}", tensor) for name, tensor in _flattened(value, seen, depth + 1))


def load(model: nn.Module, state: State, path: str | Path, convert: Callable[[State], State] = dict) -> None:
    """Put the tensors of a file into a model; all names and shapes must fit.

    Training scripts keep the network under names of their own, beside optimizers, counters and other networks, and
    wrappers put theirs before it: ``state_dict.module.net.conv.weight``. Whatever name the network that fits lies under
    is passed over, and so is that under which the model keeps all of it. Where the file also holds its averaged weights
    (``ema``), it is these.

    Args:
        model: Any module.
        state: From `read_state`.
        path: Names the file in errors.
        convert: Puts the names of a network right; called with all that the file holds, and with what lies under each
            name.

    Raises:
        SourceError: Which names are missing or unknown, which shapes differ, which keys the file has; several networks
            fit.
    """
    own = model.state_dict()
    wrapped = _begin_all(own)
    fitting, best, alike, errors = {}, ("", state), -1, []
    for place, part in _parts(state).items():
        try:
            found = convert(part)
        except Exception as error:  # a model's author may have thought of nothing but its own files
            errors.append(error)
            continue
        if _faults(own, found) and not _faults(
            own, inside := {f"{wrapped}{name}": value for name, value in found.items()}
        ):
            found = inside
        if not _faults(own, found):
            fitting[place] = found
        elif (shared := len(own.keys() & found.keys())) > alike:
            best, alike = (place, found), shared
    if not fitting:
        if errors and alike < 1:
            raise errors[0]
        what = f"{best[0]} does not" if best[0] else "does not"
        keys = "" if alike > 0 and not best[0] else _keys(_first_words(state))
        raise SourceError(f"{path}: {what} fit {type(model).__name__}: {'; '.join(_faults(own, best[1]))}{keys}")
    chosen = _chosen(fitting, path, type(model).__name__)
    bad = [name for name, value in chosen.items() if value.is_floating_point() and not value.isfinite().all()]
    if bad:
        raise SourceError(f"{path}: NaN or infinite values in {_some(bad)}")
    model.load_state_dict(chosen)


def _parts(state: State) -> dict[str, State]:
    """All tensors, and those under each beginning of names, by that beginning, the shortest first."""
    parts: dict[str, State] = {"": state}
    for name, value in state.items():
        words = name.split(".")
        for n in range(1, min(len(words), DEPTH + 1)):
            parts.setdefault(".".join(words[:n]), {})[".".join(words[n:])] = value
    return dict(sorted(parts.items(), key=lambda item: item[0].count(".") + bool(item[0])))


def _faults(own: State, state: State) -> list[str]:
    """Why tensors do not fit a model's; empty if they do."""
    shapes = [
        f"{name} is {tuple(state[name].shape)}, not {tuple(own[name].shape)}"
        for name in sorted(own.keys() & state.keys())
        if own[name].shape != state[name].shape
    ]
    found = (
        ("missing", own.keys() - state.keys()),
        ("unknown", state.keys() - own.keys()),
        ("of another shape", shapes),
    )
    return [f"{len(names)} {what} ({_some(names)})" for what, names in found if names]


def _chosen(fitting: dict[str, State], path: str | Path, model: str) -> State:
    """Of the networks that fit the averaged one, or the only one."""
    averaged = [
        state for place, state in fitting.items() if {"ema", "averaged"} & set(re.split(r"\W|_", place.lower()))
    ]
    first, *others = averaged or fitting.values()
    if any(not torch.equal(value, other[name]) for other in others for name, value in first.items()):
        names = ", ".join(sorted(fitting))
        raise SourceError(f"{path}: several networks in it fit {model}: {names}; save one of them to a file of its own")
    return first


def _first_words(state: State) -> set[str]:
    """How the names begin, up to the first word in which they differ."""
    words = [name.split(".") for name in state]
    shared = 0
    while all(len(one) > shared + 1 and one[shared] == words[0][shared] for one in words):
        shared += 1
    return {".".join(one[: shared + 1]) for one in words}


def _begin_all(own: State) -> str:
    """The name that all of a model's begin with, as ``net.``: that of the one network that it wraps; empty if none."""
    first = {name.partition(".")[0] for name in own}
    return f"{first.pop()}." if len(first) == 1 and all("." in name for name in own) else ""


def _keys(names: Any) -> str:
    """Which keys a file has, as the end of a message."""
    return f"; its keys are: {_some(names, 12)}" if isinstance(names, Mapping | set) and names else ""


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
    names = sorted(f"{name!s:.80}" for name in names)
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
        if isinstance(error, pickle.UnpicklingError) and _head(Path(self.path))[:1] in (b"P", b"\x80"):
            raise SourceError(f"{self.path}: holds more than tensors, and could run code; refused") from error
        # A hostile file makes PyTorch's reader raise almost anything.
        if isinstance(error, Exception) and not isinstance(error, DegradeError):
            raise SourceError(f"{self.path}: damaged or not a weights file ({one_line(error)})") from error


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(64)


def _no_download(path: Path) -> str:
    """What came in place of the weights, if it is one of the usual things."""
    head = _head(path).lstrip()
    if head.startswith(b"version https://git-lfs"):
        return "not a weights file, but a Git LFS pointer; fetch the file itself with `git lfs pull`"
    if head.startswith(b"<"):
        return "not a weights file, but a web page; download the file itself"
    return ""
