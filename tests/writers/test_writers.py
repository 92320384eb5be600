"""Writers: lossless where they say so, the same bytes for the same frames, all or nothing."""

import errno
import io
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from degrade.core.errors import DatasetError
from degrade.sources import open_source
from degrade.sources.pictures import describe_picture
from degrade.sources.stream import StreamInfo
from degrade.writers import open_writer
from degrade.writers.base import SUFFIXES
from degrade.writers.frames import encode

FOLDERS = {"clip": "png", "clip-tiff": "tiff", "clip-dpx": "dpx"}
LOSSLESS = ["clip.mkv", *FOLDERS]
ALL = [*LOSSLESS, "clip.mov", "clip.mp4"]


def noise(frames=3, height=10, width=14, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (frames, height, width, channels), np.uint8)


def write(path, frames, **kwargs):
    with open_writer(path, **{"pictures": FOLDERS.get(path.name, "png"), **kwargs}) as writer:
        for frame in frames:
            writer.write(frame)
    return path


def read(path, depth=8):
    source = open_source(path)
    (sequence,) = source.sequences()
    return source.read(sequence, 0, sequence.frames, depth)


def contents(path):
    return {p.name: p.read_bytes() for p in (sorted(path.iterdir()) if path.is_dir() else [path])}


@pytest.mark.parametrize("name", LOSSLESS)
@settings(max_examples=25)
@given(
    frames=st.integers(1, 4),
    height=st.integers(1, 33),
    width=st.integers(1, 33),
    channels=st.sampled_from([1, 3]),
    flat=st.booleans(),
    depth=st.sampled_from([8, 16]),
)
def test_lossless_formats_come_back_exactly(tmp_path_factory, name, frames, height, width, channels, flat, depth):
    pixels = noise(frames, height, width, channels).astype(f"uint{depth}")
    if depth == 16:
        pixels = pixels << 8 | noise(frames, height, width, channels, seed=1)
    if flat:
        pixels[:] = pixels[0, 0, 0]
    path = write(tmp_path_factory.mktemp("out") / name, pixels)
    np.testing.assert_array_equal(read(path, depth), np.broadcast_to(pixels, (*pixels.shape[:3], 3)))


def test_every_format_of_pictures_is_tried():
    assert set(FOLDERS.values()) == set(SUFFIXES)


@pytest.mark.parametrize("bits", [10, 12])
def test_dpx_of_a_stream_of_few_bits_has_as_many(tmp_path, bits):
    codes = np.arange(1 << bits).reshape(1, 32, -1, 1).repeat(3, 3)
    codes[..., 1] = codes[..., 1][:, ::-1]
    pixels = np.round(codes * (65535 / ((1 << bits) - 1))).astype(np.uint16)
    off = np.random.default_rng(0).integers(-100, 101, pixels.shape)
    given = (pixels + off).clip(0, 65535).astype(np.uint16)
    about = StreamInfo(32, 32, depth=bits, rate=Fraction(18), timecode="01:00:00:17", aspect=Fraction(2))
    path = write(tmp_path / "clip-dpx", [*pixels, *given], stream=replace(about, logarithmic=True))
    exact, near = read(path, 16).astype(int)
    np.testing.assert_array_equal(exact, pixels[0])
    assert np.abs(near - given[0]).max() <= np.ceil(0.5 * 65535 / ((1 << bits) - 1))
    (first,) = open_source(path).sequences()
    found = first.stream
    assert (found.depth, found.rate, found.timecode, found.aspect) == (bits, 18, "01:00:00:17", 2)
    assert found.logarithmic
    second, _ = describe_picture(path / "00001.dpx")
    assert second.timecode == "01:00:01:00"


@pytest.mark.parametrize("name", LOSSLESS)
@pytest.mark.parametrize("size", [(1, 2000), (2000, 1), (2, 2000), (720, 1280)])
def test_extreme_and_common_sizes_come_back_exactly(tmp_path, name, size):
    pixels = noise(1, *size)
    np.testing.assert_array_equal(read(write(tmp_path / name, pixels)), pixels)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("channels", [1, 3])
def test_same_frames_give_the_same_bytes_under_any_name(tmp_path, name, channels):
    frames = noise(5, 36, 50, channels)
    first = write(tmp_path / name, frames)
    second = write(tmp_path / "elsewhere" / f"other{first.suffix}", frames, pictures=FOLDERS.get(name, "png"))
    assert list(contents(first).values()) == list(contents(second).values())


def test_folder_holds_numbered_pngs_of_the_same_depth(tmp_path):
    path = write(tmp_path / "grey", noise(11, channels=1))
    assert [p.name for p in sorted(path.iterdir())] == [f"{i:05d}.png" for i in range(11)]
    assert cv2.imread(str(path / "00000.png"), cv2.IMREAD_UNCHANGED).ndim == 2


@pytest.mark.parametrize(("channels", "depth"), [(1, 8), (3, 8), (1, 16)])
@pytest.mark.parametrize("size", [(1, 1), (5, 3), (64, 100)])
def test_pillow_checks_and_reads_our_png(channels, depth, size):
    """Pillow's own decoder, which checks every chunk's sum; it reads no RGB of 16 bits."""
    draw = np.random.default_rng(0)
    frame = draw.integers(0, 2**depth, (*size, channels), dtype=f"uint{depth}")
    data = encode(frame, "png", StreamInfo(*size), 0)
    assert data == encode(np.asfortranarray(frame), "png", StreamInfo(*size), 0)
    Image.open(io.BytesIO(data)).verify()
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))).reshape(frame.shape), frame)


@pytest.mark.parametrize(("channels", "layout"), [(1, "gray"), (3, "bgr0")])
def test_mkv_is_ffv1_of_the_same_depth_with_checksums_and_only_keyframes(tmp_path, channels, layout):
    path = write(tmp_path / "clip.mkv", noise(3, channels=channels), fps=30000 / 1001)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("ffv1", layout)
        assert float(stream.average_rate) == pytest.approx(30000 / 1001, rel=1e-3)
        assert all(p.is_keyframe for p in container.demux(stream) if p.size)


@pytest.mark.parametrize("size", [(64, 96), (63, 95), (1, 1)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("name", "codec", "layout", "off"),
    [("clip.mp4", "h264", "yuv420p", 3), ("clip.mov", "prores", "yuv422p10le", 1.5)],
)
def test_other_videos_look_the_same_at_any_size(tmp_path, name, codec, layout, off, size, channels):
    height, width = size
    ramp = np.linspace(20, 230, height)[:, None] * np.linspace(0.5, 1, width)
    frames = np.repeat(np.repeat(ramp.astype(np.uint8)[None, ..., None], 4, 0), channels, 3)
    with av.open(str(write(tmp_path / name, frames, fps=12))) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == (codec, layout)
        assert stream.average_rate == 12
    got = read(tmp_path / name)[:, :height, :width]
    assert len(got) == 4
    assert np.abs(got.astype(int) - frames).mean() < off


@pytest.mark.parametrize("name", ALL)
def test_after_an_exception_nothing_is_left(tmp_path, name):
    def interrupted():
        yield from noise(2, 40, 40)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / name, interrupted())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ALL)
def test_until_closed_only_a_hidden_temporary_exists(tmp_path, name):
    with open_writer(tmp_path / name, pictures=FOLDERS.get(name, "png")) as writer:
        writer.write(noise()[0])
        assert [p.name for p in tmp_path.iterdir()] == [f".{name}.part"]
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ALL)
def test_leftovers_of_a_killed_run_do_not_matter(tmp_path, name):
    leftover = tmp_path / f".{name}.part"
    if name in FOLDERS:
        write(leftover, noise(9))
    else:
        leftover.write_bytes(b"half a file")
    write(tmp_path / name, noise(3))
    assert len(read(tmp_path / name)) == 3
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.uint32),
        np.zeros((0, 4, 3), np.uint8),
    ],
    ids=lambda f: f"{f.dtype}{f.shape}",
)
def test_other_frames_are_refused(tmp_path, frame):
    with pytest.raises(ValueError, match="a frame is uint8"), open_writer(tmp_path / "clip") as writer:
        writer.write(frame)


@pytest.mark.parametrize("name", ALL)
def test_frames_of_another_shape_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"frame 1 is \(10, 14, 1\)"):
        write(tmp_path / name, [noise()[0], noise(channels=1)[0]])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ALL)
def test_no_frames_is_an_error(tmp_path, name):
    with pytest.raises(DatasetError, match="no frames to write"), open_writer(tmp_path / name):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_is_not_touched(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("mine")
    with pytest.raises(DatasetError, match="out: the folder is not empty"), open_writer(tmp_path / "out"):
        pass
    assert (tmp_path / "out/mine.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["clip.mkv", "clip.mov", "clip.mp4"])
def test_a_video_replaces_the_one_before(tmp_path, name):
    write(tmp_path / name, noise(3))
    write(tmp_path / name, noise(5))
    assert len(read(tmp_path / name)) == 5


class FullDisk:
    """A file on a disk that takes a few bytes more."""

    def __init__(self, file, room):
        self.file, self.room = file, room

    def write(self, data):
        self.room -= len(data)
        if self.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self.file.write(data)

    def seek(self, *where):
        return self.file.seek(*where)

    def tell(self):
        return self.file.tell()

    def close(self):
        self.file.close()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("room", [0, 1000, 40_000])
def test_full_disk_is_one_line_and_leaves_nothing(tmp_path, monkeypatch, name, room):
    real_open, left = Path.open, [room]

    def full_open(path, mode="r", *args, **kwargs):
        file = real_open(path, mode, *args, **kwargs)
        return FullDisk(file, room) if mode == "wb" else file

    def full_write_bytes(path, data):
        left[0] -= len(data)
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "open", full_open)
    monkeypatch.setattr(Path, "write_bytes", full_write_bytes)
    with pytest.raises(DatasetError, match=rf"{name}: cannot be written: No space left on device$") as error:
        write(tmp_path / name, noise(30, 64, 64))
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_parent_that_is_a_file_is_one_line(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(DatasetError, match="cannot be written"), open_writer(tmp_path / "taken/clip"):
        pass
