"""The commands, as a user meets them."""

import importlib.metadata
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from PIL import Image

from degrade import cli, presets, textures
from degrade.console import run
from degrade.ops import registry
from degrade.spec import Spec


@pytest.fixture
def degrade(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs ``degrade …`` in this process: exit code, stdout, stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["degrade", *map(str, arguments)])
        code = run(cli.app)
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def spec_file(make_spec: Callable[..., Spec], tmp_path: Path) -> Path:
    path = tmp_path / "spec.yaml"
    path.write_text(yaml.safe_dump(make_spec().resolved()))
    return path


def test_names_are_printed_as_they_are(degrade: Callable, spec_file: Path, tmp_path: Path) -> None:
    """Not taken for rich's markup."""
    out = tmp_path / "[bold]set[/b] :film_frames:"
    code, text, _ = degrade("generate", "--spec", spec_file, "--out", out)
    assert (code, f"frames in {out}\n" in text) == (0, True)
    code, text, _ = degrade("preview", "--spec", spec_file, "--out", tmp_path / "[reel]")
    assert (code, f"{tmp_path}/[reel]/sheet.png\n" in text) == (0, True)


def test_nothing_is_written_over(degrade: Callable, spec_file: Path, footage: Path, tmp_path: Path) -> None:
    frame, notes, dataset = footage / "s0/000.png", tmp_path / "notes.yaml", tmp_path / "set"
    notes.write_text("precious")
    assert degrade("generate", "--spec", spec_file, "--out", dataset)[0] == 0
    before = frame.read_bytes(), sorted(dataset.rglob("*"))
    for call, words in (
        (["match", footage, "--out", notes], "notes.yaml: is there already; name another file or folder"),
        (["match", footage, "--out", tmp_path / "new.yaml", "--report", frame], "000.png: is there already"),
        (["show", "dust", "--out", frame], "000.png: is there already"),
        (["preview", "--spec", spec_file, "--out", dataset], "holds something else (README.md); name a new or empty"),
    ):
        code, text, problem = degrade(*call)
        assert (code, words in problem, text) == (2, True, "")
    assert (frame.read_bytes(), sorted(dataset.rglob("*"))) == before
    assert notes.read_text() == "precious"
    assert not (tmp_path / "new.yaml").exists()


def test_showing_again_tells_again_and_keeps_the_picture(
    degrade: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    texts = [degrade("show", "mote") for _ in range(2)]
    assert [code for code, *_ in texts] == [0, 0]
    kept = " is there already, and stays as it is; name another by --out"
    assert texts[1][1] == texts[0][1].rstrip() + kept + "\n"


def test_previews_go_into_their_own_folder(degrade: Callable, spec_file: Path, tmp_path: Path) -> None:
    look, mine = tmp_path / "look", tmp_path / "mine"
    for _ in range(2):
        assert degrade("preview", "--spec", spec_file, "--out", look)[0] == 0
        (look / "Thumbs.db").write_text("")
    mine.mkdir()
    (mine / "sheet.png").write_text("precious")
    code, _, problem = degrade("preview", "--spec", spec_file, "--out", mine)
    assert (code, "holds something else (sheet.png)" in problem) == (2, True)
    assert (mine / "sheet.png").read_text() == "precious"
    for _ in range(2):
        assert degrade("preview", "--spec", spec_file, "--out", tmp_path / "look")[0] == 0


def test_enlarging_is_warned_of(degrade: Callable, spec_file: Path, tmp_path: Path) -> None:
    asked = ["--spec", spec_file, "--set", "clips.size=[48,64]"]
    for call in (["validate", *asked], ["generate", *asked, "--out", tmp_path / "out"]):
        code, _, problem = degrade(*call)
        assert code == 0
        assert "warning: clips.size: 's0' is 32×24 enlarged to 64×48 (and 3 more): its clean frames lack" in problem
    assert "enlarged" not in degrade("validate", "--spec", spec_file)[2]


def test_measuring_says_what_is_read(degrade: Callable, footage: Path) -> None:
    (footage / "notes.txt").write_text("")
    line = degrade("inspect", footage)[1].splitlines()
    _, _, told = degrade("measure", footage, "--instrument", "tone", "--frames", 2)
    assert f"footage: {footage}: " in told
    assert any("notes.txt" in row for row in line)


def test_generate_verify_resume(degrade: Callable, spec_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, text, _ = degrade("generate", "--spec", spec_file, "--out", out, "--seed", 9, "--set", "clips.length=4")
    assert code == 0
    assert "5 clips, 20 frames" in text
    assert "dust" in text
    assert json.loads((out / "dataset.json").read_text())["seed"] == 9
    code, text, _ = degrade("verify", out, "--rerender", 2)
    assert (code, "complete and unchanged" in text) == (0, True)
    (out / "train/lq/s0_00000/00000.png").unlink()
    code, text, error = degrade("verify", out)
    assert code == 1
    assert "train/lq/s0_00000/00000.png: missing" in text
    assert "problems found" in error


def test_generate_from_a_preset_alone(degrade: Callable, footage: Path, tmp_path: Path) -> None:
    code, *_ = degrade("generate", "--preset", "film-light", "--source", footage, "--out", tmp_path / "out")
    assert code == 0


def test_preview_writes_a_sheet_and_a_clip(degrade: Callable, spec_file: Path, tmp_path: Path) -> None:
    code, text, _ = degrade("preview", "--spec", spec_file, "--out", tmp_path / "look")
    assert code == 0
    assert text.split() == [str(tmp_path / "look/sheet.png"), str(tmp_path / "look/clip.mp4")]
    assert cv2.imread(str(tmp_path / "look/sheet.png")).std() > 5
    assert (tmp_path / "look/clip.mp4").stat().st_size > 500


def test_ls_names_everything(degrade: Callable) -> None:
    code, text, _ = degrade("ls")
    assert code == 0
    assert set(registry.names()) <= set(text.split())


def test_a_pipe_gets_a_line_each() -> None:
    command = [sys.executable, "-c", "from degrade.cli import main; main()", "ls"]
    narrow = {**os.environ, "COLUMNS": "40"}
    text = subprocess.run(command, capture_output=True, text=True, check=True, env=narrow).stdout
    assert len(text.splitlines()) == 1 + len([*registry.names(), *presets.names(), *textures.registry.names()])


def test_no_command_shows_the_help(degrade: Callable) -> None:
    code, text, error = degrade()
    assert (code, error) == (0, "")
    assert text == degrade("--help")[1]
    assert text.startswith("Usage: ")


def test_version(degrade: Callable) -> None:
    assert degrade("--version") == (0, f"film-degrade {importlib.metadata.version('film-degrade')}\n", "")


@pytest.mark.parametrize("name", ["dust", "one_of", "film-medium", "fingerprint"])
@pytest.mark.parametrize("file", ["picture.png", "new/picture.jpg"])
def test_show(degrade: Callable, tmp_path: Path, name: str, file: str) -> None:
    code, text, _ = degrade("show", name, "--out", tmp_path / file)
    assert code == 0
    assert re.search(r"\bid +– +\[A-Za-z0-9\]", text) or name in ("film-medium", "fingerprint")
    assert "per_frame" in text or name in ("one_of", "fingerprint")
    with Image.open(tmp_path / file) as picture:
        assert picture.format == ("PNG" if file.endswith("png") else "JPEG")
        assert np.asarray(picture).std() > 5
    assert [path.name for path in (tmp_path / file).parent.iterdir()] == [Path(file).name]


def test_validate_and_schema(degrade: Callable, spec_file: Path) -> None:
    assert degrade("validate", "--spec", spec_file)[1].startswith("valid: 4 clips (4 train), 26 frames")
    assert json.loads(degrade("schema")[1])["properties"]["seed"]["description"]


def test_a_split_without_clips_is_told(degrade: Callable, spec_file: Path, tmp_path: Path) -> None:
    asked = ["--spec", spec_file, "--set", "splits={train: 0.9, val: 0.1}"]
    for command in (["validate"], ["generate", "--out", tmp_path / "out"]):
        code, _, error = degrade(*command, *asked)
        assert code == 0
        (line,) = (line for line in error.splitlines() if line.startswith("warning:"))
        assert "no clip is in 'val': splits take whole sequences, here 4" in line
        assert "as splits.val: ['reel2*']" in line
    assert "warning" not in degrade("validate", "--spec", spec_file)[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["generate"], "give a pipeline or a preset"),
        (["generate", "--spec", "none.yaml"], "none.yaml: cannot be read: No such file or directory"),
        (["generate", "--preset", "film-lite"], "did you mean 'film-light'?"),
        (["generate", "--preset", "film-light", "--source", "nowhere"], "nowhere"),
        (["generate", "--preset", "film-light", "--source", "empty"], "empty"),
        (
            ["generate", "--preset", "film-light", "--seed", "-1"],
            "seed: should be greater than or equal to 0",
        ),
        (["generate", "--preset", "film-light", "--workers", "0"], "--workers"),
        (["generate", "--preset", "film-light", "--set", "clip.length=3"], "did you mean 'clips'?"),
        (["generate", "--preset", "film-light", "--out", "taken"], "taken holds something else (file.txt)"),
        (["generate", "--preset", "film-light", "--out", "taken/file.txt"], "taken/file.txt"),
        (["generate", "--nonsense"], "No such option"),
        (["show", "dusk"], "did you mean 'dust'?"),
        (["show", "dust", "--out", "empty"], "empty: is a folder; name a file for the picture"),
        (["show", "dust", "--out", "picture.doc"], "picture.doc: names no format for the picture"),
        (["show", "dust", "--out", "taken/file.txt/a.png"], "taken/file.txt/a.png: cannot be written: "),
        (["validate", "--spec", "pack.yaml"], "nowhere: no such folder"),
        (["validate", "--spec", "group.yaml"], "pipeline[0].texture.groups: builtin:rtn: unknown group '044'"),
        (["validate", "--spec", "lines.yaml"], "pipeline[0].one_of.ops[0].moving_line.groups: must be named: "),
        (["verify", "taken"], "taken holds no dataset"),
        (["generate", "--preset", "film-light", "--source", "broken"], "broken/0.png: truncated PNG"),
        (["generate", "--preset", "film-light", "--source", "sizes"], "24×20"),
        (["generate", "--preset", "film-light", "--source", "broken.mp4"], "broken.mp4"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    degrade: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("empty", "taken", "broken", "sizes"):
        (tmp_path / folder).mkdir()
    (tmp_path / "taken/file.txt").write_text("precious")
    (tmp_path / "sizes/a").mkdir()
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    for t, size in enumerate((20, 20, 24)):
        cv2.imwrite(str(tmp_path / f"sizes/a/{t}.png"), np.zeros((20, size), np.uint8))
    (tmp_path / "broken/0.png").write_bytes((tmp_path / "sizes/a/0.png").read_bytes()[:-30])
    for name, op in (
        ("pack", {"texture": {"p": 0.01, "pack": "nowhere"}}),
        ("group", {"texture": {"p": 0.01, "groups": ["044"]}}),
        ("lines", {"one_of": {"ops": [{"moving_line": {"p": 0.01, "pack": "sizes"}}]}}),
    ):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump({"pipeline": [op]}))
    given = set(tmp_path.rglob("*"))
    code, _, error = degrade(*arguments)
    assert code == 2
    assert message in error
    *before, last = error.splitlines()
    assert last.startswith("error: ")
    assert all("frames/s" in line for line in before)  # the progress bar, where work had begun
    assert set(tmp_path.rglob("*")) - {tmp_path / "out"} == given
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.parametrize(("policy", "spins"), [("", "1000"), ("ACTIVE", None)])
def test_threads_of_pytorch_sleep_unless_told_otherwise(
    degrade: Callable, monkeypatch: pytest.MonkeyPatch, policy: str, spins: str | None
) -> None:
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "")  # so that what is set here ends with the test
        monkeypatch.delenv(name)
    if policy:
        monkeypatch.setenv("OMP_WAIT_POLICY", policy)
    assert degrade("ls", "--json")[0] == 0
    assert os.environ.get("GOMP_SPINCOUNT") == spins


def _interruptible() -> None:
    """Shells start what runs in the background deaf to Ctrl-C, and tests may be run so."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_keeps_what_was_finished(make_spec: Callable[..., Spec], tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(yaml.safe_dump(make_spec(source="builtin:stills", clips={"length": 1, "limit": 240}).resolved()))
    command = [sys.executable, "-m", "degrade.cli", "generate", "--workers", "2"]
    command += ["--spec", str(path), "--out", str(tmp_path / "out")]
    run = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
        preexec_fn=_interruptible,
    )
    deadline = time.monotonic() + 120
    while not list((tmp_path / "out").glob("train/trace/*.json")):
        assert time.monotonic() < deadline, "no clip is finished"
        time.sleep(0.01)
    os.killpg(run.pid, signal.SIGINT)
    _, error = run.communicate(timeout=60)
    assert run.returncode == 130, (error, list(tmp_path.glob("out/*")))
    assert error.splitlines()[-1] == "error: interrupted; what was finished is kept"
    assert "Traceback" not in error
    assert not (tmp_path / "out/dataset.json").exists()
    assert subprocess.run([*command, "--resume"], check=False).returncode == 0


def test_measure_a_film_beside_a_dataset(degrade: Callable, spec_file: Path, footage: Path, tmp_path: Path) -> None:
    assert degrade("generate", "--spec", spec_file, "--out", tmp_path / "reels", "--quiet")[0] == 0
    films = footage, tmp_path / "reels"
    code, text, _ = degrade("measure", *films, "--instrument", "tone", "--instrument", "weave", "--quiet")
    assert code == 0
    assert "no shot of 12 frames or more" in text
    code, text, _ = degrade("measure", *films, "--instrument", "tone", "--frames", 2, "--json", "--quiet")
    assert code == 0
    read = json.loads(text)
    assert [read[str(film)]["frames"] for film in films] == [8, 8]
    levels = [read[str(film)]["readings"]["tone"]["level"]["value"] for film in films]
    assert levels[0] != levels[1]
    factor = read[str(films[1])]["readings"]["tone"]["level"]["factor"]
    assert factor == pytest.approx(levels[1] / levels[0])
    assert f"× {factor:.2f}" in degrade("measure", *films, "--instrument", "tone", "--frames", 2, "-q")[1]
    (tmp_path / "empty").mkdir()
    for arguments, error in (
        ([films[0], "--instrument", "weeve"], "did you mean 'weave'"),
        ([films[0], films[0]], "named twice"),
        ([*films, tmp_path / "none.mp4"], "none.mp4"),
        ([*films, tmp_path / "empty"], "empty"),
        ([*films, Path(__file__)], "test_cli.py"),
    ):
        code, text, err = degrade("measure", *arguments, "--frames", 2, "-q")
        assert (code, text) == (2, "")
        assert error in err
        assert len(err.splitlines()) == 1
