"""Initial weights of DeepRemaster's colour network: untrained, every place of a film takes the colour of those places
of the references whose surroundings look like its own.

From random weights a training has to find at once how to describe places, that they are to be compared, and how colour
comes back. Here the two networks that describe places begin alike. Their first channels carry a, b and brightness as
they are, above 0, where the activation changes nothing; the others are random features of the surroundings'
brightness, which the attention compares. All of it may be trained away.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

SIGNALS = torch.tensor([[1.38, -2.18, 0.80], [0.55, 1.55, -2.10], [0.60, 1.17, 0.23]])
"""What R, G and B (about 0) are carried as, 1 being added: a and b over 64, a linear fit to CIELAB; twice the luma."""
COLOURS = 2
"""The first signals, which references give and grey film has none of."""
CONTRAST = 40.0
"""Gain of the first random features, which see differences of brightness."""
KEPT = 1.2
"""Gain that keeps the variance of what passes a convolution and an ELU."""
SHARPNESS = 0.7
"""Gain of what is compared: like places are told from others by many times the weight."""


@torch.no_grad()
def init_matching(references: nn.Module, film: nn.Module, decoder: Sequence[nn.Module], joining: nn.Module) -> None:
    """All convolutions that carry colour; what else there is begins as PyTorch has it.

    Args:
        references: Describes places of the references, RGB about 0.
        film: The same of the film, grey about 0.
        decoder: What comes after the attention, in order.
        joining: That part of it which sees what was kept of its size, in the second half of its channels.
    """
    for i, (of_references, of_film) in enumerate(zip(convs(references), convs(film), strict=True)):
        features = random_features(of_references.weight) * (KEPT if i else CONTRAST)
        if not i:  # of brightness alone
            features = features.mean(1, keepdim=True).expand_as(features)
        of_references.load_state_dict({"weight": features, "bias": torch.zeros(of_references.out_channels)})
        carry(of_references, torch.eye(3) if i else SIGNALS, 0.0 if i else 1.0)
        state = of_references.state_dict()
        if not i:  # grey film has one number for R, G and B
            state["weight"] = state["weight"].sum(1, keepdim=True)
        of_film.load_state_dict(state)
    layers, (joined,) = convs(*decoder), convs(joining)
    for conv in layers:
        kept = conv.in_channels // 2 if conv is joined else 0
        carry(conv, torch.eye(COLOURS), -1.0 if conv is layers[-1] else 0.0, first=kept)


def convs(*parts: nn.Module) -> list[nn.Conv3d]:
    """All that there are in them, in order."""
    return [layer for part in parts for layer in part.modules() if isinstance(layer, nn.Conv3d)]


def carry(conv: nn.Conv3d, signals: Tensor, added: float, first: int = 0) -> None:
    """Leads signals (outputs, inputs), of which as many as there are channels for, through the first channels, from
    channel `first` of what comes in; the other outputs stay."""
    assert conv.bias is not None
    signals = signals[: conv.out_channels, : conv.in_channels]
    outputs, inputs = signals.shape
    conv.weight[:outputs] = 0
    conv.bias[:outputs] = added
    t, y, x = (side // 2 for side in conv.kernel_size)
    stride = conv.stride[-1]
    for dy in range(stride):  # where the size is halved, the mean of the 2×2 pixels that become one
        for dx in range(stride):
            conv.weight[:outputs, first : first + inputs, t, y + dy, x + dx] = signals / stride**2


@torch.no_grad()
def init_attention(query: nn.Conv3d, key: nn.Conv3d, value: nn.Conv3d) -> None:
    """Compares the random features and brightness, and gives the colours of what is alike."""
    weight = torch.zeros_like(query.weight)
    compared = nn.init.orthogonal_(torch.empty(query.out_channels, query.in_channels - COLOURS))
    weight[:, COLOURS:, 0, 0, 0] = SHARPNESS * (query.in_channels / query.out_channels) ** 0.5 * compared
    for conv in (query, key):
        conv.load_state_dict({"weight": weight, "bias": -weight[:, COLOURS, 0, 0, 0]})
    value.load_state_dict({"weight": torch.zeros_like(value.weight), "bias": torch.zeros(value.out_channels)})
    carry(value, torch.eye(COLOURS), -1.0)  # less what they were carried with


def random_features(like: Tensor) -> Tensor:
    """Weights of unit length and mean 0 for each output, so that what all inputs share is not seen."""
    weights = torch.randn_like(like).flatten(1)
    weights = weights - weights.mean(1, keepdim=True)
    return (weights / weights.norm(dim=1, keepdim=True)).view_as(like)
