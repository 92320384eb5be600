"""Truncated means that bytes are missing; what is damaged is read as players do, or as `on_damaged` says."""

import csv
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from degrade.core.errors import SourceError
from degrade.core.types import Array
from degrade.dataset.generate import generate
from degrade.dataset.layout import DatasetFolder
from degrade.dataset.verify import verify
from degrade.sources import Source, open_source
from degrade.sources.pictures import read_picture
from degrade.spec import Spec
from degrade.writers import open_writer

SIZE = 96, 128


def pattern(i: int) -> Array:
    noise = np.random.default_rng(0).integers(64, 192, (*SIZE, 3), np.uint8)
    frame = np.roll(noise, (i, 2 * i), (0, 1))
    frame[:16] = 8 * i  # tells the frames apart
    return frame


def encode(path: Path, codec: str, times: list[int] | None = None, **options: str) -> Path:
    """24 frames, at `times` in milliseconds, or 25 a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.height, stream.width = SIZE
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if times:
            stream.codec_context.time_base = Fraction(1, 1000)
        for i in range(24):
            frame = av.VideoFrame.from_ndarray(pattern(i), "rgb24")
            frame.pts, frame.time_base = (times[i], Fraction(1, 1000)) if times else (i, Fraction(1, 25))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def numbers(frames: Array) -> list[int]:
    """Which frames of the pattern these are."""
    return [round(float(frame[2:14].mean()) / 8) for frame in frames]


def whole(source: Source) -> Array:
    (sequence,) = source.sequences()
    return source.read(sequence, 0, sequence.frames)


@pytest.mark.parametrize("codec", ["mpeg2video", "libx264"])
def test_joined_files_are_one_film(tmp_path: Path, codec: str) -> None:
    data = encode(tmp_path / "a.ts", codec, g="6").read_bytes()
    (tmp_path / "all.ts").write_bytes(data + data + data)
    source = open_source(tmp_path / "all.ts")
    (sequence,) = source.sequences()
    assert (sequence.frames, sequence.fps, sequence.stream.times) == (72, 25, ())
    assert numbers(whole(source)) == [*range(24)] * 3
    for start in (50, 3, 47, 23):
        np.testing.assert_array_equal(source.read(sequence, start, start + 3), whole(source)[start : start + 3])


@pytest.mark.parametrize("codec", ["mpeg2video", "libx264"])
@pytest.mark.parametrize("at", [0.3, 0.5, 0.8])
def test_a_lost_packet_is_no_truncation(tmp_path: Path, codec: str, at: float) -> None:
    quality = {"qscale": "2"} if codec == "mpeg2video" else {"crf": "10"}
    data = encode(tmp_path / "a.ts", codec, g="6", bf="0", **quality).read_bytes()
    lost = int(at * len(data) / 188)
    (tmp_path / "lost.ts").write_bytes(data[: lost * 188] + data[(lost + 1) * 188 :])
    source = open_source(tmp_path / "lost.ts")
    (sequence,) = source.sequences()
    assert sequence.frames >= 23
    assert float(sequence.stream.duration(sequence.frames)) == pytest.approx(24 / 25)
    with pytest.raises(SourceError, match=r"lost\.ts: frame \d+ is missing or damaged"):
        whole(source)
    repeated = open_source(tmp_path / "lost.ts", "repeat")
    (mended,) = repeated.sequences()
    damaged = repeated.damaged(mended, 0, mended.frames)
    assert mended.frames == sequence.frames
    assert 1 <= len(damaged) <= 6
    assert [i for i, _ in source.survey(sequence, 0, sequence.frames)] == list(damaged)
    skipped = open_source(tmp_path / "lost.ts", "skip")
    (rest,) = skipped.sequences()
    assert rest.frames == sequence.frames - len(damaged)
    assert skipped.damaged(rest, 0, rest.frames) == damaged
    assert float(rest.stream.start + rest.stream.duration(rest.frames)) == pytest.approx(24 / 25)


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".avi", "mpeg4"), (".avi", "mjpeg"), (".mp4", "libx264"), (".mkv", "ffv1")]
)
def test_dropped_frames_are_pauses(tmp_path: Path, suffix: str, codec: str) -> None:
    times = [40 * i + (200 if i > 9 else 0) for i in range(24)]
    source = open_source(encode(tmp_path / f"a{suffix}", codec, times))
    (sequence,) = source.sequences()
    assert sequence.frames == 24
    shown = [float(time * sequence.stream.time_base) for time in sequence.stream.times[:24]]
    assert shown == pytest.approx([time / 1000 for time in times], abs=0.002)
    assert numbers(whole(source)) == [*range(24)]


def damaged_video(tmp_path: Path) -> Path:
    """Lossless, with checksums, of which frames 5, 6 and 11 have wrong bytes."""
    path = tmp_path / "film.mkv"
    with open_writer(path, fps=24) as writer:
        for i in range(24):
            writer.write(pattern(i))
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    for number in (5, 6, 11):
        at = places[number][0] + places[number][1] // 2
        data[at] ^= 255
    path.write_bytes(data)
    return path


def damaged_pictures(tmp_path: Path) -> Path:
    for i in range(24):
        Image.fromarray(pattern(i)).save(tmp_path / f"{i:03d}.png")
    (tmp_path / "005.png").write_bytes(b"")
    (tmp_path / "006.png").write_bytes((tmp_path / "007.png").read_bytes()[:-100])
    Image.fromarray(pattern(11)[:50]).save(tmp_path / "011.png")
    return tmp_path


@pytest.mark.parametrize("make", [damaged_video, damaged_pictures])
def test_damaged_frames_are_refused_repeated_or_skipped(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    path = make(tmp_path)
    with pytest.raises(SourceError):
        whole(open_source(path))
    repeated, skipped = open_source(path, "repeat"), open_source(path, "skip")
    assert numbers(whole(repeated)) == [*range(5), 4, 4, *range(7, 11), 10, *range(12, 24)]
    assert numbers(whole(skipped)) == [*range(5), *range(7, 11), *range(12, 24)]
    for source in (repeated, skipped):
        (sequence,) = source.sequences()
        assert source.damaged(sequence, 0, sequence.frames) == (5, 6, 11)
        (note,) = [note for note in source.notes() if note.kind == "damaged"]
        assert note.where == tuple(f"{sequence.id}: {number}" for number in (5, 6, 11))
        for start in range(0, sequence.frames - 3, 4):
            np.testing.assert_array_equal(source.read(sequence, start, start + 4), whole(source)[start : start + 4])
    assert repeated.damaged(repeated.sequences()[0], 4, 6) == (5,)
    assert skipped.damaged(skipped.sequences()[0], 4, 6) == (5, 6)
    assert skipped.damaged(skipped.sequences()[0], 0, 5) == (5, 6)
    assert skipped.damaged(skipped.sequences()[0], 6, 8) == ()


def test_a_first_frame_that_is_damaged_is_the_next_one(tmp_path: Path) -> None:
    path = damaged_pictures(tmp_path)
    (path / "000.png").write_bytes(b"")
    assert numbers(whole(open_source(path, "repeat")))[:3] == [1, 1, 2]


def test_a_film_of_which_nothing_can_be_read_is_an_error(tmp_path: Path) -> None:
    for i in range(3):
        (tmp_path / f"{i}.png").write_bytes(b"")
    with pytest.raises(SourceError, match=r"0\.png: not a picture"):
        open_source(tmp_path, "skip")
    with pytest.raises(SourceError, match="unknown way with damaged frames 'skipp'; did you mean 'skip'"):
        open_source(tmp_path, "skipp")


def test_a_cut_file_is_read_as_far_as_it_goes_where_asked(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    with open_writer(path) as writer:
        for i in range(24):
            writer.write(pattern(i))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(SourceError, match="truncated video"):
        open_source(path)
    (sequence,) = open_source(path, "skip").sequences()
    assert 12 <= sequence.frames <= 17


def test_what_is_read_on_opening_is_read_after_a_seek(tmp_path: Path) -> None:
    """FFmpeg ends sooner after a seek where an FLV goes over into something else."""
    path = encode(tmp_path / "a.flv", "flv1", g="5")
    with av.open(str(path)) as container:
        last = [packet for packet in container.demux(video=0) if packet.size][17]
    end = (last.pos or 0) + 12 + last.size  # behind the head of its tag
    path.write_bytes(path.read_bytes()[:end] + bytes.fromhex("fd30a2997abb3588fac162f9931ba8982cfdc6678d") * 20)
    source = open_source(path, "repeat")
    frames = whole(source)
    assert numbers(frames) == list(range(18))
    (sequence,) = source.sequences()
    for start in (0, 5, len(frames) - 1):
        assert (source.read(sequence, start, len(frames)) == frames[start:]).all()


def test_a_motion_photo_is_a_photo(tmp_path: Path) -> None:
    Image.fromarray(pattern(3)).save(tmp_path / "0.jpg", quality=95)
    data = (tmp_path / "0.jpg").read_bytes()
    film = encode(tmp_path / "film.mp4", "libx264").read_bytes()
    (tmp_path / "0.jpg").write_bytes(data + film + b"\xff\xda\xff\xda")
    assert numbers(read_picture(tmp_path / "0.jpg")[None]) == [3]
    (tmp_path / "0.jpg").write_bytes(data[: len(data) // 2])
    with pytest.raises(SourceError, match="truncated JPEG"):
        read_picture(tmp_path / "0.jpg")


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_animations_are_films(tmp_path: Path, suffix: str) -> None:
    pictures = [Image.fromarray(pattern(i)) for i in range(6)]
    more: dict[str, Any] = {"lossless": True} if suffix == ".webp" else {}
    pictures[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=pictures[1:], duration=40, **more)
    assert numbers(whole(open_source(tmp_path / f"a{suffix}"))) == [*range(6)]


def test_datasets_record_which_frames_were_damaged(tmp_path: Path, make_spec: Callable[..., Spec]) -> None:
    reel = tmp_path / "films"
    (reel / "reel").mkdir(parents=True)
    damaged_pictures(reel / "reel")
    out = tmp_path / "out"
    spec = make_spec(source=str(reel), clips={"length": 8}, on_damaged="repeat")
    generate(spec, out)
    assert [row["damaged"] for row in csv.DictReader((out / "manifest.csv").open())] == ["5 6", "11", ""]
    assert {row["fps"] for row in csv.DictReader((out / "manifest.csv").open())} == {"24.0"}
    assert '"fps":24.0' in (out / "train/trace/reel_00000.json").read_text()
    assert verify(out, rerender=3) == []
    assert DatasetFolder(out).clips["reel_00000"].damaged == "5 6"


@pytest.mark.parametrize("gop", ["1", "6"])
@pytest.mark.parametrize("crc", ["1", "0"])
def test_every_slice_of_ffv1_is_checked(tmp_path: Path, gop: str, crc: str) -> None:
    path = encode(tmp_path / "a.mkv", "ffv1", level="3", slices="4", slicecrc=crc, g=gop)
    assert numbers(whole(open_source(path))) == [*range(24)]
    with av.open(str(path)) as container:
        (place,) = [(p.pos, p.size) for i, p in enumerate(container.demux(video=0)) if i == 8]
    data = bytearray(path.read_bytes())
    data[place[0] + place[1] // 3] ^= 16
    path.write_bytes(data)
    (sequence,) = open_source(path).sequences()
    damaged = [number for number, _ in open_source(path).survey(sequence, 0, 24)]
    assert damaged == ([] if crc == "0" else [8] if gop == "1" else [8, 9, 10, 11])
