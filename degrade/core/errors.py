"""Errors that users can act on: one line with the place, the value and what is allowed."""

import difflib
from collections.abc import Iterable

LONGEST = 1000
"""Characters of a message."""


class DegradeError(Exception):
    """Base of every error caused by input: one line, of bounded length. The commands print it and exit with code 2."""

    def __str__(self) -> str:
        text = " ".join(self._text().splitlines())
        return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} … {text[-LONGEST // 3 :]}"

    def _text(self) -> str:
        return super().__str__()


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

    def _text(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message

    def within(self, parent: str) -> "SpecError":
        """The same error, seen from one level further out."""
        joint = "" if not self.where or self.where.startswith("[") else "."
        return type(self)(self.message, f"{parent}{joint}{self.where}")


class SourceError(DegradeError):
    """Footage, a texture or a weights file that is missing, empty, damaged or of the wrong shape."""


class DatasetError(DegradeError):
    """An output folder that is not what the command expects."""


def shown(value: object) -> str:
    """A value as messages quote it: the first 80 characters of its representation."""
    try:
        return f"{value!r:.80}"
    except ValueError:  # of whole numbers beyond `sys.get_int_max_str_digits`
        return "a number of thousands of digits"


def unknown(what: str, name: object, known: Iterable[str]) -> str:
    """``unknown op 'dsut'; did you mean 'dust'?``, or the list of what there is."""
    options = sorted(known)
    near = difflib.get_close_matches(str(name)[:80], options, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(options) or 'none'}"
    return f"unknown {what} {shown(name)}; {hint}"
