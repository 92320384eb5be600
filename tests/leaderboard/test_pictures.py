"""Film strips and samples, as they are written and shown."""

from pathlib import Path

import numpy as np
import pytest
from made_results import CLIPS, page_of, paint_strips
from PIL import Image

from degrade.benchmark.pictures import samples
from degrade.benchmark.report import build_report
from degrade.benchmark.strips import GAP, SAMPLE_FRAMES, error_strip, sampled, save_samples, strip
from degrade.benchmark.table import tabulate
from degrade.core.errors import SourceError
from degrade.leaderboard.schema import Result

pytest.importorskip("jinja2")


@pytest.mark.parametrize("channels", [1, 3])
def test_strips_are_shown_in_order_input_models_clean_mask(
    results: list[Result], tmp_path: Path, channels: int
) -> None:
    paint_strips(results, tmp_path / "strips", channels)
    assert len(list((tmp_path / "strips" / "clip0").iterdir())) == 3 + 2 * len(results) - 1  # input.png
    _, page = page_of(results, tmp_path, tmp_path / "strips")
    shown = [image["alt"].split(",")[0] for image in page.all("img")]
    models = ["good (scratch)", "good (scratch)", "level", "level", "even", "even", "input"]
    assert shown == ["input", *models, "clean", "mask"]
    assert {(image["width"], image["height"]) for image in page.all("img")} == {(str(3 * 80 + 2 * GAP), "160")}


def test_a_strip_that_is_no_picture_is_one_line(results: list[Result], tmp_path: Path) -> None:
    paint_strips(results, tmp_path / "strips")
    bad = tmp_path / "strips" / "clip0" / "clean.png"
    bad.write_bytes(bad.read_bytes()[:60])
    with pytest.raises(SourceError, match=r"clean\.png: damaged, not a PNG picture"):
        build_report(results, tmp_path / "strips", tmp_path / "page.html")


def test_strips_hold_the_frames_side_by_side() -> None:
    frames = np.stack([np.full((20, 10, 1), value, np.uint8) for value in (10, 200)])
    row = strip(frames)
    assert row.shape == (20, 10 + GAP + 10, 1)
    assert (row[:, :10] == 10).all()
    assert (row[:, 10 : 10 + GAP] == 0).all()
    assert (row[:, -10:] == 200).all()


def test_error_strips_are_dark_where_right_and_brighter_with_the_error() -> None:
    clean = np.full((3, 8, 8, 3), 0.5, np.float32)
    restored = clean + np.array([0, 0.05, 0.25], np.float32)[:, None, None, None]
    row = error_strip(restored, clean).astype(int).sum(-1)
    right, small, large = row[0, 0], row[0, 8 + GAP], row[0, 2 * (8 + GAP)]
    assert right < 30 < small < large
    assert large > 600


def test_samples_show_neighbouring_frames_in_full_size(tmp_path: Path) -> None:
    clean = np.linspace(0, 1, 30, dtype=np.float32)[:, None, None, None] * np.ones((1, 48, 64, 3), np.float32)
    save_samples(tmp_path, {"input": clean * 0, "clean": clean, "good": clean * 0.5})
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.webp")} == {
        f"frames-{SAMPLE_FRAMES}/{name}.webp" for name in ("input", "clean", "good")
    }
    with Image.open(tmp_path / f"frames-{SAMPLE_FRAMES}" / "good.webp") as picture:
        assert picture.size == (64, 48 * SAMPLE_FRAMES)
        levels = np.asarray(picture.convert("L")).reshape(SAMPLE_FRAMES, 48, 64)[:, 24, 32]
    assert levels == pytest.approx(255 * clean[10:20, 0, 0, 0] * 0.5, abs=3)


@pytest.mark.parametrize(
    ("frames", "height", "width", "shown"),
    [
        (30, 128, 192, 10),
        (4, 128, 192, 4),
        (30, 480, 854, 6),
        (30, 1080, 1920, 1),
        (30, 8, 16_000, 1),
        (9, 8, 20_000, 0),
    ],
)
def test_fewer_frames_are_sampled_of_larger_ones(frames: int, height: int, width: int, shown: int) -> None:
    found = range(frames)[sampled(frames, height, width)]
    assert len(found) == shown
    assert abs((frames - 1) / 2 - (sum(found) / shown if shown else frames / 2)) <= 0.5


def paint_samples(results: list[Result], folder: Path, clips: list[str]) -> None:
    frames = np.zeros((2, 16, 24, 1), np.float32)
    for clip in clips:
        for result in results:
            save_samples(folder / clip, {"input": frames, "clean": frames, result.id: frames})


def test_samples_of_a_few_clips_are_shown_one_of_a_sequence_first(results: list[Result], tmp_path: Path) -> None:
    films = dict(zip(CLIPS, ["a", "a", "a", "b", "b", "c"], strict=True))
    joint = [
        result.model_copy(update={"clips": tuple(
            row.model_copy(update={"sequence": films[row.clip]}) for row in result.clips
        )})
        for result in results
    ]  # fmt: skip
    paint_samples(results, tmp_path, CLIPS)
    found = samples(tabulate(joint), tmp_path)
    assert list(dict.fromkeys(sample.clip for sample in found)) == ["clip0", "clip3", "clip5", "clip1"]
    sources = [sample.source for sample in found if sample.clip == "clip0"]
    assert sources == ["good-scratch", "level", "even", "input", "=clean"]
    assert {(sample.width, sample.height, sample.frames) for sample in found} == {(24, 16, 2)}
    assert "=input" in [sample.source for sample in samples(tabulate(joint[1:]), tmp_path)]
    _, page = page_of(joint, tmp_path, tmp_path)
    assert len([image for image in page.all("img") if image.get("class") == "sample"]) == 4 * 5


@pytest.mark.parametrize("harm", ["cut", "frames", "name"])
def test_a_sample_that_is_no_picture_is_one_line(results: list[Result], tmp_path: Path, harm: str) -> None:
    paint_samples(results, tmp_path, ["clip0"])
    folder = tmp_path / "clip0" / "frames-2"
    if harm == "cut":
        (folder / "level.webp").write_bytes((folder / "level.webp").read_bytes()[:30])
    else:
        folder.rename(folder.with_name({"frames": "frames-3", "name": "frames-x"}[harm]))
    with pytest.raises(SourceError, match=r"\.webp: damaged, no WebP picture of frames-"):
        samples(tabulate(results), tmp_path)
