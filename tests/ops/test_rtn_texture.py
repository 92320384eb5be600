"""`texture` and `moving_line` beside plain implementations with Pillow and scipy in float64."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import oracles_rtn as oracle
import pytest
from PIL import Image, ImageEnhance
from scipy import ndimage
from skimage import data

import degrade
from degrade import ClipInfo, Pipeline, SourceError, SpecError
from degrade.ops import MovingLine, Texture
from degrade.ops._templates import Cut, resize
from degrade.ops.moving_line import shifted
from degrade.textures import Template, open_pack
from degrade.textures._packs import RTN_GROUPS

MODES = ("add", "subtract", "multiply", "screen")


def scan(seed: int, height: int = 300, width: int = 400) -> np.ndarray:
    """A light, uneven ground with soft dark blobs."""
    rng = np.random.default_rng(seed)
    blobs = ndimage.gaussian_filter(np.where(rng.random((height, width)) < 0.002, 1.0, 0), 2.5)
    ground = ndimage.gaussian_filter(rng.normal(0, 60, (height, width)), 30) + 240
    return np.clip(ground * (1 - np.minimum(1, 25 * blobs)), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def noise_data(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A pack in RTN's layout, with two templates in each folder."""
    root = tmp_path_factory.mktemp("pack")
    for seed, group in enumerate(sorted(RTN_GROUPS)):
        (root / group).mkdir()
        for name in "ab":
            Image.fromarray(scan(2 * seed + (name == "b"))).save(root / group / f"{name}.png")
    return str(root)


@pytest.fixture(scope="module")
def white(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A pack of one clean template."""
    root = tmp_path_factory.mktemp("white")
    Image.fromarray(np.full((300, 400), 255, np.uint8)).save(root / "clean.png")
    return str(root)


def clip(frames: int, height: int, width: int, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(1).random((frames, height, width, channels), np.float32)


def draw(op: Texture | MovingLine, frames: int = 200, height: int = 90, width: int = 120) -> object:
    info = ClipInfo(frames=frames, height=height, width=width, channels=1)
    return Pipeline(ops=(op,)).draw(info, 3).steps[0]["params"]


@pytest.mark.parametrize("degrees", [0, 17, 45, 90, 133.3, 201, 359])
@pytest.mark.parametrize("side", [80, 211, 1000])
@pytest.mark.parametrize("shape", [(90, 120), (368, 640)])
def test_cut_agrees_with_pillow(degrees: float, side: int, shape: tuple[int, int]) -> None:
    template = Template("a", scan(5))
    cut = Cut(side, 0.37, 0.5, 0.2, degrees)
    levels = Texture()._cut(template, cut, *shape).astype(np.float64)
    difference = np.abs(levels - np.asarray(oracle.part(template, cut, *shape, darker=15, border=40), np.float64))
    inside = difference[shape[0] // 20 : -shape[0] // 20, shape[1] // 20 : -shape[1] // 20]
    # Of 255. OpenCV's bicubic and Lanczos are a little sharper (a = -0.75, eight taps) than Pillow's.
    assert inside.mean() < 1
    assert inside.max() <= 12
    assert difference.mean() < 3  # at the border Pillow blends with the black around what it turned


@pytest.mark.parametrize("shape", [(600, 800), (150, 200), (600, 60), (1, 1), (1, 700)])
def test_resize_agrees_with_pillows_lanczos(shape: tuple[int, int]) -> None:
    pixels = scan(8)
    plain = Image.fromarray(pixels).resize(shape[::-1], Image.Resampling.LANCZOS)
    difference = np.abs(resize(pixels, *shape).astype(int) - np.asarray(plain))
    assert difference.max() <= 8  # eight taps where Pillow has six


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", MODES)
def test_rendered_frames_match_the_formulas_with_pillows_templates(noise_data: str, mode: str, channels: int) -> None:
    op = Texture(pack=noise_data, groups=("004",), modes=(mode,), whole_p=1)
    frames = clip(12, 90, 120, channels)
    out = op(frames, seed=5)
    drawn = out.trace.steps[0]["params"]
    assert {1, 3} == set(drawn["minimum_px"])
    assert 1 in drawn["contrast"]
    assert max(drawn["contrast"]) > 2
    for t, frame in enumerate(frames.astype(np.float64)):
        template = Image.open(Path(noise_data, drawn["template"][t])).resize((120, 90), Image.Resampling.LANCZOS)
        thick = ndimage.minimum_filter(np.asarray(template), drawn["minimum_px"][t], mode="nearest")
        enhanced = ImageEnhance.Contrast(Image.fromarray(thick)).enhance(drawn["contrast"][t])
        light = np.asarray(enhanced, np.float64)[..., None] / 255
        opacity = drawn["opacity"][t]
        expected = {
            "add": frame + opacity * (1 - light),
            "subtract": frame - opacity * (1 - light),
            "multiply": frame * (1 - opacity * (1 - light)),
            "screen": 1 - (1 - frame) * (1 - opacity * (1 - light)),
        }[mode]
        # Pillow rounds the mean that contrast is about to a whole level.
        rounded = 0.5 * abs(drawn["contrast"][t] - 1) / 255
        np.testing.assert_allclose(out.frames[t], np.clip(expected, 0, 1), atol=1 / 255 + rounded, rtol=0)
        np.testing.assert_allclose(
            out.mask[t], opacity * (1 - light), atol=1 / 255 + rounded, rtol=0
        )  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
def test_formulas_hold_exactly_for_the_alpha_in_the_mask(noise_data: str, mode: str) -> None:
    frames = clip(6, 90, 120)
    out = Texture(pack=noise_data, modes=(mode,), groups=("003", "011"))(frames, seed=0)
    frame, alpha = frames.astype(np.float64), out.mask.astype(np.float64)
    expected = {
        "add": frame + alpha,
        "subtract": frame - alpha,
        "multiply": frame * (1 - alpha),
        "screen": frame + alpha - frame * alpha,
    }[mode]
    np.testing.assert_allclose(out.frames, np.clip(expected, 0, 1), atol=1e-6)


def test_a_clean_template_changes_nothing_and_leaves_no_mask(white: str) -> None:
    frames = clip(4, 40, 50, 3)
    for op in (Texture(pack=white), MovingLine(pack=white, groups=("",))):
        out = op(frames, seed=0)
        np.testing.assert_array_equal(out.frames, frames)
        assert not out.mask.any()


def test_box_holds_a_defect_pixel_and_keeps_to_its_side() -> None:
    pixels = np.full((500, 700), 240, np.uint8)
    pixels[123, 456] = 0
    template = Template("a", pixels)
    rng = np.random.default_rng(0)
    boxes = []
    for side in (150, 360, 499):
        for _ in range(300):
            cut = Cut(side, *rng.random(3), 0)
            levels = Texture()._cut(template, cut, side, side)  # as large as the box: nothing is resized
            (y, x), = np.argwhere(levels < 120)  # fmt: skip
            boxes.append((side, 456 - x, 123 - y))
    for side, low, high in ((150, 456 - 149, 456), (360, 456 - 359, 700 - 360), (499, 0, 700 - 499)):
        lefts = [left for s, left, _ in boxes if s == side]
        assert low <= min(lefts) < low + 15
        assert high - 15 < max(lefts) <= high
    assert {top for side, _, top in boxes if side == 499} == {0, 1}


def test_templates_without_defects_away_from_the_border_are_shown_whole() -> None:
    pixels = np.full((300, 400), 240, np.uint8)
    pixels[100, 10:40] = pixels[100, -40:] = 0
    cut = Cut(200, 0.5, 0.5, 0.5, 30)
    whole = resize(pixels, 90, 120)
    np.testing.assert_array_equal(Texture()._cut(Template("a", pixels), cut, 90, 120), whole)
    assert not np.array_equal(Texture(border_px=0)._cut(Template("a", pixels), cut, 90, 120), whole)
    pixels[100, 200] = 238
    assert np.array_equal(Texture()._cut(Template("a", pixels), cut, 90, 120), resize(pixels, 90, 120))


def test_rtns_folders_keep_their_rules(noise_data: str) -> None:
    drawn = draw(Texture(pack=noise_data, modes=("add", "multiply"), whole_p=0), 2000)
    by_group: dict[str, list[tuple[int, int, str]]] = {}
    for row in zip(drawn.template, drawn.side_px, drawn.minimum_px, drawn.mode, strict=True):
        by_group.setdefault(row[0][:3], []).append(row[1:])
    assert set(by_group) == RTN_GROUPS
    for group, rows in by_group.items():
        sides, minima, modes = (set(column) for column in zip(*rows, strict=True))
        assert (sides == {0}) == (group == "008")
        assert minima == ({1, 3} if group in RTN_GROUPS - {"001", "008", "010", "011"} else {1})
        assert modes == ({"add"} if group == "011" else {"add", "multiply"})
    assert set(draw(Texture(pack=noise_data, groups=("011",), modes=("screen",))).mode) == {"screen"}


@pytest.mark.parametrize("width", [1, 2, 9, 40])
def test_shifts_compose_to_those_of_the_pictures_themselves(width: int) -> None:
    rng = np.random.default_rng(width)
    shifts = rng.integers(-15, 15, 30, endpoint=True).tolist()
    first = rng.random((3, width))
    texture = first
    for t, shift in enumerate(shifts):
        moved = texture.copy()
        if shift > 0 and shift < width:
            moved[:, shift:] = texture[:, :-shift]
        if shift < 0 and -shift < width:
            moved[:, :shift] = texture[:, -shift:]
        texture = moved
        np.testing.assert_array_equal(first[:, shifted(shifts[: t + 1], width)], texture)


def test_line_keeps_its_template_and_wanders(noise_data: str) -> None:
    op = MovingLine(pack=noise_data, modes=("multiply",), opacity=(1, 1), crop_px=(200, 200), whole_p=0)
    out = op(np.ones((5, 200, 200, 1), np.float32), seed=2)  # white: the frame is the template
    drawn = out.trace.steps[0]["params"]
    assert drawn["template"][0].startswith("001/")
    first = out.frames[0, ..., 0]
    template = open_pack(noise_data).load(drawn["template"][0]).pixels
    found = cv2.matchTemplate(template, np.rint(first * 255).astype(np.uint8), cv2.TM_SQDIFF)
    assert found.min() < 1  # a box of the template, not turned, and here not resized
    at = 0
    for t in range(1, 5):
        at += drawn["shift_px"][t]
        assert 5 <= abs(drawn["shift_px"][t]) <= 15
        here, there = slice(70 + at, 130 + at), slice(70, 130)
        np.testing.assert_allclose(out.frames[t, :, here, 0], first[:, there], atol=1e-6)


@pytest.mark.parametrize("op", [Texture, MovingLine])
@pytest.mark.parametrize("channels", [1, 3])
def test_windows_equal_slices_of_the_whole(noise_data: str, op: type, channels: int) -> None:
    pipeline = Pipeline(ops=(op(pack=noise_data),))
    frames = clip(9, 70, 90, channels)
    params = pipeline.draw(ClipInfo(frames=9, height=70, width=90, channels=channels), 4)
    whole = pipeline.render(frames, params, 0)
    for start, stop in ((8, 9), (3, 7), (0, 1)):
        part = pipeline.render(frames[start:stop], params, start)
        np.testing.assert_array_equal(part.frames, whole.frames[start:stop])
        for label, mask in part.masks.items():
            np.testing.assert_array_equal(mask, whole.masks[label][start:stop])


@pytest.mark.parametrize("op", [Texture, MovingLine])
def test_colour_is_damaged_as_grey_is(noise_data: str, op: type) -> None:
    grey = clip(3, 50, 60)
    one, three = op(pack=noise_data)(grey, seed=6), op(pack=noise_data)(grey.repeat(3, -1), seed=6)
    np.testing.assert_array_equal(three.frames, one.frames.repeat(3, -1))
    np.testing.assert_array_equal(three.mask, one.mask)


@pytest.mark.parametrize("op", [Texture, MovingLine])
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 1, 30, 3), (2, 30, 1, 3), (3, 4, 1, 1), (1, 700, 900, 1)])
def test_any_size(op: type, shape: tuple[int, int, int, int]) -> None:
    out = op()(clip(*shape), seed=0)
    assert out.frames.shape == shape
    assert out.frames.min() >= 0
    assert out.frames.max() <= 1
    np.testing.assert_array_equal(out.frames[..., :1][out.mask == 0], clip(*shape)[..., :1][out.mask == 0])


def test_bad_parameters_give_one_line(noise_data: str, white: str) -> None:
    frames = clip(1, 20, 20)
    with pytest.raises(SpecError, match=r"groups: must be named: .* does not say which of its folders hold lines"):
        MovingLine(pack=white)(frames, seed=0)
    with pytest.raises(SpecError, match=r"groups: .*: unknown group '0011'; did you mean '011'"):
        Texture(pack=noise_data, groups=("0011",))(frames, seed=0)
    with pytest.raises(SpecError, match=r"contrast: \(4, 2\) must be increasing"):
        Texture(contrast=(4, 2))
    with pytest.raises(SpecError, match="minimum_px"):
        Texture(minimum_px=(2,))
    with pytest.raises(SpecError, match="modes"):
        Texture(modes=())
    with pytest.raises(SourceError, match="no such folder"):
        Texture(pack=noise_data + "/missing")(frames, seed=0)


def test_pipelines_name_the_packs_they_read(noise_data: str) -> None:
    inner = Pipeline(ops=(MovingLine(pack=noise_data),))
    files = Pipeline(ops=(Texture(), inner)).files()
    assert files == {name: open_pack(name).fingerprint() for name in ("builtin:rtn", noise_data)}


def test_film_damage_simulator_is_blended(outside: Callable[[str], Path]) -> None:
    pack = str(outside("textures/filmdamage/synthetic"))
    frames = clip(20, 120, 160)
    out = Texture(pack=pack)(frames, seed=1)
    changed = np.abs(out.frames - frames).max(axis=(1, 2, 3)) > 0.1
    assert changed.mean() > 0.7
    assert (out.mask == 0).mean() > 0.3  # grounds are clear
    line = MovingLine(pack=pack, groups=("scratches",))(frames, seed=0)
    assert line.trace.steps[0]["params"]["template"][0].startswith("scratches/")


def test_rtn_code_differs_from_the_plain_chain_by_its_noise_alone() -> None:
    pipeline = degrade.load("rtn-code")
    photo = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)[:128, 100:260, None]
    frames = np.repeat(photo[None].astype(np.float32) / 255, 2, axis=0)
    for seed in range(12):
        info = ClipInfo(frames=2, height=128, width=160, channels=1)
        params = pipeline.draw(info, seed)
        noise = {step["label"]: step["params"] for step in params.steps}["resample"].steps[0]["params"]
        difference = 255 * (pipeline.render(frames, params, 0).frames - oracle.degrade(frames, params.steps))
        assert abs(difference.mean()) < 2  # few pixels carry noise where the scale is an eighth
        assert np.sqrt(np.mean(difference**2)) < np.sqrt(2) * max(noise.sigma) + 3  # of both, and 8-bit templates


def test_a_template_that_has_changed_is_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In place, or of a pack of the same relative name elsewhere."""

    def greatest(op: Any, level: int, folder: str) -> float:
        (tmp_path / folder / "pack").mkdir(parents=True, exist_ok=True)
        monkeypatch.chdir(tmp_path / folder)
        template = np.full((64, 64), 255, np.uint8)
        template[20:40, 20:40] = level
        cv2.imwrite("pack/1.png", template)
        os.utime("pack/1.png", ns=(level, level))
        return float(op(np.full((1, 64, 64, 1), 0.5, np.float32), seed=0).mask.max())

    whole = {"pack": "pack", "whole_p": 1, "opacity": 1, "modes": ("subtract",)}
    for op in (Texture(**whole, contrast_p=0, minimum_px=(1,)), MovingLine(**whole, groups=("",))):
        for folder, level in (("a", 0), ("b", 200), ("b", 100)):
            assert greatest(op, level, folder) == pytest.approx(1 - level / 255, abs=0.01)
