"""Metrics of what is damaged, found, and changed for nothing, against their definitions."""

import numpy as np
import pytest
from scoring import score

from degrade.benchmark.score import score_clip


def brute_average_precision(truth: np.ndarray, found: np.ndarray) -> float:
    total, recall_before = 0.0, 0.0
    for threshold in sorted(set(found.tolist()), reverse=True):
        taken = found >= threshold
        hits = (taken & truth).sum()
        total += (hits / truth.sum() - recall_before) * hits / taken.sum()
        recall_before = hits / truth.sum()
    return float(total)


def test_mask_average_precision_is_its_definition() -> None:
    rng = np.random.default_rng(0)
    mask = np.where(rng.random((3, 20, 20, 1)) < 0.1, 0.8, 0).astype(np.float32)
    mask[:, 5] = 0.05  # a rim: must not matter
    found = np.clip(0.4 * (mask > 0.5) + 0.7 * rng.random(mask.shape), 0, 1).astype(np.float32)
    clip = np.zeros((3, 20, 20, 1), np.float32)
    known = np.delete(np.arange(20), 5)
    truth, levels = (mask[:, known] > 0.5).ravel(), np.rint(found[:, known] * 4095).ravel()
    value = score("mask_ap", clip, clip, mask=mask, predicted_mask=found)
    assert value == pytest.approx(brute_average_precision(truth, levels), abs=1e-9)
    assert score("mask_ap", clip, clip, mask=mask, predicted_mask=mask) == 1
    # A mask that says nothing is right as often as there is damage.
    blank = score("mask_ap", clip, clip, mask=mask, predicted_mask=np.zeros_like(mask))
    assert blank == pytest.approx(truth.mean())


def test_recall_at_one_false_alarm_in_a_thousand() -> None:
    rng = np.random.default_rng(0)
    mask = np.zeros((1, 100, 200, 1), np.float32)
    mask[:, :, :100] = 1
    found = np.zeros_like(mask)
    found[:, :, 100:] = rng.permutation(np.linspace(0, 0.5, 10_000)).reshape(1, 100, 100, 1)
    found[:, :30, :100] = 0.9  # above all sound pixels; the others below most of them
    clip = np.zeros_like(mask)
    assert score("mask_recall", clip, clip, mask=mask, predicted_mask=found) == pytest.approx(0.3)
    found[:, 30:50, :100] = 0.4996  # as high as the highest 8 of 10,000 sound pixels
    assert score("mask_recall", clip, clip, mask=mask, predicted_mask=found) == pytest.approx(0.5)
    found[:, 30:50, :100] = 0.49  # no higher than the highest 200
    assert score("mask_recall", clip, clip, mask=mask, predicted_mask=found) == pytest.approx(0.3)
    nothing = score("mask_recall", clip, clip, mask=mask, predicted_mask=np.zeros_like(mask))
    assert nothing == pytest.approx(0.001)  # a mask that says nothing finds as much damage as sound pixels


@pytest.mark.parametrize("name", ["psnr_inside", "mask_ap", "mask_recall"])
def test_a_kind_of_damage_by_itself_is_scored_as_if_the_other_were_not_there(name: str) -> None:
    rng = np.random.default_rng(0)
    target = np.full((1, 20, 30, 1), 0.5, np.float32)
    dust, line = np.zeros_like(target), np.zeros_like(target)
    dust[:, 3:6, 3:9], line[:, :, 20] = 1, 0.7
    restored = (target + 0.3 * rng.random(target.shape, np.float32) * np.maximum(dust, line)).clip(0, 1)
    found = rng.random(target.shape, np.float32)
    kinds = {"dust": dust, "line": line}
    both = score_clip(
        {"it": restored}, target, [name], mask=np.maximum(dust, line), kinds=kinds, predicted_masks={"it": found}
    )["it"]
    for kind, alpha in kinds.items():
        other = kinds["line" if kind == "dust" else "dust"]
        seen = np.where(other > 0, 0.05, alpha).astype(np.float32)  # the other counts for neither
        assert both.kinds[kind][name] == pytest.approx(score(name, restored, target, mask=seen, predicted_mask=found))


def test_false_repairs_are_changes_that_are_seen() -> None:
    target = np.full((1, 10, 10, 1), 0.5, np.float32)
    mask = np.zeros((1, 10, 10, 1), np.float32)
    mask[:, :2] = 1
    restored = target.copy()
    restored[:, :3] += np.float32(50 / 255)  # 20 damaged pixels and 10 sound ones
    restored[:, 3] += np.float32(9 / 255)
    assert score("false_repair", restored, target, input=target, mask=mask) == pytest.approx(100 * 10 / 80)


def test_over_correction_counts_clean_pixels_only() -> None:
    target = np.full((1, 10, 10, 1), 0.5, np.float32)
    mask = np.zeros((1, 10, 10, 1), np.float32)
    mask[:, :3] = 1
    damaged = target.copy()
    damaged[:, :3], damaged[:, 3] = 1, 0.6  # a defect, and a stain without a mask
    restored = target + np.float32(2 / 255)
    assert score("over_correction", restored, target, input=damaged, mask=mask) == pytest.approx(2, abs=1e-3)
    assert score("over_correction", damaged, target, input=damaged, mask=mask) == 0
