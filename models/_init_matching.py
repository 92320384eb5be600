"""Initial weights of DeepRemaster's colour network: untrained, every place of a film takes the colour of those places
of the references whose surroundings look like its own.

From random weights a training has to find at once how to describe places, that they are to be compared, and how colour
comes back. Here the two networks that describe places begin alike. Their first channels carry a, b and brightness as
they are, above 0, where the activation changes nothing; the others are random features of the surroundings'
brightness, which the attention compares. All of it may be trained away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from degrade.models.deepremaster_color import Attention, DeepRemasterColor

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
def init_matching(network: DeepRemasterColor) -> None:
    """All of what carries colour; what else there is begins as PyTorch has it."""
    described = [layer.conv3d for layer in network.reffeatnet1]
    film = [layer.conv3d for layer in list(network.down1)[1:]]
    for i, (conv, same) in enumerate(zip(described, film, strict=True)):
        conv.weight.copy_(random_features(conv.weight) * (CONTRAST if i == 0 else KEPT))
        conv.bias.zero_()
        carry(conv, SIGNALS if i == 0 else torch.eye(3), float(i == 0))
        if i == 0:  # grey film has one number for R, G and B
            conv.weight[len(SIGNALS) :] = conv.weight[len(SIGNALS) :].mean(1, keepdim=True)
        same.weight.copy_(conv.weight.sum(1, keepdim=True) if i == 0 else conv.weight)
        same.bias.copy_(conv.bias)
    attend(network.stattn1)
    later = [*network.flat, network.up1.conv3d, network.conv2, *network.up2, *network.up3, network.up4[0]]
    for layer in later:
        conv = layer.conv3d
        skipped = network.up1.conv3d.conv3d.in_channels // 2 if layer is network.up1.conv3d else 0
        carry(conv, torch.eye(COLOURS), first=skipped)
    last = network.up4[1]
    carry(last, torch.eye(COLOURS), -1.0)


def carry(conv: nn.Conv3d, signals: Tensor, bias: float = 0.0, first: int = 0) -> None:
    """Leads signals (outputs, inputs) through the first channels, from channel `first` of what comes in."""
    signals = signals[: conv.out_channels, : conv.in_channels]
    outputs, inputs = signals.shape
    conv.weight[:outputs] = 0
    conv.bias[:outputs] = bias
    middle = [side // 2 for side in conv.kernel_size]
    # Where the size is halved, the mean of the 2×2 pixels that become one.
    places = [(dy, dx) for dy in range(conv.stride[1]) for dx in range(conv.stride[2])]
    for dy, dx in places:
        conv.weight[:outputs, first : first + inputs, middle[0], middle[1] + dy, middle[2] + dx] = signals / len(places)


def attend(attention: Attention) -> None:
    """Compares the random features and brightness, and adds the colours of what is alike."""
    query, value = attention.query_conv, attention.value_conv
    compared = torch.nn.init.orthogonal_(torch.empty(query.out_channels, query.in_channels - COLOURS)) * SHARPNESS
    query.weight.zero_()
    query.weight[:, COLOURS:, 0, 0, 0] = compared * (query.in_channels / query.out_channels) ** 0.5
    query.bias.copy_(-query.weight[:, COLOURS, 0, 0, 0])
    attention.key_conv.load_state_dict(query.state_dict())
    value.weight.zero_()
    value.bias.zero_()
    for c in range(COLOURS):
        value.weight[c, c] = 1
        value.bias[c] = -1
    attention.gamma.fill_(1)


def random_features(like: Tensor) -> Tensor:
    """Weights of unit length and mean 0 for each output, so that what all inputs share is not seen."""
    weights = torch.randn_like(like).flatten(1)
    weights = weights - weights.mean(1, keepdim=True)
    return (weights / weights.norm(dim=1, keepdim=True)).view_as(like)
