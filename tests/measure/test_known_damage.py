"""Footage damaged by known specs, measured blind. The parameters over 30 draws are in docs/measure.md."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from degrade.core.types import Array
from degrade.measure import Film, measure
from degrade.ops.pipeline import Pipeline
from degrade.sources import open_source

SOURCE = open_source("builtin:stills?count=4&frames=40&height=192&width=256")


def clips(count: int, frames: int) -> list[Array]:
    """Grey ones."""
    read = (SOURCE.read(sequence, 0, frames) for sequence in SOURCE.sequences()[:count])
    return [clip.mean(axis=3, keepdims=True).round().astype(np.uint8) for clip in read]


def under(instruments: list[str], damage: list[Any], count: int = 3, frames: int = 40) -> Film:
    """What is read of clips under a damage, joined to one film."""

    def joined() -> Iterator[Array]:
        for i, clip in enumerate(clips(count, frames)):
            yield from Pipeline(damage)(clip, seed=1, clip_id=str(i)).frames if damage else clip

    return measure(joined(), instruments)


def within(film: Film, instrument: str, quantity: str, true: float, factor: float) -> None:
    value = film[instrument][quantity].value
    assert value is not None, film[instrument][quantity].reason
    assert true / factor <= value <= true * factor


def test_cuts_are_found_and_nothing_else() -> None:
    film = under(["shots"], [{"flicker": {"std": 0.15}}, {"black_frames": {"lost": 0.1, "run": 1}}], count=4, frames=12)
    assert film.shots == 4
    assert film["shots"]["length"].value == 12


def test_strength_of_flicker_weave_and_grain() -> None:
    damage = [
        {"flicker": {"std": 0.1, "correlation": 2}},
        {"noise": {"sigma": 5}},
        {"weave": {"x": 0.004, "y": 0.003, "rotation": 0, "correlation": 2, "correlation_y": 1}},
    ]
    film = under(["flicker", "weave", "grain"], damage)
    within(film, "flicker", "std", 0.1, 1.5)
    within(film, "weave", "x", 4, 1.5)
    within(film, "weave", "y", 3, 1.5)
    within(film, "grain", "sigma", 5, 1.3)
    assert film["flicker"]["periodic"].value == 0
    interval = film["flicker"]["std"]
    assert interval.low is not None
    assert interval.low < film["flicker"]["std"].value < interval.high  # type: ignore[operator]


def test_the_turn_of_the_crank() -> None:
    film = under(["flicker"], [{"periodic_flicker": {"amplitude": 0.1, "period": 8}}, {"flicker": {"std": 0.03}}])
    within(film, "flicker", "periodic", 0.1, 1.3)
    within(film, "flicker", "period", 8, 1.1)
    within(film, "flicker", "std", 0.03, 1.6)


def test_spatial_flicker() -> None:
    film = under(["spatial_flicker"], [{"spatial_flicker": {"std": 0.06, "correlation": 2}}])
    within(film, "spatial_flicker", "std", 0.06, 1.4)


def test_softness_adds_up_as_squares() -> None:
    clean, soft = (
        under(["softness"], damage, frames=7)["softness"]["blur_px"].value or 0
        for damage in ([], [{"gaussian_blur": {"sigma": 1.5 / 192}}])
    )
    assert clean < 1
    assert np.sqrt(soft**2 - clean**2) == pytest.approx(1.5, rel=0.15)


def test_dust_is_counted_with_what_the_detector_misses() -> None:
    damage = [{"dust": {"per_frame": 25, "size": 0.014, "opacity": [0.3, 1], "light": 0.8, "sprinkled": 0}}]
    film = under(["dust"], damage, frames=24)
    within(film, "dust", "per_frame", 25, 1.5)
    within(film, "dust", "size", 0.014, 1.4)
    within(film, "dust", "light", 0.8, 1.3)
    assert film["dust"]["seen"].value < film["dust"]["per_frame"].value  # type: ignore[operator]


def test_specks_that_are_longer_and_higher() -> None:
    dust = {"per_frame": 25, "size": 0.03, "spread": 0.3, "opacity": [0.5, 1], "sprinkled": 0}
    for form in ({"elongation": 2.5}, {"stretch": 2}):
        film = under(["dust"], [{"dust": {**dust, **form}}], frames=12)
        ((name, wanted),) = form.items()
        within(film, "dust", name, wanted, 1.3)
    plain = under(["dust"], [{"dust": dust}], frames=12)
    within(plain, "dust", "elongation", 1.3, 1.2)
    within(plain, "dust", "stretch", 1, 1.15)


def test_lines() -> None:
    damage = [{"scratch": {"per_frame": 3, "width": 0.006, "opacity": [0.5, 0.9], "light": 1, "lifetime": 60}}]
    film = under(["lines"], damage, frames=16)
    within(film, "lines", "per_frame", 3, 2)
    within(film, "lines", "light", 1, 1.3)


def test_posts_of_the_scene_are_no_lines() -> None:
    """Posts before a steady camera, that sway with the picture; beside them one scratch that comes and goes."""
    scene = np.minimum(clips(1, 1)[0][0, ..., 0], 180)
    scene[:, 40::50] += 50
    draw = np.random.default_rng(0)

    def film(scratched: bool) -> Iterator[Array]:
        for t in range(24):
            frame = np.roll(scene, int(draw.integers(-1, 2)), axis=1) + draw.integers(0, 4, scene.shape, np.uint8)
            frame[:, 65:67] += np.uint8(60 * (scratched and 8 <= t < 14))
            yield frame

    posts, both = (measure(film(scratched), ["lines"])["lines"]["along"].value for scratched in (False, True))
    assert posts == 0
    assert both == pytest.approx(6 / 24)


def test_repeated_frames() -> None:
    film = under(["repeated"], [{"frame_faults": {"missing": 0, "repeated": 0.2, "phantom": 0}}])
    within(film, "repeated", "repeated", 0.2, 1.6)


def test_clean_clips_read_next_to_nothing() -> None:
    film = under(["flicker", "spatial_flicker", "weave", "dust", "lines", "repeated"], [], frames=24)
    most = {"flicker": ("std", 0.01), "spatial_flicker": ("std", 0.02), "dust": ("seen", 1.5), "lines": ("along", 0.5),
            "repeated": ("repeated", 0.0), "weave": ("y", 0.5)}  # fmt: skip
    for instrument, (quantity, limit) in most.items():
        value = film[instrument][quantity].value
        assert value is not None
        assert value <= limit, instrument


def test_tint_is_told_from_colour_and_from_grey() -> None:
    def read(damage: list[Any]) -> dict[str, float | None]:
        clip = np.repeat(clips(1, 4)[0], 3, axis=3)
        film = measure(iter(Pipeline(damage)(clip, seed=1).frames if damage else clip), ["tint"])
        return {name: reading.value for name, reading in film["tint"].items()}

    amber = np.array((1.0, 0.78, 0.42)) / (np.array((1.0, 0.78, 0.42)) @ (0.299, 0.587, 0.114))
    tinted = read([{"tinting": {"dyes": ["amber"], "strength": 1}}])
    assert [tinted[name] for name in ("red", "green", "blue")] == pytest.approx(amber.tolist(), rel=0.03)
    assert tinted["variety"] == pytest.approx(0, abs=0.02)
    assert set(read([]).values()) == {None}


def test_blocks_and_combing() -> None:
    clean, coded, combed = (
        under(["blocks"], damage, count=1, frames=8)["blocks"]
        for damage in ([], [{"jpeg": {"quality": 15}}], [{"combing": {}}])
    )
    assert clean["across"].value == pytest.approx(1, abs=0.15)
    assert coded["across"].value > clean["across"].value + 0.3  # type: ignore[operator]
    assert coded["down"].value > clean["down"].value + 0.3  # type: ignore[operator]
    assert combed["combing"].value > 1.3 * clean["combing"].value  # type: ignore[operator]


def test_grain_of_frames_between_repeated_ones() -> None:
    damage = [{"noise": {"sigma": 5}}, {"frame_faults": {"missing": 0, "repeated": 0.4, "phantom": 0}}]
    within(under(["grain"], damage), "grain", "sigma", 5, 1.3)


@pytest.mark.parametrize("stretch", [0.6, 1.0, 1.8])
def test_the_shape_of_clumps(stretch: float) -> None:
    damage = [{"mottled_grain": {"strength": 2, "stretch": stretch}}]
    within(under(["grain"], damage), "grain", "stretch", stretch, 1.15)


def test_rain_is_new_in_each_frame_and_the_grain_of_wood_is_not() -> None:
    wood = np.random.default_rng(0).normal(0, 0.02, (1, 256)).repeat(192, axis=0)

    def read(rain: float) -> Film:
        op = {"scratch": {"per_frame": rain, "lifetime": 1, "width": 0.01, "opacity": 0.15, "wander": 0, "broken": 0}}
        draw = np.random.default_rng(1)
        clip = 0.4 + wood + draw.normal(0, 0.004, (12, 192, 256))
        film = Pipeline([op] if rain else [])(clip[..., None].astype(np.float32), seed=1).frames
        return measure(iter(film), ["lines"])

    bare, rainy = read(0)["lines"], read(40)["lines"]
    assert abs(bare["rain"].value or 0) < 0.1
    assert bare["rain_contrast"].value is None
    assert rainy["rain"].value > 1  # type: ignore[operator]
    assert rainy["rain_contrast"].value > 3  # type: ignore[operator]


def test_a_border_and_its_corners() -> None:
    border = {"left": 0.04, "right": 0, "top": 0.02, "foot": 0, "radius": 0.12, "softness": 0, "tone": 0}
    gate = under(["gate"], [{"frame_border": border}], frames=3)["gate"]
    bare = under(["gate"], [], frames=3)["gate"]
    assert gate["left"].value == pytest.approx(40, abs=6)
    assert gate["top"].value == pytest.approx(20, abs=6)
    assert gate["corners"].value == pytest.approx(120, rel=0.25)
    assert [bare[name].value for name in ("left", "right", "top", "foot", "corners")] == [0] * 5


def test_dark_borders_and_falloff() -> None:
    def framed() -> Iterator[Array]:
        for i, clip in enumerate(clips(4, 4)):
            frames = Pipeline([{"vignette": {"falloff": 2, "offset": 0}}])(clip, seed=i).frames.copy()
            frames[:, :, :10] = 0
            frames[:, -6:] = 2
            yield from frames

    film = measure(framed(), ["gate"])
    within(film, "gate", "left", 1000 * 10 / 192, 1.15)
    within(film, "gate", "foot", 1000 * 6 / 192, 1.2)
    assert film["gate"]["right"].value == film["gate"]["top"].value == 0
    bare = under(["gate"], [], count=4, frames=4)["gate"]["falloff"].value
    assert film["gate"]["falloff"].value - bare == pytest.approx(2, abs=0.7)  # type: ignore[operator]


def test_what_stays_while_the_camera_moves_is_in_the_gate() -> None:
    source = open_source("builtin:stills?count=1&frames=1&height=360&width=480")
    still = source.read(source.sequences()[0], 0, 1)[0, ..., 1]
    wide = np.concatenate([still, still[:, ::-1], still], axis=1)

    def film(number: float, pan: int) -> Iterator[Array]:
        clip = np.stack([wide[:, pan * t : pan * t + 480] for t in range(30)])[..., None]
        yield from Pipeline([{"gate_dirt": {"per_frame": number, "lifetime": 100_000}}])(clip, seed=3).frames

    read = {(number, pan): measure(film(number, pan), ["gate_dirt"])["gate_dirt"] for number, pan in MOVED}
    assert read[20, 5]["per_frame"].value == pytest.approx(20, rel=0.4)
    assert read[20, 5]["size"].value == pytest.approx(0.015, rel=0.6)
    assert read[20, 5]["light"].value < 0.3  # type: ignore[operator]
    assert read[0, 5]["per_frame"].value < 2  # type: ignore[operator]
    assert read[20, 0]["per_frame"].value is None


MOVED = (20, 5), (0, 5), (20, 0)
"""Particles a frame, and pixels by which the camera moves from one to the next."""
