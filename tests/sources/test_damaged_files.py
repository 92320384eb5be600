"""Damaged files of all kinds are read, or end in one line; `tools/damaged_files.py` makes and reads more of them."""

import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from degrade.sources import open_source

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the memory of a process is measured in /proc")


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script, as a module that its processes find, too."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "tools")
    import damaged_files

    return damaged_files


def test_done_or_one_line(tool: Any) -> None:
    outcomes, faults, most = tool.survey(files=2 * len(tool.KINDS), seed=1)
    assert faults == []
    assert outcomes["done"] + outcomes["one line"] == 2 * len(tool.KINDS)
    assert min(outcomes["done"], outcomes["one line"]) > 10
    assert 0 < most <= tool.MEMORY


def test_faults_are_found(tool: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool, "MEMORY", 1)
    outcomes, faults, _ = tool.survey(files=1, seed=0, keep=tmp_path / "kept")
    assert outcomes == {"fault": 1}
    assert "more than 1" in faults[0]
    assert len(list((tmp_path / "kept").iterdir())) == 1


def test_the_same_seed_makes_the_same_files(tool: Any, tmp_path: Path) -> None:
    data = bytes(range(256)) * 4
    made = [[tool.damage(data, data[::-1], np.random.default_rng([seed, n])) for n in range(20)] for seed in (3, 3, 4)]
    assert made[0] == made[1] != made[2]
    assert {way for way, _ in made[0]} == {"cut", "flipped", "lying header", "zeroed", "spliced"}


def test_every_kind_is_read_when_whole(tool: Any, tmp_path: Path) -> None:
    for number, (kind, write) in enumerate(tool.KINDS.items()):
        path = tmp_path / f"{number}.{tool.suffix(kind)}"
        write(path)
        (sequence,) = (source := open_source(path)).sequences()
        assert source.read(sequence, 0, sequence.frames).shape[1:] == (tool.HEIGHT, tool.WIDTH, 3), kind


def test_sound_of_an_unknown_codec(tmp_path: Path, tool: Any) -> None:
    path = tmp_path / "in.mov"
    tool.KINDS["mov, prores"](path)
    path.write_bytes(path.read_bytes().replace(b"sowt", b"qqqq"))
    with av.open(str(path)) as container:
        assert container.streams.audio[0].codec_context is None
    assert open_source(path).sequences()[0].stream.sound == ("of an unknown codec",)


@pytest.mark.parametrize(
    ("kind", "number"), [("mp4, h264 and sound", 3), ("mp4, h264 and sound", 43), ("ts, h264", 43)]
)
def test_frames_that_are_whole_alone_are_whole_in_a_row(tmp_path: Path, tool: Any, kind: str, number: int) -> None:
    path = tmp_path / f"in.{tool.suffix(kind)}"
    tool.KINDS[kind](path)
    data = path.read_bytes()
    path.write_bytes(tool.damage(data, data[::-1], np.random.default_rng([9, number]))[1])
    (sequence,) = (source := open_source(path, "repeat")).sequences()
    row = source.read(sequence, 0, sequence.frames)
    np.testing.assert_array_equal(row[-1], source.read(sequence, sequence.frames - 1, sequence.frames)[0])
