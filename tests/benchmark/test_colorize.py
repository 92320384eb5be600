"""`benchmark colorize`, and what tells a tinted film from one in colour."""

import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from skimage.color import rgb2lab

from degrade.benchmark.cli import app
from degrade.benchmark.tint import color_of
from degrade.console import run as run_command
from degrade.models._colorization import ColorizationModel, Guides
from degrade.ops import Tinting, Toning
from degrade.sources import open_source
from degrade.sources.stills import Stills
from degrade.writers import open_writer

LENGTH, SECOND = 12, 7
"""Frames of the film, and the one at which its second shot begins."""


def shot(name: str, frames: int, height: int = 48, width: int = 64) -> np.ndarray:
    return Stills(count=4, frames=20, height=height, width=width).read(name, 0, frames)


def grey(clip: np.ndarray) -> np.ndarray:
    return np.stack([np.repeat(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)[..., None], 3, 2) for frame in clip])


def save(folder: Path, clip: np.ndarray) -> Path:
    folder.mkdir()
    for t, frame in enumerate(clip):
        cv2.imwrite(str(folder / f"{t:03}.png"), frame[..., ::-1])
    return folder


@pytest.fixture(scope="module")
def clip() -> np.ndarray:
    """Two shots in colour."""
    return np.concatenate([shot("00_coffee", SECOND), shot("01_astronaut", LENGTH - SECOND)])


@pytest.fixture
def film(tmp_path: Path, clip: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """``film``, grey, beside ``first.png`` and ``last.png``, pictures of its frames 0 and 11."""
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "film", grey(clip))
    for name, frame in (("first", clip[0]), ("last", clip[-1])):
        cv2.imwrite(f"{name}.png", frame[..., ::-1])
    return clip


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """`command(*arguments)` runs `benchmark colorize`; what it printed, errors and warnings included."""

    def call(*arguments: str, model: str = "flow_propagation", code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["benchmark", "colorize", "--model", model, "--quiet", *arguments])
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            assert run_command(app) == code
        return " ".join("".join(capsys.readouterr()).split())

    return call


def read(path: str) -> np.ndarray:
    source = open_source(path)
    (sequence,) = source.sequences()
    return source.read(sequence, 0, sequence.frames)


def test_shots_are_coloured_apart_by_their_own_key_frames(film: np.ndarray, command: Callable[..., str]) -> None:
    text = command(
        "--input", "film", "--out", "out.mkv", "--reference", "0=first.png", "--reference", "11=last.png", "--sheet"
    )
    made = read("out.mkv")
    assert "out.mkv" in text
    assert made.shape == film.shape
    wanted, got = rgb2lab(film), rgb2lab(made)
    assert np.abs(got[..., 0] - rgb2lab(grey(film))[..., 0]).mean() < 1  # colours out of gamut aside
    error = np.sqrt(np.square((got - wanted)[..., 1:]).mean((1, 2, 3)))
    plain = np.sqrt(np.square(wanted[..., 1:]).mean((1, 2, 3)))
    assert (error < 0.6 * plain).all()
    assert error[[0, -1]].max() < 1.5
    assert cv2.imread("out-sheet.png").shape[0] > 100


@pytest.mark.parametrize("frames", ["tiff", "dpx"])
def test_deep_film_is_coloured_in_sixteen_bits(film: np.ndarray, command: Callable[..., str], frames: str) -> None:
    deep = np.array([np.repeat(frame[..., 1:2].astype(np.uint16) * 255 + 64, 3, -1) for frame in film[:2]])
    with open_writer("deep", pictures=frames) as writer:
        for frame in deep:
            writer.write(frame)
    command("--input", "deep", "--out", "out", "--reference", "0=first.png", "--frames", frames, "--sheet")
    assert [path.suffix for path in Path("out").iterdir()] == [{"tiff": ".tif", "dpx": ".dpx"}[frames]] * 2
    source = open_source("out")
    (sequence,) = source.sequences()
    made = source.read(sequence, 0, 2, 16)
    assert sequence.stream.depth == 16
    assert np.abs(rgb2lab(made)[..., 0] - rgb2lab(deep)[..., 0]).mean() < 1  # colours out of gamut aside
    assert len(np.unique(made % 257)) > 200


def test_references_do_not_cross_a_cut(film: np.ndarray, command: Callable[..., str]) -> None:
    text = command("--input", "film", "--out", "out", "--reference", "0=first.png")
    assert f"no reference for frames {SECOND} to {LENGTH - 1}: references do not cross a cut" in text
    colours = np.abs(rgb2lab(read("out"))[..., 1:]).mean((1, 2, 3))
    assert (colours[:SECOND] > 3).all()
    assert (colours[SECOND:] < 0.5).all()


def test_pictures_of_no_known_time_colour_all_shots(film: np.ndarray, command: Callable[..., str]) -> None:
    text = command("--input", "film", "--out", "out", "--reference", "first.png", model="welsh")
    assert "no reference" not in text
    assert (np.abs(rgb2lab(read("out"))[..., 1:]).mean((1, 2, 3)) > 1).all()


def test_tinted_film_is_coloured_and_film_in_colour_is_not(
    film: np.ndarray, tmp_path: Path, command: Callable[..., str]
) -> None:
    sepia = np.clip(grey(film) * np.array([1.0, 0.85, 0.65]), 0, 255).astype(np.uint8)
    save(tmp_path / "sepia", sepia)
    text = command("--input", "sepia", "--out", "out", "--reference", "0=first.png")
    assert "the film is tinted or toned" in text
    save(tmp_path / "colour", film)
    text = command("--input", "colour", "--out", "other", "--reference", "0=first.png", code=2)
    assert "is in colour already" in text
    assert not Path("other").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--reference", "12=first.png"), "first.png: there is no frame 12; the film has frames 0 to 11"),
        (("--reference", "0=first.png", "--reference", "0=last.png"), "two references show frame 0"),
        (("--reference", "first=first.png"), "must be a picture, or frame=picture as 0=key.png, got 'first=first.png'"),
        (("--reference", "0=none.png"), "none.png: "),
        (("--reference", "0=tall.png"), "the reference of frame 0 is 48×64 pixels, which does not fit a film of 64×48"),
        (("--reference", "first.png"), "FlowPropagation needs to know which frame a reference shows"),
        ((), "--reference: is required: FlowPropagation takes its colours from pictures"),
    ],
)
def test_bad_references_are_one_line_and_write_nothing(
    film: np.ndarray, command: Callable[..., str], arguments: tuple[str, ...], message: str
) -> None:
    cv2.imwrite("tall.png", np.ascontiguousarray(film[0].transpose(1, 0, 2)))
    assert message in command("--input", "film", "--out", "out", *arguments, code=2)
    assert not Path("out").exists()


def test_what_is_there_is_kept_and_footage_is_not_written_into(film: np.ndarray, command: Callable[..., str]) -> None:
    Path("out.mkv").write_text("mine")
    assert "out.mkv: is there already" in command("--input", "film", "--out", "out.mkv", model="grey", code=2)
    assert Path("out.mkv").read_text() == "mine"
    assert "lies inside the footage" in command("--input", "film", "--out", "film/out", model="grey", code=2)
    assert ".mkv, .mov or .mp4" in command("--input", "film", "--out", "out.avi", model="grey", code=2)


def test_an_interrupted_film_goes_on_with_the_first_shot_that_is_not_done(
    film: np.ndarray, command: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("--input", "film", "--reference", "0=first.png", "--reference", "11=last.png", "--sheet", "--out")
    command(*asked, "whole.mkv")
    painted, paint = [], ColorizationModel.paint

    def interrupted(self: ColorizationModel, lightness: torch.Tensor, guides: Guides) -> torch.Tensor:
        if len(painted) == 1:
            raise KeyboardInterrupt
        painted.append(lightness.shape[1])
        return paint(self, lightness, guides)

    monkeypatch.setattr(ColorizationModel, "paint", interrupted)
    command(*asked, "out.mkv", code=130)
    assert not Path("out.mkv").exists()
    painted[:] = [0, 0]
    text = command("--input", "film", "--reference", "0=last.png", "--out", "out.mkv", code=2)
    assert "was begun with another model, setting or footage" in text
    command(*asked, "out.mkv")
    assert painted == [0, 0, LENGTH - SECOND]  # frames of the second shot alone
    np.testing.assert_array_equal(read("out.mkv"), read("whole.mkv"))
    assert not list(Path().glob(".out*"))
    assert cv2.imread("out-sheet.png").tolist() == cv2.imread("whole-sheet.png").tolist()


def test_a_grey_reference_is_warned_of_once(film: np.ndarray, command: Callable[..., str]) -> None:
    cv2.imwrite("grey.png", grey(film[:1])[0])
    text = command("--input", "film", "--out", "out", "--reference", "0=grey.png", model="copy")
    assert text.count("the reference of frame 0 is grey") == 1


def test_models_that_restore_are_refused(film: np.ndarray, command: Callable[..., str]) -> None:
    assert "Median restores film, and colours none" in command(
        "--input", "film", "--out", "out", model="median", code=2
    )


@pytest.mark.parametrize("name", ["00_coffee", "01_astronaut", "02_chelsea"])
def test_one_colour_for_each_lightness_is_a_tint(name: str) -> None:
    (frame,) = shot(name, 1, 96, 128)
    assert color_of(frame) == "colour"
    assert color_of(grey(frame[None])[0]) == "grey"
    for op in (Tinting(), Toning()):
        made = op(grey(frame[None]).astype(np.float32) / 255, seed=1)
        tinted = np.rint(255 * made.frames[0]).astype(np.uint8)
        assert color_of(tinted) == "tinted"
        _, packed = cv2.imencode(".jpg", tinted, [cv2.IMWRITE_JPEG_QUALITY, 80])
        assert color_of(cv2.imdecode(packed, cv2.IMREAD_COLOR)) == "tinted"
