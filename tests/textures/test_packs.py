"""Packs of templates: layouts, polarity, the built-in one, the cache, and what is refused."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from degrade import SourceError, SpecError
from degrade.core.cache import ByteCache
from degrade.textures import _packs, open_pack
from degrade.textures._packs import RTN_GROUPS

SPOT = (slice(20, 30), slice(30, 45))


def picture(ground: int, defect: int) -> np.ndarray:
    pixels = np.full((60, 80), ground, np.uint8)
    pixels[SPOT] = defect
    return pixels


def save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def rgba(color: int) -> np.ndarray:
    layers = np.full((60, 80, 4), color, np.uint8)
    layers[..., 3] = picture(0, 255)
    return layers


@pytest.fixture
def noise_data(tmp_path: Path) -> Path:
    """A pack in RTN's layout, with two templates in each folder."""
    for group in sorted(RTN_GROUPS):
        for name in ("a.png", "b.jpg"):
            save(tmp_path / "pack" / group / name, picture(230, 20))
    return tmp_path / "pack"


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (picture(235, 10), picture(235, 10)),
        (picture(20, 245), picture(235, 10)),
        (rgba(0), picture(255, 0)),
        (rgba(255), picture(255, 0)),
        (np.dstack([picture(235, 10)] * 3 + [np.full((60, 80), 255, np.uint8)]), picture(235, 10)),
        (picture(235, 10).astype(np.uint16) * 257, picture(235, 10)),
        (picture(235, 10) > 100, picture(255, 0)),
    ],
    ids=["dark on light", "light on dark", "black with alpha", "white with alpha", "opaque", "16 bit", "1 bit"],
)
def test_any_polarity_becomes_dark_defects_on_light(tmp_path: Path, pixels: np.ndarray, expected: np.ndarray) -> None:
    save(tmp_path / "dust" / "one.png", pixels)
    pack = open_pack(str(tmp_path))
    assert (pack.layout, pack.templates) == ("pictures", ("dust/one.png",))
    np.testing.assert_array_equal(pack.load("dust/one.png").pixels, expected)


def test_rtn_layout_is_known_by_its_folders_and_keeps_pictures_as_they_are(noise_data: Path) -> None:
    save(noise_data / "004" / "dark.png", picture(20, 245))
    pack = open_pack(str(noise_data))
    assert pack.layout == "rtn"
    np.testing.assert_array_equal(pack.load("004/dark.png").pixels, picture(20, 245))
    with_rule = {
        name: {t[:3] for t in pack.templates if getattr(pack.rule(t), name)}
        for name in ("lines", "whole", "thicken", "modes")
    }
    assert with_rule == {
        "lines": {"001"},
        "whole": {"008"},
        "thicken": {"002", "003", "004", "005", "006", "007", "009", "012"},
        "modes": {"011"},
    }
    assert pack.rule("011/a.png").modes == ("add",)


def test_rtn_rules_hold_in_no_other_pack(tmp_path: Path) -> None:
    for group in sorted(RTN_GROUPS - {"012"}):
        save(tmp_path / "scans" / group / "a.png", picture(230, 20))
    pack = open_pack(str(tmp_path / "scans"))
    assert pack.layout == "pictures"
    assert {pack.rule(template) for template in pack.templates} == {_packs.Rule()}
    (tmp_path / "scans").rename(tmp_path / "noise_data")
    assert open_pack(str(tmp_path / "noise_data")).layout == "rtn"


def test_hidden_and_other_files_are_no_templates(noise_data: Path) -> None:
    (noise_data / "001" / "notes.txt").write_text("x")
    save(noise_data / ".thumbnails" / "a.png", picture(230, 20))
    (noise_data / "001" / "._a.png").write_bytes(b"resource fork")
    assert len(open_pack(str(noise_data)).templates) == 24


def test_groups_are_selected_by_name(noise_data: Path) -> None:
    pack = open_pack(str(noise_data))
    assert pack.select(["004", "011"]) == ("004/a.png", "004/b.jpg", "011/a.png", "011/b.jpg")
    assert pack.select([]) == pack.templates
    with pytest.raises(SpecError, match=r"groups: .*: unknown group '0111'; did you mean '011'"):
        pack.select(["0111"])


def test_defect_pixels_are_those_darker_than_the_mean_away_from_the_border(tmp_path: Path) -> None:
    pixels = np.full((50, 200), 200, np.uint8)
    pixels[10, 5], pixels[20, 100], pixels[30, 50:150] = 0, 100, 190  # at the border, a defect, too light
    save(tmp_path / "a.png", pixels)
    template = open_pack(str(tmp_path)).load("a.png")
    assert {template.defect(15, 40, at) for at in (0, 0.5, 0.999)} == {(20, 100)}
    assert template.defect(15, 0, 0) == (10, 5)
    assert template.defect(15, 100, 0.5) is None
    assert template.defect(150, 40, 0.5) is None


def test_every_defect_pixel_is_reached_alike(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pixels = np.where(rng.random((30, 120)) < 0.1, 50, 230).astype(np.uint8)
    save(tmp_path / "a.png", pixels)
    template = open_pack(str(tmp_path)).load("a.png")
    spots = np.argwhere(pixels[:, 40:-40] < template.mean - 15) + np.array([0, 40])
    found = [template.defect(15, 40, (i + 0.5) / len(spots)) for i in range(len(spots))]
    assert found == [tuple(spot) for spot in spots.tolist()]


def test_built_in_pack_has_rtns_folders_and_light_grounds_with_dark_defects() -> None:
    pack = open_pack("builtin:rtn")
    groups = {template[:3] for template in pack.templates}
    assert (pack.layout, groups) == ("rtn", RTN_GROUPS)
    for group in sorted(groups):
        template = pack.load(pack.select([group])[0])
        assert template.pixels.dtype == np.uint8
        assert np.median(template.pixels) >= 230, group
        assert template.defect(25, 40, 0.5) is not None, group


def test_built_in_templates_are_always_the_same() -> None:
    from degrade.textures import _rtn

    np.testing.assert_array_equal(_rtn.draw("004/02"), _rtn.draw("004/02"))
    assert not np.array_equal(_rtn.draw("004/02"), _rtn.draw("004/03"))


def test_fingerprint_follows_content_and_not_place(noise_data: Path, tmp_path: Path) -> None:
    before = open_pack(str(noise_data)).fingerprint()
    noise_data.rename(tmp_path / "moved")
    assert open_pack(str(tmp_path / "moved")).fingerprint() == before
    save(tmp_path / "moved" / "003" / "a.png", picture(231, 20))
    assert open_pack(str(tmp_path / "moved")).fingerprint() != before
    assert open_pack("builtin:rtn").fingerprint() != before


def test_cache_is_bounded_and_pixels_are_read_only(noise_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_packs, "_cache", ByteCache(3 * 60 * 80, lambda template: template.pixels.nbytes))
    pack = open_pack(str(noise_data))
    first = pack.load(pack.templates[0])
    assert pack.load(pack.templates[0]) is first
    with pytest.raises(ValueError, match="read-only"):
        first.pixels[0, 0] = 0
    for template in pack.templates:
        pack.load(template)
    assert pack.load(pack.templates[0]) is not first


def test_packs_travel_to_other_processes(noise_data: Path) -> None:
    for pack in (open_pack(str(noise_data)), open_pack("builtin:rtn")):
        sent = pickle.dumps(pack)
        assert len(sent) < 10_000
        assert pickle.loads(sent) == pack


def broken(path: Path) -> Path:
    data = save(path / "a.png", picture(230, 20)).read_bytes()
    (path / "a.png").write_bytes(data[: len(data) // 2])
    return path


def text(path: Path) -> Path:
    path.mkdir()
    (path / "a.png").write_text("no picture")
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path / "missing", "missing: no such folder"),
        (lambda path: save(path / "one.png", picture(230, 20)), "one.png: not a folder"),
        (lambda path: path, "holds no pictures"),
        (lambda path: broken(path / "broken"), "a.png: "),
        (lambda path: text(path / "text"), "a.png: not a picture"),
        (lambda path: "builtin:rnt", "unknown pack 'builtin:rnt'; did you mean 'builtin:rtn'?"),
    ],
    ids=["missing", "file", "empty", "truncated", "text", "built-in"],
)
def test_bad_packs_give_one_line(tmp_path: Path, make: object, message: str) -> None:
    with pytest.raises(SourceError) as error:
        open_pack(str(make(tmp_path))).load("a.png")  # type: ignore[operator]
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_template_that_is_not_there_gives_one_line(noise_data: Path) -> None:
    pack = open_pack(str(noise_data))
    with pytest.raises(SourceError, match=r"unknown template '001/aa.png'; did you mean '001/a.png'"):
        pack.load("001/aa.png")
    (noise_data / "001" / "a.png").unlink()
    with pytest.raises(SourceError, match="No such file"):
        pack.load("001/a.png")


def test_film_damage_simulator_classes_load_by_their_alpha(outside: Callable[[str], Path]) -> None:
    folder = outside("textures/filmdamage/synthetic")
    pack = open_pack(str(folder))
    assert len({template.rpartition("/")[0] for template in pack.templates}) == 10
    for template in pack.templates[::50]:
        loaded = pack.load(template)
        with Image.open(folder / template) as original:
            alpha = np.asarray(original.getchannel("A"))
        np.testing.assert_array_equal(loaded.pixels, 255 - alpha)
