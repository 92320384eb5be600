"""Errors that users can act on: one line with the place, the value and what is allowed."""

import difflib
from collections.abc import Iterable


class DegradeError(Exception):
    """Base of every error caused by input. The commands print it as one line and exit with code 2."""


class SpecError(DegradeError):
    """A value in a spec, an op or a command that is not allowed.

    Args:
        message: What is wrong and what is allowed.
        where: Path to the value, as written in the spec: ``pipeline[2].dust.per_frame``.
    """

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(message, where)
        self.message = message
        self.where = where

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message

    def within(self, parent: str) -> "SpecError":
        """The same error, seen from one level further out."""
        joint = "" if not self.where or self.where.startswith("[") else "."
        return type(self)(self.message, f"{parent}{joint}{self.where}")


class SourceError(DegradeError):
    """Footage, a texture or a weights file that is missing, empty, damaged or of the wrong shape."""


class DatasetError(DegradeError):
    """An output folder that is not what the command expects."""


def unknown(what: str, name: object, known: Iterable[str]) -> str:
    """``unknown op 'dsut'; did you mean 'dust'?``, or the list of what there is."""
    options = sorted(known)
    near = difflib.get_close_matches(str(name), options, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(options) or 'none'}"
    return f"unknown {what} {name!r}; {hint}"
