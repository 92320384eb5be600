"""YAML that people write: plain values as YAML 1.2's core schema has them, read in bounded time and memory.

Only ``true`` and ``false`` are booleans, and there are neither dates nor numbers to base 60: ``on`` and ``2001-01-01``
are words. Keys are words, and none is given twice.
"""

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from degrade.core.errors import SpecError, shown

LARGEST, DEEPEST, NODES, DIGITS = 2**20, 100, 100_000, 100
"""Most bytes of a text, levels in it, values with aliases counted as what they stand for (a long text is one for every
100 characters), digits of a whole number."""

TAG = "tag:yaml.org,2002:"
SCALARS: dict[str, tuple[re.Pattern[str], Callable[[str], Any]]] = {
    "null": (re.compile(r"~|null|Null|NULL|"), lambda text: None),
    "bool": (re.compile(r"true|True|TRUE|false|False|FALSE"), lambda text: text[0] in "tT"),
    "int": (re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"), lambda text: _whole(text)),
    "float": (
        re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
        lambda text: float(text.lower().replace(".inf", "inf").replace(".nan", "nan")),
    ),
}
"""What plain text means, the first that fits, by its tag."""
UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
"""Characters that no name or path has."""


def load(text: str | bytes) -> Any:
    """The one document in a text, as dicts, lists, strings, numbers, booleans and None; None if it is empty.

    Raises:
        SpecError: It is not YAML, or more than is allowed; its place is the line, from 1 on.
    """
    if len(text) > LARGEST:
        raise SpecError(f"is longer than {LARGEST // 2**20} MiB")
    try:
        text = text.decode("utf-8-sig") if isinstance(text, bytes) else text.encode().decode()
    except UnicodeError:
        raise SpecError("is not text in UTF-8") from None
    reader = _Reader(yaml.parse(text, Loader=getattr(yaml, "CLoader", yaml.Loader)))
    try:
        return reader.document()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", "damaged")
        line = min(mark.line, text.count("\n")) + 1 if mark else ""  # the parser finds some only after the end
        raise SpecError(f"is not YAML: {problem}", f"{line}") from None


class _Reader:
    """Makes values of the parser's events: nothing is made, nor gone into, that exceeds the bounds."""

    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self.events, self.count = events, 0
        self.anchors: dict[str, tuple[Any, int]] = {}

    def document(self) -> Any:
        next(self.events)
        if isinstance(next(self.events), yaml.StreamEndEvent):
            return None
        value = self.value(next(self.events), 0)
        next(self.events)
        if isinstance(event := next(self.events), yaml.DocumentStartEvent):
            raise _refused(event, "a second document begins; write one")
        return value

    def value(self, event: yaml.Event, depth: int) -> Any:
        """The value that begins with an event."""
        before, anchor = self.count, getattr(event, "anchor", None) or ""
        self.count += 1
        if isinstance(event, yaml.AliasEvent):
            if anchor not in self.anchors:
                raise _refused(event, f"{shown('*' + anchor)} refers to no value that ends before it")
            value, size = self.anchors[anchor]
            self.count += size
        if self.count > NODES:
            raise _refused(event, f"holds more than {NODES:,} values, aliases counted as what they stand for")
        if isinstance(event, yaml.AliasEvent):
            return copy.deepcopy(value)
        if depth > DEEPEST:
            raise _refused(event, f"is nested more than {DEEPEST} levels deep")
        self.anchors.pop(anchor, None)
        if isinstance(event, yaml.ScalarEvent):
            value = _scalar(event)
            self.count += len(event.value) // 100
        elif event.tag not in (None, "!", f"{TAG}seq", f"{TAG}map"):  # type: ignore[attr-defined]
            raise _refused(event, f"has the tag {_tag(event)}")
        elif isinstance(event, yaml.SequenceStartEvent):
            value = [self.value(inner, depth + 1) for inner in self.until(yaml.SequenceEndEvent)]
        else:
            value = self.mapping(depth + 1)
        if anchor:
            self.anchors[anchor] = value, self.count - before
        return value

    def until(self, end: type[yaml.Event]) -> Iterator[yaml.Event]:
        while not isinstance(event := next(self.events), end):
            yield event

    def mapping(self, depth: int) -> dict[str, Any]:
        given: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for event in self.until(yaml.MappingEndEvent):
            key = self.value(event, depth)
            if not isinstance(key, str):
                raise _refused(event, f"a key must be a word, got {shown(key)}; in quotes it is one")
            if key in given:
                raise _refused(event, f"{shown(key)} is given twice")
            given[key] = self.value(next(self.events), depth)
        bases = given.pop("<<", [])
        for base in reversed(bases if isinstance(bases, list) else [bases]):
            if not isinstance(base, dict):
                raise _refused(event, f"<< takes mappings, got {shown(base)}")
            merged |= base
        return merged | given


def _scalar(event: yaml.ScalarEvent) -> Any:
    text, plain = event.value, not event.style and event.tag is None
    if found := UNFIT.search(text):
        raise _refused(event, f"holds the character {found[0]!r}")
    if not plain and event.tag in (None, "!", f"{TAG}str"):
        return text
    for tag, (pattern, value) in SCALARS.items():
        if (plain or event.tag == TAG + tag) and pattern.fullmatch(text):
            try:
                return value(text)
            except ValueError as error:
                raise _refused(event, str(error)) from None
    if plain:
        return text
    raise _refused(event, f"has the tag {_tag(event)}")


def _whole(text: str) -> int:
    if len(text) > DIGITS:
        raise ValueError(f"is a number of more than {DIGITS} digits")
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    return int(text, base)


def _tag(event: Any) -> str:
    return f"{shown(event.tag.replace(TAG, '!!'))}, which is not known or does not fit"


def _refused(event: Any, problem: str) -> SpecError:
    return SpecError(problem, f"{event.start_mark.line + 1}")
