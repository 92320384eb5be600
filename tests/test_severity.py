"""Severity: 0 is clean, 1 is the pipeline as it is, and between the two the same damage is weaker."""

import functools
from typing import ClassVar

import cv2
import numpy as np
import pytest

import degrade
from degrade import presets
from degrade.core.composition import parse_op
from degrade.core.op import Family, Op
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Params, Trace
from degrade.ops import registry
from degrade.sources import open_source
from degrade.spec import load_spec, parse

STEPS = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)


@functools.cache
def footage() -> Array:
    source = open_source("builtin:stills")
    frames = source.read(source.sequences()[1], 0, 6)
    return np.stack([cv2.cvtColor(cv2.resize(f, (240, 160)), cv2.COLOR_RGB2GRAY) for f in frames])[..., None]


def error(name: str, severity: float, seed: int) -> float:
    clip = footage().astype(np.float32) / 255
    return float(np.square(degrade.load(name, severity=severity)(clip, seed=seed).frames - clip).mean())


@pytest.mark.parametrize("name", presets.names())
def test_psnr_falls_as_severity_rises(name: str) -> None:
    errors = np.array([[error(name, severity, seed) for severity in STEPS] for seed in range(4)])
    assert not errors[:, 0].any()
    mean = errors.mean(axis=0)
    assert (np.diff(mean) > 0).all(), mean
    assert mean[-1] > 2 * mean[1]


@pytest.mark.parametrize("name", registry.names())
def test_each_op_spans_from_nothing_to_itself(name: str) -> None:
    cls = registry.get(name)
    op = cls(ops=("dust", "jpeg")) if "ops" in cls.model_fields else cls()
    clip = footage()[:2]
    np.testing.assert_array_equal(op.at_severity(0)(clip, seed=3).frames, clip)
    assert op.at_severity(1) == op
    half = op.at_severity(0.5)
    assert half != op
    assert parse_op(half.to_spec()) == half
    with pytest.raises(degrade.SpecError, match=r"severity: must lie within 0 to 1, got 1\.5"):
        op.at_severity(1.5)


def test_defects_keep_their_places() -> None:
    mild, whole = (degrade.load("film-medium", severity=s)(footage(), seed=1) for s in (0.3, 1))
    assert mild.trace.fired() == whole.trace.fired()
    dust = [next(s["params"] for s in out.trace.steps if s["label"] == "dust") for out in (mild, whole)]
    assert dust[0]["x_px"] == dust[1]["x_px"]
    np.testing.assert_allclose(dust[0]["opacity"], 0.3 * np.array(dust[1]["opacity"]), atol=0.011)


class Upside(Op):
    """All or nothing: turned upside down."""

    drawn: ClassVar[type[Params]] = Params
    family: ClassVar[Family] = "transport"

    def sample(self, info: ClipInfo, rng: Stream) -> Params:
        return Params()

    def render_frame(self, frame: Array, params: Params, t: int) -> Array:
        return frame[::-1]


def test_an_op_without_strengths_fires_less_often_and_at_nested_seeds() -> None:
    assert Upside(p=0.8).at_severity(0.5) == Upside(p=0.4)
    clip = ClipInfo(frames=1, height=4, width=4)
    fired = [
        {s for s in range(60) if degrade.Pipeline(ops=(Upside(p=p, id="turn"),)).draw(clip, s).steps}
        for p in (0.2, 0.4, 0.8)
    ]
    assert fired[0] < fired[1] < fired[2]


def test_a_spec_says_it() -> None:
    plain = parse({"pipeline": ["dust"]})
    assert "severity" not in plain.resolved()
    spec = load_spec(preset="film-light", changes=["severity=0.3"])
    assert spec.severity == 0.3
    assert spec.damage() == degrade.load("film-light", severity=0.3)
    assert spec.digest() != load_spec(preset="film-light").digest()
    with pytest.raises(degrade.SpecError, match="severity: should be less than or equal to 1"):
        load_spec(preset="film-light", changes=["severity=3"])


@pytest.mark.parametrize("op", [{"hand_cranked": {"speed": 0.1}}, {"tone_curve": {"middle": 0.05, "contrast": 0.1}}])
def test_at_one_an_op_is_what_it_was(op: dict) -> None:
    assert parse_op(op).at_severity(1) == parse_op(op)


def test_what_is_drawn_at_little_severity_replays() -> None:
    spec = parse(
        {"name": "a", "source": "builtin:stills", "severity": 0.01, "pipeline": [{"shot_noise": {"photons": 5e4}}]}
    )
    damaged = spec.damage()(footage(), seed=1)
    again = Trace.from_json(damaged.trace.to_json()).replay(footage())
    assert (again.frames == damaged.frames).all()
