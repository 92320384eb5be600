"""albumentations both ways: our damage in its pipelines, its transforms in ours."""

import json
import os
import random
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from skimage import data

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
import albumentations

import degrade
from degrade import SourceError, SpecError
from degrade.adapters.albumentations import Degrade
from degrade.ops import Albumentation, Dust, Noise, Weave, registry
from degrade.ops.albumentation import _transforms

PICTURE = data.astronaut()[100:180, 150:270]
STILL = np.stack([PICTURE] * 3)
SQUARE = STILL[:2, :64, :64]
FAR = Weave(x=0.1, y=0.1, rotation=3)


def test_the_seed_of_compose_repeats_the_damage() -> None:
    def run(seed: int) -> list[bytes]:
        transform = albumentations.Compose([Degrade("film-heavy")], seed=seed)
        return [transform(image=PICTURE)["image"].tobytes() for _ in range(3)]

    random.seed(1)
    first = run(5)
    random.seed(2)
    assert run(5) == first
    assert len({*first, *run(6)}) == 6


@pytest.mark.parametrize("name", registry.names())
def test_every_op_is_a_transform(name: str) -> None:
    cls = registry.get(name)
    transform = Degrade(cls(ops=("dust",)) if "ops" in cls.model_fields else cls())
    for given in (PICTURE, PICTURE[..., 0], PICTURE[..., :1].astype(np.float32) / 255):
        out = transform(image=given)["image"]
        assert (out.shape, out.dtype) == (given.shape, given.dtype)
    assert transform(images=STILL)["images"].shape == STILL.shape
    assert transform(images=STILL[..., 0])["images"].shape == STILL.shape[:3]


def test_images_are_one_clip_and_come_out_as_the_library_makes_them() -> None:
    transform = Degrade("film-medium")
    out = transform(images=STILL)["images"]
    direct = degrade.load("film-medium")(STILL, seed=transform.params["seed"])
    np.testing.assert_array_equal(out, direct.frames)


def test_a_volume_is_a_clip() -> None:
    zeros = np.zeros((3, 80, 120), np.uint8)
    outs = []
    for frames, masks in (("images", "masks"), ("volume", "mask3d")):
        transform = albumentations.Compose([Degrade("film-heavy", masks="fill")], seed=4)
        out = transform(**{frames: STILL, masks: zeros})
        outs.append((out[frames], out[masks]))
    for one, other in zip(*outs, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(outs[1][0], STILL)
    with pytest.raises(SpecError, match="volumes: one clip at a time; give it as volume"):
        albumentations.Compose([Degrade("film-light")])(volumes=STILL[None])


def test_masks_are_filled_with_the_damage() -> None:
    transform = Degrade([{"dust": {"per_frame": 40}}, FAR], masks="fill")
    transform.set_random_seed(3)
    out = transform(images=STILL, masks=np.zeros((3, 80, 120), np.uint8), mask=np.zeros((80, 120, 1), np.float32))
    direct = transform.pipeline(STILL, seed=transform.params["seed"])
    np.testing.assert_allclose(out["masks"] / 255, direct.mask[..., 0], atol=0.5 / 255 + 1e-6)
    np.testing.assert_array_equal(out["mask"], direct.mask[0])
    assert out["masks"].max() > 50
    given = np.full((80, 120), 90, np.uint8)
    assert transform(image=PICTURE, mask=given)["mask"].min() == 90  # raised, never lowered


def test_masks_move_with_the_picture() -> None:
    half = np.zeros((80, 120), np.float32)
    half[:, 60:] = 1
    transform = Degrade(FAR)
    transform.set_random_seed(3)
    out = transform(image=np.repeat(half[..., None], 3, axis=-1), mask=half, masks=[(7 * half).astype(np.int64)])
    assert not np.array_equal(out["mask"], half)
    np.testing.assert_array_equal(out["image"][..., 0], out["mask"])
    (labels,) = out["masks"]
    assert labels.dtype == np.int64
    assert set(np.unique(labels)) == {0, 7}
    np.testing.assert_array_equal(labels == 7, out["mask"] > 0.5)
    still = Degrade(Dust())(image=PICTURE, mask=half)
    np.testing.assert_array_equal(still["mask"], half)


def test_replay_and_serialisation_survive_json() -> None:
    transform = albumentations.ReplayCompose([Degrade("film-medium", masks="fill"), albumentations.HorizontalFlip()])
    given = {"image": PICTURE, "mask": np.zeros((80, 120), np.uint8)}
    out = transform(**given)
    record = json.loads(json.dumps(out["replay"]))
    again = albumentations.ReplayCompose.replay(record, **given)
    np.testing.assert_array_equal(again["image"], out["image"])
    np.testing.assert_array_equal(again["mask"], out["mask"])

    plain = albumentations.Compose([Degrade([Dust(), Noise(sigma=3)], p=0.5)], seed=4)
    copy = albumentations.from_dict(json.loads(json.dumps(albumentations.to_dict(plain))))
    copy.set_random_seed(4)
    for _ in range(4):
        np.testing.assert_array_equal(copy(image=PICTURE)["image"], plain(image=PICTURE)["image"])


def test_additional_targets_get_the_same_damage() -> None:
    transform = albumentations.Compose([Degrade("film-heavy")], additional_targets={"other": "image"})
    out = transform(image=PICTURE, other=PICTURE.copy())
    np.testing.assert_array_equal(out["image"], out["other"])


def test_what_cannot_be_done_is_one_line() -> None:
    with pytest.raises(SpecError, match="unknown preset 'film-meduim'; did you mean 'film-medium'"):
        Degrade("film-meduim")
    with pytest.raises(SpecError, match="masks: must be 'move' or 'fill', got 'keep'"):
        Degrade("film-light", masks="keep")  # type: ignore[arg-type]
    with pytest.raises(SourceError, match="frames of dtype int64: uint8, uint16, or floats"):
        Degrade("film-light")(image=PICTURE.astype(np.int64))
    with pytest.raises(SpecError, match="mask: to be filled must be uint8 or floats, got int64"):
        Degrade("film-light", masks="fill")(image=PICTURE, mask=np.zeros((80, 120), np.int64))
    with pytest.raises(SpecError, match="boxes and keypoints cannot follow ops that move the picture"):
        Degrade(FAR)(image=PICTURE, bboxes=np.array([[0, 0, 0.5, 0.5]]))


def fits(name: str) -> bool:
    """Whether a transform needs no arguments, nothing but the picture, and keeps size and type."""
    try:
        return Albumentation(transform=name)(SQUARE, seed=0).frames.shape == SQUARE.shape
    except SpecError:
        return False


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_transforms_draw_from_our_streams_alone() -> None:
    names = [name for name in _transforms() if fits(name)]
    assert len(names) > 60
    for name in names:
        results: list[Any] = []
        for seed in (1, 2):
            random.seed(seed)
            np.random.seed(seed)  # noqa: NPY002
            before = random.getstate(), np.random.get_state()[1].tobytes()  # noqa: NPY002
            results.append(Albumentation(transform=name, per="frame")(SQUARE, seed=9).frames.tobytes())
            assert (random.getstate(), np.random.get_state()[1].tobytes()) == before  # noqa: NPY002
        assert results[0] == results[1], name


def test_random_numbers_are_drawn_per_clip_or_per_frame() -> None:
    once, anew = (Albumentation(transform="RandomGamma", per=per)(STILL, seed=2).frames for per in ("clip", "frame"))
    assert all(np.array_equal(frame, once[0]) for frame in once)
    assert len({frame.tobytes() for frame in anew}) == 3


@pytest.mark.parametrize(("transform", "moves"), [("Affine", True), ("HorizontalFlip", True), ("GaussNoise", False)])
def test_masks_and_targets_follow_spatial_transforms_alone(transform: str, moves: bool) -> None:
    parameters = {"rotate": (20, 20), "interpolation": 1} if transform == "Affine" else {}
    pipeline = degrade.Pipeline(ops=(Dust(per_frame=60), Albumentation(transform=transform, parameters=parameters)))
    clip = STILL.astype(np.float32) / 255
    out, before = pipeline(clip, seed=1), Dust(per_frame=60)(clip, seed=1)
    assert np.array_equal(out.mask, before.mask) != moves
    drawn = pipeline.draw(out.trace.info, 1)
    if transform != "GaussNoise":
        undamaged = degrade.Pipeline(ops=pipeline.ops[1:])(clip, seed=1).frames
        np.testing.assert_allclose(pipeline.move(clip, drawn, 0), undamaged, atol=1e-6)
        covered = out.mask[..., 0] > 0
        np.testing.assert_allclose(out.frames[~covered], undamaged[~covered], atol=1e-6)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"transform": "GausNoise"}, "unknown albumentations transform 'GausNoise'; did you mean 'GaussNoise'?"),
        ({"transform": "GaussNoise", "parameters": {"sigma": 3}}, "'sigma' are not valid for transform GaussNoise"),
        ({"transform": "GaussNoise", "parameters": {"std_range": [3, 9]}}, "std_range Value error, All values in"),
        ({"transform": "MaskDropout"}, "MaskDropout needs more than the picture: mask"),
        ({"transform": "Normalize"}, "transform: Normalize leaves the range [0, 1]; apply it after the ops"),
        ({"transform": "Lambda"}, "unknown albumentations transform 'Lambda'"),
    ],
)
def test_bad_transforms_are_one_line(given: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as caught:
        Albumentation(**given)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_transforms_that_do_not_fit_the_clip_are_refused() -> None:
    with pytest.raises(SpecError, match=r"^PixelDropout leaves the range \[0, 1\]: .* to 255; apply it after the ops$"):
        Albumentation(transform="PixelDropout", parameters={"drop_value": 255, "dropout_prob": 0.5})(PICTURE, seed=0)
    with pytest.raises(SpecError, match=r"FromFloat makes float32 of shape .* into uint8"):
        Albumentation(transform="FromFloat", parameters={"dtype": "uint8"})(PICTURE, seed=0)
    with pytest.raises(SpecError, match=r"Transpose makes float32 of shape \(80, 120, 3\) into float32 of shape"):
        Albumentation(transform="Transpose")(PICTURE, seed=0)
    with pytest.raises(SpecError, match="RandomRain does not take this clip: This transformation expects 3"):
        Albumentation(transform="RandomRain")(PICTURE[..., 0], seed=0)


def test_the_library_is_imported_by_what_needs_it_alone() -> None:
    code = "import sys, degrade.cli, degrade.spec; degrade.load('film-heavy'); degrade.spec.json_schema(); " + (
        "assert not {'albumentations', 'torch'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
