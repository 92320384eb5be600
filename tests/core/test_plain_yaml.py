"""YAML: what plain text means, and what is not read."""

import math
from typing import Any

import pytest

from degrade.core import plain_yaml
from degrade.core.errors import SpecError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# nothing", None),
        ("[true, False, yes, no, on, y]", [True, False, "yes", "no", "on", "y"]),
        ("[~, null, 'null', '']", [None, None, "null", ""]),
        ("a:", {"a": None}),
        ("[1, -2, +3, 010, 0o17, 0x1F, 1_000]", [1, -2, 3, 10, 15, 31, "1_000"]),
        ("[1.5, .5, 1e3, -1E-2, .inf, -.inf]", [1.5, 0.5, 1000.0, -0.01, math.inf, -math.inf]),
        ("[2001-01-01, 2001-99-99, 12:30:45]", ["2001-01-01", "2001-99-99", "12:30:45"]),
        ("['1', \"true\", !!str 5, ! 5, !!int '3', !!float 2]", ["1", "true", "5", "5", 3, 2.0]),
        ("on: {yes: 1}", {"on": {"yes": 1}}),
        ("[&a [1], *a]", [[1], [1]]),
        (
            "[&a {x: 1, y: 2}, {<<: *a, y: 3}, {<<: [{x: 4}, *a]}]",
            [{"x": 1, "y": 2}, {"x": 1, "y": 3}, {"x": 4, "y": 2}],
        ),
    ],
)
def test_values_are_those_of_the_core_schema(text: str, value: Any) -> None:
    assert plain_yaml.load(text) == value
    assert plain_yaml.load(text.encode()) == value


def test_what_an_alias_gives_is_a_copy() -> None:
    first, second = plain_yaml.load("[&a [1], *a]")
    assert first is not second


BOMB = ", ".join(["&b0 [x,x,x,x,x,x,x,x,x]"] + [f"&b{i} [{','.join([f'*b{i - 1}'] * 9)}]" for i in range(1, 9)])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "3: 'a' is given twice"),
        ("a: {b: 1, b: 1}", "1: 'b' is given twice"),
        ("a: 1\ntrue: 2", "2: a key must be a word, got True; in quotes it is one"),
        ("[a]: 1", "1: a key must be a word, got ['a']"),
        ("a: &a [*a]", "1: '*a' refers to no value that ends before it"),
        ("a: *b", "1: '*b' refers to no value"),
        ("<<: 3", "<< takes mappings, got 3"),
        (f"[{BOMB}]", "1: holds more than 100,000 values"),
        (f"[&a {'x' * 500_000}{', *a' * 30}]", "1: holds more than 100,000 values"),
        ("[" * 102 + "]" * 102, "1: is nested more than 100 levels deep"),
        ("- " * 50_000, "1: is nested more than 100 levels deep"),
        ("9" * 101, "1: is a number of more than 100 digits"),
        ("!!int x", "1: has the tag '!!int', which is not known or does not fit"),
        ("!!bool x", "1: has the tag '!!bool'"),
        ("!!timestamp 2001-01-01", "1: has the tag '!!timestamp'"),
        ("!!python/name:os.system", "1: has the tag '!!python/name:os.system'"),
        ("!!set {a}", "1: has the tag '!!set'"),
        ('"\\0"', "1: holds the character '\\x00'"),
        ("a: [1", "is not YAML: "),
        ("--- 1\n--- 2", "2: a second document begins; write one"),
        ("x" * (2**20 + 1), "is longer than 1 MiB"),
        ("x: \udcff", "is not text in UTF-8"),
        (b"\xff\xfe", "is not text in UTF-8"),
    ],
)
def test_what_is_no_plain_data_is_one_line(text: str | bytes, message: str) -> None:
    with pytest.raises(SpecError) as refused:
        plain_yaml.load(text)
    assert str(refused.value).startswith(message) or f": {message}" in str(refused.value)
    assert "\n" not in str(refused.value)
