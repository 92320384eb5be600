"""What a stream is goes from the reader to the writer: turns, pixel aspect, times, start, colours."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from degrade.core.errors import SourceError
from degrade.core.types import Array
from degrade.sources import open_source
from degrade.sources.pictures import read_picture
from degrade.sources.stream import TURNS, Color, StreamInfo
from degrade.writers import open_writer

CORNERS = np.full((64, 96, 3), 128, np.uint8)
CORNERS[:24, :24], CORNERS[:24, -24:], CORNERS[-24:, :24] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
"""Red at the top left, green at the top right, blue at the bottom left."""


def video(path: Path, times: list[int] | None = None, pictures: list[Array] | None = None, **about: Any) -> Path:
    """Writes H.264 with 4:4:4 chroma; `times` in milliseconds; what it is `about` goes to the codec as it is."""
    pictures = pictures or [CORNERS] * len(times or range(6))
    matrix = about.pop("convert", None)
    with av.open(str(path), "w") as container:
        rate = Fraction(about.pop("rate", 25))
        stream = container.add_stream("libx264", rate=rate, options={"qp": "4"})
        stream.height, stream.width, stream.pix_fmt = *pictures[0].shape[:2], about.pop("pixels", "yuv444p")
        for name, value in about.items():
            setattr(stream.codec_context, name, value)
        if times:
            stream.codec_context.time_base = Fraction(1, 1000)
        for i, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            full = {"dst_color_range": 2} if about.get("color_range") == 2 else {}
            frame = frame.reformat(format=stream.pix_fmt, dst_colorspace=matrix, **full)
            frame.pts, frame.time_base = (times[i], Fraction(1, 1000)) if times else (i, 1 / rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def stream_of(path: Path) -> StreamInfo:
    return open_source(path).sequences()[0].stream


def first_frame(path: Path) -> Array:
    source = open_source(path)
    return source.read(source.sequences()[0], 0, 1)[0]


def copied(path: Path, out: Path) -> Path:
    """The same film, written again with its record."""
    source = open_source(path)
    (sequence,) = source.sequences()
    with open_writer(out, stream=sequence.stream) as writer:
        for frame in source.read(sequence, 0, sequence.frames):
            writer.write(frame)
    return out


def shown(path: Path) -> list[float]:
    """When each frame of a file is shown, as FFmpeg says."""
    with av.open(str(path)) as container:
        return sorted(float(p.pts * p.time_base) for p in container.demux(video=0) if p.pts is not None and p.size)


def set_matrix(path: Path, a: int, b: int, c: int, d: int) -> None:
    """Puts a display matrix into an MP4."""
    data = bytearray(path.read_bytes())
    at = data.find(b"tkhd") + 44
    numbers = (a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    data[at : at + 36] = b"".join(number.to_bytes(4, "big", signed=True) for number in numbers)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("matrix", "upright"),
    [
        ((0, 1, -1, 0), np.rot90(CORNERS, -1)),
        ((-1, 0, 0, -1), np.rot90(CORNERS, 2)),
        ((0, -1, 1, 0), np.rot90(CORNERS, 1)),
        ((-1, 0, 0, 1), CORNERS[:, ::-1]),
        ((1, 0, 0, -1), CORNERS[::-1]),
        ((0, 1, 1, 0), CORNERS.swapaxes(0, 1)),
    ],
    ids=["90", "180", "270", "mirrored", "flipped", "transposed"],
)
def test_videos_come_upright(tmp_path: Path, matrix: tuple[int, ...], upright: Array) -> None:
    path = video(tmp_path / "phone.mp4")
    set_matrix(path, *matrix)
    frame = first_frame(path)
    assert frame.shape == upright.shape
    assert np.abs(frame[4::8, 4::8].astype(int) - upright[4::8, 4::8]).max() < 12
    assert stream_of(path).height == frame.shape[0]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_come_upright(tmp_path: Path, suffix: str, orientation: int) -> None:
    rotation, mirrored = TURNS[orientation]
    stored = np.rot90(CORNERS, rotation // 90)
    stored = stored[:, ::-1] if mirrored else stored
    exif = Image.Exif()
    exif[0x0112] = orientation
    lossless = {"lossless": True} if suffix == ".webp" else {"subsampling": 0, "quality": 95}
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / f"0{suffix}", exif=exif, **lossless)
    frame = read_picture(tmp_path / f"0{suffix}")
    assert np.abs(frame.astype(int) - CORNERS)[4::8, 4::8].max() < 12
    assert open_source(tmp_path / f"0{suffix}").sequences()[0].width == 96


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_variable_rates_keep_their_times(tmp_path: Path, suffix: str) -> None:
    times = [0, 40, 80, 120, 220, 320, 420, 520]
    path = video(tmp_path / "in.mkv", times)
    about = stream_of(path)
    assert [about.times[i] * about.time_base * 1000 for i in range(8)] == times
    assert float(about.fps) == pytest.approx(8 / float(about.duration(8)))
    assert shown(copied(path, tmp_path / f"out{suffix}")) == pytest.approx([time / 1000 for time in times], abs=0.001)


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(30000, 1001), 18, 25, 50])
@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov", ".avi", ".ts"])
def test_steady_rates_are_exact_in_every_container(tmp_path: Path, suffix: str, rate: Fraction) -> None:
    about = stream_of(video(tmp_path / f"in{suffix}", rate=rate, pixels="yuv420p", max_b_frames=0))
    assert (about.rate, about.times, about.start) == (rate, (), 0)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_late_start_is_kept(tmp_path: Path, suffix: str) -> None:
    path = video(tmp_path / "in.mkv", [500 + 40 * i for i in range(6)])
    assert stream_of(path).start == Fraction(1, 2)
    assert shown(copied(path, tmp_path / f"out{suffix}"))[0] == pytest.approx(0.5, abs=0.001)


@pytest.mark.parametrize("aspect", [Fraction(16, 15), Fraction(3, 2), Fraction(10, 11)], ids=str)
@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_the_aspect_of_pixels_is_kept(tmp_path: Path, suffix: str, aspect: Fraction) -> None:
    path = video(tmp_path / "in.mkv", sample_aspect_ratio=aspect)
    assert stream_of(path).aspect == aspect
    again = copied(path, tmp_path / f"out{suffix}")
    assert stream_of(again).aspect == aspect
    with av.open(str(again)) as container:  # the container says so, too
        assert suffix == ".mp4" or container.streams.video[0].sample_aspect_ratio == aspect
    assert np.abs(first_frame(again).astype(int) - CORNERS)[4::8, 4::8].max() < 12


@pytest.mark.parametrize(("matrix", "converts"), [(1, 1), (6, 5), (9, 9)], ids=["bt709", "bt601", "bt2020"])
@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
def test_colours_are_read_and_written_by_their_matrix_and_range(
    tmp_path: Path, matrix: int, converts: int, full: bool
) -> None:
    tags = {"colorspace": matrix, "color_primaries": matrix, "color_trc": 1, "color_range": 2 if full else 1}
    path = video(tmp_path / "in.mp4", convert=converts, **tags)
    assert np.abs(first_frame(path).astype(int) - CORNERS)[4::8, 4::8].max() < 6
    again = copied(path, tmp_path / "out.mp4")
    assert np.abs(first_frame(again).astype(int) - CORNERS)[4::8, 4::8].max() < 8
    assert stream_of(again).color == Color(matrix, matrix, 1, False)
    assert stream_of(copied(path, tmp_path / "out.mkv")).color.primaries == matrix


@pytest.mark.parametrize(("size", "converts"), [((720, 1280), 1), ((480, 720), 5)], ids=["HD", "SD"])
def test_untagged_colours_are_those_that_players_take(tmp_path: Path, size: tuple[int, int], converts: int) -> None:
    picture = np.kron(CORNERS[::8, ::8], np.ones((size[0] // 8, size[1] // 12, 1), np.uint8))
    path = video(tmp_path / "in.mp4", pictures=[picture], convert=converts)
    assert np.abs(first_frame(path).astype(int) - picture)[20::80, 20::80].max() < 6
    with open_writer(tmp_path / "out.mp4") as writer:
        writer.write(picture)
    assert stream_of(tmp_path / "out.mp4").color.matrix == {1: 1, 5: 6}[converts]


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_high_dynamic_range_is_refused_by_name(tmp_path: Path, transfer: int, name: str) -> None:
    path = video(tmp_path / "hdr.mp4", colorspace=9, color_primaries=9, color_trc=transfer)
    with pytest.raises(SourceError, match=rf"hdr\.mp4: HDR \({name}\)") as error:
        open_source(path)
    assert "\n" not in str(error.value)


def test_a_matrix_that_is_not_converted_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"matrix ycgco, which are not converted"):
        open_source(video(tmp_path / "odd.mp4", colorspace=8))


def test_sixteen_bits_are_there_for_readers_that_ask(tmp_path: Path) -> None:
    deep = np.arange(64 * 96 * 3, dtype=np.uint16).reshape(64, 96, 3) * 3
    Image.fromarray(CORNERS).save(tmp_path / "shallow.png")
    (tmp_path / "deep.png").write_bytes(_png(deep))
    np.testing.assert_array_equal(read_picture(tmp_path / "deep.png", 16), deep)
    np.testing.assert_array_equal(read_picture(tmp_path / "shallow.png", 16), CORNERS.astype(np.uint16) * 257)
    assert stream_of(tmp_path / "deep.png").depth == 16


def _png(picture: Array) -> bytes:
    import cv2

    return cv2.imencode(".png", picture[..., ::-1])[1].tobytes()
