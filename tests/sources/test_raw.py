"""Camera raw: developed where the extra is installed, and else refused by name."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from degrade.core.errors import SourceError
from degrade.core.types import Array
from degrade.sources import open_source, raw
from degrade.sources.pictures import describe_picture, read_picture

HEIGHT, WIDTH, TOP = 64, 96, 4095


def scene() -> Array:
    """Linear light: red rises to the right, blue downwards, and green is half."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([x / (WIDTH - 1), np.full((HEIGHT, WIDTH), 0.5), y / (HEIGHT - 1)], -1)


def ratios(values: list[float]) -> list[int]:
    return [number for value in values for number in (round(value * 10000), 10000)]


def dng(orientation: int = 1) -> bytes:
    """A DNG of 12 bits in a Bayer pattern RGGB, of a camera that sees sRGB's primaries."""
    light, mosaic = scene(), np.empty((HEIGHT, WIDTH))
    for row, column, channel in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)):
        mosaic[row::2, column::2] = light[row::2, column::2, channel]
    of_xyz = [3.2406, -1.5372, -0.4986, -0.9689, 1.8758, 0.0415, 0.0557, -0.2040, 1.0570]
    tags = [
        (274, "H", 1, orientation, True),
        (33421, "H", 2, (2, 2), True),
        (33422, "B", 4, (0, 1, 1, 2), True),
        (50706, "B", 4, (1, 4, 0, 0), True),
        (50708, "s", 0, "Test Camera", True),
        (50714, "H", 1, 0, True),
        (50717, "H", 1, TOP, True),
        (50721, "2i", 9, ratios(of_xyz), True),
        (50728, "2I", 3, ratios([1, 1, 1]), True),
        (50778, "H", 1, 21, True),
    ]
    data = io.BytesIO()
    mosaic = (mosaic * TOP).round().astype(np.uint16)
    tifffile.imwrite(data, mosaic, photometric=32803, metadata=None, software=False, extratags=tags)
    return data.getvalue()


def test_light_becomes_srgb_of_sixteen_bits(tmp_path: Path) -> None:
    pytest.importorskip("rawpy")
    (tmp_path / "a.DNG").write_bytes(dng())
    about, pages = describe_picture(tmp_path / "a.DNG")
    assert (about.height, about.width, about.depth, pages) == (HEIGHT, WIDTH, 16, 1)
    light = scene()
    shown = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    inner = np.s_[4:-4, 4:-4]
    assert np.abs(read_picture(tmp_path / "a.DNG", 16) / 65535 - shown)[inner].max() < 0.02


@pytest.mark.parametrize(("orientation", "turns"), [(6, -1), (3, 2), (8, 1)])
def test_it_stands_upright(tmp_path: Path, orientation: int, turns: int) -> None:
    pytest.importorskip("rawpy")
    (tmp_path / "a.dng").write_bytes(dng())
    (tmp_path / "b.dng").write_bytes(dng(orientation))
    about, _ = describe_picture(tmp_path / "b.dng")
    turned = read_picture(tmp_path / "b.dng")
    assert turned.shape == (about.height, about.width, 3)
    assert (turned == np.rot90(read_picture(tmp_path / "a.dng"), turns)).all()


def test_beside_its_jpegs_it_is_the_original(tmp_path: Path) -> None:
    pytest.importorskip("rawpy")
    for number in range(3):
        (tmp_path / f"{number}.dng").write_bytes(dng())
        cv2.imwrite(str(tmp_path / f"{number}.jpg"), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    source = open_source(tmp_path)
    (reel,) = source.sequences()
    assert (reel.frames, reel.stream.depth) == (3, 16)
    assert "copies beside originals (3: 0.jpg" in source.line()


@pytest.mark.parametrize("cut", [0, 100, 400, 2000, -10])
def test_what_is_damaged_is_one_line(tmp_path: Path, cut: int) -> None:
    pytest.importorskip("rawpy")
    (tmp_path / "a.dng").write_bytes(dng()[:cut])
    with pytest.raises(SourceError, match=r"a\.dng: .*camera raw") as refused:
        read_picture(tmp_path / "a.dng")
    assert "\n" not in str(refused.value)


def test_without_the_extra_it_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw, "installed", lambda: False)
    (tmp_path / "a.dng").write_bytes(dng())
    needs = r"needs the extra `raw`: pip install 'film-degrade\[raw\]'"
    with pytest.raises(SourceError, match=rf"a\.dng: camera raw {needs}"):
        open_source(tmp_path / "a.dng")
    with pytest.raises(SourceError, match=rf"no pictures or videos .*; passed over: camera raw {needs}"):
        open_source(tmp_path)


def test_cineon_and_heif_are_refused_by_name(tmp_path: Path) -> None:
    heads = {"a.cin": b"\x80\x2a\x5f\xd7" + bytes(2000), "a.heic": b"\0\0\0\x18ftypheic" + bytes(100)}
    for name, head in heads.items():
        (tmp_path / name).write_bytes(head)
        with pytest.raises(SourceError, match=rf"{name}: (Cineon|HEIF) files, which are not read"):
            open_source(tmp_path / name)
