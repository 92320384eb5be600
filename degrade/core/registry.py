"""Registries of ops, textures, models, metrics, presets and tasks: one file per entry, named after the file's stem.

Other packages add entries through entry points, in a group named after the package, for example::

    [project.entry-points."degrade.ops"]
    rain = "my_package.rain:Rain"
    [project.entry-points."degrade.presets"]
    storm = "my_package.presets"  # which holds storm.yaml
"""

import functools
import importlib
import pkgutil
import warnings
from abc import ABC, abstractmethod
from importlib import resources
from importlib.metadata import EntryPoint, entry_points
from multiprocessing import parent_process
from typing import Any, Generic, TypeVar

from degrade.core import plain_yaml
from degrade.core.errors import SpecError, unknown

T = TypeVar("T")


class Named(ABC):
    """What there is of one kind, by name: in a package of this project, and in others' by entry points.

    Args:
        what: The kind in words, for messages: ``"op"``.
        package: Package that holds them, and the group of entry points.
    """

    def __init__(self, what: str, package: str) -> None:
        self.what, self.package = what, package

    @property
    @abstractmethod
    def _folder(self) -> list[str]:
        """Names in the package of this project, sorted."""

    @functools.cached_property
    def _plugins(self) -> dict[str, EntryPoint]:
        """Those of other packages; one whose name is taken is passed over, with a warning."""
        found: dict[str, EntryPoint] = {}
        for point in entry_points(group=self.package):
            if point.name not in self._folder and point.name not in found:
                found[point.name] = point
            elif parent_process() is None:  # workers need not say it again
                passed = f"{_origin(point)} is passed over, and needs another name"
                warnings.warn(f"{self.what} {point.name!r} is defined twice; {passed}", stacklevel=2)
        return found

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted([*self._folder, *self._plugins])

    def __contains__(self, name: object) -> bool:
        return name in self._folder or name in self._plugins

    def _broken(self, point: EntryPoint, reason: str) -> SpecError:
        return SpecError(f"{self.what} {point.name!r}: {_origin(point)} {reason}")


def _origin(point: EntryPoint) -> str:
    return f"{point.value} of {point.dist.name}" if point.dist else point.value


class Documents(Named):
    """YAML files by their stems. An entry point of another package names the package that holds its file."""

    @functools.cached_property
    def _folder(self) -> list[str]:
        files = resources.files(self.package).iterdir()
        return sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml"))

    def text(self, name: str) -> str:
        """A file's text.

        Raises:
            SpecError: There is none of that name (the nearest is suggested), or another package's cannot be read.
        """
        if name in self._folder:
            return resources.files(self.package).joinpath(f"{name}.yaml").read_text("utf-8")
        if name not in self.names():
            raise SpecError(unknown(self.what, name, self.names()))
        point = self._plugins[name]
        try:
            return resources.files(point.value).joinpath(f"{name}.yaml").read_text("utf-8")
        except Exception as error:  # whatever another package's code may raise
            raise self._broken(point, f"cannot be read: {type(error).__name__}: {error}") from error

    def content(self, name: str) -> Any:
        """What the file says; errors as of `text`, or it is not YAML."""
        try:
            return plain_yaml.load(self.text(name))
        except SpecError as error:
            raise error.within(f"{self.what} {name}") if error.where else error from None


class Registry(Named, Generic[T]):
    """The classes of one kind by name. Listing the names imports none of them.

    Args:
        what: The kind in words, for messages: ``"op"``.
        package: Package whose modules are the entries, and the group of its entry points. Modules whose names
            start with ``_`` are helpers, not entries.
        base: Class that every entry derives from; the entry of a module is the one subclass defined there.
            Given as ``"module:Class"``, it is imported on the first `get`.
    """

    def __init__(self, what: str, package: str, base: type[T] | str) -> None:
        super().__init__(what, package)
        self._base = base

    @functools.cached_property
    def base(self) -> type[T]:
        """The class that every entry derives from."""
        if not isinstance(self._base, str):
            return self._base
        module, _, name = self._base.partition(":")
        found: type[T] = getattr(importlib.import_module(module), name)
        return found

    @functools.cached_property
    def _folder(self) -> list[str]:
        path = importlib.import_module(self.package).__path__
        home = self._base.partition(":")[0] if isinstance(self._base, str) else self._base.__module__
        modules = [m.name for m in pkgutil.iter_modules(path) if not m.ispkg and m.name[0] != "_"]
        return sorted(name for name in modules if f"{self.package}.{name}" != home)

    def get(self, name: str) -> type[T]:
        """The class of that name.

        Raises:
            SpecError: No such name (the nearest is suggested), its module defines none or several, or another
                package's cannot be loaded.
        """
        if name in self._plugins:
            return self._load(self._plugins[name])
        if name not in self._folder:
            raise SpecError(unknown(self.what, name, self.names()))
        module = importlib.import_module(f"{self.package}.{name}")
        return defined_in(module, self.base, self.what)

    def _load(self, point: EntryPoint) -> type[T]:
        try:
            loaded = point.load()
        except Exception as error:  # whatever another package's code may raise
            raise self._broken(point, f"cannot be loaded: {type(error).__name__}: {error}") from error
        if not (isinstance(loaded, type) and issubclass(loaded, self.base)):
            raise self._broken(point, f"is not a {self.base.__name__}")
        return loaded

    def version_of(self, entry: type[T]) -> dict[str, str]:
        """The version of the package that an entry comes from, by the package's name; empty for this project's own."""
        for point in self._plugins.values():
            if point.dist and point.value == f"{entry.__module__}:{entry.__qualname__}":
                return {point.dist.name: point.dist.version}
        return {}

    def name_of(self, entry: type[T]) -> str:
        """The name under which a class is registered."""
        if entry.__module__.rpartition(".")[0] == self.package:
            return entry.__module__.rpartition(".")[2]
        for name, point in self._plugins.items():
            if point.value == f"{entry.__module__}:{entry.__qualname__}":
                return name
        raise SpecError(f"{entry.__qualname__} is not a registered {self.what}")


def defined_in(module: Any, base: type[T], what: str) -> type[T]:
    """The one public subclass of `base` that `module` itself defines."""
    found = [
        value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, base)
        and value.__module__ == module.__name__
        and name.isidentifier()  # pydantic leaves ``Op[DustParams]`` beside the class derived from it
        and name[0] != "_"
    ]
    if len(found) != 1:
        raise SpecError(f"{module.__name__} must define exactly one {what}, has {[c.__name__ for c in found]}")
    return found[0]


ops: Registry[Any] = Registry("op", "degrade.ops", "degrade.core.op:Op")
"""All ops by name. `Op` itself uses it, so it imports neither `Op` nor any op before the first `get`."""
