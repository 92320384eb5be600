"""Ranges, and complaints in one line."""

import json
from typing import Annotated, Literal

import pytest
from pydantic import Field

from degrade.core.errors import SpecError, unknown
from degrade.core.fields import Interval, Strict, Within, path


class Record(Strict):
    size: Annotated[Interval, Within(0, 10, "px")] = (1, 2)
    open_end: Annotated[Interval, Within(1)] = (1, 2)
    maybe: Annotated[Interval, Within(0, 1)] | None = None
    several: tuple[Annotated[Interval, Within(0, 1)], ...] = ()
    count: Annotated[int, Field(ge=0)] = 0
    mode: Literal["add", "screen"] = "add"


def test_a_number_stands_for_both_ends() -> None:
    record = Record(size=3, maybe=0.5, several=(0.1, (0.2, 0.3)))  # type: ignore[arg-type]
    assert (record.size, record.maybe, record.several) == ((3, 3), (0.5, 0.5), ((0.1, 0.1), (0.2, 0.3)))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"size": (9, 3)}, "size: (9, 3) must be increasing"),
        ({"size": (-1, 3)}, "size: (-1, 3) must lie within 0 to 10 px"),
        ({"size": 11}, "size: (11, 11) must lie within 0 to 10 px"),
        ({"open_end": 0.5}, "open_end: (0.5, 0.5) must lie within 1 and above"),
        ({"several": [0.5, [0.2, 0.1]]}, "several[1]: (0.2, 0.1) must be increasing"),
        ({"size": True}, "size: should be a valid tuple, got True"),
        ({"size": (1, 2, 3)}, "got (1, 2, 3)"),
        ({"size": float("nan")}, "should be a finite number, got nan"),
        ({"open_end": (1, float("inf"))}, "should be a finite number, got inf"),
        ({"count": -1}, "count: should be greater than or equal to 0, got -1"),
        ({"count": 1.5}, "count: "),
        ({"mode": "ad"}, "mode: should be 'add' or 'screen', got 'ad'"),
        ({"sise": 1}, "unknown key 'sise'; did you mean 'size'?"),
        ({"zzz": 1}, "unknown key 'zzz'; known: count, maybe, mode, open_end, several, size"),
    ],
)
def test_a_bad_value_is_told_in_one_line(values: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError) as error:
        Record(**values)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 200


def test_what_is_missing_is_named() -> None:
    class Needs(Strict):
        name: str

    with pytest.raises(SpecError, match=r"^name: is required$"):
        Needs()  # type: ignore[call-arg]


def test_records_do_not_change() -> None:
    with pytest.raises(Exception, match="frozen"):
        Record().count = 3  # type: ignore[misc]


def test_an_error_is_seen_from_further_out() -> None:
    error = SpecError("is wrong", "sigma").within("noise").within("[2]").within("ops")
    assert str(error) == "ops[2].noise.sigma: is wrong"
    assert str(SpecError("is wrong")) == "is wrong"
    assert str(SpecError("is wrong").within("noise")) == "noise: is wrong"


def test_paths_are_written_as_in_a_spec() -> None:
    assert path(("pipeline", 2, "dust", "per_frame", 0)) == "pipeline[2].dust.per_frame[0]"


def test_unknown_of_nothing() -> None:
    assert unknown("preset", "x", []) == "unknown preset 'x'; known: none"


def test_ranges_describe_themselves() -> None:
    assert str(Within(0, 10, "px")) == "0 – 10 px"
    assert str(Within(1)) == "1 – …"
    schema = Record.model_json_schema()["properties"]
    assert {"type": "number", "minimum": 0, "maximum": 10} in schema["size"]["anyOf"]
    json.dumps(schema)
