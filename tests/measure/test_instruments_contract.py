"""What every instrument promises, whatever the footage; a new instrument is under test as soon as its file is there."""

import gc
import json
import math
from collections.abc import Iterator

import numpy as np
import pytest

from degrade.core.errors import SourceError, SpecError
from degrade.core.types import Array
from degrade.measure import Film, Reading, _film, apart, measure, registry, rows, to_json
from degrade.measure._view import View

NAMES = registry.names()


def moving(frames: int, height: int = 128, width: int = 144, channels: int = 3) -> Iterator[Array]:
    """Blurred noise that pans, with new noise on it in every frame; uint8."""
    draw = np.random.default_rng(0)
    wide = draw.integers(40, 210, (height // 8 + 2, 64, channels)).repeat(8, axis=0).repeat(8, axis=1)[:height]
    for t in range(frames):
        at = 2 * t % (512 - width)
        noise = draw.normal(0, 3, (height, width, channels))
        yield (wide[:, at : at + width] + noise).clip(0, 255).astype(np.uint8)


def checked(film: Film, names: list[str] | None = None) -> Film:
    """Every quantity has a value, or says why not; a value lies in its interval or near it."""
    assert list(film.readings) == (names or NAMES)
    for name, readings in film.readings.items():
        assert list(readings) == list(registry.get(name).quantities)
        for reading in readings.values():
            if reading.value is None:
                assert reading.reason
                assert reading.low is None
            else:
                assert math.isfinite(reading.value)
                assert reading.low is None or (reading.high is not None and reading.low <= reading.high)
    json.dumps(film.to_json(), allow_nan=False)
    return film


@pytest.mark.parametrize("name", NAMES)
def test_says_what_it_measures_in_which_unit_and_how_it_is_fooled(name: str) -> None:
    cls = registry.get(name)
    assert cls.__name__ == "".join(part.capitalize() for part in name.split("_"))
    assert "ooled by" in (cls.__doc__ or "")
    assert cls.quantities
    assert all(quantity.about for quantity in cls.quantities.values())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("level", [0, 130, 255])
def test_frames_of_one_tone(name: str, level: int) -> None:
    film = checked(measure((np.full((130, 120, 3), level, np.uint8) for _ in range(14)), [name]), [name])
    assert film.frames == 14
    for quantity in ("std", "per_frame", "x", "y", "periodic"):
        assert not (quantity in film[name] and film[name][quantity].value)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (1, 40), (33, 31), (130, 8)])
@pytest.mark.parametrize("channels", [1, 3])
def test_tiny_frames(size: tuple[int, int], channels: int) -> None:
    draw = np.random.default_rng(1)
    checked(measure(draw.integers(0, 256, (*size, channels), dtype=np.uint8) for _ in range(9)))


def test_one_frame() -> None:
    assert checked(measure(moving(1))).shots == 1


def test_no_frame_is_an_error() -> None:
    with pytest.raises(SourceError, match="no frames"):
        measure([])


def test_an_unknown_instrument_gets_the_nearest() -> None:
    with pytest.raises(SpecError, match="unknown instrument 'weeve'; did you mean 'weave'"):
        measure(moving(1), ["weeve"])


def test_grey_footage_reads_as_its_copy_in_colour_and_always_the_same() -> None:
    grey = [frame[..., :1] for frame in moving(13)]
    one, again = (checked(measure(iter(grey))) for _ in range(2))
    assert one == again
    colour = checked(measure(np.repeat(frame, 3, axis=2) for frame in grey))
    for name in NAMES:
        for quantity, reading in one[name].items():
            if quantity not in ("layers", "strength", "hue") and reading.value:
                assert colour[name][quantity].value == pytest.approx(reading.value, rel=0.1, abs=0.02), (name, quantity)


def test_black_frames_amid_others_are_passed_over() -> None:
    frames = list(moving(12))
    frames[4] = frames[9] = np.zeros_like(frames[0])
    film = checked(measure(frames))
    assert film.shots == 1
    assert film["repeated"]["blank"].value == pytest.approx(2 / 12)


def test_large_frames_are_reduced() -> None:
    film = checked(measure(moving(2, 2160, 200), ["tone", "softness", "grain"]), ["tone", "softness", "grain"])
    assert film.frames == 2


def test_memory_is_flat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few frames are held at a time, and of a piece no more is kept than of a small picture."""
    monkeypatch.setattr(_film, "PIECE", 12)
    most = 0

    def watched() -> Iterator[Array]:
        nonlocal most
        for t, frame in enumerate(moving(36, 120, 128, 1)):
            if t % 5 == 4:
                most = max(most, sum(type(thing) is View for thing in gc.get_objects()))
            yield frame

    meter = _film.Meter([registry.get(name) for name in NAMES], lambda count: None)
    meter.see(watched())
    assert 1 <= most <= 5
    assert meter.shots == 3
    for cls, shots in meter.kept.items():
        assert len(shots) <= 3
        for shot in shots:
            assert sum(np.asarray(kept).nbytes for kept in shot.values()) < 32_000, cls


def test_films_side_by_side() -> None:
    films = [measure(moving(count), ["tone", "shots"]) for count in (3, 4)]
    table = rows(films)
    assert ["shots", "length", "3", "4", "× 1.33", "frames"] in table
    assert len(table) == sum(len(registry.get(name).quantities) for name in ("tone", "shots"))
    read = to_json(dict(zip("ab", films, strict=True)))
    assert read["a"] == films[0].to_json()
    assert read["b"]["readings"]["shots"]["length"] == {
        "value": 4, "unit": "frames", "factor": pytest.approx(4 / 3), "overlap": None
    }  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other", "factor", "overlap", "text"),
    [
        (Reading(2, 1, 3), Reading(3, 2.5, 4), 1.5, True, "× 1.50 overlap"),
        (Reading(3, 2.5, 4), Reading(1.5, 1, 2), 0.5, False, "× 0.50 apart"),
        (Reading(2, 1, 3), Reading(3), 1.5, None, "× 1.50"),
        (Reading(0, 0, 0), Reading(0, 0, 1), 1, True, "× 1.00 overlap"),
        (Reading(0, 0, 0.5), Reading(2, 1, 3), None, False, "– apart"),
        (Reading(-0.2), Reading(0.4), None, None, "–"),
        (Reading(None, reason="dark"), Reading(0.4, 0.3, 0.5), None, None, "–"),
    ],
)
def test_how_far_readings_are_off(
    one: Reading, other: Reading, factor: float | None, overlap: bool | None, text: str
) -> None:
    found = apart(one, other)
    assert (found.factor, found.overlap, found.text()) == (factor, overlap, text)
