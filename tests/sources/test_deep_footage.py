"""Footage of 10 to 16 bits is read with all of them."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
import tifffile

from degrade.core.types import Array, as_8bit
from degrade.sources import Source, open_source
from degrade.writers import open_writer

RAMP = np.broadcast_to(np.linspace(0, 65535, 960).round().astype(np.uint16)[:, None], (8, 960, 3))
"""From black to white, in steps of a quarter of an 8-bit level."""


def read(path: Path, depth: Any = 16) -> Array:
    source: Source = open_source(path)
    return source.read(source.sequences()[0], 0, 1, depth)[0]


def video(path: Path, codec: str, layout: str, frame: Array, **options: str) -> Path:
    """A film of two frames; what FFmpeg makes of RGB, BT.709."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(24), options=options)
        stream.height, stream.width, stream.pix_fmt = *frame.shape[:2], layout
        stream.codec_context.colorspace, stream.codec_context.color_range = 1, 1
        for _ in range(2):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "rgb48le")
            container.mux(stream.encode(picture.reformat(format=layout, dst_colorspace=1)))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    ("name", "codec", "layout", "levels", "options"),
    [
        ("a.mkv", "ffv1", "gbrp10le", 900, {}),
        ("a.mkv", "ffv1", "gbrp16le", 960, {}),
        ("a.mkv", "ffv1", "yuv422p10le", 800, {}),
        ("a.mkv", "ffv1", "yuv444p12le", 900, {}),
        ("a.mov", "prores_ks", "yuv422p10le", 700, {"profile": "hq"}),
        ("a.mov", "dnxhd", "yuv422p10le", 700, {"profile": "dnxhr_hqx"}),
        ("a.mov", "v210", "yuv422p10le", 800, {}),
    ],
)
def test_videos(tmp_path: Path, name: str, codec: str, layout: str, levels: int, options: dict[str, str]) -> None:
    tall = np.repeat(RAMP, 20, axis=0)
    path = video(tmp_path / name, codec, layout, tall, **options)
    frame = read(path)
    assert frame.dtype == np.uint16
    assert len(np.unique(frame[4])) >= levels  # 8 bit would give 256
    assert np.abs(frame.astype(int) - tall).max() <= 300
    assert np.abs(as_8bit(frame).astype(int) - read(path, 8)).max() <= 1


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("bits", [10, 12, 16])
def test_black_is_black_and_white_is_white(tmp_path: Path, bits: int, full: bool) -> None:
    unit = 1 << (bits - 8)
    low, high = (0, (1 << bits) - 1) if full else (16 * unit, 235 * unit)
    values = np.linspace(low, high, 64).round().astype(np.uint16)
    layout = f"yuv444p{bits}le"
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(24))
        stream.height, stream.width, stream.pix_fmt = 16, 64, layout
        stream.codec_context.color_range, stream.codec_context.colorspace = 2 if full else 1, 9
        frame = av.VideoFrame(64, 16, layout)
        for i, plane in enumerate(frame.planes):
            line = np.full(plane.line_size // 2, 128 * unit, np.uint16)
            line[:64] = line[:64] if i else values
            plane.update(np.tile(line, 16).tobytes())
        frame.color_range = 2 if full else 1
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    want = (values.astype(float) - low) / (high - low) * 65535
    assert np.abs(read(tmp_path / "a.mkv")[3] - want[:, None]).max() <= 1


@pytest.mark.parametrize("layout", ["yuvj420p", "yuvj422p", "yuvj444p"])
def test_jpeg_s_layouts_are_of_full_range(tmp_path: Path, layout: str) -> None:
    """Those that decoders give of motion JPEG, and of H.264 and HEVC in 8 bits of full range."""
    levels = np.linspace(0, 255, 52).round().astype(np.uint8)
    tinted = np.stack([levels, levels[::-1], np.roll(levels, 9)], -1)[:, None].repeat(16, 0).reshape(52, 16, 3)
    for name, blocks in (("grey", levels[:, None, None].repeat(3, 2)), ("tinted", tinted[:, :1])):
        frame = np.kron(blocks, np.ones((8, 64, 1), np.uint8))
        with av.open(str(tmp_path / f"{name}.avi"), "w") as container:
            stream = container.add_stream("mjpeg", rate=Fraction(24), options={"qmin": "1", "qmax": "1"})
            stream.height, stream.width, stream.pix_fmt = *frame.shape[:2], layout
            picture = av.VideoFrame.from_ndarray(frame, "rgb24").reformat(format=layout)
            container.mux(stream.encode(picture))
            container.mux(stream.encode())
        deep, flat = read(tmp_path / f"{name}.avi"), read(tmp_path / f"{name}.avi", 8)
        assert np.abs(as_8bit(deep).astype(int) - flat).max() <= 1
        assert np.abs(flat[4::8].astype(int) - frame[4::8]).max() <= (2 if name == "grey" else 6)


def test_pictures(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), RAMP[..., 0])
    cv2.imwrite(str(tmp_path / "b.png"), RAMP)
    tifffile.imwrite(tmp_path / "c.tif", RAMP, photometric="rgb")
    for name in ("a.png", "b.png", "c.tif"):
        assert (read(tmp_path / name) == RAMP).all()


def test_eight_bits_fill_sixteen(tmp_path: Path) -> None:
    levels = np.broadcast_to(np.arange(256, dtype=np.uint8)[:, None], (4, 256, 3))
    for path in (tmp_path / "a.mkv", tmp_path / "folder"):
        with open_writer(path) as writer:
            writer.write(levels)
        assert (read(path) == levels.astype(np.uint16) * 257).all()
    stills = open_source("builtin:stills?height=16&width=24")
    assert (stills.read("00_coffee", 0, 2, 16) == stills.read("00_coffee", 0, 2).astype(np.uint16) * 257).all()


@pytest.mark.parametrize("shape", [(5, 7, 1), (5, 7, 3), (1, 9, 3), (9, 1, 1)])
@pytest.mark.parametrize("name", ["film.mkv", "film"])
def test_what_is_written_in_sixteen_bits_is_read_again(tmp_path: Path, name: str, shape: tuple[int, ...]) -> None:
    frames = np.random.default_rng(0).integers(0, 65536, (3, *shape), dtype=np.uint16)
    with open_writer(tmp_path / name) as writer:
        for frame in frames:
            writer.write(frame)
    source = open_source(tmp_path / name)
    again = source.read(source.sequences()[0], 0, 3, 16)
    assert (again[..., : shape[2]] == frames).all()
    assert source.sequences()[0].stream.depth == 16


@pytest.mark.parametrize("channels", [1, 3])
def test_prores_gets_ten_bits(tmp_path: Path, channels: int) -> None:
    with open_writer(tmp_path / "a.mov") as writer:
        writer.write(np.repeat(RAMP, 20, axis=0)[..., :channels])
    frame = read(tmp_path / "a.mov")
    assert len(np.unique(frame[4])) >= 700
    assert np.abs(frame[4].astype(int) - RAMP[0]).max() <= 300


def test_frames_of_another_depth_are_refused(tmp_path: Path) -> None:
    with open_writer(tmp_path / "a") as writer:
        writer.write(np.zeros((4, 4, 3), np.uint16))
        with pytest.raises(ValueError, match=r"the first was .* of uint16"):
            writer.write(np.zeros((4, 4, 3), np.uint8))


@pytest.mark.parametrize("layout", ["gray", "gray10le", "gray12le", "gray16le"])
@pytest.mark.parametrize("limited", [True, False])
def test_grey_has_its_range_at_either_depth(tmp_path: Path, layout: str, limited: bool) -> None:
    bits = int(layout.removeprefix("gray").removesuffix("le") or 8)
    unit = 1 << (bits - 8)
    low, high = (16 * unit, 235 * unit) if limited else (0, (1 << bits) - 1)
    codes = np.full((16, 32), low, np.uint8 if bits == 8 else np.uint16)
    codes[:, 16:] = high
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(24))
        stream.height, stream.width, stream.pix_fmt = 16, 32, layout
        stream.codec_context.color_range = 1 if limited else 2
        frame = av.VideoFrame(32, 16, layout)
        frame.color_range = 1 if limited else 2
        rows = np.zeros((16, frame.planes[0].line_size), np.uint8)
        rows[:, : codes[0].nbytes] = codes.view(np.uint8).reshape(16, -1)
        frame.planes[0].update(rows.tobytes())
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    for depth, white in ((8, 255), (16, 65535)):
        assert np.unique(read(tmp_path / "a.mkv", depth)).tolist() == [0, white]


def test_a_colon_is_no_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("Reel: one").mkdir()
    with open_writer("Reel: one/part:1.mkv", stream=None) as writer:
        for frame in np.zeros((2, 16, 24, 3), np.uint8):
            writer.write(frame)
    for place in ("Reel: one/part:1.mkv", "Reel: one", "."):
        assert read(Path(place)).shape == (16, 24, 3)
