"""DPX, EXR and JPEG 2000 as scanners and studios write them, and the curve of densities."""

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from degrade.core.errors import SourceError
from degrade.core.types import Array
from degrade.dataset import DatasetFolder
from degrade.dataset.generate import generate
from degrade.dataset.verify import verify
from degrade.sources import open_source
from degrade.sources.curves import BLACK, TOP, WHITE, from_display, to_display
from degrade.sources.pictures import describe_picture, read_picture
from degrade.spec import Spec

HEIGHT, WIDTH = 6, 1024


def dpx(values: Array, bits: int = 10, order: str = ">", **header: Any) -> bytes:
    """A DPX file of values (H, W, 3) of so many bits, 10 packed as the standard's method A."""
    head = bytearray(2048)
    fields: dict[str, tuple[int, str, Any]] = {
        "magic": (0, "4s", b"SDPX" if order == ">" else b"XPDS"),
        "offset": (4, "I", 2048),
        "orientation": (768, "H", 0),
        "elements": (770, "H", 1),
        "width": (772, "I", values.shape[1]),
        "height": (776, "I", values.shape[0]),
        "descriptor": (800, "B", 50),
        "transfer": (801, "B", 2),
        "bits": (803, "B", bits),
        "packing": (804, "H", 1 if bits < 16 else 0),
        "data": (808, "I", 2048),
        "rate": (1724, "f", 18.0),
        "timecode": (1920, "I", 0x01020304),
        "across": (1628, "I", 2),
        "down": (1632, "I", 1),
    }
    for name, (place, kind, value) in fields.items():
        struct.pack_into(order + kind, head, place, header.get(name, value))
    if bits == 16:
        return bytes(head) + values.astype(order + "u2").tobytes()
    red, green, blue = np.moveaxis(values.astype(np.uint32), -1, 0)
    return bytes(head) + (red << 22 | green << 12 | blue << 2).astype(order + "u4").tobytes()


def ramp(bits: int) -> Array:
    """All values of 10 bits, spread over so many; red rises, green falls."""
    up = np.round(np.arange(WIDTH) * ((1 << bits) - 1) / 1023).astype(np.uint16)
    return np.broadcast_to(np.stack([up, up[::-1], np.roll(up, 100)], -1), (HEIGHT, WIDTH, 3))


@pytest.mark.parametrize("order", [">", "<"])
@pytest.mark.parametrize("bits", [10, 16])
def test_dpx(tmp_path: Path, bits: int, order: str) -> None:
    (tmp_path / "a.dpx").write_bytes(dpx(ramp(bits), bits, order))
    want = ramp(bits) / ((1 << bits) - 1) * 65535
    assert np.abs(read_picture(tmp_path / "a.dpx", 16) - want).max() <= 0.5
    (about, pages) = describe_picture(tmp_path / "a.dpx")
    assert pages == 1
    assert (about.height, about.width, about.depth) == (HEIGHT, WIDTH, bits)
    assert (about.rate, about.aspect, about.timecode) == (18, 2, "01:02:03:04")
    assert not about.logarithmic


@pytest.mark.parametrize(("orientation", "turn"), [(1, np.flipud), (2, np.fliplr), (3, lambda a: np.rot90(a, 2))])
def test_dpx_stands_upright(tmp_path: Path, orientation: int, turn: Any) -> None:
    values = np.random.default_rng(0).integers(0, 1024, (4, 6, 3), dtype=np.uint16)
    (tmp_path / "a.dpx").write_bytes(dpx(values))
    (tmp_path / "b.dpx").write_bytes(dpx(values, orientation=orientation))
    assert (read_picture(tmp_path / "b.dpx", 16) == turn(read_picture(tmp_path / "a.dpx", 16))).all()


@pytest.mark.parametrize("cut", [10, 1000, 2048, 9000])
def test_what_is_cut_off_is_refused_in_one_line(tmp_path: Path, cut: int) -> None:
    (tmp_path / "a.dpx").write_bytes(dpx(ramp(10))[:cut])
    with pytest.raises(SourceError, match=r"a\.dpx: ") as refused:
        read_picture(tmp_path / "a.dpx")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("header", [{"descriptor": 100}, {"width": 2**31}, {"elements": 3}, {"height": 0}])
def test_dpx_of_other_kinds_is_refused(tmp_path: Path, header: dict[str, int]) -> None:
    (tmp_path / "a.dpx").write_bytes(dpx(ramp(10), **header))
    with pytest.raises(SourceError, match="not read"):
        describe_picture(tmp_path / "a.dpx")


def encoded(codec: str, frame: av.VideoFrame) -> bytes:
    context: Any = av.CodecContext.create(codec, "w")
    context.width, context.height, context.pix_fmt = frame.width, frame.height, frame.format.name
    context.time_base = Fraction(1, 24)
    return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])


@pytest.mark.parametrize(
    ("layout", "bits"), [("gray", 8), ("rgb24", 8), ("rgba", 8), ("gbrp12le", 12), ("gray16be", 16), ("rgba64be", 16)]
)
def test_dpx_of_other_layouts(tmp_path: Path, layout: str, bits: int) -> None:
    stored = np.repeat(np.linspace(0, 65535, 64).round().astype(np.uint16)[None, :, None], 3, 2).repeat(8, 0)
    given = (stored[..., 0].copy(), "gray16le") if layout.startswith("gray") else (stored, "rgb48le")
    (tmp_path / "a.dpx").write_bytes(encoded("dpx", av.VideoFrame.from_ndarray(*given).reformat(format=layout)))
    about, _ = describe_picture(tmp_path / "a.dpx")
    assert (about.depth, about.alpha) == (bits, layout.startswith("rgba"))
    frame = read_picture(tmp_path / "a.dpx", 16)
    assert np.abs(frame.astype(int) - stored).max() <= 4 * 65535 / (1 << bits)  # what FFmpeg rounds as it writes
    assert frame.max() >= 65530


def test_dpx_of_ten_bit_grey(tmp_path: Path) -> None:
    values = np.arange(360, dtype=np.uint32).reshape(6, 60)
    words = values[:, 0::3] << 2 | values[:, 1::3] << 12 | values[:, 2::3] << 22
    head = bytearray(dpx(np.zeros((6, 60, 3), np.uint16))[:2048])
    head[800] = 6
    (tmp_path / "a.dpx").write_bytes(bytes(head) + words.astype(">u4").tobytes())
    assert np.abs(read_picture(tmp_path / "a.dpx", 16)[..., 0] - values / 1023 * 65535).max() <= 0.5


def test_exr_is_linear_light(tmp_path: Path) -> None:
    light = np.zeros((5, 8, 3), np.float32)
    light[:, 1], light[:, 2], light[:, 3], light[:, 4], light[:, 5] = 1, 0.214, 7.5, -0.5, (1, 0, 0)
    data = encoded("exr", av.VideoFrame.from_ndarray(light, "gbrpf32le"))
    (tmp_path / "a.exr").write_bytes(data)
    frame = read_picture(tmp_path / "a.exr", 16)
    assert frame[2, [0, 1, 3, 4]].tolist() == [[0] * 3, [65535] * 3, [65535] * 3, [0] * 3]
    assert np.abs(frame[2, 2] / 65535 - 0.5).max() < 1e-3  # sRGB's middle grey
    assert frame[2, 5].tolist() == [65535, 0, 0]
    assert open_source(tmp_path / "a.exr").sequences()[0].stream.depth == 16
    for cut in (6, 60, len(data) // 2, len(data) - 40):
        (tmp_path / "cut.exr").write_bytes(data[:cut])
        with pytest.raises(SourceError, match="EXR"):
            read_picture(tmp_path / "cut.exr")


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_jpeg_2000_fills_its_range(tmp_path: Path, bits: int) -> None:
    frame = av.VideoFrame.from_ndarray(np.full((32, 48), (1 << bits) - 1, np.uint16), f"gray{bits}le")
    (tmp_path / "a.jp2").write_bytes(encoded("jpeg2000", frame))
    assert read_picture(tmp_path / "a.jp2", 16).min() > 65535 * 0.99
    assert describe_picture(tmp_path / "a.jp2")[0].depth == bits


def test_cineon_from_densities_to_display_and_back() -> None:
    codes = np.arange(BLACK, WHITE + 1) / TOP
    shown = to_display(codes, "cineon")
    np.testing.assert_allclose(shown[[0, -1]], [0, 1], atol=1e-9)
    assert (np.diff(shown) > 0).all()
    np.testing.assert_allclose(from_display(shown, "cineon"), codes, atol=1e-9)
    np.testing.assert_allclose(to_display(np.array([0, 1.0]), "cineon"), [0, 1], atol=1e-9)
    grey = 10 ** ((470 - 685) * 0.002 / 0.6)  # Kodak's code of 18 % grey
    assert grey == pytest.approx(0.19, abs=0.01)
    np.testing.assert_allclose(to_display(np.array([470 / 1023]), "cineon"), 0.465, atol=0.01)


def test_a_reel_of_densities_becomes_a_dataset_of_display_values(tmp_path: Path) -> None:
    reel = tmp_path / "scans/reel"
    reel.mkdir(parents=True)
    for t in range(3):
        (reel / f"{t:04d}.dpx").write_bytes(dpx(ramp(10)[:, :64], transfer=3))
    plain = open_source(reel.parent)
    assert "logarithmic" in plain.line()
    assert "logarithmic" not in open_source(reel.parent, curve="cineon").line()
    with pytest.raises(SourceError, match="cineon"):
        open_source(reel.parent, curve="cinoen")
    spec = Spec(source=str(reel.parent), curve="cineon", pipeline=[{"flicker": {}}], output={"depth": 16})
    generate(spec, tmp_path / "out")
    assert verify(tmp_path / "out", rerender=1) == []
    target = DatasetFolder(tmp_path / "out").read("gt", "reel")
    stored = plain.read("reel", 0, 3, 16)
    assert np.abs(target - to_display(stored / 65535, "cineon") * 65535).max() <= 0.51
    assert target.dtype == np.uint16


def test_eight_bits_of_jpeg_2000_stay(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "a.jp2"), picture, [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000])
    assert (read_picture(tmp_path / "a.jp2")[..., ::-1] == cv2.imread(str(tmp_path / "a.jp2"))).all()
