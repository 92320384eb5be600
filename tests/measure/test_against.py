"""`degrade measure --against`: judges know what differs, guess what does not, and say what they cannot judge."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from degrade import cli
from degrade.console import run
from degrade.core.errors import SourceError
from degrade.measure import _against, _network, against


def film(folder: Path, seed: int, blur: float, frames: int = 13, height: int = 192) -> str:
    """A grey film whose grain is blurred, and of the same strength whatever the blur."""
    draw = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    for t in range(frames):
        grain = draw.normal(size=(height, 256))
        grain = cv2.GaussianBlur(grain, (0, 0), blur) if blur else grain
        picture = 128 + 4 * grain / grain.std()
        cv2.imwrite(str(folder / f"{t:03d}.png"), np.clip(picture, 0, 255).round().astype(np.uint8))
    return str(folder)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few patches, and little to learn."""
    monkeypatch.setattr(_against, "PATCHES", 320)
    monkeypatch.setattr(_network, "EPOCHS", 12)


@pytest.mark.usefixtures("quick")
def test_judges_know_what_differs_and_guess_what_does_not(tmp_path: Path) -> None:
    films = [film(tmp_path / f"film{i}", i, 0.8) for i in range(2)]
    for i in range(2):
        film(tmp_path / "same" / f"{i}", 10 + i, 0.8)
        film(tmp_path / "other" / f"{i}", 20 + i, 0)
    other, same = (against(films, str(tmp_path / name)) for name in ("other", "same"))
    assert [verdict.judge for verdict in other.verdicts] == ["logistic regression", "network"]
    for verdict in other.verdicts:
        assert verdict.right is not None
        assert verdict.right > 0.95
        assert min(verdict.left_out) > 0.9
    for verdict in same.verdicts:
        assert verdict.right == pytest.approx(0.5, abs=0.12)
        assert verdict.interval is not None
        assert verdict.interval[0] <= verdict.right <= verdict.interval[1]
    assert other.left_out == tuple(films)
    assert other.patches == (320, 320)
    assert against(films, str(tmp_path / "other")) == other


@pytest.mark.usefixtures("quick")
def test_a_film_alone_is_judged_by_its_parts_and_a_clip_alone_is_enough(tmp_path: Path) -> None:
    alone, made = film(tmp_path / "film", 0, 0.8), film(tmp_path / "made", 1, 0, height=224)
    found = against([alone], made)
    assert found.left_out == ("part 1 of 4", "part 2 of 4", "part 3 of 4", "part 4 of 4")
    assert found.heights == (192, 224)
    assert all(verdict.right is not None and verdict.right > 0.9 for verdict in found.verdicts)


@pytest.mark.usefixtures("quick")
def test_without_torch_one_judge_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_network, "find_spec", lambda name: None)
    monkeypatch.setitem(_against.JUDGES, "network", _against.JUDGES["network"]._replace(absent=_network.absent))
    first, second = against([film(tmp_path / "film", 0, 0.8)], film(tmp_path / "made", 1, 0)).verdicts
    assert first.right is not None
    assert second.right is None
    assert second.reason == "needs torch: pip install 'film-degrade[benchmark]'"


def test_footage_without_flat_patches_is_refused(tmp_path: Path) -> None:
    alone, rough = film(tmp_path / "film", 0, 0.8), tmp_path / "rough"
    rough.mkdir()
    for t in range(4):
        stripes = np.tile(np.arange(96)[:, None] // 4 % 2 * 200, (1, 128)).astype(np.uint8)
        cv2.imwrite(str(rough / f"{t}.png"), stripes)
    what = r"0 flat patches of 32×32 pixels were found, and 40 are needed to judge by"
    with pytest.raises(SourceError, match=f"rough: {what}"):
        against([alone], str(rough))
    with pytest.raises(SourceError, match=f"rough: {what}"):
        against([str(rough)], alone)
    with pytest.raises(SourceError, match="named twice"):
        against([alone, alone], alone)


def test_patches_come_evenly_out_of_all_frames_and_not_across_a_cut() -> None:
    draw = np.random.default_rng(0)
    left, right = np.full((96, 128), 0.5, np.float32), np.full((96, 128), 0.5, np.float32)
    left[:, :64] += np.linspace(0, 0.3, 64)
    right[:, 64:] -= np.linspace(0, 0.3, 64)
    frames = [(left if t < 16 else right) + draw.normal(0, 0.01, (96, 128)).astype(np.float32) for t in range(32)]
    found = _against.flat_patches(frames, 30)
    times = [t for t, _ in found.places]
    assert len(times) == 30
    assert {t % 3 for t in times} == {0}
    assert 15 not in times
    assert min(times) < 6
    assert max(times) > 24
    assert found.level_later == pytest.approx(found.level, abs=0.01)


@pytest.mark.usefixtures("quick")
def test_the_command_prints_a_row_a_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    alone, made = film(tmp_path / "film", 0, 0.8), film(tmp_path / "made", 1, 0, height=224)

    def degrade(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["degrade", *arguments])
        return run(cli.app), *capsys.readouterr()

    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(_network, "EPOCHS", 1)
    code, said, errors = degrade("measure", alone, "--against", made, "--quiet")
    assert code == 0
    assert "logistic regression" in said
    assert "network" in said
    assert f"{made}: 320 flat patches of films, 320 made; by chance 50% are told" in said.replace("\n", "")
    assert "224 pixels high, the film 192" in errors
    code, said, _ = degrade("measure", alone, "--against", made, "--quiet", "--json")
    assert code == 0
    assert json.loads(said)[made]["verdicts"][0]["judge"] == "logistic regression"
    code, _, errors = degrade("measure", alone, "--against", made, "--instrument", "grain")
    assert code == 2
    assert errors == "error: --instrument: goes without --against\n"


def test_the_same_patches_teach_the_network_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(_network, "EPOCHS", 1)
    x, y = np.random.default_rng(0).normal(size=(64, 3, 32, 32)).astype(np.float32), np.arange(64) % 2
    first = _network.fitted(x, y)(x)
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    np.testing.assert_array_equal(_network.fitted(x, y)(x), first)
    assert torch.equal(torch.random.get_rng_state(), before)
