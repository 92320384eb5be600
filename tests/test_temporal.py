"""Ops that look at other frames: windows, masks and targets through every composition, and datasets of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from degrade import AtScale, OneOf, Pipeline, Shuffle
from degrade.core.op import Op, Temporal
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Layer, Params
from degrade.dataset import pairs
from degrade.dataset.generate import generate
from degrade.dataset.pairs import clean_frames, render_pairs
from degrade.dataset.plan import plan
from degrade.dataset.verify import verify
from degrade.ops import BlackFrames, Dust, FrameFaults, HandCranked, Jpeg, Noise, Pulldown, Weave
from degrade.sources import open_source
from degrade.spec import Spec

MakeSpec = Callable[..., Spec]


class Backwards(Temporal):
    """The clip from its end: as far from its own window as a frame can come; groups of three."""

    drawn = ClipInfo

    @classmethod
    def name(cls) -> str:
        return "backwards"

    def sample(self, info: ClipInfo, rng: Stream) -> Params:
        return info  # type: ignore[return-value]

    def frames_needed(self, params: Any, start: int, stop: int) -> tuple[int, int]:
        return params.frames - stop, params.frames - start

    def block_size(self, params: Any) -> int:
        return 3

    def render(self, frames: Array, params: Any, start: int, stop: int | None = None) -> Layer:
        frames, _, _ = self.window(frames, params, start, stop)
        return Layer(frames[::-1], {"": np.ones_like(frames[..., :1])})

    def move(self, frames: Array, params: Any, start: int, stop: int | None = None) -> Array:
        return self.window(frames, params, start, stop)[0][::-1]


BACK, AGAIN, ONCE_MORE = (Backwards(id=name) for name in ("back", "again", "once-more"))


def clip(frames: int = 8) -> Array:
    return np.random.default_rng(0).random((frames, 20, 30, 1), dtype=np.float32)


def info(frames: int = 8) -> ClipInfo:
    return ClipInfo(frames=frames, height=20, width=30, channels=1, id="clip")


FAULTS = FrameFaults(missing=0.3, repeated=0.2, phantom=0.3)
HALF = AtScale(scales=(0.5,))


@pytest.mark.parametrize(
    "ops",
    [
        (Dust(per_frame=9), BACK, Noise()),
        (Dust(per_frame=9), HALF, FAULTS, Weave(), BACK, Noise()),
        (BACK, Dust(per_frame=9), HALF, Jpeg()),
        (FAULTS, AtScale(scales=(0.5,), ops=(Dust(per_frame=9), HandCranked(), Noise(), HALF, BACK)), Weave()),
        (Noise(), OneOf(ops=(Pulldown(),)), Shuffle(ops=(HALF, FAULTS, Dust(per_frame=9), BACK))),
        (Shuffle(ops=(HandCranked(speed=0.3), Pipeline(ops=(Dust(per_frame=9), Noise())), BlackFrames(lost=0.5))),),
    ],
)
def test_every_window_is_that_slice_of_the_whole_clip(ops: tuple[Op, ...]) -> None:
    pipeline = Pipeline(ops=ops)
    for seed in range(2):
        params = pipeline.draw(info(), seed)
        whole, target = pipeline.render(clip(), params, 0), pipeline.target(clip(), params, 0)
        for start in range(8):
            for stop in {start + 1, min(start + 3, 8), 8}:
                first, last = pipeline.frames_needed(params, start, stop)
                window = pipeline.render(clip()[first:last], params, start, stop)
                np.testing.assert_array_equal(window.frames, whole.frames[start:stop])
                assert list(window.masks) == list(whole.masks)
                for label, mask in window.masks.items():
                    np.testing.assert_array_equal(mask, whole.masks[label][start:stop])
                aligned = pipeline.target(clip()[first:last], params, start, stop)
                np.testing.assert_array_equal(aligned, target[start:stop])


def test_frames_needed_go_backward_through_the_ops() -> None:
    pipeline = Pipeline(ops=(BACK, Noise(), HALF, OneOf(ops=(AGAIN,)), ONCE_MORE))
    params = pipeline.draw(info(), 0)
    assert pipeline.frames_needed(params, 1, 3) == (5, 7)
    fewer = params.model_copy(update={"steps": params.steps[:-1]})
    assert Pipeline(ops=pipeline.ops[:-1]).frames_needed(fewer, 1, 3) == (1, 3)
    assert pipeline.block_size(params) == 3
    assert Pipeline(ops=(Noise(), Weave())).block_size(Pipeline(ops=(Noise(), Weave())).draw(info(), 0)) == 1


def test_frames_that_are_not_those_it_takes_are_refused() -> None:
    pipeline = Pipeline(ops=(Noise(), BACK))
    params = pipeline.draw(info(), 0)
    for work in (pipeline.render, pipeline.target, pipeline.move):
        with pytest.raises(ValueError, match="frames 1 to 3 are made of 5 to 7; given are 1 to 3"):
            work(clip()[1:3], params, 1)
        with pytest.raises(ValueError, match="frames 1 to 3 are made of 5 to 7; given are 5 to 6"):
            work(clip()[5:6], params, 1, 3)


def test_earlier_masks_follow_and_later_ones_do_not() -> None:
    ops = Dust(per_frame=30), BACK, Dust(id="later", per_frame=30)
    alone, out = Pipeline(ops=ops[:1])(clip(), seed=1), Pipeline(ops=ops)(clip(), seed=1)
    np.testing.assert_array_equal(out.masks["dust"], alone.masks["dust"][::-1])
    assert list(out.masks) == ["dust", "back", "later"]
    np.testing.assert_array_equal(out.masks["later"], Pipeline(ops=ops[2:])(clip(), seed=1).masks["later"])
    assert out.masks["dust"].any(axis=(1, 2, 3)).all()


def test_the_target_is_the_frame_that_is_shown_and_of_a_black_one_that_which_should_be_there() -> None:
    pipeline = Pipeline(ops=(FAULTS, BlackFrames(lost=0.4)))
    given = clip(24)
    params = pipeline.draw(info(24), 1)
    shown, black = params.steps[0]["params"].shown, params.steps[1]["params"].lost
    assert black
    assert len(set(shown)) < 24
    layer = pipeline.render(given, params, 0)
    np.testing.assert_array_equal(pipeline.target(given, params, 0), given[list(shown)])
    for t in range(24):
        assert layer.masks["black_frames"][t].min() == layer.masks["black_frames"][t].max() == (t in black)


OPS = [
    {"dust": {"per_frame": [3, 6]}},
    {"frame_faults": {"repeated": 0.4}},
    {"at_scale": {"scales": [0.5]}},
    {"hand_cranked": {"speed": 0.5}},
]


@pytest.mark.parametrize("alignment", ["aligned", "original"])
def test_datasets_hold_the_whole_clip_whatever_is_rendered_at_once(
    make_spec: MakeSpec, alignment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make_spec(pipeline=OPS, alignment=alignment)
    source = open_source(spec.source)
    one = plan(spec, source)[-1]
    params = spec.damage().draw(one.info(), spec.seed)
    whole = next(iter(render_pairs(one, spec, source, params)))
    monkeypatch.setattr(pairs, "CHUNK_VALUES", 1)
    parts = list(render_pairs(one, spec, source, params))
    assert len(parts) == one.frames
    for kind in ("damaged", "target", "mask"):
        given = np.concatenate([getattr(part, kind) for part in parts])
        np.testing.assert_array_equal(given, getattr(whole, kind))
    clean = clean_frames(one, source, 0, one.frames, 8) / np.float32(255)
    assert np.allclose(whole.target, clean, atol=1e-6) == (alignment == "original")


def test_such_a_dataset_verifies(make_spec: MakeSpec, tmp_path: Path) -> None:
    generate(make_spec(pipeline=OPS), tmp_path / "out")
    assert verify(tmp_path / "out", rerender=4) == []


def test_samples_for_training_follow_too(make_spec: MakeSpec) -> None:
    pytest.importorskip("torch", reason="the adapters need PyTorch")
    from degrade.adapters.torch import DegradedClips

    still = {"frame_faults": {"repeated": 1, "missing": 0, "phantom": 0}}
    for alignment, held in (("aligned", True), ("original", False)):
        spec = make_spec(pipeline=[still], alignment=alignment)
        sample = DegradedClips(spec, samples=1, frames=3, crop=(24, 32))[0]
        assert sample["lq"].equal(sample["lq"][:1].expand(3, -1, -1, -1))
        assert sample["gt"].equal(sample["lq"]) == held
