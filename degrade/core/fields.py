"""Field types for parameters, and validation errors as single lines."""

import math
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema

from degrade.core.errors import SpecError, shown, unknown

Interval = tuple[float, float]
"""``(low, high)``: a value is drawn between the two. A single number means a fixed value."""

Probability = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True)
class Within:
    """The range allowed for an `Interval`.

    Args:
        low: Smallest value allowed.
        high: Greatest value allowed, or None.
        unit: Shown to the user: ``"frame heights"``, ``"px"``.
    """

    low: float
    high: float | None = None
    unit: str = ""

    def check(self, value: Interval) -> Interval:
        """Returns `value`, or raises ValueError."""
        low, high = value
        shown = f"({low:g}, {high:g})"
        if not low <= high:
            raise ValueError(f"{shown} must be increasing")
        if low < self.low or (self.high is not None and high > self.high):
            top = "" if self.high is None else f" to {self.high:g}"
            raise ValueError(f"{shown} must lie within {self.low:g}{top or ' and above'} {self.unit}".rstrip())
        return value

    def nearest(self, value: Interval) -> Interval:
        """The range that is allowed, and nearest to `value`."""
        low, high = (max(self.low, end if self.high is None else min(end, self.high)) for end in value)
        return low, high

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def pair(value: Any) -> Any:
            number = isinstance(value, int | float) and not isinstance(value, bool)
            return (value, value) if number else value

        checked = core_schema.no_info_after_validator_function(self.check, handler(source))
        return core_schema.no_info_before_validator_function(pair, checked)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        number: dict[str, Any] = {"type": "number", "minimum": self.low}
        if self.high is not None:
            number["maximum"] = self.high
        return {"anyOf": [number, {"type": "array", "items": number, "minItems": 2, "maxItems": 2}]}

    def __str__(self) -> str:
        top = "…" if self.high is None else f"{self.high:g}"
        return f"{self.low:g} – {top} {self.unit}".rstrip()


@dataclass(frozen=True)
class Neutral:
    """Marks a parameter that sets the strength of the damage; see `Op.at_severity`.

    Args:
        value: Where the op changes nothing: 0 for a strength, 1 for a factor, 100 for a quality, and `math.inf`
            for what the damage falls with (photons, lines of resolution).
    """

    value: float

    def towards(self, value: Any, severity: float) -> Any:
        """Interpolates from the neutral value to `value`, or each number in it; `severity` is greater than 0."""
        if isinstance(value, tuple):
            return tuple(self.towards(inner, severity) for inner in value)
        if value is None:
            return None
        there = value / severity if math.isinf(self.value) else self.value + severity * (value - self.value)
        return round(there) if isinstance(value, int) else there


@dataclass(frozen=True)
class Packed:
    """A sequence of numbers as `array.array`, 8 bytes each instead of 32 in a tuple; in JSON a list.

    Args:
        code: Of `array`: ``"d"`` for floats, ``"q"`` for whole numbers.
    """

    code: Literal["d", "q"]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def pack(value: Any, checked: Callable[[Any], list[Any]]) -> Any:
            packed = isinstance(value, array) and value.typecode == self.code
            return value if packed else array(self.code, checked(value))

        number = core_schema.float_schema() if self.code == "d" else core_schema.int_schema()
        listed = core_schema.plain_serializer_function_ser_schema(array.tolist)
        return core_schema.no_info_wrap_validator_function(pack, core_schema.list_schema(number), serialization=listed)


if TYPE_CHECKING:  # at run time `array` takes no type argument before Python 3.12
    Floats = array[float]
    Ints = array[int]
else:
    Floats = Annotated[array, Packed("d")]
    Ints = Annotated[array, Packed("q")]


def path(parts: Iterable[str | int]) -> str:
    """``("pipeline", 2, "dust")`` as ``pipeline[2].dust``."""
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


class Strict(BaseModel):
    """A frozen record that refuses unknown keys and reports errors in one line.

    Raises:
        SpecError: On construction, naming the first field that is wrong.
    """

    model_config = {
        "frozen": True,
        "extra": "forbid",
        "allow_inf_nan": False,
        "ser_json_inf_nan": "constants",
        "defer_build": True,  # until a record is made, since most ops are but listed
    }

    def __init__(self, *given: Any, **data: Any) -> None:
        if given:
            raise TypeError(f"{type(self).__name__} takes its values by name, got {shown(given[0])}")
        token = _nested.set(True)
        try:
            super().__init__(**data)
        except ValidationError as error:
            if token.old_value is True:
                raise  # the record around this one knows the whole path
            raise _one_line(error, type(self)) from None
        finally:
            _nested.reset(token)

    def __str__(self) -> str:
        return repr(self)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Pydantic's own, with what the docstrings say of the fields."""
        from degrade.core.docstrings import described  # for schemas alone

        written = handler(schema)
        properties = handler.resolve_ref_schema(written).get("properties", {})
        for name, text in described(cls).items():
            properties.get(name, {}).setdefault("description", text)
        return written


def _numbers_alone(schema: Any) -> Any:
    """The schema without the conversions of booleans and text to numbers, and of anything to booleans."""
    if isinstance(schema, list | tuple):
        return type(schema)(map(_numbers_alone, schema))
    if not isinstance(schema, dict):
        return schema
    parts = {"schema", "items_schema", "keys_schema", "values_schema", "choices", "definitions"}
    exact: Any = {key: _numbers_alone(part) if key in parts else part for key, part in schema.items()}
    if "fields" in schema:
        exact["fields"] = {name: _numbers_alone(field) for name, field in schema["fields"].items()}
    if schema.get("type") == "bool":
        exact["strict"] = True
    if kind := {"int": "integer", "float": "number"}.get(schema.get("type", "")):

        def number(value: Any) -> Any:
            if isinstance(value, bool | str | bytes):
                raise ValueError(f"should be a valid {kind}, got {shown(value)}")
            return value

        return core_schema.no_info_before_validator_function(number, exact)
    return exact


class Settings(Strict):
    """A record that people write: in it ``true`` and ``"1"`` are no numbers, and ``1`` is no boolean."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Pydantic's own, without these conversions."""
        schema: CoreSchema = _numbers_alone(handler(source))
        return schema


_nested: ContextVar[bool] = ContextVar("nested")


@contextmanager
def raise_spec_errors() -> Iterator[None]:
    """Records created inside raise SpecError themselves, even while another record is being validated."""
    token = _nested.set(False)
    try:
        yield
    finally:
        _nested.reset(token)


def _one_line(error: ValidationError, model: type[BaseModel]) -> SpecError:
    first, *others = error.errors()
    if first["type"] == "missing":  # an unknown key beside it may be meant for it
        beside = (each for each in others if each["loc"][:-1] == first["loc"][:-1])
        first = next((each for each in beside if each["type"] == "extra_forbidden"), first)
    where, given = path(first["loc"]), first.get("input")
    if first["loc"][-1:] == ("[key]",):
        where = path(first["loc"][:-2])
    if first["type"] == "extra_forbidden":
        *outer, key = first["loc"]
        for part in outer:
            inner = model.model_fields[part].annotation if part in model.model_fields else None
            model = inner if isinstance(inner, type) and issubclass(inner, BaseModel) else model
        return SpecError(unknown("key", key, model.model_fields), path(outer))
    if first["type"] == "missing":
        return SpecError("is required", where)
    if first["type"] == "value_error":
        return SpecError(str(first["ctx"]["error"]), where)
    return SpecError(f"{first['msg'].removeprefix('Input ')}, got {shown(given)}", where)
