"""PyTorch datasets: a sample depends on its number alone, and holds what the library and the disk hold."""

import gc
import itertools
import pickle
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from degrade import DatasetError, SourceError, SpecError
from degrade.dataset.generate import generate
from degrade.spec import Spec

torch = pytest.importorskip("torch", reason="the adapters need PyTorch")
from degrade.adapters.torch import DegradedClips, PairedClips, collate  # noqa: E402


@pytest.fixture
def clips(make_spec: Callable[..., Spec]) -> DegradedClips:
    return DegradedClips(make_spec(), samples=6, frames=2, crop=(16, 20), intervals=(1, 2))


def test_a_sample_depends_on_its_number_alone(clips: DegradedClips) -> None:
    forward = [clips[i] for i in range(6)]
    backward = [pickle.loads(pickle.dumps(clips))[i] for i in reversed(range(6))][::-1]
    for one, other in zip(forward, backward, strict=True):
        assert one["clip"] == other["clip"]
        for kind in ("lq", "gt", "mask"):
            assert torch.equal(one[kind], other[kind])
    assert len({sample["lq"].numpy().tobytes() for sample in forward}) == 6


def test_what_is_done_to_a_sample_changes_no_other(make_spec: Callable[..., Spec]) -> None:
    asked = {"frames": 3, "crop": (24, 32), "cuts": 2, "curriculum": [0.0, 1.0]}
    clips, kept = (DegradedClips(make_spec(color="grey"), samples=4, **asked) for _ in range(2))
    for i in range(4):
        expected = {kind: kept[i][kind].clone() for kind in ("lq", "gt", "mask")}
        for _ in range(2):
            sample = clips[i]
            for kind, pixels in expected.items():
                assert torch.equal(sample[kind], pixels)
                sample[kind].add_(1)


def test_cuts_of_one_stretch_share_its_damage(make_spec: Callable[..., Spec]) -> None:
    cuts = DegradedClips(make_spec(), samples=6, frames=2, crop=(16, 20), cuts=3)
    samples = [cuts[i] for i in range(6)]
    assert [sample["clip"] for sample in samples[:4]] == [
        "sample-0-0-0",
        "sample-0-0-1",
        "sample-0-0-2",
        "sample-0-1-0",
    ]
    for i in (5, 1, 3, 0):  # in any order
        assert all(torch.equal(cuts[i][kind], samples[i][kind]) for kind in ("lq", "gt", "mask"))
    alone = DegradedClips(make_spec(), samples=2, frames=2, crop=(16, 20))
    assert all(torch.equal(alone[i]["lq"], samples[3 * i]["lq"]) for i in range(2))
    assert not torch.equal(samples[0]["lq"], samples[1]["lq"])
    cuts.set_epoch(1)
    assert cuts[0]["clip"] == "sample-0-2-0"
    with pytest.raises(SpecError, match="cuts: needs whole frames"):
        DegradedClips(make_spec(), samples=6, frames=2, crop=(16, 20), cuts=3, cut_first=True)


def test_samples_on_damage_hold_some(make_spec: Callable[..., Spec], tmp_path: Path) -> None:
    spec = make_spec(pipeline=[{"dust": {"per_frame": 1, "size": 0.08, "opacity": 1}}])
    common = {"samples": 24, "frames": 2, "crop": (12, 12), "cuts": 4}
    anywhere, on_damage = DegradedClips(spec, **common), DegradedClips(spec, **common, on_damage=1)
    assert sum(float(anywhere[i]["mask"].max()) > 0.1 for i in range(24)) < 20
    assert all(on_damage[i]["mask"].max() > 0.1 for i in range(24))
    assert all(on_damage[i]["lq"].shape == (2, 1, 12, 12) for i in range(24))
    generate(spec, tmp_path / "made")
    written = PairedClips(tmp_path / "made", **common, on_damage=1)
    assert all(written[i]["mask"].max() > 0.1 for i in range(24))
    with pytest.raises(SpecError, match="on_damage: needs samples"):
        PairedClips(tmp_path / "made", on_damage=0.5)
    generate(make_spec(output={"masks": "none"}), tmp_path / "bare")
    with pytest.raises(SpecError, match="on_damage: needs masks"):
        PairedClips(tmp_path / "bare", samples=1, on_damage=0.5)


def test_samples_are_pairs(clips: DegradedClips) -> None:
    sample = clips[0]
    assert sample["lq"].shape == sample["gt"].shape == sample["mask"].shape == (2, 1, 16, 20)
    assert sample["lq"].dtype == torch.float32
    assert sample["lq"].min() >= 0
    assert sample["lq"].max() <= 1
    assert not torch.equal(sample["lq"], sample["gt"])


def test_epochs_give_other_samples_and_come_back(clips: DegradedClips) -> None:
    first = clips[2]
    clips.set_epoch(3)
    assert clips[2]["clip"] == "sample-0-20"
    assert not torch.equal(clips[2]["lq"], first["lq"])
    clips.set_epoch(0)
    assert torch.equal(clips[2]["lq"], first["lq"])


def test_workers_that_stay_see_the_epoch(clips: DegradedClips) -> None:
    loader = torch.utils.data.DataLoader(
        clips, 3, num_workers=2, multiprocessing_context="fork", persistent_workers=True
    )
    for epoch in (0, 1):
        clips.set_epoch(epoch)
        alone = list(torch.utils.data.DataLoader(clips, 3))
        assert all(torch.equal(one["lq"], other["lq"]) for one, other in zip(alone, loader, strict=True))


def test_a_curriculum_sets_the_severity_of_each_epoch(make_spec: Callable[..., Spec]) -> None:
    wanted = {"samples": 8, "frames": 2, "crop": (20, 28)}
    clips = DegradedClips(make_spec(pipeline=[{"noise": {"sigma": 20}}]), curriculum=(0, 0.4, 1), **wanted)

    def error(epoch: int) -> float:
        clips.set_epoch(epoch)
        return float(np.mean([(clips[i]["lq"] - clips[i]["gt"]).square().mean() for i in range(8)]))

    assert error(0) == 0
    assert error(1) == pytest.approx((0.4 * 20 / 255) ** 2, rel=0.1)
    assert error(2) == pytest.approx((20 / 255) ** 2, rel=0.1)
    assert error(9) == pytest.approx((20 / 255) ** 2, rel=0.1)
    with pytest.raises(SpecError, match="severity: must lie within 0 to 1, got 2"):
        DegradedClips(make_spec(), curriculum=(2,), **wanted)


def test_cut_first_damages_the_cut_and_nothing_else(make_spec: Callable[..., Spec]) -> None:
    spec = make_spec(pipeline=[{"dust": {"per_frame": 30}}, "weave"], alignment="original")
    asked = {"samples": 4, "frames": 2, "crop": (16, 20)}
    whole, first = DegradedClips(spec, **asked), DegradedClips(spec, cut_first=True, **asked)
    ways = [flips for n in range(4) for flips in itertools.combinations((0, 2, 3), n)]
    for i in range(4):
        assert torch.equal(first[i]["gt"], whole[i]["gt"])  # the same cut of the same footage
        assert not torch.equal(first[i]["lq"], whole[i]["lq"])
        alone = [
            first.damage(_frames(first[i]["gt"].flip(way)), seed=spec.seed, clip_id=first[i]["clip"]) for way in ways
        ]
        assert any(np.array_equal(a.frames, _frames(first[i]["lq"].flip(w))) for a, w in zip(alone, ways, strict=True))


def _frames(sample: "torch.Tensor") -> np.ndarray:
    return sample.numpy().transpose(0, 2, 3, 1)


def test_samples_of_different_sizes_are_stacked(make_spec: Callable[..., Spec], tmp_path: Path) -> None:
    generate(make_spec(), tmp_path / "out")
    clips = PairedClips(tmp_path / "out")
    cropped = {kind: data[:, :, :10] for kind, data in clips[3].items() if kind != "clip"} | {"clip": "low"}
    batch = collate([clips[0], cropped])
    assert batch["lq"].shape == batch["valid"].shape == (2, 8, 1, 24, 32)
    assert torch.equal(batch["lq"][0, :5], clips[0]["lq"])
    assert torch.equal(batch["gt"][1, :, :, :10], clips[3]["gt"][:, :, :10])
    assert batch["valid"].sum() == 5 * 24 * 32 + 8 * 10 * 32
    assert not batch["lq"][batch["valid"] == 0].any()
    assert batch["clip"] == [clips[0]["clip"], "low"]
    colour = {"lq": torch.zeros(5, 3, 24, 32), "gt": torch.zeros(5, 3, 24, 32), "mask": torch.zeros(5, 1, 24, 32)}
    with pytest.raises(DatasetError, match="a batch cannot hold grey and colour samples"):
        collate([clips[0], colour | {"clip": "colour"}])


def test_bad_requests_are_one_line(make_spec: Callable[..., Spec], tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"sequence 's0' \(5 frames of 24×32\) is too small for samples of 6 frames"):
        DegradedClips(make_spec(), samples=1, frames=6, crop=(16, 16))
    with pytest.raises(SpecError, match="no sequence is in 'val'; splits are train"):
        DegradedClips(make_spec(), "val", samples=1, frames=2, crop=(16, 16))
    with pytest.raises(DatasetError, match="holds no finished dataset"):
        PairedClips(tmp_path)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"samples": 0}, "samples: should be greater than or equal to 1, got 0"),
        ({"frames": 0}, "frames: should be greater than or equal to 1, got 0"),
        ({"crop": 64}, "crop: should be a valid tuple, got 64"),
        ({"crop": (16, 0)}, r"crop\[1\]: should be greater than or equal to 1, got 0"),
        ({"intervals": ()}, "intervals: Tuple should have at least 1 item"),
        ({"intervals": (1, -1)}, r"intervals\[1\]: should be greater than or equal to 1, got -1"),
    ],
)
def test_sizes_that_are_not_allowed(make_spec: Callable[..., Spec], asked: dict, message: str) -> None:
    with pytest.raises(SpecError, match=f"^{message}"):
        DegradedClips(make_spec(), **{"samples": 1, "frames": 2, "crop": (16, 16), **asked})
    if "intervals" not in asked:
        with pytest.raises(SpecError, match=f"^{message}"):
            PairedClips("anywhere", **{"samples": 1, **asked})


@pytest.mark.parametrize("frames", ["png", "webdataset"])
def test_a_dataset_without_masks(make_spec: Callable[..., Spec], tmp_path: Path, frames: str) -> None:
    generate(make_spec(output={"masks": "none", "frames": frames}), tmp_path / "out")
    assert PairedClips(tmp_path / "out")[1].keys() == {"lq", "gt", "clip"}
    cuts = PairedClips(tmp_path / "out", frames=2, samples=2, crop=(16, 20))
    assert collate([cuts[0], cuts[1]])["valid"].shape == (2, 2, 1, 16, 20)


@pytest.mark.parametrize("frames", ["png", "tiff", "dpx", "ffv1", "webdataset"])
def test_written_pairs_are_read_back(make_spec: Callable[..., Spec], tmp_path: Path, frames: str) -> None:
    generate(make_spec(output={"frames": frames}), tmp_path / "out")
    generate(make_spec(), tmp_path / "png")
    whole, cut = PairedClips(tmp_path / "out"), PairedClips(tmp_path / "out", frames=2)
    assert len(whole) == 4
    assert len(cut) == 2 + 3 + 3 + 4
    sample = whole[1]
    written = cv2.imread(str(tmp_path / f"png/train/lq/{sample['clip']}/00003.png"), -1)
    np.testing.assert_allclose(sample["lq"][3, 0].numpy(), written / 255, atol=1e-6)
    assert sample["lq"].shape == sample["gt"].shape == sample["mask"].shape
    assert torch.equal(cut[2]["gt"], sample["gt"][:2])


def test_random_cuts_of_a_written_dataset(make_spec: Callable[..., Spec], tmp_path: Path) -> None:
    generate(make_spec(), tmp_path / "out")
    cuts = PairedClips(tmp_path / "out", frames=2, samples=9, crop=(16, 20))
    samples = [cuts[i] for i in range(len(cuts))]
    assert len(samples) == 9
    assert {sample["lq"].shape for sample in samples} == {(2, 1, 16, 20)}
    assert len({sample["lq"].numpy().tobytes() for sample in samples}) > 5
    assert torch.equal(cuts[4]["mask"], samples[4]["mask"])
    with pytest.raises(DatasetError, match="smaller than 64×64"):
        PairedClips(tmp_path / "out", samples=1, crop=(64, 64))
    with pytest.raises(SpecError, match="crop: needs samples"):
        PairedClips(tmp_path / "out", crop=(16, 20))
    with pytest.raises(DatasetError, match="no clip in 'train' has 99 frames"):
        PairedClips(tmp_path / "out", frames=99)


def test_random_cuts_change_with_the_epoch_and_come_back(make_spec: Callable[..., Spec], tmp_path: Path) -> None:
    generate(make_spec(), tmp_path / "out")
    cuts = PairedClips(tmp_path / "out", frames=2, samples=6, crop=(16, 20), cuts=2)
    first = [cuts[i]["lq"] for i in range(6)]
    cuts.set_epoch(2)
    later = [cuts[i]["lq"] for i in range(6)]
    assert not any(torch.equal(one, other) for one, other in zip(first, later, strict=True))
    loader = torch.utils.data.DataLoader(
        cuts, 3, num_workers=2, multiprocessing_context="spawn", persistent_workers=True
    )
    for epoch, expected in ((0, first), (2, later)):
        cuts.set_epoch(epoch)
        assert all(torch.equal(cuts[i]["lq"], sample) for i, sample in enumerate(expected))
        assert torch.equal(torch.cat([batch["lq"] for batch in loader]), torch.stack(expected))


def test_epochs_of_whole_clips_are_all_the_same(make_spec: Callable[..., Spec], tmp_path: Path) -> None:
    generate(make_spec(), tmp_path / "out")
    clips = PairedClips(tmp_path / "out", frames=2)
    first = clips[3]
    clips.set_epoch(1)
    assert len(clips) == 2 + 3 + 3 + 4
    assert torch.equal(clips[3]["lq"], first["lq"])


@pytest.mark.parametrize("frames", ["png", "tiff", "dpx", "ffv1", "webdataset"])
@pytest.mark.parametrize("protocol", ["memory", "file"])
def test_a_dataset_at_a_url_is_read(make_spec: Callable[..., Spec], tmp_path: Path, protocol: str, frames: str) -> None:
    pytest.importorskip("upath", reason="needs the extra `remote`")
    url = f"file://{tmp_path}/there" if protocol == "file" else f"memory://{uuid.uuid4()}/there"
    spec = make_spec(output={"frames": frames}, clips={"limit": 2})
    generate(spec, tmp_path / "here")
    generate(spec, url)
    here, there = PairedClips(tmp_path / "here", frames=3), PairedClips(url, frames=3)
    assert len(there) == len(here) > 2
    for one, other in zip((here[i] for i in range(len(here))), (there[i] for i in range(len(here))), strict=True):
        assert one["clip"] == other["clip"]
        assert all(torch.equal(one[kind], other[kind]) for kind in ("lq", "gt", "mask"))
    if protocol == "file":
        loader = torch.utils.data.DataLoader(there, 1, num_workers=1, multiprocessing_context="spawn")
        assert torch.equal(next(iter(loader))["gt"][0], here[0]["gt"])


@pytest.mark.filterwarnings("error::ResourceWarning", "error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("frames", ["png", "tiff", "dpx", "ffv1", "webdataset"])
def test_files_are_closed(make_spec: Callable[..., Spec], tmp_path: Path, frames: str) -> None:
    generate(make_spec(output={"frames": frames}, clips={"limit": 2}), tmp_path / "out")
    assert PairedClips(tmp_path / "out", frames=2, samples=4)[3]["lq"].shape[0] == 2
    if frames == "webdataset":
        shard = next((tmp_path / "out").rglob("*.tar"))
        shard.write_bytes(shard.read_bytes()[:1500])
        with pytest.raises((DatasetError, SourceError), match=rf"^{shard}: "):
            PairedClips(tmp_path / "out")[0]
    gc.collect()


def test_samples_as_tv_tensors_are_flipped_alike(make_spec: Callable[..., Spec], tmp_path: Path) -> None:
    v2 = pytest.importorskip("torchvision.transforms.v2", reason="needs torchvision")
    from torchvision.tv_tensors import Mask, Video

    generate(make_spec(), tmp_path / "out")
    asked = {"samples": 2, "frames": 2, "crop": (16, 20)}
    for plain, wrapped in (
        (PairedClips(tmp_path / "out"), PairedClips(tmp_path / "out", tv_tensors=True)),
        (PairedClips(tmp_path / "out", **asked), PairedClips(tmp_path / "out", **asked, tv_tensors=True)),
        (DegradedClips(make_spec(), **asked), DegradedClips(make_spec(), **asked, tv_tensors=True)),
    ):
        sample, expected = wrapped[1], plain[1]
        assert [type(sample[kind]) for kind in ("lq", "gt", "mask")] == [Video, Video, Mask]
        assert not isinstance(expected["lq"], Video)
        flipped = v2.Compose([v2.RandomHorizontalFlip(p=1), v2.RandomVerticalFlip(p=1)])(sample)
        for kind in ("lq", "gt", "mask"):
            assert torch.equal(sample[kind], expected[kind])
            assert torch.equal(flipped[kind], expected[kind].flip(-1, -2))
        cropped = v2.RandomCrop((9, 11))(sample)
        places = [
            (y, x)
            for y in range(sample["lq"].shape[2] - 8)
            for x in range(sample["lq"].shape[3] - 10)
            if all(
                torch.equal(cropped[kind], expected[kind][..., y : y + 9, x : x + 11]) for kind in ("lq", "gt", "mask")
            )
        ]
        assert places
        assert collate([flipped, sample])["lq"].shape[0] == 2


def test_without_torchvision_tv_tensors_are_one_line(
    make_spec: Callable[..., Spec], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("torchvision", "torchvision.tv_tensors"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SpecError, match=r"^tv_tensors: needs torchvision"):
        DegradedClips(make_spec(), samples=1, frames=2, crop=(16, 20), tv_tensors=True)
