"""From a film to a spec and back: what is written, that it is deterministic, and that any footage will do."""

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from degrade.core.errors import SourceError
from degrade.core.types import Array
from degrade.match import Match, _match, distances, match, page
from degrade.match._copy import OPS, coded
from degrade.match._draft import Draft, started
from degrade.match._grain import Grain
from degrade.match._knobs import parts
from degrade.measure import Film, Reading, measure, registry
from degrade.measure._footage import Take
from degrade.ops.pipeline import Pipeline
from degrade.presets import load
from degrade.sources import open_source
from degrade.spec import load_spec

FOOTAGE = "builtin:stills?count=3&frames=16&height=128&width=160"
UNREST = [
    {"flicker": {"std": 0.1, "correlation": 1}},
    {"noise": {"sigma": 6}},
    {"weave": {"x": 0.006, "y": 0.006, "rotation": 0, "correlation": 1, "correlation_y": 1}},
]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Specs are checked on few frames."""
    monkeypatch.setattr(_match, "FEWEST", 32)
    monkeypatch.setattr(_match, "MOST", 32)


def written(folder: Path, frames: Array) -> Path:
    """Frames (T, H, W, C) uint8 as PNG files."""
    folder.mkdir()
    for t, frame in enumerate(frames):
        cv2.imwrite(str(folder / f"{t:05d}.png"), frame[..., ::-1])
    return folder


def moving(frames: int, channels: int = 1, sequence: int = 0) -> Array:
    source = open_source("builtin:stills?count=4&frames=40&height=128&width=160")
    clip = source.read(source.sequences()[sequence], 0, frames)
    return clip if channels == 3 else clip.mean(axis=3, keepdims=True).round().astype(np.uint8)


def parameters(matched: Match) -> dict[str, dict[str, object]]:
    """By label of the op."""
    ops = [next(iter(op.items())) for op in yaml.safe_load(matched.text)["pipeline"]]
    return {given.get("id", name): given for name, given in ops}


def test_a_known_damage_comes_back(tmp_path: Path) -> None:
    damaged = Pipeline(UNREST)(moving(40, sequence=3), seed=3).frames
    frames = []
    matched = match(
        written(tmp_path / "reel 7", damaged),
        FOOTAGE,
        started=lambda what, total: frames.append((what, total)),
        seen=lambda count: frames.append(count),
    )
    assert sum(total for _, total in filter(lambda f: isinstance(f, tuple), frames)) == frames.count(1)
    assert matched.spec.name == "reel_7"
    assert (matched.spec.color, matched.spec.clips.size) == ("grey", (128, 160))
    found = parameters(matched)
    for op, parameter, true, factor in (
        ("flicker", "std", 0.1, 1.6),
        ("weave", "x", 0.006, 1.9),
        ("weave", "y", 0.006, 1.9),
    ):
        assert true / factor < np.mean(found[op][parameter]) < true * factor, (op, parameter)
    assert not {"black_frames", "frame_faults", "periodic_flicker", "tinting"} & set(found)
    read = {(row.instrument, row.quantity): row for row in matched.rows}
    assert read["flicker", "std"].off < 2  # by chance: it was rendered over two short clips
    assert read["grain", "sigma"].film == pytest.approx(6, rel=0.2)
    assert distances(matched.rows)["flicker"] < 2.5

    path = tmp_path / "reel.yaml"
    path.write_text(matched.text)
    assert load_spec(path).digest() == matched.spec.digest()
    (line,) = re.findall(r"std: \[.*\]  # (flicker std .*)", matched.text)
    assert re.fullmatch(r"flicker std [\d.]+ stops, 40 frames; rendered [\d.]+", line)
    assert any("hair" in line for line in matched.unmatched)

    html = page(matched, "reel <7>")
    assert "reel &lt;7&gt;" in html
    assert html.count("<img ") == 3 * len(matched.real.frames)
    assert "What did not match" in html
    assert not re.search(r"(src|href)=\"(?!data:)", html)
    for instrument in distances(matched.rows):
        assert f"<h3>{instrument}" in html


@pytest.mark.parametrize(
    "frames",
    [
        moving(1),
        moving(1, 3),
        np.repeat(moving(1), 9, axis=0),
        np.zeros((5, 70, 50, 1), np.uint8),
        moving(14, 3),
        moving(6)[:, :3, :5],
    ],
    ids=["one frame", "one in colour", "a still", "black", "colour", "tiny"],
)
def test_any_film_gives_a_spec(tmp_path: Path, frames: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_match, "ROUNDS", 1)
    film = written(tmp_path / "film", np.repeat(frames, 4 - frames.shape[3], axis=3)[..., :3])
    small = "builtin:stills?count=2&frames=6&height=64&width=80"
    matched, again = (match(film, small, seed=5) for _ in range(2))
    assert matched.text == again.text
    assert matched.spec.seed == 5
    assert matched.spec.color == ("rgb" if frames.shape[3] == 3 else "grey")
    path = tmp_path / "film.yaml"
    path.write_text(matched.text)
    assert load_spec(path) == matched.spec
    if len(frames) == 1:
        assert any(line.startswith("weave x, y") and "not measured" in line for line in matched.unmatched)
        kept = parameters(matched)["weave"]
        assert kept == {"x": [0.0015, 0.005], "y": [0.0015, 0.006], "rotation": [0, 0.06], "correlation": [4, 16],
                        "correlation_y": [0.5, 2]}  # fmt: skip
        assert "# weave x: not measured (no shot of 12 frames" in matched.text
    assert page(matched, "film")


def test_a_tinted_film_is_dyed(tmp_path: Path) -> None:
    tinted = Pipeline([{"tinting": {"dyes": ["amber"], "strength": 0.8}}])(np.repeat(moving(3), 3, axis=3), seed=1)
    matched = match(written(tmp_path / "film", tinted.frames), "builtin:stills?count=1&frames=3&height=64&width=80")
    found = parameters(matched)
    assert found["tinting"]["dyes"] == ["amber"]
    assert found["tinting"]["strength"] == pytest.approx(0.8, abs=0.1)
    assert "black_and_white" in found
    assert matched.spec.color == "rgb"


def test_a_dark_border_is_drawn(tmp_path: Path) -> None:
    border = {"left": 0.07, "right": 0, "top": 0, "foot": 0.05, "radius": 0.2, "softness": 0, "tone": 0}
    bordered = Pipeline([{"frame_border": border}])(np.repeat(moving(3), 3, axis=3), seed=1)
    matched = match(written(tmp_path / "film", bordered.frames), "builtin:stills?count=2&frames=3&height=128&width=160")
    found = parameters(matched)["border"]
    assert found["right"] == found["top"] == [0, 0]
    for name in ("left", "foot", "radius"):
        assert border[name] / 1.5 < np.mean(found[name]) < border[name] * 1.5, name


def test_a_coded_film_is_copied_as_it_was(tmp_path: Path) -> None:
    source = open_source("builtin:stills?count=1&frames=6&height=368&width=480")
    clean = source.read(source.sequences()[0], 0, 6)
    ops = [{"noise": {"sigma": 2}}, {"gaussian_blur": {"sigma": 1, "unit": "px"}}]
    scan, copy = (
        measure(written(tmp_path / name, Pipeline(ops + more)(clean, seed=1).frames))
        for name, more in (("scan", []), ("copy", [{"video_codec": {"qp": 30, "group": 6}}]))
    )
    assert (coded(scan), coded(copy)) == (False, True)
    for film in (scan, copy):
        draft = Draft({}, film, parts(), None)
        labels = {label for label, _, _ in draft.ops({})}
        assert labels & set(OPS) == (set(OPS) if film is copy else set())
        assert draft.text({}, film, []).count("a coded copy") == 2 * (film is copy)


def grainy(sigma: float) -> Film:
    """All of whose grain reads the same."""
    return Film(9, 1, {"grain": {name: Reading(sigma) for name in registry.get("grain").quantities}}, {}, {})


def test_grain_is_corrected_by_what_a_copy_keeps_of_it() -> None:
    """Half of the variance: twice as much is put in for what lacks."""
    grain, film, own = Grain(), grainy(2), grainy(0)
    turned = grain.turned(grain.start(film, own), film, grainy(2 / 2**0.5), own, 1.0)
    assert turned["mottled_grain", "sigma.0"] == pytest.approx((2**2 + 2 * 2) ** 0.5)


def test_grain_makes_room_for_what_else_is_new_in_a_frame() -> None:
    """Rain of 1.5 levels beside grain: together they shall read as the film."""
    film, own, grain = grainy(2), grainy(0), Grain()
    begun = grain.start(film, own)
    turned = grain.turned(begun, film, grainy(2.5), own, 1.0)
    for i in range(5):
        key = "mottled_grain", f"sigma.{i}"
        assert (begun[key], turned[key]) == pytest.approx((2, (2**2 - 1.5**2) ** 0.5))


def test_of_a_long_film_stretches_are_measured() -> None:
    read: list[tuple[int, int]] = []

    def take(frames: int) -> Take:
        return Take(frames, 50, lambda start, stop: read.append((start, stop)) or np.zeros((stop - start, 2, 2, 1)))

    assert [part.frames for part in _match.stretches([take(300), take(40)], 340)] == [300, 40]
    chosen = _match.stretches([take(10_000), take(500)], 500)
    assert [part.frames for part in chosen] == [125] * 4
    for part in chosen:
        assert sum(1 for _ in part) == 125
    starts = [read[i][0] for i in range(0, len(read), 3)]
    assert starts == sorted(starts)
    assert starts[1] - starts[0] > 2000
    assert max(stop - start for start, stop in read) == 50


def test_every_part_sets_what_the_start_has_and_is_read() -> None:
    ops = {label: given for label, _, given in started()}
    for part in parts():
        for (label, parameter), quantity in part.keys.items():
            assert parameter.partition(".")[0] in ops[label], label
            assert quantity in registry.get(part.instrument).quantities
        assert set(part.strong) <= set(part.keys)


MEASURED = {"id", "sigma", "light", "elongation", "stretch", "bursts", "broken", "wander", "lifetime"}


def test_what_is_not_measured_is_as_in_film_medium() -> None:
    medium = {op.id or op.name(): op for op in load("film-medium").ops}
    ops = {label: given for label, _, given in started()}
    assert set(medium) - set(ops) == {"grain"}  # another stands for it
    for label, op in medium.items():
        given = ops.get(label, {})
        for parameter in set(given) - MEASURED:
            value = getattr(op, parameter)
            assert np.ravel(given[parameter]).tolist() == np.unique(np.ravel(value)).tolist(), (label, parameter)


def test_no_frames_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nothing"):
        match(tmp_path / "nothing")


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from degrade import cli
    from degrade.console import run

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["degrade", *map(str, arguments)])
        return run(cli.app), *capsys.readouterr()

    film = written(tmp_path / "reel", np.repeat(Pipeline(UNREST)(moving(5), seed=1).frames, 3, axis=3))
    small = "builtin:stills?count=1&frames=6&height=64&width=80"
    out, again, report = (tmp_path / "new" / name for name in ("reel.yaml", "again.yaml", "reel.html"))
    code, text, _ = call("match", film, "--footage", small, "--out", out, "--report", report, "--frames", 4, "-q")
    assert code == 0
    assert "remaining: " in text
    assert "not matched: " in text
    assert report.read_text("utf-8").startswith("<!doctype html>")
    code, text, _ = call("validate", "--spec", out, "--json", "-q")
    assert (code, json.loads(text)["clips"]) == (0, 1)
    code, text, _ = call("match", film, "--footage", small, "--out", again, "--json", "-q")
    assert json.loads(text)["spec"] == str(again)
    for arguments in ([tmp_path / "none.mp4"], [film, "--out", tmp_path], [film, "--footage", tmp_path / "none"]):
        code, _, error = call("match", *arguments, "-q")
        assert code == 2
        assert len(error.splitlines()) == 1
        assert error.startswith("error: ")
