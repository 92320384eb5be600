"""`rtn-code` draws what RTN's released code draws, over 2,000 clips; `rtn-paper` differs where its paper does.

Kolmogorov-Smirnov tests for continuous parameters, chi-square tests for discrete ones, at a fixed seed.
Nothing is rendered here; that blends match their formulas is tested in ``ops/test_rtn_texture.py``.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pytest
from scipy import stats

import degrade
from degrade import ClipInfo
from degrade.textures import group_of, open_pack

CLIPS, FRAMES = 2000, 7
LEAST = 1e-3
"""Smallest p-value that passes. Of some hundred tests one in ten seeds would fail; this one does not."""
THICKENED = {"002", "003", "004", "005", "006", "007", "009", "012"}


def sampled(preset: str, clips: int) -> list[dict[str, Any]]:
    """For each clip what each op drew, by label, in the order in which the ops fired."""
    pipeline = degrade.load(preset)

    def walk(steps: Iterable[dict[str, Any]], prefix: str = "") -> Iterable[tuple[str, Any]]:
        for step in steps:
            yield prefix + step["label"], step["params"]
            yield from walk(getattr(step["params"], "steps", ()), f"{prefix}{step['label']}/")

    infos = (ClipInfo(frames=FRAMES, height=368, width=640, channels=1, id=str(clip)) for clip in range(clips))
    return [dict(walk(pipeline.draw(info, 0).steps)) for info in infos]


@pytest.fixture(scope="module")
def code() -> list[dict[str, Any]]:
    return sampled("rtn-code", CLIPS)


@pytest.fixture(scope="module")
def paper() -> list[dict[str, Any]]:
    return sampled("rtn-paper", 1000)


def of(clips: list[dict[str, Any]], label: str) -> list[Any]:
    return [clip[label] for clip in clips if label in clip]


def tracks(params: list[Any], name: str) -> np.ndarray:
    """(clips, frames)"""
    return np.array([getattr(p, name) for p in params])


def assert_even(values: np.ndarray, low: float, high: float) -> None:
    """Uniform over a range, to its ends."""
    values = np.ravel(values)
    assert low <= values.min()
    assert values.max() <= high
    assert stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > LEAST


def assert_shares(values: Iterable[Any], shares: dict[Any, float]) -> None:
    """These values and no others, each as often as stated."""
    counts = Counter(values)
    assert set(counts) == set(shares)
    expected = np.array(list(shares.values())) / sum(shares.values()) * counts.total()
    assert stats.chisquare([counts[value] for value in shares], expected).pvalue > LEAST


def assert_equal_shares(values: Iterable[Any], options: Iterable[Any]) -> None:
    assert_shares(values, dict.fromkeys(options, 1.0))


def assert_unrelated(a: np.ndarray, b: np.ndarray) -> None:
    """No rank correlation."""
    assert stats.spearmanr(np.ravel(a), np.ravel(b)).pvalue > LEAST


def assert_redrawn(track: np.ndarray) -> None:
    """Each frame's value is unrelated to the one before."""
    assert_unrelated(track[:, 1:], track[:, :-1])


def assert_categories_redrawn(track: Sequence[Sequence[Any]]) -> None:
    pairs = Counter(pair for row in track for pair in itertools.pairwise(row))
    options = sorted({value for pair in pairs for value in pair})
    table = [[pairs[a, b] for b in options] for a in options]
    assert stats.chi2_contingency(table).pvalue > LEAST


def assert_strays(track: np.ndarray, low: float, high: float, most: float) -> None:
    """A clip's value is uniform; each frame strays from it by up to `most`, evenly, and is clipped."""
    assert low <= track.min()
    assert track.max() <= high
    assert 0.97 * 2 * most < np.ptp(track, axis=1).max() <= 2 * most * (1 + 1e-5)
    u, a = (track - low) / (high - low), most / (high - low)
    one = u[:, 0]
    inside = one[(one > 0) & (one < 1)]

    def below(x: np.ndarray) -> np.ndarray:  # P(value + deviation <= x)
        def integral(y: np.ndarray) -> np.ndarray:  # of clip(y, 0, 1)
            return np.where(y < 1, np.maximum(y, 0) ** 2 / 2, y - 0.5)

        return np.asarray((integral(x + a) - integral(x - a)) / (2 * a))

    clipped = a / 4  # P(value + deviation < 0), and as much beyond 1
    assert stats.kstest(inside, lambda x: (below(x) - clipped) / (1 - 2 * clipped)).pvalue > LEAST
    for end in (0, 1):
        assert stats.binomtest(int(np.sum(one == end)), len(one), clipped).pvalue > LEAST
    free = (one > 2 * a) & (one < 1 - 2 * a)  # no other frame of these clips can be clipped
    differences = (u[free, 2::2] - u[free, 1::2]) / a
    assert stats.kstest(differences.ravel(), stats.triang(0.5, -2, 4).cdf).pvalue > LEAST


def test_order_is_contaminant_blur_resample_noise_jpeg_flicker(code: list[dict[str, Any]]) -> None:
    outer = ["contaminant", "blur", "resample", "exposure_jitter"]
    for clip in code:
        assert [label for label in clip if "/" not in label] == outer
        inner = [label for label in clip if label.startswith("resample/")]
        assert inner == ["resample/noise", "resample/jpeg"]


def test_one_clip_in_five_has_a_moving_line(code: list[dict[str, Any]]) -> None:
    kinds = [label.split("/")[1] for clip in code for label in clip if label.startswith("contaminant/")]
    assert len(kinds) == CLIPS
    assert_shares(kinds, {"texture": 0.8, "moving_line": 0.2})


def test_each_frame_has_a_new_template_of_the_whole_pack_and_a_new_mode(code: list[dict[str, Any]]) -> None:
    params = of(code, "contaminant/texture")
    templates = [p.template for p in params]
    pack = open_pack("builtin:rtn").templates
    assert_equal_shares(itertools.chain(*templates), pack)
    pairs = [a == b for row in templates for a, b in itertools.pairwise(row)]
    assert stats.binomtest(sum(pairs), len(pairs), 1 / len(pack)).pvalue > LEAST
    assert_categories_redrawn([[group_of(template) for template in row] for row in templates])
    by_add_only: dict[bool, list[str]] = {True: [], False: []}
    for p in params:
        for template, mode in zip(p.template, p.mode, strict=True):
            by_add_only[group_of(template) == "011"].append(mode)
    assert set(by_add_only[True]) == {"add"}
    assert_equal_shares(by_add_only[False], ["add", "subtract", "multiply"])
    assert_categories_redrawn([p.mode for p in params])


def test_each_frame_has_a_new_cut_rotation_widening_and_contrast(code: list[dict[str, Any]]) -> None:
    params = of(code, "contaminant/texture")
    groups = np.array([[group_of(template) for template in p.template] for p in params])
    side = tracks(params, "side_px")
    assert not side[groups == "008"].any()
    free = side[groups != "008"]
    assert_shares(free == 0, {True: 0.15, False: 0.85})
    assert_equal_shares(free[free > 0].tolist(), range(150, 361))
    for name, low, high in (
        ("anchor", 0, 1),
        ("left", 0, 1),
        ("top", 0, 1),
        ("degrees", 0, 360),
        ("opacity", 0.6, 1),
    ):
        assert_even(tracks(params, name), low, high)
        assert_redrawn(tracks(params, name))
    thick = np.isin(groups, list(THICKENED))
    minimum = tracks(params, "minimum_px")
    assert_equal_shares(minimum[thick].tolist(), [1, 3])
    assert set(minimum[~thick].tolist()) == {1}
    contrast = tracks(params, "contrast")
    assert_shares((contrast != 1).ravel().tolist(), {True: 0.7, False: 0.3})
    assert_even(contrast[contrast != 1], 2, 4)
    assert_redrawn(contrast)


def test_moving_line_keeps_template_mode_and_cut_and_shifts_by_5_to_15_px(code: list[dict[str, Any]]) -> None:
    params = of(code, "contaminant/moving_line")
    for name in ("template", "mode", "side_px", "anchor", "left", "top"):
        assert {len(getattr(p, name)) for p in params} == {1}
    assert not {"degrees", "contrast", "minimum_px"} & set(type(params[0]).model_fields)
    assert_equal_shares([p.template[0] for p in params], open_pack("builtin:rtn").select(["001"]))
    assert_equal_shares([p.mode[0] for p in params], ["add", "subtract", "multiply"])
    side = tracks(params, "side_px")[:, 0]
    assert_shares((side == 0).tolist(), {True: 0.15, False: 0.85})
    assert_even(side[side > 0] + np.random.default_rng(0).random(np.sum(side > 0)), 150, 361)
    for name in ("anchor", "left", "top"):
        assert_even(tracks(params, name), 0, 1)
    assert_even(tracks(params, "opacity"), 0.6, 1)
    assert_redrawn(tracks(params, "opacity"))
    shift = tracks(params, "shift_px")
    assert not shift[:, 0].any()
    assert_equal_shares(shift[:, 1:].ravel().tolist(), [*range(-15, -4), *range(5, 16)])
    assert_redrawn(shift[:, 1:])


def test_line_defects_are_25_levels_darker_and_others_15() -> None:
    texture, line = degrade.load("rtn-code").ops[0].ops  # type: ignore[attr-defined]
    assert (texture.darker, line.darker, texture.border_px, line.border_px) == (15, 25, 40, 40)


def test_blur_is_isotropic_or_not_and_strays_about_the_clips_kernel(code: list[dict[str, Any]]) -> None:
    round_, oval = of(code, "blur/gaussian_blur"), of(code, "blur/anisotropic_blur")
    assert len(round_) + len(oval) == CLIPS
    assert_shares([True] * len(round_) + [False] * len(oval), {True: 0.5, False: 0.5})
    assert_strays(tracks(round_, "sigma_px"), 0, 2.8, 0.05 * 2.8)
    assert_strays(tracks(oval, "along_px2"), 0, 8, 0.05 * 8)
    assert_strays(tracks(oval, "across_px2"), 0, 8, 0.05 * 8)
    assert_strays(tracks(oval, "angle"), 0, 180, 0.1 * 180)
    assert_unrelated(tracks(oval, "along_px2")[:, 0], tracks(oval, "across_px2")[:, 0])
    assert_unrelated(tracks(oval, "along_px2")[:, 0], tracks(oval, "angle")[:, 0])
    for params in (round_, oval):
        assert_equal_shares([p.kernel_px for p in params], range(7, 26, 2))  # once for the clip


def test_resampling_is_down_up_or_none_with_new_filters_each_frame_and_way(code: list[dict[str, Any]]) -> None:
    params = of(code, "resample")
    scale = np.array([p.scale for p in params])
    assert scale.shape == (CLIPS,)  # once for the clip
    assert_shares(np.sign(scale - 1).tolist(), {-1: 0.7, 1: 0.2, 0: 0.1})
    assert_even(scale[scale < 1], 0.125, 1)
    assert_even(scale[scale > 1], 1, 2)
    for way in ("shrink", "enlarge"):
        rows = [getattr(p, way) for p in params]
        assert_equal_shares(itertools.chain(*rows), ["bicubic", "bilinear", "lanczos"])
        assert_categories_redrawn(rows)
    assert_categories_redrawn([pair for p in params for pair in zip(p.shrink, p.enlarge, strict=True)])


def test_noise_is_5_to_10_with_a_new_kind_each_frame(code: list[dict[str, Any]]) -> None:
    params = of(code, "resample/noise")
    assert len(params) == CLIPS
    assert_strays(tracks(params, "sigma"), 5, 10, 0.5)
    assert_equal_shares(itertools.chain(*(p.kind for p in params)), ["gaussian", "speckle"])
    assert_categories_redrawn([p.kind for p in params])
    assert len({p.key for p in params}) == CLIPS


def test_jpeg_quality_is_40_to_100_and_strays_by_15(code: list[dict[str, Any]]) -> None:
    quality = tracks(of(code, "resample/jpeg"), "quality")
    assert quality.shape == (CLIPS, FRAMES)
    clip, first, second = np.meshgrid(np.arange(40, 101), np.arange(-15, 16), np.arange(-15, 16))
    value, next_value = np.clip(clip + first, 40, 100), np.clip(clip + second, 40, 100)
    assert_shares(quality[:, 3].tolist(), Counter(value.ravel().tolist()))
    # Differences of 25 and more are rare: taken together, as chi-square wants.
    steps = np.clip(quality[:, 1] - quality[:, 0], -25, 25)
    assert_shares(steps.tolist(), Counter(np.clip(next_value - value, -25, 25).ravel().tolist()))
    assert np.ptp(quality, axis=1).max() == 30


def test_flicker_strikes_every_other_frame_by_itself(code: list[dict[str, Any]]) -> None:
    params = of(code, "exposure_jitter")
    assert len(params) == CLIPS
    brightness, contrast = tracks(params, "brightness"), tracks(params, "contrast")
    changed = (brightness != 1) | (contrast != 1)
    assert_shares(changed.ravel().tolist(), {True: 0.5, False: 0.5})
    assert_categories_redrawn(changed.tolist())
    assert_even(brightness[changed], 0.8, 1.2)
    assert_even(contrast[changed], 0.9, 1)
    assert_unrelated(brightness[changed], contrast[changed])
    assert_redrawn(brightness)


def test_the_papers_order_is_random_and_its_noise_5_to_50(paper: list[dict[str, Any]]) -> None:
    parts = ("blur", "resample", "noise", "jpeg")
    orders = []
    for clip in paper:
        assert [label for label in clip if "/" not in label] == ["contaminant", "quality", "exposure_jitter"]
        orders.append(tuple(label.split("/")[1] for label in clip if label.count("/") == 1)[1:])
    assert_equal_shares(orders, itertools.permutations(parts))
    assert_strays(tracks(of(paper, "quality/noise"), "sigma"), 5, 50, 0.5)


def test_the_paper_differs_from_the_code_in_nothing_else() -> None:
    contaminant, blur, resample, flicker = degrade.load("rtn-code").ops
    noise, jpeg = resample.ops  # type: ignore[attr-defined]
    contaminant_2, shuffle, flicker_2 = degrade.load("rtn-paper").ops
    blur_2, resample_2, noise_2, jpeg_2 = shuffle.ops  # type: ignore[attr-defined]
    assert (contaminant, blur, jpeg, flicker) == (contaminant_2, blur_2, jpeg_2, flicker_2)
    assert resample.model_copy(update={"ops": ()}) == resample_2
    assert noise.model_copy(update={"sigma": (5.0, 50.0), "jitter": noise_2.jitter}) == noise_2
