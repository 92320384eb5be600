"""A judge of flat patches that finds out by itself what to look at: a small convolutional network. It needs torch."""

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

from degrade.core.types import Array
from degrade.measure._judge import Grain

WIDTHS = (16, 32, 32)
EPOCHS, BATCH = 40, 64
RATE, DECAY = 2e-3, 1e-2
USUAL = 0.01
"""A strength of grain that is seen as 0."""


def absent() -> str:
    """Why it cannot be asked; empty if it can."""
    return "" if find_spec("torch") else "needs torch: pip install 'film-degrade[benchmark]'"


def described(found: Grain) -> Array:
    """What it sees, (N, 3, 32, 32) float32: patches and the same places one frame later, both over the strength of the
    patch's grain, and the logarithm of that."""
    strength = found.residual.std(axis=(1, 2), keepdims=True) + 1e-4
    level = np.broadcast_to(np.log(strength / USUAL), found.residual.shape)
    seen = np.stack((found.residual / strength, found.later / strength, level), axis=1)
    return np.clip(seen, -10, 10).astype(np.float32)


def fitted(x: Array, y: Array) -> Callable[[Array], Array]:
    """Learns from patches, mirrored at random, and what they are, 1 or 0; the same patches teach the same."""
    import torch
    from torch import nn

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers: list[nn.Module] = []
        for inputs, outputs, stride in zip((x.shape[1], *WIDTHS[:-1]), WIDTHS, (1, 2, 2), strict=True):
            layers += [nn.Conv2d(inputs, outputs, 3, stride, 1), nn.ReLU()]
        seeing, telling = nn.Sequential(*layers), nn.Linear(2 * WIDTHS[-1], 1)

        def network(seen: torch.Tensor) -> torch.Tensor:
            """By the mean and the spread of what is found over the patch, (N,)."""
            found = seeing(seen)
            told: torch.Tensor = telling(torch.cat((found.mean((2, 3)), found.std((2, 3))), 1))
            return told[:, 0]

        patches, wanted = torch.from_numpy(x), torch.from_numpy(y).float()
        weight = torch.where(wanted == 1, 0.5 / wanted.mean(), 0.5 / (1 - wanted.mean()))
        optimizer = torch.optim.AdamW([*seeing.parameters(), *telling.parameters()], lr=RATE, weight_decay=DECAY)
        steps = EPOCHS * -(-len(x) // BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
        for _ in range(EPOCHS):
            for batch in torch.randperm(len(x)).split(BATCH):
                seen = patches[batch]
                for side in (2, 3):
                    mirrored = torch.rand(len(seen)) < 0.5
                    seen = torch.where(mirrored[:, None, None, None], seen.flip(side), seen)
                loss = nn.functional.binary_cross_entropy_with_logits(network(seen), wanted[batch], weight[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()

    def judge(x: Array) -> Array:
        with torch.inference_mode():
            return np.asarray(torch.sigmoid(network(torch.from_numpy(x))))

    return judge
