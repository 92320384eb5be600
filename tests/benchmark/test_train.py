"""Training: it resumes, learns, and depends on nothing but the task."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

torch = pytest.importorskip("torch", reason="the benchmark needs PyTorch")
import degrade.benchmark.train  # noqa: E402
from degrade.adapters.torch import DegradedClips  # noqa: E402
from degrade.benchmark.entries import entries  # noqa: E402
from degrade.benchmark.run import run  # noqa: E402
from degrade.benchmark.task import Task, load_task  # noqa: E402
from degrade.benchmark.train import TrainingStopped, WithFlow, flow_on_cpu, train  # noqa: E402
from degrade.core.errors import SpecError  # noqa: E402
from degrade.leaderboard.schema import load  # noqa: E402
from degrade.models import build, losses, save  # noqa: E402


def trained(
    task: Task, folder: Path, name: str = "unet", **options: object
) -> tuple[dict[str, torch.Tensor], list[dict[str, float]]]:
    torch.manual_seed(0)
    model = build(name)
    result = train(model, task, folder, **options)
    from safetensors.torch import load_file

    return load_file(result.weights), result.curve


@pytest.mark.parametrize(
    ("loss", "cuts"),
    [({"l1": 1.0}, 1), ({"l1": 0, "charbonnier": 1.0, "adversarial": 0.01}, 1), ({"l1": 1.0, "damage": 0.3}, 3)],
)
def test_resumed_training_equals_an_uninterrupted_one(
    tiny: Callable[..., Task], tmp_path: Path, loss: dict, cuts: int
) -> None:
    task = tiny(loss=loss, cuts=cuts)
    weights, curve = trained(task, tmp_path / "whole")

    def stop(step: int, _: float) -> None:
        if step == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(task, tmp_path / "parts", stepped=stop)
    again, curve_again = trained(task, tmp_path / "parts", resume=True)
    assert [(p["step"], p["psnr"]) for p in curve] == [(p["step"], p["psnr"]) for p in curve_again]
    assert all(torch.equal(weights[name], again[name]) for name in weights)
    one, other = ((tmp_path / folder / "weights.safetensors").read_bytes() for folder in ("whole", "parts"))
    assert one == other


@pytest.mark.parametrize(("name", "cuts"), [("unet", 1), ("unet", 2), ("detect_fill", 2)])
def test_training_does_not_depend_on_workers(name: str, cuts: int, tiny: Callable[..., Task], tmp_path: Path) -> None:
    task = tiny(steps=3, batch=2, cuts=cuts, crop=[16, 32])
    one, _ = trained(task, tmp_path / "0", name)
    other, _ = trained(task, tmp_path / "2", name, workers=2)
    assert all(torch.equal(one[part], other[part]) for part in one)


def test_workers_estimate_the_flow_that_the_model_would(tiny: Callable[..., Task]) -> None:
    model = build("detect_fill").eval()
    flow = flow_on_cpu(model)
    assert flow is model.flow
    assert flow_on_cpu(build("unet")) is None
    samples = WithFlow(DegradedClips(tiny().data, samples=1, frames=4, crop=(32, 48)), flow)
    clip, *flows = (samples[0][kind][None] for kind in ("lq", "forward", "backward"))
    assert flows[0].shape == (1, 3, 2, 32, 48)
    assert flows[0].any()
    with torch.no_grad():
        assert torch.equal(model(clip, flows=tuple(flows)), model(clip))


def test_training_leaves_curve_pictures_and_weights(tiny: Callable[..., Task], tmp_path: Path) -> None:
    _, curve = trained(tiny(), tmp_path)
    assert [point["step"] for point in curve] == [3, 6]
    assert sorted(path.name for path in tmp_path.glob("*.*")) >= ["checkpoint.pt", "sample-000003.png"]


def test_training_learns(tiny: Callable[..., Task], tmp_path: Path) -> None:
    _, curve = trained(tiny(steps=60, validate_every=20, lr=2e-3, ema=0), tmp_path)
    assert curve[-1]["loss"] < 0.9 * curve[0]["loss"]
    assert curve[-1]["psnr"] > curve[0]["psnr"]


def test_mask_loss_teaches_a_gate_where_the_damage_is(tiny: Callable[..., Task], tmp_path: Path) -> None:
    task = tiny(steps=40, frames=4, cuts=4, lr=1e-2, ema=0, loss={"l1": 0.0, "mask": 1.0})
    torch.manual_seed(0)
    weights = train(build("rtn", groups=1, dim=32), task, tmp_path).weights
    sample = DegradedClips(task.data, "val", samples=1, frames=4, crop=(32, 32))[0]
    there = sample["mask"] > 0.1
    with torch.no_grad():
        seen = build("rtn", weights).eval()(sample["lq"][None], return_masks=True).masks[0]
    assert seen[there].mean() > seen[~there].mean() + 0.1


def test_fine_tuning_starts_from_the_weights_named(tiny: Callable[..., Task], tmp_path: Path) -> None:
    task = tiny(steps=1, lr=1e-9, ema=0)
    torch.manual_seed(5)
    save(build("unet"), tmp_path / "mine.safetensors")
    chosen = entries(task, ["unet"], "scratch", str(tmp_path / "mine.safetensors"))
    assert [(e.model, e.weights) for e in chosen][-1] == ("unet", "fine-tuned")
    paths, _ = run(task, chosen, tmp_path / "out")
    result = load(paths[-1])
    assert (result.label, result.training.recipe["init"]) == ("unet (fine-tuned)", "mine.safetensors")
    tuned = build("unet", tmp_path / "out/train/unet-fine-tuned/weights.safetensors")
    start = build("unet", tmp_path / "mine.safetensors")
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(tuned.parameters(), start.parameters(), strict=True))
    torch.manual_seed(6)
    save(build("unet"), tmp_path / "mine.safetensors")  # another start: nothing of the run can be kept
    with pytest.raises(TrainingStopped, match="model file"):
        run(task, chosen, tmp_path / "out", resume=True)


def test_a_model_may_have_a_learning_rate_of_its_own(tiny: Callable[..., Task], tmp_path: Path) -> None:
    task = tiny(steps=1, warmup=0, ema=0, lr=1e-2, lr_factor={"unet": 1e-7})
    torch.manual_seed(task.data.seed)
    start = build("unet")
    paths, _ = run(task, entries(task, ["unet"], "scratch"), tmp_path / "out")
    assert load(paths[-1]).training.recipe["lr"] == pytest.approx(1e-9)
    tuned = build("unet", tmp_path / "out/train/unet-scratch/weights.safetensors")
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(tuned.parameters(), start.parameters(), strict=True))
    assert task.train.rate("rtn") == 1e-2
    with pytest.raises(SpecError, match=r"train\.lr_factor\.unet: should be greater than 0"):
        tiny(lr_factor={"unet": 0})


def test_checkpoint_of_another_task_is_refused(tiny: Callable[..., Task], tmp_path: Path) -> None:
    trained(tiny(steps=2), tmp_path)
    with pytest.raises(TrainingStopped, match="is of another task, budget, model file"):
        trained(tiny(steps=3), tmp_path, resume=True)


def test_training_that_diverges_stops(tiny: Callable[..., Task], tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = build("unet")
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    with pytest.raises(TrainingStopped, match="the loss is nan at step 1"):
        train(model, tiny(), tmp_path)


def test_an_interruption_within_an_update_waits_for_its_end(
    tiny: Callable[..., Task], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, asked = tiny(steps=3, loss={"l1": 1.0, "adversarial": 0.1}), []
    _, curve = trained(task, tmp_path / "whole")

    def interrupted(logits: torch.Tensor) -> torch.Tensor:
        """While the restorer learns from a critic that has learnt already."""
        if not asked:
            asked.append(True)
            os.kill(os.getpid(), signal.SIGINT)
        return generator_loss(logits)

    generator_loss = losses.generator_loss
    monkeypatch.setattr(losses, "generator_loss", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trained(task, tmp_path / "parts")
    _, again = trained(task, tmp_path / "parts", resume=True)
    one, other = ((tmp_path / folder / "weights.safetensors").read_bytes() for folder in ("whole", "parts"))
    assert one == other
    assert [(p["step"], p["loss"]) for p in curve] == [(p["step"], p["loss"]) for p in again]


def test_random_numbers_of_a_model_go_on_where_they_were(
    tiny: Callable[..., Task], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = tiny(steps=4)

    def learn(folder: str, **options: Any) -> None:
        torch.manual_seed(0)
        model = build("unet")
        model.register_forward_pre_hook(lambda _, given: ((given[0] * (torch.rand(1) > 0.5)),))
        train(model, task, tmp_path / folder, **options)

    def stop(step: int, _: float) -> None:
        if step == 2:
            raise KeyboardInterrupt

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    learn("whole")
    with pytest.raises(KeyboardInterrupt):
        learn("parts", stepped=stop)
    with monkeypatch.context() as patched:
        patched.setattr(degrade.benchmark.train, "_updates", interrupted)  # before the first sample is made
        with pytest.raises(KeyboardInterrupt):
            learn("parts", resume=True)
    learn("parts", resume=True)
    one, other = ((tmp_path / folder / "weights.safetensors").read_bytes() for folder in ("whole", "parts"))
    assert one == other


def test_a_training_goes_on_with_its_own_footage_alone(tiny_yaml: dict[str, Any], tmp_path: Path) -> None:
    def task(shown: int) -> Task:
        """Whose footage lies elsewhere, which is no part of the task."""
        for name in ("a_camera", "b"):
            (tmp_path / str(shown) / name).mkdir(parents=True)
            for t in range(3):
                Image.new("L", (48, 32), shown + t).save(tmp_path / str(shown) / name / f"{t}.png")
        path = tmp_path / "tiny.yaml"
        data = {**tiny_yaml["data"], "source": str(tmp_path / str(shown)), "splits": {"val": ["a_*"], "train": 1.0}}
        path.write_text(yaml.safe_dump({**tiny_yaml, "data": data, "flow": "dis"}))
        return load_task(str(path))

    def stop(step: int, _: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(task(10), tmp_path / "run", stepped=stop)
    with pytest.raises(TrainingStopped, match="is of another task, budget, model file, start or footage"):
        trained(task(20), tmp_path / "run", resume=True)
