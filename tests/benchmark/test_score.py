"""`benchmark score`: what it computes, prints and refuses."""

import json
import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from degrade.benchmark import cli
from degrade.benchmark.flow import exact
from degrade.benchmark.metrics import registry
from degrade.benchmark.score import ScoringInputs, pick, score_clip, score_footage
from degrade.benchmark.summary import summarise
from degrade.core.errors import DatasetError, DegradeError, SourceError, SpecError
from degrade.sources import open_source
from degrade.sources.stills import Stills
from degrade.writers import open_writer

SOURCE = Stills(count=3, frames=5, height=48, width=64)
LIGHT = ["psnr", "ssim", "e_warp", "psnr_inside", "psnr_outside", "over_correction", "mask_ap", "tof"]


def write(folder: Path, frames: np.ndarray) -> None:
    folder.mkdir(parents=True)
    for t, frame in enumerate(frames):
        cv2.imwrite(str(folder / f"{t:05d}.png"), np.ascontiguousarray(frame[..., ::-1]))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three clips: gt, lq with white spots, mask, and pred, a little dark."""
    rng = np.random.default_rng(0)
    for clip in SOURCE.sequences():
        clean = SOURCE.read(clip, 0, clip.frames)
        spots = (rng.random((*clean.shape[:3], 1)) < 0.03) & np.ones((1, 1, 1, 3), bool)
        for name, frames in {
            "gt": clean,
            "lq": np.where(spots, 255, clean).astype(np.uint8),
            "mask": (255 * spots).astype(np.uint8),
            "pred": (clean * 0.9).astype(np.uint8),
        }.items():
            write(tmp_path / name / clip.id, frames)
    return tmp_path


@pytest.fixture
def command(data: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """`benchmark score` in the folder of `data`; its output, or the error raised."""
    monkeypatch.chdir(data)

    def call(*arguments: str) -> str:
        done = CliRunner().invoke(cli.app, ["score", *arguments])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.output

    return call


def given(data: Path, **fields: str) -> ScoringInputs:
    return ScoringInputs(**{name: open_source(data / folder) for name, folder in fields.items()})


def as_floats(frames: np.ndarray) -> np.ndarray:
    return frames.astype(np.float32) / 255


def test_the_files_score_what_the_arrays_score(data: Path) -> None:
    rows = list(
        score_footage(
            given(data, prediction="pred", target="gt", input="lq", mask="mask", predicted_mask="mask"), LIGHT
        )
    )
    assert [row.id for row in rows] == [clip.id for clip in SOURCE.sequences()]
    for row in rows:
        pred, gt, lq, mask = (as_floats(open_source(data / n).read(row.id, 0, 5)) for n in ("pred", "gt", "lq", "mask"))
        mask = mask[..., :1]
        expected = score_clip({"it": pred}, gt, LIGHT, input=lq, mask=mask, predicted_masks={"it": mask})["it"]
        assert row.values == expected.values
        assert row.values["mask_ap"] == 1
        error = np.square(pred.astype(np.float64) - gt).mean((1, 2, 3))
        assert row.values["psnr"] == pytest.approx(np.mean(-10 * np.log10(error)))
        assert len(expected.series["psnr"]) == 5


def test_deep_footage_is_scored_in_its_depth(tmp_path: Path) -> None:
    clean = np.random.default_rng(0).integers(0, 60000, (3, 16, 24, 3)).astype(np.uint16)
    write(tmp_path / "gt/a", clean)
    write(tmp_path / "pred/a", clean + np.uint16(80))
    prediction, target = (open_source(tmp_path / name) for name in ("pred", "gt"))
    (scored,) = score_footage(ScoringInputs(prediction, target), ["psnr"])
    assert scored.values["psnr"] == pytest.approx(20 * math.log10(65535 / 80), abs=1e-3)


def test_e_warp_stands_beside_that_of_input_and_target(data: Path) -> None:
    (row, *_) = score_footage(given(data, prediction="pred", target="gt", input="lq"), ["e_warp"])
    assert set(row.values) == {"e_warp", "e_warp.input", "e_warp.target"}
    assert row.values["e_warp"] < row.values["e_warp.target"] < row.values["e_warp.input"]
    (alone, *_) = score_footage(given(data, prediction="lq", target="gt"), ["e_warp"])
    assert alone.values["e_warp"] == row.values["e_warp.input"]
    assert set(alone.values) == {"e_warp", "e_warp.target"}


def test_models_scored_together_score_what_each_scores_alone() -> None:
    clean = as_floats(SOURCE.read("00_coffee", 0, 5))
    rng = np.random.default_rng(0)
    models = {
        str(s): np.clip(clean + s * rng.standard_normal(clean.shape), 0, 1).astype(np.float32) for s in (0.1, 0.2)
    }
    together = score_clip(models, clean, ["psnr", "ssim", "lpips", "e_warp", "tof"])
    for name, frames in models.items():
        alone = score_clip({name: frames}, clean, ["psnr", "ssim", "lpips", "e_warp", "tof"])[name]
        assert alone.values == together[name].values
        np.testing.assert_array_equal(alone.series["lpips"], together[name].series["lpips"])


def test_exact_flow_is_used_where_the_source_knows_it() -> None:
    clean = as_floats(SOURCE.read("00_coffee", 0, 5))
    known = score_clip({"it": clean}, clean, ["e_warp"], motion_of=exact(SOURCE, "00_coffee"))["it"].values["e_warp"]
    footage = ScoringInputs(SOURCE, SOURCE)
    assert next(score_footage(footage, ["e_warp"])).values["e_warp"] == known
    assert known != score_clip({"it": clean}, clean, ["e_warp"])["it"].values["e_warp"]
    later = score_clip({"it": clean[2:]}, clean[2:], ["e_warp"], motion_of=exact(SOURCE, "00_coffee", start=2))
    assert later["it"].values["e_warp"] == pytest.approx(known, rel=0.5)


def test_frames_are_read_as_they_are_scored() -> None:
    """However long the clip: frame t is asked for once t frames are scored, and not before."""
    frame, asked = np.full((16, 16, 1), 0.5, np.float32), {"target": 0, "prediction": 0}

    def stream(name: str, other: str) -> Iterator[np.ndarray]:
        for _ in range(40):
            asked[name] += 1
            yield frame
            assert abs(asked[name] - asked[other]) <= 1

    scored = score_clip({"it": stream("prediction", "target")}, stream("target", "prediction"), ["psnr", "ssim"])
    assert scored["it"].values["psnr"] == 100
    assert asked == {"target": 40, "prediction": 40}


def test_metrics_whose_needs_are_not_met_are_left_out() -> None:
    clip = np.full((2, 16, 16, 1), 0.5, np.float32)
    assert set(score_clip({"it": clip}, clip, ["psnr", "mask_ap", "psnr_inside"])["it"].values) == {"psnr"}


def test_streams_that_end_early_are_refused() -> None:
    clip = np.full((4, 16, 16, 1), 0.5, np.float32)
    with pytest.raises(DatasetError, match="the prediction of it has 3 frames, fewer than the others"):
        score_clip({"it": clip[:3]}, clip, ["psnr"])
    with pytest.raises(DatasetError, match="the target has 3 frames, fewer than the others"):
        score_clip({"it": clip}, clip[:3], ["psnr"])


def test_default_metrics_are_those_whose_needs_are_met(data: Path) -> None:
    restored = given(data, prediction="pred", target="gt")
    of_color = {"psnr_ab", "colorfulness_difference", "cdc_difference"}
    assert set(pick(None, restored)) == {"psnr", "ssim", "lpips", "e_warp", "tof"} | of_color
    assert set(pick(None, restored, grey=True)) == {"psnr", "ssim", "lpips", "e_warp", "tof"}
    everything = given(data, prediction="pred", target="gt", input="lq", mask="mask", predicted_mask="mask")
    assert pick(None, everything) == registry.names()


def test_a_metric_that_cannot_be_computed_names_the_option(data: Path) -> None:
    with pytest.raises(SpecError, match="metric 'mask_ap' needs --mask and --pred-mask"):
        pick(["psnr", "mask_ap"], given(data, prediction="pred", target="gt"))


def test_command_prints_clips_and_means_and_writes_json(command: Callable[..., str], data: Path) -> None:
    chosen = "psnr,ssim,e_warp,psnr_inside"
    text = command("--pred", "pred", "--gt", "gt", "--mask", "mask", "--metrics", chosen, "--out", "new/result.json")
    result = json.loads((data / "new" / "result.json").read_text(encoding="utf-8"))
    assert result["complete"] is True
    assert [clip["id"] for clip in result["clips"]] == [clip.id for clip in SOURCE.sequences()]
    psnr = result["metrics"]["psnr"]
    values = [clip["values"]["psnr"] for clip in result["clips"]]
    assert psnr["mean"] == pytest.approx(np.mean(values))
    assert psnr["low"] < psnr["mean"] < psnr["high"]
    for clip in result["clips"]:
        assert clip["id"] in text
        assert f"{clip['values']['psnr']:.2f}" in text
        assert f"{clip['values']['e_warp']:.3f}" in text
    assert f"{psnr['mean']:.2f}" in text
    assert f"{psnr['low']:.2f} – {psnr['high']:.2f}" in text
    assert not list((data / "new").glob("*.part"))


def test_no_number_is_cut_off_in_a_narrow_terminal(command: Callable[..., str]) -> None:
    text = command("--pred", "pred", "--gt", "gt", "--mask", "mask", "--input", "lq", "--pred-mask", "mask",
                   "--metrics", ",".join(LIGHT))  # fmt: skip
    assert "…" not in text
    assert all(clip.id in text for clip in SOURCE.sequences())


def test_grey_compares_the_luma(command: Callable[..., str], data: Path) -> None:
    tinted = as_floats(SOURCE.read("00_coffee", 0, 5))
    write(data / "tint" / "a", np.clip(tinted * 255 + [8, 0, -20], 0, 255).astype(np.uint8))
    scores = []
    for extra in ([], ["--grey"]):
        command("--pred", "tint", "--gt", "gt/00_coffee", "--metrics", "psnr", "--out", "r.json", *extra)
        scores.append(json.loads((data / "r.json").read_text())["clips"][0]["values"]["psnr"])
    luma = np.float32([0.299, 0.587, 0.114])
    error = np.square(as_floats(open_source(data / "tint").read("a", 0, 5)) @ luma - tinted @ luma).mean((1, 2))
    assert scores[1] == pytest.approx(np.mean(-10 * np.log10(error)), abs=1e-3)
    assert scores[1] > scores[0] + 3


def test_a_video_is_scored_like_its_frames(command: Callable[..., str], data: Path) -> None:
    clean = SOURCE.read("00_coffee", 0, 5)
    with open_writer(data / "film.mkv") as video:
        for frame in clean:
            video.write(frame)
    command("--pred", "film.mkv", "--gt", "gt/00_coffee", "--metrics", "psnr", "--out", "r.json")
    (clip,) = json.loads((data / "r.json").read_text())["clips"]
    assert clip["values"]["psnr"] == 100
    assert clip["id"] == "00_coffee"


def remove_frame(data: Path) -> None:
    (data / "pred" / "01_astronaut" / "00002.png").unlink()


def remove_clip(data: Path) -> None:
    shutil.rmtree(data / "pred" / "01_astronaut")


def rename_clip(data: Path) -> None:
    (data / "pred" / "01_astronaut").rename(data / "pred" / "01_astronaud")


def resize_clip(data: Path) -> None:
    shutil.rmtree(data / "pred" / "01_astronaut")
    write(data / "pred" / "01_astronaut", np.zeros((5, 40, 64, 3), np.uint8))


def empty_folder(data: Path) -> None:
    shutil.rmtree(data / "pred")
    (data / "pred").mkdir()


def cut_off_frame(data: Path) -> None:
    file = data / "pred" / "00_coffee" / "00003.png"
    file.write_bytes(file.read_bytes()[:200])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            remove_frame,
            "'01_astronaut' has 4 frames of 64×48 pixels, but the film 5 frames of 64×48 pixels; frame 00002",
        ),
        (remove_clip, "prediction: sequence '01_astronaut' is missing"),
        (rename_clip, "prediction: unknown sequence '01_astronaud'; did you mean '01_astronaut'"),
        (resize_clip, "prediction: '01_astronaut' has 5 frames of 64×40 pixels, but the film 5 frames of 64×48 pixels"),
        (empty_folder, "no pictures or videos in this folder"),
        (cut_off_frame, "00003.png: truncated PNG"),
    ],
)
def test_bad_footage_is_one_clear_line(
    spoil: Callable[[Path], None], words: str, command: Callable[..., str], data: Path
) -> None:
    spoil(data)
    with pytest.raises(DegradeError) as error:
        command("--pred", "pred", "--gt", "gt", "--metrics", "psnr")
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--pred", "pred", "--gt", "gt", "--metrics", "pnsr"], "unknown metric 'pnsr'; did you mean 'psnr'"),
        (["--pred", "pred", "--gt", "gt", "--metrics", ""], "unknown metric ''"),
        (["--pred", "pred", "--gt", "gt", "--metrics", "psnr_inside"], "needs --mask"),
        (["--pred", "nothing", "--gt", "gt"], "nothing: no such file or folder"),
        (["--pred", "pred", "--gt", "gt", "--out", "gt/00_coffee/00000.png"], "--out: must end on .json, got"),
    ],
)
def test_bad_arguments_are_one_clear_line(arguments: list[str], words: str, command: Callable[..., str]) -> None:
    with pytest.raises(DegradeError) as error:
        command(*arguments)
    assert words in str(error.value)


def test_what_was_scored_before_an_error_is_kept(
    command: Callable[..., str], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = data / "pred" / "02_chelsea" / "00003.png"
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(SourceError):
        command("--pred", "pred", "--gt", "gt", "--metrics", "psnr", "--out", "r.json")
    result = json.loads((data / "r.json").read_text(encoding="utf-8"))
    assert result["complete"] is False
    assert [clip["id"] for clip in result["clips"]] == ["00_coffee", "01_astronaut"]


def test_missing_values_are_null_in_json(data: Path) -> None:
    write(data / "dark" / "a", np.zeros((5, 48, 64, 3), np.uint8))
    one = ScoringInputs(
        *(open_source(data / n / c) for n, c in (("pred", "00_coffee"), ("gt", "00_coffee"), ("dark", "a")))
    )
    footage = ScoringInputs(one.prediction, one.target, mask=one.input)
    result = summarise(list(score_footage(footage, ["psnr_inside"])), 1)
    assert result["clips"][0]["values"]["psnr_inside"] is None
    assert result["metrics"]["psnr_inside"]["mean"] is None
    assert not math.isnan(json.loads(json.dumps(result, allow_nan=False))["clips"][0]["frames"])


def test_ls_names_every_metric(capsys: pytest.CaptureFixture[str]) -> None:
    done = CliRunner().invoke(cli.app, ["ls"])
    assert done.exit_code == 0, done.output
    assert all(name in done.output for name in registry.names())
