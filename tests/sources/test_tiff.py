"""TIFF of every kind that scanners write is right, or refused by name."""

import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from degrade.core.errors import SourceError
from degrade.core.types import Array
from degrade.sources import open_source
from degrade.sources.pictures import read_picture

PICTURE = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
GREY = PICTURE[..., 0]


def expected(picture: Array) -> Array:
    return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)


def write(path: Path, values: Array, **about: Any) -> Path:
    tifffile.imwrite(path, values, **{"photometric": "rgb" if values.ndim == 3 else "minisblack", **about})
    return path


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib", "lzma"])
@pytest.mark.parametrize("planes", ["contig", "separate"])
def test_planes_orders_and_compressions(tmp_path: Path, bits: int, order: Any, compression: Any, planes: Any) -> None:
    values = PICTURE.astype(np.uint16) * 257 if bits == 16 else PICTURE
    stored = np.moveaxis(values, 2, 0) if planes == "separate" else values
    path = write(tmp_path / "0.tif", stored, planarconfig=planes, byteorder=order, compression=compression)
    np.testing.assert_array_equal(read_picture(path), PICTURE)
    assert open_source(path).sequences()[0].stream.depth == bits
    if bits == 16:
        np.testing.assert_array_equal(read_picture(path, 16), values)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("tile", [None, (16, 16)], ids=["strips", "tiles"])
def test_white_is_zero(tmp_path: Path, bits: int, tile: Any) -> None:
    values = GREY.astype(np.uint16) * 257 if bits == 16 else GREY
    path = write(tmp_path / "0.tif", values, photometric="miniswhite", tile=tile)
    np.testing.assert_array_equal(read_picture(path), expected(255 - GREY))


def packed(values: Array, bits: int, photometric: int, deflated: bool) -> bytes:
    """A TIFF whose values lie side by side without gaps, as scanners of 10 to 14 bits write."""
    height, width, channels = values.shape
    rows = (values.reshape(height, -1, 1) >> np.arange(bits - 1, -1, -1)) & 1
    data = np.packbits(rows.astype(np.uint8).reshape(height, -1), axis=1).tobytes()
    data = zlib.compress(data) if deflated else data
    numbers = [(256, width), (257, height), (258, bits), (259, 8 if deflated else 1), (262, photometric), (273, 0),
               (277, channels), (278, height), (279, len(data))]  # fmt: skip
    after = 8 + 2 + 12 * len(numbers) + 4
    directory = b""
    for tag, number in numbers:
        count = channels if tag == 258 else 1
        value = after if count > 1 else after + 6 if tag == 273 else number
        directory += struct.pack("<HHII", tag, 3 if count > 1 else 4, count, value)
    head = struct.pack("<2sHIH", b"II", 42, 8, len(numbers))
    return head + directory + struct.pack("<I3H", 0, *[bits] * 3) + data


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("deflated", [False, True])
@pytest.mark.parametrize(("channels", "photometric"), [(1, 0), (1, 1), (3, 2)])
def test_packed_values(tmp_path: Path, bits: int, deflated: bool, channels: int, photometric: int) -> None:
    values = np.resize(np.arange(1 << bits), (1 << bits - 6, 64, channels))
    (tmp_path / "0.tif").write_bytes(packed(values, bits, photometric, deflated))
    wanted = values / ((1 << bits) - 1) * 65535
    read = read_picture(tmp_path / "0.tif", 16)
    assert np.abs(read - (65535 - wanted if photometric == 0 else wanted)).max() <= 0.5
    assert open_source(tmp_path / "0.tif").sequences()[0].stream.depth == bits


def test_bits_that_nobody_unpacks_are_named(tmp_path: Path) -> None:
    (tmp_path / "0.tif").write_bytes(packed(np.zeros((4, 8, 1), int), 11, 1, False))
    with pytest.raises(SourceError, match=r"11 bits a value.* is not read without the package imagecodecs"):
        read_picture(tmp_path / "0.tif")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_modes_agree_with_pillow(tmp_path: Path, mode: str, compression: str) -> None:
    path = tmp_path / "0.tif"
    if mode == "I;16":
        picture = Image.fromarray(GREY.astype(np.uint16) * 257)
        shown = expected(GREY)
    else:
        picture = Image.fromarray(PICTURE).convert(mode)
        shown = np.asarray(picture.convert("RGBA").convert("RGB"))
    picture.save(path, compression=compression)
    np.testing.assert_array_equal(read_picture(path), shown)


@pytest.mark.parametrize("compression", ["group3", "group4"])
@pytest.mark.parametrize("photometric", [0, 1])
def test_facsimile(tmp_path: Path, compression: str, photometric: int) -> None:
    picture = Image.fromarray(PICTURE).convert("1")
    picture.save(tmp_path / "0.tif", compression=compression, tiffinfo={262: photometric})
    np.testing.assert_array_equal(read_picture(tmp_path / "0.tif"), np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("lzw", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
def test_every_page_is_a_frame(tmp_path: Path, lzw: bool, bits: int) -> None:
    reel = np.stack([np.roll(PICTURE, t, 1) for t in range(7)])
    values = reel.astype(np.uint16) * 257 if bits == 16 else reel
    path = tmp_path / "reel.tif"
    if lzw:
        done, data = cv2.imencodemulti(".tif", [frame[..., ::-1] for frame in values])
        path.write_bytes(data.tobytes())
        assert done
    else:
        tifffile.imwrite(path, values, photometric="rgb")
    source = open_source(path)
    assert [(s.id, s.frames) for s in source.sequences()] == [("reel", 7)]
    np.testing.assert_array_equal(source.read("reel", 0, 7), reel)
    np.testing.assert_array_equal(source.read("reel", 3, 5), reel[3:5])


def test_reels_in_a_folder_are_sequences_of_their_own(tmp_path: Path) -> None:
    for name, frames in (("a", 3), ("b", 4)):
        tifffile.imwrite(tmp_path / f"{name}.tif", np.stack([PICTURE] * frames), photometric="rgb")
        tifffile.imwrite(tmp_path / "more.tif", np.stack([PICTURE] * 2), photometric="rgb")
    (tmp_path / "more").mkdir()
    (tmp_path / "more.tif").rename(tmp_path / "more/c.tif")
    found = [(s.id, s.frames) for s in open_source(tmp_path).sequences()]
    assert found == [("a", 3), ("b", 4), ("more/c", 2)]


def test_thumbnails_among_the_pages_are_no_frames(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "0.tif") as file:
        file.write(PICTURE, photometric="rgb")
        file.write(PICTURE[::2, ::2], photometric="rgb", subfiletype=1)
        file.write(PICTURE[::4, ::4], photometric="rgb")
    assert [s.frames for s in open_source(tmp_path / "0.tif").sequences()] == [1]


@pytest.mark.parametrize(
    ("values", "about", "message"),
    [
        (PICTURE / np.float32(255), {}, "0.tif: values that are ieeefp"),
        (PICTURE.astype(np.int16), {}, "0.tif: values that are int"),
        (PICTURE.astype(np.uint32), {}, "0.tif: TIFF with 32 bits a value is not read"),
        (np.dstack([PICTURE, GREY]), {"photometric": "separated"}, ""),
        (PICTURE, {"photometric": "cielab"}, "0.tif: TIFF with colours as cielab is not read"),
    ],
    ids=["float", "signed", "32 bits", "CMYK", "Lab"],
)
def test_what_is_not_read_is_named(tmp_path: Path, values: Array, about: dict[str, Any], message: str) -> None:
    path = write(tmp_path / "0.tif", values, **about)
    if not message:  # OpenCV converts it
        assert read_picture(path).shape == (24, 32, 3)
        return
    with pytest.raises(SourceError, match=message) as error:
        open_source(path)
    assert "\n" not in str(error.value)


def test_a_stack_behind_one_page_is_refused(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "0.tif", imagej=True) as file:
        file.write(np.stack([GREY] * 4), truncate=True)
    with pytest.raises(SourceError, match="a stack of 4 pictures behind one page"):
        open_source(tmp_path / "0.tif")


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("keep", [9, 0.4, 0.7, -40], ids=str)
def test_a_cut_file_is_named(tmp_path: Path, compression: Any, keep: float) -> None:
    path = write(tmp_path / "0.tif", PICTURE, compression=compression)
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data)) if isinstance(keep, float) else keep])
    with pytest.raises(SourceError, match=r"^.*0\.tif: .+$"):
        read_picture(path)


def test_ten_bits_in_sixteen_are_told(tmp_path: Path) -> None:
    for t in range(3):
        tifffile.imwrite(
            tmp_path / f"{t}.tif", (PICTURE.astype(np.uint32) * 1023 // 255).astype(np.uint16), photometric="rgb"
        )
    (note,) = [note for note in open_source(tmp_path).notes() if note.kind == "odd"]
    assert note.what == "with values up to 1023 of 65535, 1.6% of the range: fewer bits in 16?"
    for t in range(3):
        tifffile.imwrite(tmp_path / f"{t}.tif", PICTURE.astype(np.uint16) * 257, photometric="rgb")
    assert not [note for note in open_source(tmp_path).notes() if note.kind == "odd"]
