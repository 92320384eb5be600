"""Trains a model on damage rendered on the fly; resuming from a checkpoint gives the same weights."""

import hashlib
import itertools
import json
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import cv2
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset

from degrade.adapters.torch import DegradedClips, PairedClips, Sample
from degrade.benchmark.coloring import color_clip, lesson
from degrade.benchmark.making import forms
from degrade.benchmark.task import Colorization, Loss, Task, TrainingBudget
from degrade.core import atomic
from degrade.core.display import sheet
from degrade.core.errors import DegradeError, SpecError
from degrade.core.memory import keep_freed_memory
from degrade.core.types import VISIBLE, to_uint8
from degrade.models import losses
from degrade.models._colorization import ColorizationModel
from degrade.models._flow import DIS
from degrade.models._weights import one_line, save
from degrade.models.base import Model, RestorationModel
from degrade.preview import save_picture

SHOWN = 3
"""Validation samples that are scored and shown on the way."""
FIRST = Colorization(key_frames=(0,))
"""What models that colour are given of these."""


class TrainingStopped(DegradeError):
    """A training that cannot go on; its last checkpoint is kept."""


class Trained(NamedTuple):
    """What a training leaves."""

    weights: Path
    """Safetensors, the averaged weights."""
    steps: int
    seconds: float
    """Over all sittings."""
    curve: list[dict[str, float]]
    """``step``, ``loss``, ``psnr`` on the validation samples, dB."""


def train(
    model: RestorationModel | ColorizationModel,
    task: Task,
    folder: Path,
    *,
    name: str = "",
    source: str = "",
    device: str = "cpu",
    workers: int = 0,
    resume: bool = False,
    stepped: Callable[[int, float], object] = lambda step, loss: None,
) -> Trained:
    """Trains a model within the task's budget.

    Args:
        model: Built after `torch.manual_seed`, without weights or with those that training starts from.
        task: Footage and damage, or a written dataset, and the budget.
        folder: For checkpoints, curve, pictures of samples, and the weights.
        name: Of the model, by which the task may give it a learning rate of its own.
        source: Hash of the model's file, if it is the user's own, and of the weights that it starts from: a checkpoint
            made with others is not gone on with.
        device: ``cpu`` or ``cuda``; under ``torchrun`` each process has one of its own.
        workers: Processes that prepare samples; the result does not depend on it.
        resume: Go on from the checkpoint in `folder`, if there is one.
        stepped: Called after each update with its number and its loss.

    Raises:
        TrainingStopped: The loss is not finite, or the checkpoint is damaged or of another task or file.
        OSError: The disk is full; the last checkpoint is kept.
        SpecError, SourceError: See `check`.
    """
    budget = task.train
    fabric = _fabric(device, budget.precision)
    model.color = task.data.color
    batch = budget.batch * fabric.world_size
    groups = -(-budget.steps // budget.cuts)
    samples = _samples(task, groups * budget.cuts * batch, "train", cuts=budget.cuts, on_damage=budget.on_damage)
    run = _Run(fabric, model, task, name, source + _footage_hash(task, samples))
    checkpoint = folder / "checkpoint.pt"
    if resume and checkpoint.exists():
        run.load(checkpoint)
    order = [
        [stretch * budget.cuts + cut for stretch in range(first + fabric.global_rank, first + batch, fabric.world_size)
         for cut in range(budget.cuts)]
        for first in range(run.step // budget.cuts * batch, groups * batch, batch)
    ]  # fmt: skip
    loader = DataLoader(
        samples if (flow := flow_on_cpu(model)) is None else WithFlow(samples, flow),
        batch_sampler=order,
        num_workers=workers,
        worker_init_fn=_start_worker,
        multiprocessing_context="spawn" if workers else None,
    )
    validation = [_samples(task, SHOWN, task.split, seed=1)[i] for i in range(SHOWN)]
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic() - run.seconds
    try:
        for sample in _updates(loader, budget.cuts, run.step % budget.cuts, budget.steps - run.step):
            with _interrupted_later():
                run.resume_draws()
                loss = run.update(**{kind: fabric.to_device(data) for kind, data in sample.items()})
                run.seconds = time.monotonic() - started
                if not math.isfinite(loss):
                    raise TrainingStopped(f"the loss is {loss} at step {run.step}; {checkpoint} is from before")
                last = run.step == budget.steps
                if (last or run.step % budget.validate_every == 0) and fabric.is_global_zero:
                    psnr = _validate(run.averaged, validation, fabric.device, folder / f"sample-{run.step:06d}.png")
                    run.curve.append({"step": run.step, "loss": run.mean_loss(), "psnr": psnr})
                if (last or run.step % budget.checkpoint_every == 0) and fabric.is_global_zero:
                    run.save(checkpoint)
            stepped(run.step, loss)
    except KeyboardInterrupt:
        if fabric.is_global_zero:
            run.save(checkpoint)
        raise
    weights = folder / "weights.safetensors"
    if fabric.is_global_zero:
        save(run.averaged, weights, task=task.name, steps=run.step)
    return Trained(weights, run.step, run.seconds, run.curve)


def check(task: Task) -> None:
    """Refuses what a training could not begin with.

    Raises:
        SpecError: No footage for a split, footage that is too small, or no weights for the perceptual loss.
        SourceError: Weights of the perceptual loss, or footage, that are missing or damaged.
    """
    for split in ("train", task.split):
        _samples(task, 1, split)
    _Objective(task.train.loss)


@contextmanager
def _interrupted_later() -> Iterator[None]:
    """Lets Ctrl-C wait for the end of the block: half an update is no state to go on from."""
    asked: list[tuple[int, FrameType | None]] = []
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    signal.signal(signal.SIGINT, lambda *call: asked.append(call))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if asked:
        before(*asked[0])


def _footage_hash(task: Task, samples: Dataset[Sample]) -> str:
    """Of what samples are made of: a dataset's manifest, or the forms of all sequences."""
    if task.dataset:
        return task.dataset_hash()
    assert isinstance(samples, DegradedClips)
    about = json.dumps(forms(samples.source, samples.sequences), default=str)
    return hashlib.sha256(about.encode()).hexdigest()


def _start_worker(_: int) -> None:
    """In each process that makes samples; these processes are the unit of parallel work."""
    keep_freed_memory()
    cv2.setNumThreads(1)


def rank() -> int:
    """This process's number among those that ``torchrun`` started; 0 without it."""
    return int(os.environ.get("RANK", 0))


def _fabric(device: str, precision: Any) -> Fabric:
    """One device, or all those that ``torchrun`` started a process for, on one machine or several."""
    devices, machines = (int(os.environ.get(name, 1)) for name in ("LOCAL_WORLD_SIZE", "GROUP_WORLD_SIZE"))
    if device == "cuda":  # samples all have one size, and 10 bits of precision do for products
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
    fabric = Fabric(accelerator=device, devices=devices, num_nodes=machines, precision=precision)
    fabric.launch()
    return fabric


class _Run:
    """All that changes while a model is trained, and can be saved and loaded."""

    def __init__(
        self, fabric: Fabric, model: RestorationModel | ColorizationModel, task: Task, name: str, source: str
    ) -> None:
        self.fabric, self.task, self.budget = fabric, task.digest() + source, task.train
        budget = task.train
        self.objective = _Objective(budget.loss).to(fabric.device)
        self.rate = budget.rate(name)
        adam: dict[str, Any] = {"lr": self.rate, "betas": (0.9, 0.99)}
        learnt = [p for p in model.parameters() if p.requires_grad]
        self.network, self.optimizer = fabric.setup(model, torch.optim.Adam(learnt, **adam))
        self.plain = model
        decay = get_ema_multi_avg_fn(budget.ema) if budget.ema else None
        self.ema = AveragedModel(model, multi_avg_fn=decay) if decay else None
        self.critic: Any = None
        if budget.loss.adversarial:
            critic = losses.TemporalPatchGAN()
            self.critic, self.critic_optimizer = fabric.setup(critic, torch.optim.Adam(critic.parameters(), **adam))
        self.step, self.seconds = 0, 0.0
        self.draws: list[Tensor] = []
        self.curve: list[dict[str, float]] = []
        self.recent: list[float] = []

    @property
    def averaged(self) -> RestorationModel | ColorizationModel:
        """The model with the weights that are scored."""
        model: Any = self.ema.module if self.ema else self.plain
        model.config, model.color = self.plain.config, self.plain.color
        return model

    def update(
        self, lq: Tensor, gt: Tensor, mask: Tensor, forward: Tensor | None = None, backward: Tensor | None = None
    ) -> float:
        """One step of the optimizer on a batch of samples, with their flow if the workers have estimated it.

        Returns the loss.
        """
        rate = self.rate * _schedule(self.budget, self.step)
        self.network.train()
        if isinstance(self.plain, ColorizationModel):
            made = lesson(self.network, lq, gt, mask, self.step)
            loss = self.objective(made.ab, made.wanted_ab, made.mask, made.frames, made.wanted)
            return self._learn(made.frames, made.wanted, loss, rate)
        masks = self.plain.card.masks and self.budget.loss.mask > 0
        given: dict[str, Any] = {"masks": showing(mask)} if self.plain.card.fills else {}
        if forward is not None and backward is not None:
            given["flows"] = forward, backward
        restored = self.network(lq, **given, return_masks=masks)
        restored, found = restored if masks else (restored, None)
        loss = self.objective(restored, gt, mask)
        if found is not None:
            loss = loss + self.budget.loss.mask * self.plain.mask_loss(found, mask)
        return self._learn(restored, gt, loss, rate)

    def _learn(self, restored: Tensor, clean: Tensor, loss: Tensor, rate: float) -> float:
        """Adds what the critic says to the loss, and steps."""
        if self.critic is not None:
            self._teach_critic(clean, restored.detach(), rate)
            loss = loss + self.budget.loss.adversarial * losses.generator_loss(self.critic(_rgb(restored)))
        _apply(self.fabric, self.network, self.optimizer, loss, rate, self.budget.clip_norm)
        if self.ema:
            self.ema.update_parameters(self.plain)
        self.step += 1
        self.recent.append(float(loss.detach()))
        return self.recent[-1]

    def _teach_critic(self, clean: Tensor, restored: Tensor, rate: float) -> None:
        loss = losses.discriminator_loss(self.critic(_rgb(clean)), self.critic(_rgb(restored)))
        _apply(self.fabric, self.critic, self.critic_optimizer, loss, rate, self.budget.clip_norm)

    def mean_loss(self) -> float:
        """Mean since the last call."""
        mean, self.recent = sum(self.recent) / max(len(self.recent), 1), []
        return mean

    def save(self, path: Path) -> None:
        """Writes a checkpoint; what was there stays whole until the new one is."""

        def write(temporary: Path) -> None:
            with temporary.open("wb") as file:
                try:
                    torch.save(self._state(), file)
                except RuntimeError as error:
                    # PyTorch's complaint about its archive hides that the disk is full.
                    raise error.__context__ if isinstance(error.__context__, OSError) else error from None

        atomic.write(path, write)

    def _state(self) -> dict[str, Any]:
        state = {"model": self.plain.state_dict(), "optimizer": self.optimizer.state_dict()}
        if self.ema:
            state["ema"] = self.ema.state_dict()
        if self.critic is not None:
            state |= {
                "critic": self.critic.state_dict(),
                "critic_optimizer": self.critic_optimizer.state_dict(),
            }
        progress = {"step": self.step, "seconds": self.seconds, "curve": self.curve, "recent": self.recent}
        draws = self.draws or [drawing.get_rng_state() for drawing in self._drawing()]
        return {**state, "task": self.task, "progress": progress, "draws": draws}

    def _drawing(self) -> list[Any]:
        """The modules of PyTorch that draw random numbers here."""
        return [torch, torch.cuda] if self.fabric.device.type == "cuda" else [torch]

    def resume_draws(self) -> None:
        """Goes on with PyTorch's random numbers of the checkpoint, which dropout and the like draw from."""
        for state, drawing in zip(self.draws, self._drawing(), strict=False):
            drawing.set_rng_state(state.cpu())
        self.draws = []

    def load(self, path: Path) -> None:
        """Goes on from a checkpoint.

        Raises:
            TrainingStopped: It is damaged, or of another task or file.
        """
        try:
            state = torch.load(path, map_location=self.fabric.device, weights_only=True)
            same = state["task"] == self.task
            if same:
                self._restore(state)
        except Exception as error:  # a damaged file makes PyTorch's reader raise almost anything
            what = f"{type(error).__name__}: {one_line(error)}"
            raise TrainingStopped(f"{path}: damaged ({what}); delete it to start the training anew") from error
        if not same:
            raise TrainingStopped(
                f"{path} is of another task, budget, model file, start or footage; delete it to start anew"
            )

    def _restore(self, state: dict[str, Any]) -> None:
        self.plain.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.ema:
            self.ema.load_state_dict(state["ema"])
        if self.critic is not None:
            self.critic.load_state_dict(state["critic"])
            self.critic_optimizer.load_state_dict(state["critic_optimizer"])
        progress = state["progress"]
        self.step, self.seconds = int(progress["step"]), float(progress["seconds"])
        self.curve, self.recent = list(progress["curve"]), list(progress["recent"])
        self.draws = list(state["draws"])
        if not 0 <= self.step <= self.budget.steps:
            raise ValueError(f"step {self.step} of {self.budget.steps}")


def showing(alpha: Tensor) -> Tensor:
    """Masks of the damage that shows, for models that fill masks: 0 or 1."""
    return (alpha > VISIBLE).to(alpha)


class _Objective(nn.Module):
    """The weighted sum of the losses that need no critic."""

    def __init__(self, loss: Loss) -> None:
        super().__init__()
        self.loss = loss
        weights, network = loss.perceptual_weights, loss.perceptual_network
        if loss.perceptual and not weights:
            raise SpecError(f"name a file with the convolutions of {network}", "train.loss.perceptual_weights")
        self.perceptual = losses.Perceptual(weights, network) if loss.perceptual else None

    def forward(
        self, restored: Tensor, clean: Tensor, mask: Tensor, seen: Tensor | None = None, wanted: Tensor | None = None
    ) -> Tensor:
        """Of what a model makes; `seen` and `wanted` are the pictures of it, where it is none itself."""
        total = restored.new_zeros(())
        if self.loss.l1:
            total = total + self.loss.l1 * losses.l1(restored, clean)
        if self.loss.damage:
            total = total + self.loss.damage * losses.inside(restored, clean, mask)
        if self.loss.charbonnier:
            total = total + self.loss.charbonnier * losses.charbonnier(restored, clean)
        if self.perceptual is not None:
            total = total + self.loss.perceptual * self.perceptual(
                restored if seen is None else seen, clean if wanted is None else wanted
            )
        return total


def _apply(fabric: Fabric, network: Any, optimizer: Any, loss: Tensor, rate: float, norm: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad()
    fabric.backward(loss)
    fabric.clip_gradients(network, optimizer, max_norm=norm, error_if_nonfinite=False)
    optimizer.step()


def _schedule(budget: TrainingBudget, step: int) -> float:
    """The learning rate at a step, relative to the budget's."""
    warm = min(1.0, (step + 1) / budget.warmup) if budget.warmup else 1.0
    done = step / budget.steps
    if budget.schedule == "step":
        return warm * min(1.0, 2 * (1 - done))
    return warm * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)


def _samples(task: Task, count: int, split: str, **choice: Any) -> Dataset[Sample]:
    budget = task.train
    choice |= {"samples": count, "frames": budget.frames, "crop": budget.crop}
    if task.dataset:
        return PairedClips(task.dataset, split, **choice)
    return DegradedClips(task.data, split, intervals=budget.intervals, **choice)


def flow_on_cpu(model: Model) -> DIS | None:
    """What estimates the flow for a model on the CPU, between the frames that it is given as they are."""
    flow = getattr(model, "flow", None)
    return flow if isinstance(model, RestorationModel) and model.card.flow and isinstance(flow, DIS) else None


class WithFlow(Dataset[Sample]):
    """Samples with the flow between their frames: the processes that prepare samples estimate it, and the one that
    trains need not.

    Args:
        samples: Without it.
        flow: Estimates it.
    """

    def __init__(self, samples: Dataset[Sample], flow: DIS) -> None:
        self.samples, self.flow = samples, flow

    def __getitem__(self, index: int) -> Sample:
        sample = self.samples[index]
        lq = sample["lq"]
        forward, backward = self.flow(lq[None].expand(-1, -1, 3, -1, -1))
        return sample | {"forward": forward[0], "backward": backward[0]}


def _updates(loader: DataLoader[Sample], cuts: int, skip: int, count: int) -> Iterator[dict[str, Tensor]]:
    """Batches of `count` updates, out of groups whose samples are the `cuts` of each stretch in turn."""

    def batches() -> Iterator[dict[str, Tensor]]:
        for group in loader:
            for cut in range(cuts):
                yield {kind: data[cut::cuts] for kind, data in group.items() if kind != "clip"}

    return itertools.islice(batches(), skip, skip + count)


@torch.no_grad()
def _validate(
    model: RestorationModel | ColorizationModel, samples: list[Sample], device: torch.device, picture: Path
) -> float:
    """Mean PSNR in dB; also draws the samples: damaged, restored, clean."""
    model.eval()
    rows, total = [], 0.0
    for sample in samples:
        if isinstance(model, ColorizationModel):
            made = color_clip(FIRST, model, sample, str(device))
            restored, skipped = torch.from_numpy(made).permute(0, 3, 1, 2), len(made) > 1
        else:
            restored, skipped = model(sample["lq"][None].to(device))[0].float().cpu(), False
        error = (restored - sample["gt"])[int(skipped) :].square().mean((1, 2, 3)).clamp_min(1e-10)
        total += float(-10 * error.log10().mean())
        middle = len(restored) // 2
        shown = {"damaged": sample["lq"], "restored": restored, "clean": sample["gt"]}
        rows.append([(name, to_uint8(clip[middle].permute(1, 2, 0).numpy())) for name, clip in shown.items()])
    save_picture(picture, sheet(rows))
    return total / len(samples)


def _rgb(frames: Tensor) -> Tensor:
    return frames.expand(-1, -1, 3, -1, -1)
