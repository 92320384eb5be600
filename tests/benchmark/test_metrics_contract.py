"""What every registered metric keeps to."""

import gc
import math
import subprocess
import sys
import weakref
from dataclasses import replace

import cv2
import numpy as np
import pytest

from degrade.benchmark.flow import Motion, exact
from degrade.benchmark.metrics import Frame, make, registry
from degrade.core.errors import SourceError, SpecError
from degrade.sources.stills import Stills

NAMES = registry.names()
FIELDS = {"target", "input", "mask", "predicted_mask", "motion"}


def clip(badness: float, channels: int = 1, frames: int = 6) -> list[Frame]:
    """Moving footage with blotches, "restored" the worse the greater `badness`, in every way at once."""
    rng = np.random.default_rng(1)
    source = Stills(count=1, frames=frames, height=64, width=96)
    mover = exact(source, "00_coffee")
    made = []
    for t, picture in enumerate(source.read("00_coffee", 0, frames)):
        target = picture[..., :channels].astype(np.float32) / 255
        blotch = cv2.GaussianBlur((rng.random((64, 96)) < 0.01).astype(np.float32), (0, 0), 2) * 20
        mask = np.where(blotch > 0.3, np.minimum(blotch, 1), 0)[..., None].astype(np.float32)
        noise = rng.standard_normal(target.shape).astype(np.float32)
        made.append(
            Frame(
                np.clip(target + np.float32(badness) * noise, 0, 1),
                target,
                np.clip(target + mask, 0, 1),
                mask,
                np.clip(mask + np.float32(5 * badness) * rng.standard_normal(mask.shape).astype(np.float32), 0, 1),
                mover(t - 1, target, target) if t else None,
            )
        )
    return made


def result(name: str, frames: list[Frame]) -> float:
    metric = make(name)
    for frame in frames:
        metric.update(frame)
    return metric.result()


@pytest.mark.parametrize("name", NAMES)
def test_a_metric_names_what_it_is_tested_against(name: str) -> None:
    assert len(registry.get(name).reference) > 10


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("channels", [1, 3])
def test_worse_predictions_score_worse(name: str, channels: int) -> None:
    if registry.get(name).color and channels == 1:
        pytest.skip("grey footage has no colours to compare")
    values = [result(name, clip(badness, channels)) for badness in (0.0, 0.03, 0.1)]
    if registry.get(name).higher_is_better:
        values = [-value for value in values]
    assert values[0] < values[1] < values[2]


@pytest.mark.parametrize("name", NAMES)
def test_same_frames_give_the_same_number(name: str) -> None:
    frames = clip(0.05)
    assert result(name, frames) == result(name, clip(0.05))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shared_between_models_changes_nothing(name: str) -> None:
    one, other = clip(0.05), clip(0.1)
    shared = [replace(b, shared=a.shared) for a, b in zip(one, other, strict=True)]
    result(name, one)
    assert result(name, shared) == result(name, other)


@pytest.mark.parametrize("name", NAMES)
def test_a_long_clip_takes_no_more_memory_than_a_short_one(name: str) -> None:
    """Of the frames that it has seen, a metric holds the last one at most."""
    metric, seen = make(name), []
    for frame in clip(0.05):
        metric.update(frame)
        seen.append(weakref.ref(frame))
        del frame
    gc.collect()
    assert sum(ref() is not None for ref in seen) <= 1


@pytest.mark.parametrize("name", NAMES)
def test_grey_counts_as_three_equal_channels(name: str) -> None:
    grey = clip(0.05)
    colour = [
        replace(f, **{k: np.repeat(getattr(f, k), 3, 2) for k in ("prediction", "target", "input")}, shared={})
        for f in grey
    ]
    assert result(name, colour) == pytest.approx(result(name, grey), rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_needs_are_all_that_is_read(name: str) -> None:
    needs = registry.get(name).needs
    bare = [replace(f, **dict.fromkeys(FIELDS - set(needs)), shared={}) for f in clip(0.05)]
    assert result(name, bare) == result(name, clip(0.05))


@pytest.mark.parametrize("name", NAMES)
def test_a_need_that_is_not_met_is_one_clear_line(name: str) -> None:
    for need in registry.get(name).needs:
        lacking = [replace(f, **{need: None}, shared={}) for f in clip(0.05)]
        with pytest.raises(SourceError, match="not given"):
            result(name, lacking)


@pytest.mark.parametrize("name", NAMES)
def test_no_frames_have_no_value(name: str) -> None:
    assert math.isnan(make(name).result())


@pytest.mark.parametrize("name", NAMES)
def test_values_per_frame_are_returned(name: str) -> None:
    metric = make(name)
    values = [metric.update(frame) for frame in clip(0.05)]
    if metric.of_clips:
        assert all(map(math.isnan, values))
        return
    known = [value for value in values if not math.isnan(value)]
    assert len(known) >= 3
    assert min(known) <= metric.result() <= max(known)


@pytest.mark.parametrize("name", [name for name in NAMES if "predicted_mask" not in registry.get(name).needs])
def test_key_frames_are_left_out_of_the_mean(name: str) -> None:
    frames = clip(0.05, channels=3, frames=8)
    perfect = replace(frames[2], prediction=frames[2].target, given=True, shared={})
    spoilt = replace(frames[2], prediction=1 - frames[2].prediction, given=True, shared={})
    first, other = ([*frames[:2], key, *frames[3:]] for key in (perfect, spoilt))
    assert result(name, first) == result(name, other)
    assert result(name, first) != result(name, [replace(frame, given=False, shared={}) for frame in first])


@pytest.mark.parametrize("name", NAMES)
def test_facts_are_stated(name: str) -> None:
    metric = registry.get(name)
    assert metric.label
    assert (metric.__doc__ or "").strip().endswith(".")
    assert set(metric.needs) <= FIELDS
    assert isinstance(metric.higher_is_better, bool)


def test_metrics_of_the_design_are_there() -> None:
    expected = {"psnr", "ssim", "lpips", "e_warp", "psnr_inside", "psnr_outside", "mask_ap", "over_correction", "tof"}
    assert expected <= set(NAMES)


def test_an_unknown_metric_is_named_with_the_nearest() -> None:
    with pytest.raises(SpecError, match="unknown metric 'pnsr'; did you mean 'psnr'"):
        make("pnsr")


def test_a_metric_without_its_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry.get("psnr"), "packages", ("no_such_package",))
    with pytest.raises(SpecError, match=r"PSNR needs more packages: pip install 'film-degrade\[benchmark\]'"):
        make("psnr")


def test_listing_and_light_metrics_import_no_torch() -> None:
    code = """
import sys
sys.modules["torch"] = None
import numpy as np
from degrade.benchmark.metrics import Frame, make, registry
labels = [registry.get(name).label for name in registry.names()]
frame = Frame(np.zeros((16, 16, 1), np.float32), np.zeros((16, 16, 1), np.float32))
print(len(labels), make("ssim").update(frame))
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == [str(len(NAMES)), "1.0"]


@pytest.mark.parametrize("bad", [np.nan, 1.5, -0.2])
def test_values_out_of_range_are_refused(bad: float) -> None:
    frame = np.full((4, 4, 1), 0.5, np.float32)
    frame[0, 0] = bad
    with pytest.raises(SourceError, match=r"outside \[0, 1\], or NaN"):
        Frame(frame)


def test_shapes_that_differ_are_refused() -> None:
    frame = np.zeros((4, 6, 3), np.float32)
    with pytest.raises(SourceError, match=r"target must be \(4, 6, 3\), as the prediction, got \(4, 6, 1\)"):
        Frame(frame, frame[..., :1])
    with pytest.raises(SourceError, match=r"mask must be \(4, 6, 1\)"):
        Frame(frame, frame, mask=frame)
    with pytest.raises(SourceError, match=r"motion must be of \(4, 6\) pixels"):
        Frame(frame, frame, motion=Motion(np.zeros((8, 6, 2), np.float32), np.ones((8, 6), bool)))
