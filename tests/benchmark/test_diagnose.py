"""`benchmark diagnose`: what is left of a film's dirt and detail."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from degrade import Pipeline
from degrade.benchmark import cli
from degrade.benchmark.diagnose import diagnose
from degrade.core.errors import DatasetError, SourceError
from degrade.sources import open_source
from degrade.sources.stills import Stills

SOURCE = Stills(count=1, frames=6, height=180, width=240)
SPECKS = {"per_frame": [8, 8], "size": [0.02, 0.04], "opacity": [0.9, 1]}


def write(folder: Path, frames: np.ndarray) -> str:
    folder.mkdir()
    for t, frame in enumerate(frames):
        cv2.imwrite(str(folder / f"{t:05d}.png"), np.ascontiguousarray(frame[..., ::-1]))
    return str(folder)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A dirty film, it with lines on every frame, and restored by nobody, by half, by all, and by all but smeared."""
    folder = tmp_path_factory.mktemp("films")
    (sequence,) = SOURCE.sequences()
    clean = SOURCE.read(sequence, 0, sequence.frames)
    grain = np.random.default_rng(0).normal(0, 2, clean.shape[:3])[..., None]
    clean = np.clip(clean + grain, 0, 255).astype(np.uint8)
    dirty = Pipeline([{"dust": SPECKS}])(clean, seed=1).frames
    half = np.rint(clean / 2 + dirty / 2).astype(np.uint8)
    smeared = np.stack([cv2.GaussianBlur(frame, (0, 0), 1.5) for frame in clean])
    lined = dirty.copy()
    lined[:, :, 7::40] = 0.7 * lined[:, :, 7::40] + 76
    named = {"dirty": dirty, "lined": lined, "same": dirty, "half": half, "clean": clean, "smeared": smeared}
    return {name: write(folder / name, frames) for name, frames in named.items()}


def test_shares_are_of_what_the_film_had(films: dict[str, str]) -> None:
    made = {name: open_source(films[name]) for name in ("same", "half", "clean", "smeared")}
    found = diagnose(open_source(films["dirty"]), made)
    assert found.frames == 4
    assert found.specks >= 10
    film, same, half, clean, smeared = (found.by_name[name] for name in ("", "same", "half", "clean", "smeared"))
    assert film == same
    assert (film.dirt, film.detail) == (1, 1)
    assert half.dirt == pytest.approx((1 + clean.dirt) / 2, abs=0.02)
    assert abs(clean.dirt) < 0.1
    assert clean.detail == pytest.approx(1, abs=0.05)
    assert smeared.detail < 0.5
    assert clean.e_warp < film.e_warp


def test_lines_that_last_are_no_detail(films: dict[str, str]) -> None:
    found = diagnose(open_source(films["lined"]), {"dirty": open_source(films["dirty"])})
    assert found.by_name["dirty"].detail == pytest.approx(1, abs=0.08)


def test_command(films: dict[str, str], tmp_path: Path) -> None:
    call = ["diagnose", "--input", films["dirty"], "--restored", films["clean"], "--quiet"]
    done = CliRunner().invoke(cli.app, [*call, "--sheet", str(tmp_path / "sheet.png")])
    assert done.exit_code == 0, done.output
    assert "specks on 4 frames" in done.output
    assert cv2.imread(str(tmp_path / "sheet.png")).shape[0] > 200
    again = CliRunner().invoke(cli.app, [*call, "--sheet", str(tmp_path / "sheet.png")])
    assert "sheet.png: is there already" in str(again.exception)
    done = CliRunner().invoke(cli.app, [*call, "--json"])
    assert json.loads(done.stdout)["found"][films["clean"]]["dirt"] < 0.1


def test_other_lengths_are_refused(films: dict[str, str], tmp_path: Path) -> None:
    short = write(tmp_path / "short", np.zeros((5, 180, 240, 3), np.uint8))
    with pytest.raises(
        DatasetError, match=r"short: .* has 5 frames of 240×180 pixels, but the film 6 frames of 240×180 pixels"
    ):
        diagnose(open_source(films["dirty"]), {"short": open_source(short)})


def test_a_film_that_shows_nothing_has_no_shares(tmp_path: Path) -> None:
    black = write(tmp_path / "black", np.zeros((4, 64, 64, 3), np.uint8))
    found = diagnose(open_source(black), {"it": open_source(black)})
    assert found.specks == 0
    assert found.by_name["it"].dirt is None
    done = CliRunner().invoke(
        cli.app, ["diagnose", "--input", black, "--restored", black, "--sheet", str(tmp_path / "s.png")]
    )
    assert isinstance(done.exception, SourceError)
    assert "no specks" in str(done.exception)
