"""What is read, passed over, assumed and dropped is told on opening."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from degrade.console import PROBLEMS
from degrade.core.errors import SourceError
from degrade.core.types import Array
from degrade.sources import Source, open_source, raw

DRAW = np.random.default_rng(0)


def picture(height: int = 12, width: int = 16, channels: int = 3) -> Array:
    return DRAW.integers(0, 256, (height, width, channels), np.uint8)


def save(path: Path, pixels: Array | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, picture() if pixels is None else pixels)[1].tobytes())


def frames(folder: Path, count: int = 12, name: str = "{:05d}.png") -> None:
    for i in range(count):
        save(folder / name.format(i))


def film(path: Path, container: str, codec: str = "mpeg4", count: int = 3) -> None:
    """A video under any name, with a track of sound."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format=container) as opened:
        stream = opened.add_stream(codec, rate=25)
        stream.height, stream.width, stream.pix_fmt = 32, 48, "yuv420p"
        for _ in range(count):
            opened.mux(stream.encode(av.VideoFrame.from_ndarray(picture(32, 48), "rgb24")))
        opened.mux(stream.encode())


def found(source: Source) -> dict[str, int]:
    return {sequence.id: sequence.frames for sequence in source.sequences()}


def told(source: Source, kind: str) -> dict[str, tuple[str, ...]]:
    return {note.what: note.where for note in source.notes() if note.kind == kind}


def test_files_of_unknown_suffixes_are_tried_by_their_content(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", "mp4")
    for name, container, codec in (
        ("b.vob", "vob", "mpeg2video"), ("c.3gp", "3gp", "mpeg4"), ("d.flv", "flv", "flv"),
        ("e.dat", "mpegts", "mpeg2video"), ("f.ogv", "matroska", "mpeg4"), ("g.asf", "asf", "mpeg4"),
        ("h", "avi", "mpeg4"), ("i.m2v", "mpeg2video", "mpeg2video"),
    ):  # fmt: skip
        film(tmp_path / name, container, codec)
    save(tmp_path / "scans/0.jp2", picture(128, 128))
    (tmp_path / "scans/0.jp2").rename(tmp_path / "scans/0.j2k")
    source = open_source(tmp_path)
    assert set(found(source)) == {*"abcdefghi", "scans"}
    for name in found(source):
        assert source.read(name, 0, 1).ndim == 4
    assert not told(source, "passed over")


def test_what_is_no_footage_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw, "installed", lambda: False)
    frames(tmp_path / "reel", 3)
    (tmp_path / "notes.txt").write_text("a")
    (tmp_path / "odd.thing").write_text("a")
    (tmp_path / "broken.vob").write_bytes(b"\0\0\x01\xba" + b"a" * 4000)
    (tmp_path / "scan.cin").write_bytes(b"\x80\x2a\x5f\xd7" + bytes(2000))
    (tmp_path / "raw.nef").write_bytes(b"II*\0" + bytes(100))
    (tmp_path / "gopro.lrv").write_bytes(bytes(100))
    passed = told(open_source(tmp_path), "passed over")
    (broken,) = passed.pop("files that cannot be opened")
    assert broken.startswith(f"{tmp_path / 'broken.vob'}: ")
    assert passed == {
        "files that are no footage": ("notes.txt", "odd.thing"),
        "Cineon files, which are not read": ("scan.cin",),
        raw.EXTRA: ("raw.nef",),
        "copies beside originals": ("gopro.lrv",),
    }


def test_a_folder_of_nothing_that_is_read_says_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "0.cin").write_bytes(b"\x80\x2a\x5f\xd7" + bytes(2000))
    with pytest.raises(
        SourceError, match=r"no pictures or videos .*; passed over: Cineon files, which are not read \(1: 0\.cin\)"
    ):
        open_source(tmp_path)


def test_several_numberings_in_a_folder_are_told(tmp_path: Path) -> None:
    frames(tmp_path, 4, "A_{:03d}.tif")
    frames(tmp_path, 4, "B_{:03d}.tif")
    (tmp_path / "B_003.tif").rename(tmp_path / "title.tif")
    source = open_source(tmp_path)
    assert found(source) == {tmp_path.name: 8}
    assert told(source, "odd") == {"several numberings in one sequence": ("A_000.tif", "B_000.tif")}


def test_copies_beside_originals_are_passed_over(tmp_path: Path) -> None:
    frames(tmp_path, 5, "{:03d}.tif")
    frames(tmp_path, 5, "{:03d}.jpg")
    source = open_source(tmp_path)
    assert list(found(source).values()) == [5]
    assert told(source, "passed over") == {"copies beside originals": tuple(f"{i:03d}.jpg" for i in range(5))}


@pytest.mark.parametrize("folder", [".", "reel"])
def test_a_picture_of_another_size_is_no_frame(tmp_path: Path, folder: str) -> None:
    frames(tmp_path / folder)
    save(tmp_path / folder / "cover.jpg", picture(20, 15))
    source = open_source(tmp_path)
    assert list(found(source).values()) == [12]
    assert told(source, "passed over") == {"pictures of another size": (str(Path(folder, "cover.jpg")),)}


def test_a_frame_of_another_size_stays_in_its_place(tmp_path: Path) -> None:
    frames(tmp_path)
    save(tmp_path / "00004.png", picture(20, 15))
    source = open_source(tmp_path)
    (name,) = found(source)
    assert told(source, "odd") == {"frames of another size": ("00004.png",)}
    assert source.read(name, 0, 4).shape == (4, 12, 16, 3)
    with pytest.raises(SourceError, match=r"00004\.png: 15×20 pixels, but 00000\.png of the same sequence has 16×12"):
        source.read(name, 4, 5)


def test_photographs_of_several_sizes_are_stills(tmp_path: Path) -> None:
    for i in range(12):
        save(tmp_path / f"IMG_{i:04d}.jpg", picture(12, 16) if i % 3 else picture(16, 12))
    assert len(found(open_source(tmp_path))) == 12


def test_missing_numbers_are_told(tmp_path: Path) -> None:
    for i in (1, 2, 3, 6, 7, 9):
        save(tmp_path / "reel" / f"scan_{1000 + i}.png")
    gaps = told(open_source(tmp_path), "odd")
    assert gaps == {"missing numbers": ("reel/scan_1004 to scan_1005", "reel/scan_1008")}
    for i in range(0, 20, 2):
        save(tmp_path / "twos" / f"{i}.png")
    assert told(open_source(tmp_path), "odd") == gaps


def test_system_folders_and_small_copies_are_passed_over(tmp_path: Path) -> None:
    frames(tmp_path / "reel", 2)
    for name in ("@eaDir", "__MACOSX", "$RECYCLE.BIN", ".Trashes", "System Volume Information"):
        frames(tmp_path / name, 1)
    for name in ("thumbs", "Thumbnails", "proxy"):
        frames(tmp_path / name, 1)
    (tmp_path / "reel/Thumbs.db").write_bytes(b"a")
    (tmp_path / "reel/._00000.png").write_bytes(b"a")
    source = open_source(tmp_path)
    assert found(source) == {"reel": 2}
    passed = told(source, "passed over")
    assert len(passed["system files"]) == 7
    assert set(passed["folders of small copies"]) == {"thumbs", "Thumbnails", "proxy"}


def test_links_that_come_round_again_are_passed_over(tmp_path: Path) -> None:
    root = tmp_path / "films"
    frames(root / "reel", 2)
    frames(root / ".store/hidden", 3)
    frames(tmp_path / "elsewhere/far", 4)
    (root / "again").symlink_to(root / "reel")
    (root / "reel/up").symlink_to(root)
    (root / "best").symlink_to(root / ".store/hidden")
    (root / "out").symlink_to(tmp_path / "elsewhere")
    (root / "twice").symlink_to(tmp_path / "elsewhere")
    (root / "above").symlink_to(tmp_path)
    source = open_source(root)
    assert found(source) == {"best": 3, "out/far": 4, "reel": 2}
    assert set(told(source, "passed over")["links to what is read already"]) == {"again", "reel/up", "twice", "above"}


def test_any_folder_with_a_record_is_no_footage(tmp_path: Path) -> None:
    frames(tmp_path / "reel", 2)
    frames(tmp_path / "pairs/train/gt/a", 2)
    (tmp_path / "pairs/dataset.json").write_text("{}")
    source = open_source(tmp_path)
    assert found(source) == {"reel": 2}
    assert told(source, "passed over") == {"datasets": ("pairs",)}
    with pytest.raises(SourceError, match="is a dataset of pairs, no footage"):
        open_source(tmp_path / "pairs")


def test_what_is_dropped_and_assumed_is_told(tmp_path: Path) -> None:
    save(tmp_path / "a/0.png", picture(channels=4))
    film(tmp_path / "b.mp4", "mp4")
    with av.open(str(tmp_path / "c.mov"), "w") as opened:
        stream, track = opened.add_stream("mpeg4", rate=25), opened.add_stream("pcm_s16le", rate=8000, layout="mono")
        stream.height, stream.width, stream.pix_fmt = 32, 48, "yuv420p"
        opened.mux(stream.encode(av.VideoFrame.from_ndarray(picture(32, 48), "rgb24")))
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        sound.sample_rate = 8000
        opened.mux(track.encode(sound))
        for one in (stream, track):
            opened.mux(one.encode())
    source = open_source(tmp_path)
    assert told(source, "dropped") == {"alpha": ("a",), "sound": ("c",)}
    assert told(source, "assumed") == {"24 frames per second": ("a",), "colours of BT.601": ("b", "c")}
    assert source.line() == (
        "3 sequences, 5 frames; assumed: 24 frames per second (1 of 3), colours of BT.601 (2 of 3); "
        "dropped: alpha (1 of 3), sound (1 of 3)"
    )


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """The `degrade` command: exit code, stdout, stderr."""
    from degrade.cli import app
    from degrade.console import run as run_command

    def call(*arguments: Any) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["degrade", *map(str, arguments)])
        code = run_command(app)
        return code, *capsys.readouterr()

    return call


def test_inspect_tells_all(tmp_path: Path, run: Callable[..., tuple[int, str, str]]) -> None:
    frames(tmp_path / "reel", 4)
    film(tmp_path / "b.mp4", "mp4")
    save(tmp_path / "reel/00001.jpg")
    code, text, _ = run("inspect", tmp_path)
    assert (code, text.splitlines()) == (
        0,
        [
            "b: 3 frames, 48×32, 25 frames per second, 0.12 s, 8 bit, 4:2:0",
            "reel: 4 frames, 16×12, 8 bit",
            "passed over: copies beside originals (1): reel/00001.jpg",
            "assumed: colours of BT.601 (1): b",
            "assumed: 24 frames per second (1): reel",
        ],
    )
    code, text, _ = run("inspect", tmp_path, "--json")
    facts = json.loads(text)
    assert [(s["id"], s["frames"], s["fps"]) for s in facts["sequences"]] == [("b", 3, "25"), ("reel", 4, None)]
    assert facts["notes"][0]["where"] == ["reel/00001.jpg"]
    (tmp_path / "reel/00002.png").write_bytes(b"")
    code, text, _ = run("inspect", tmp_path, "--read")
    assert (code, "damaged: frames (1): reel, frame 2: " in text) == (PROBLEMS, True)


def test_every_command_tells_what_it_opened(tmp_path: Path, run: Callable[..., tuple[int, str, str]]) -> None:
    frames(tmp_path / "films/reel", 4)
    save(tmp_path / "films/reel/00001.jpg")
    line = f"footage: {open_source(tmp_path / 'films').line()}"
    assert "passed over: copies beside originals (1: reel/00001.jpg)" in line
    asked = ["--preset", "film-light", "--source", tmp_path / "films"]
    assert line in run("validate", *asked)[2].splitlines()
    assert line in run("generate", *asked, "--out", tmp_path / "out")[1].splitlines()
    assert line in run("preview", *asked, "--out", tmp_path / "look", "--clips", 1)[2].splitlines()
    assert line in run("verify", tmp_path / "out", "--rerender", 1)[2].splitlines()
    assert "footage" not in run("validate", *asked, "--quiet")[2]


def test_validate_reads_what_generate_will(tmp_path: Path, run: Callable[..., tuple[int, str, str]]) -> None:
    frames(tmp_path / "films/reel")
    (tmp_path / "films/reel/00009.png").write_bytes(b"")
    asked = ["--preset", "film-light", "--source", tmp_path / "films"]
    code, _, error = run("validate", *asked)
    assert (code, "00009.png: not a picture; on_damaged: repeat or skip goes on" in error) == (2, True)
    assert run("validate", *asked, "--set", "clips.length=4", "--set", "clips.limit=1")[0] == 0  # frames 0 to 3
    assert "12 frames" in run("validate", *asked, "--set", "on_damaged=repeat")[1]
    assert "11 frames" in run("validate", *asked, "--set", "on_damaged=skip")[1]
