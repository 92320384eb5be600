"""Sound, timecode, chapters and metadata of a film go on to what is written, in time with the pictures."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from degrade.sources import Source, open_source
from degrade.sources.stream import StreamInfo
from degrade.sources.tracks import timecode_after
from degrade.writers import open_writer
from degrade.writers.tracks import tell
from tests.films import clicks, film, flashes

SUFFIXES = [".mkv", ".mov", ".mp4"]


def copied(source: Source, out: Path) -> Path:
    """The same film, written again with its tracks."""
    (sequence,) = source.sequences()
    with open_writer(out, stream=sequence.stream, tracks=source.tracks(sequence)) as writer:
        for frame in source.read(sequence, 0, sequence.frames):
            writer.write(frame)
    return out


def line(source: Source, suffix: str, **asked: Any) -> str:
    (sequence,) = source.sequences()
    return tell(source.tracks(sequence), sequence.stream, suffix, **asked)


@pytest.mark.parametrize("kind", [*SUFFIXES, ".ts"])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_sound_stays_with_the_pictures(tmp_path: Path, kind: str, suffix: str) -> None:
    source = open_source(film(tmp_path / f"in{kind}"))
    out = copied(source, tmp_path / f"out{suffix}")
    shown = flashes(out)
    assert len(shown) == 5
    np.testing.assert_allclose(clicks(out), shown, atol=0.012)
    assert copied(source, tmp_path / f"again{suffix}").read_bytes() == out.read_bytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_at_a_variable_rate_too(tmp_path: Path, suffix: str) -> None:
    times = [0]
    for i in range(50):
        times.append(times[-1] + (40, 80, 33)[i % 3])
    source = open_source(film(tmp_path / "in.mkv", times=times))
    out = copied(source, tmp_path / f"out{suffix}")
    np.testing.assert_allclose(flashes(out), [times[i] / 1000 for i in range(0, 50, 10)], atol=0.001)
    np.testing.assert_allclose(clicks(out), flashes(out), atol=0.003)


def test_sound_stays_with_frames_that_a_curve_changes(tmp_path: Path) -> None:
    source = open_source(film(tmp_path / "in.mov"), curve="cineon")
    assert line(source, ".mov") == line(open_source(tmp_path / "in.mov"), ".mov") != ""
    assert len(clicks(copied(source, tmp_path / "out.mov"))) == 5


def test_sound_is_the_same_packets(tmp_path: Path) -> None:
    source = open_source(film(tmp_path / "in.mov", ["pcm_s16le"]))

    def sound(path: Path) -> bytes:
        with av.open(str(path)) as container:
            return b"".join(bytes(packet) for packet in container.demux(audio=0) if packet.size)

    for suffix in SUFFIXES:
        assert sound(copied(source, tmp_path / f"out{suffix}")) == sound(tmp_path / "in.mov")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_people_wrote_goes_along(tmp_path: Path, suffix: str) -> None:
    out = copied(open_source(film(tmp_path / "in.mp4")), tmp_path / f"out{suffix}")
    with av.open(str(out)) as container:
        assert container.metadata["title"] == "Reel"
        assert container.streams.audio[0].language == "nor"
        parts = [
            (chapter["metadata"]["title"], chapter["end"] * chapter["time_base"]) for chapter in container.chapters()
        ]
    assert parts == [("part 0", 1), ("part 1", 2)]
    assert open_source(out).sequences()[0].stream.timecode == "01:00:00:00"


def test_what_pictures_hold_is_told() -> None:
    reel = StreamInfo(48, 64, aspect=Fraction(16, 15), timecode="01:00:00:00", logarithmic=True)
    lost = "left out beside pictures: timecode 01:00:00:00, aspect of pixels 16:15, that values are densities"
    assert tell(None, reel, "", pictures="tiff") == lost
    assert tell(None, reel, "", pictures="dpx") == "copied: timecode 01:00:00:00"
    assert tell(None, reel, "", pictures="dpx", paced=False) == "left out beside pictures: timecode 01:00:00:00"
    assert tell(None, reel, ".mkv") == "left out in .mkv: timecode 01:00:00:00, that values are densities"
    assert tell(None, StreamInfo(48, 64), "") == ""


def test_what_does_not_fit_is_told(tmp_path: Path) -> None:
    source = open_source(film(tmp_path / "in.mkv", ["aac", "flac", "libopus"]))
    assert line(source, ".mkv") == (
        "copied: sound (aac), sound (flac), sound (opus), 2 chapters, metadata, timecode 01:00:00:00"
    )
    assert line(source, ".mov") == (
        "copied: sound (aac), 2 chapters, metadata, timecode 01:00:00:00; "
        "left out in .mov: sound (flac), sound (opus), metadata REEL"
    )
    with av.open(str(copied(source, tmp_path / "out.mov"))) as container:
        assert [track.codec_context.name for track in container.streams.audio] == ["aac"]
    assert line(source, "").startswith("left out beside pictures: sound (aac), ")
    assert line(source, ".mp4", paced=False).startswith("left out as the film runs at another speed: sound (aac), ")
    with av.open(str(copied(source, tmp_path / "out.mkv"))) as container:
        assert container.metadata["REEL"] == "A7"


def test_damaged_sound_does_not_stop_a_film(tmp_path: Path) -> None:
    path = film(tmp_path / "in.ts", frames=25)
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        pid = container.streams.audio[0].id
    for at in range(0, len(data), 188):
        if int.from_bytes(data[at + 1 : at + 3]) & 0x1FFF == pid and at % 3 == 0:
            data[at + 12 : at + 40] = bytes(28)
    path.write_bytes(data)
    for suffix in SUFFIXES:
        assert len(flashes(copied(open_source(path), tmp_path / f"out{suffix}"))) == 3


@pytest.mark.parametrize(
    ("first", "frames", "fps", "then"),
    [
        ("01:00:00:20", 5, Fraction(25), "01:00:01:00"),
        ("23:59:59:23", 1, Fraction(24000, 1001), "00:00:00:00"),
        ("00:00:59;29", 1, Fraction(30000, 1001), "00:01:00;02"),
        ("00:09:59;29", 1, Fraction(30000, 1001), "00:10:00;00"),
        ("00:00:00;00", 107892, Fraction(30000, 1001), "01:00:00;00"),
        ("00:00:59;59", 1, Fraction(60000, 1001), "00:01:00;04"),
        ("00:01:00;02", 1798, Fraction(30000, 1001), "00:02:00;02"),
        ("00:00:00:30", 0, Fraction(25), ""),
        ("nonsense", 0, Fraction(25), ""),
    ],
)
def test_timecodes_count_on(first: str, frames: int, fps: Fraction, then: str) -> None:
    assert timecode_after(first, frames, fps) == then


def test_dropped_numbers_are_two_a_minute() -> None:
    code, rate = "00:08:58;00", Fraction(30000, 1001)
    for _ in range(2 * 1800):
        after = timecode_after(code, 1, rate)
        seconds, frame = int(code[3:5]) * 60 + int(code[6:8]), int(code[9:])
        skips = (frame, seconds % 60) == (29, 59) and (seconds + 1) // 60 % 10
        seconds, frame = (seconds + 1, 2 if skips else 0) if frame == 29 else (seconds, frame + 1)
        assert after == f"00:{seconds // 60:02d}:{seconds % 60:02d};{frame:02d}"
        code = after
