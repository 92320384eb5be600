"""Models that restore films and models that colour them, one file each: the file's stem is the name.

    from degrade.models import Reference, build
    model = build("rtn", weights="rtn.safetensors").eval()
    restored = model(frames)  # (B, T, C, H, W) in [0, 1]
    ab = build("flow_propagation")(lightness, [Reference(picture, time=0)])  # (B, T, 1, H, W) to (B, T, 2, H, W)

Listing names and cards imports neither torch nor any model.
"""

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from degrade.core.errors import SourceError, SpecError, unknown
from degrade.core.registry import Registry, defined_in
from degrade.models._card import ModelCard, read_card

if TYPE_CHECKING:
    from degrade.models._colorization import Reference
    from degrade.models._stream import colorize, restore, stream, stream_colors
    from degrade.models._weights import save
    from degrade.models.base import Model

__all__ = [
    "ModelCard",
    "Reference",
    "build",
    "bundled",
    "cards",
    "colorize",
    "get",
    "models",
    "restore",
    "save",
    "stream",
    "stream_colors",
]

models: "Registry[Model]" = Registry("model", __name__, f"{__name__}.base:Model")


def __getattr__(name: str) -> Any:
    """What needs torch, imported when it is first asked for."""
    homes = {"restore": "_stream", "stream": "_stream", "colorize": "_stream", "stream_colors": "_stream"}
    homes |= {"Reference": "_colorization", "save": "_weights"}
    if name not in homes:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{homes[name]}"), name)


def cards() -> dict[str, ModelCard | None]:
    """Every model's card, by name; None for a model of another package (its card is known once imported)."""
    folder = Path(__path__[0])
    files = {name: folder / f"{name}.py" for name in models.names()}
    return {name: read_card(file) if file.is_file() else None for name, file in files.items()}


def get(name: str) -> "type[Model]":
    """The class of a model: by its registered name, or from a file of your own, `path/to/file.py:Name`.

    Raises:
        SpecError: No such model (the nearest name is suggested), file or class.
    """
    path, attribute = _file(name)
    return _from_file(path, attribute)[0] if path else models.get(name.replace("-", "_"))


def sources(name: str) -> list[Path]:
    """The files of a model given by its path: its own, and those beside it that it imports; none of a registered one.

    Raises:
        SpecError: As `get`.
    """
    path, attribute = _file(name)
    return [path, *_from_file(path, attribute)[1]] if path else []


REAL = ("clips-v2", "color-clips-v1")
"""Tasks on real footage that bundled weights were trained on."""


def bundled(name: str, task: str = "clips-v2") -> Path | None:
    """The weights that come with the package for a model, if there are any.

    Args:
        name: Of the model.
        task: That they were trained on; those of a task on real footage if there are none.
    """
    folder = Path(__path__[0]) / "weights"
    found = (folder / trained_on / f"{name}.safetensors" for trained_on in (task, *REAL))
    return next((path for path in found if path.is_file()), None)


def build(name: str, weights: str | Path | None = None, **config: Any) -> "Model":
    """Make a model, with weights or (for training) without.

    Args:
        name: As for `get`.
        weights: A file of `.safetensors`, or a PyTorch file that holds tensors alone. What `save` stored of
            the configuration is used where `config` does not say otherwise.
        config: Arguments of the model's class.

    Raises:
        SpecError: Unknown model or argument, or a value that the model does not allow.
        SourceError: Weights that are missing, damaged or those of another model.
    """
    cls = get(name)
    if weights is None:
        return _make(cls, name, config)
    from degrade.models._weights import load, no_larger, one_line, read_about, read_state

    weights = Path(weights).expanduser()
    about, state = read_about(weights), read_state(weights)
    stored = about.get("config", {})
    if foreign := set(stored) - set(inspect.signature(cls).parameters):
        what = f"weights of {about.get('model')!s:.60}, built with {min(foreign)!r:.60}"
        raise SourceError(f"{weights}: {what}, not of {name}")
    try:
        with no_larger(state):
            model = _make(cls, name, {**stored, **config})
    except Exception as error:
        if config and isinstance(error, SpecError):
            raise  # of the caller's own
        raise SourceError(f"{weights}: {one_line(error)}") from error
    load(model, state, weights, lambda part: model.adapt(part if about else model.convert(part)))
    model.color = about["color"] if about.get("color") in ("grey", "rgb") else None
    return model


def _make(cls: "type[Model]", name: str, config: dict[str, Any]) -> "Model":
    allowed = inspect.signature(cls).parameters
    for key in config:
        if key not in allowed:
            raise SpecError(unknown(f"argument of {name}", key, allowed))
    try:
        model = cls(**config)
    except TypeError as error:
        raise SpecError(f"{name} cannot be built from {config!r:.200}: {error}") from error
    model.config = config
    return model


def _file(name: str) -> tuple[Path | None, str]:
    """``path/to/file.py:Name`` as path and class (empty if not named); None for a registered name."""
    path, _, attribute = name.partition(".py:") if ".py:" in name else (name.removesuffix(".py"), "", "")
    return (None if path == name else Path(f"{path}.py").expanduser()), attribute


def _from_file(path: Path, attribute: str) -> "tuple[type[Model], list[Path]]":
    """A class, and the files beside its own that are imported with it."""
    from degrade.models.base import Model

    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise SpecError(f"no such file: {path}")
    module = importlib.util.module_from_spec(spec)
    with _neighbours(path.resolve().parent) as neighbours:
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            raise SpecError(f"{path}: {type(error).__name__}: {error}") from error
    if not attribute:
        return defined_in(module, Model, "model"), neighbours
    found = getattr(module, attribute, None)
    if not (isinstance(found, type) and issubclass(found, Model)):
        names = [k for k, v in vars(module).items() if isinstance(v, type) and issubclass(v, Model)]
        raise SpecError(unknown(f"model in {path}", attribute, names))
    return found, neighbours


@contextmanager
def _neighbours(folder: Path) -> Iterator[list[Path]]:
    """Inside the block, modules of the folder can be imported; after it, their files are in the list.

    They are forgotten again: another model may have neighbours of the same names.
    """
    before, files = set(sys.modules), list[Path]()
    importlib.invalidate_caches()
    sys.path.insert(0, str(folder))
    try:
        yield files
    finally:
        sys.path.remove(str(folder))
        for name in sys.modules.keys() - before:
            if (top := name.partition(".")[0]) in before:
                continue  # a part of a package that was there before
            file = getattr(sys.modules[name], "__file__", None)
            places = [file] if file else getattr(sys.modules[name], "__path__", [])
            # Not all that lies below the folder: an environment may, too.
            if any(Path(place).is_relative_to(folder / found) for place in places for found in _found_as(folder, top)):
                files += [Path(file)] if file else []
                del sys.modules[name]
        files.sort()


def _found_as(folder: Path, module: str) -> list[str]:
    return [path.name for path in folder.glob(f"{module}*") if path.name.partition(".")[0] == module]
