"""Initial weights of RTN for colour: untrained, it carries the colours of key frames along the flow, both ways.

As in `_init_weights`, a few channels carry signals that are exact in spite of leaky activations. The gate keeps what a
pass carries, but where the frame has colour of its own, or another lightness than what the flow brings. The decoder
takes from both passes the colour farther from grey: of a frame that only one of them reaches, that one's.
"""

import torch

from degrade.models._init_weights import KNEES, Read, pass_on, route, signals
from degrade.models.rtn import RTN

KEPT = 9.0
"""Where the gate begins: 1/8000 of the colour is lost at each step."""
OWN, HIDDEN = 300.0, 40.0
"""What closes it: colour of the frame's own, in units of 110, and a difference of lightness, in units of 100."""


@torch.no_grad()
def init_color(network: RTN) -> None:
    """Channels 0 and 1 of the states are a and b of the key frame that a pass last met."""
    for gate, block in (
        (network.backward_gate, network.backward_block),
        (network.forward_gate, network.forward_block),
    ):
        route(gate.project, torch.eye(3)[1:])
        first, *others = gate.hidden()
        given = torch.eye(first.in_channels)
        size = gate.project.out_channels
        route(first, *signals([given[size], given[size + 1], given[2 * size]]))
        pass_on(others, 3)
        read = Read(gate.last, leak=0.2 ** (1 + len(others)))
        route(gate.last, [-OWN * (read.size(0) + read.size(1)) - HIDDEN * read.whole(2)], [KEPT])

        a, b = torch.eye(block.first.in_channels)[:2]
        route(block.first, *signals([a, b]))
        route(block.up, torch.zeros(4, block.up.in_channels))
        read = Read(block.last, leak=0.2**2)
        route(block.last, [read.whole(0), read.whole(1)])
    _init_decoder(network.decoder)


def _init_decoder(decoder: torch.nn.Sequential) -> None:
    """States of both directions to a and b, and to what makes up for the tanh."""
    first, second, third, fourth, last = (layer for layer in decoder if isinstance(layer, torch.nn.Conv2d))
    one, other = torch.eye(first.in_channels).chunk(2)
    route(first, *signals([part for c in (0, 1) for part in (one[c], other[c], one[c] - other[c])]))
    read = Read(second, leak=0.1)
    greatest = [read.whole(3 * c + 1) + read.above(3 * c + 2) for c in (0, 1)]
    least = [read.whole(3 * c) - read.above(3 * c + 2) for c in (0, 1)]
    route(second, *signals([greatest[0], greatest[1], *(-part for part in least)]))
    read = Read(third, leak=0.1)
    ab = [read.above(c) - read.above(2 + c) for c in (0, 1)]
    rows, bias = signals(ab)
    bent = [signed for part in ab for signed in [part, -part] * len(KNEES)]
    route(third, [*rows, *bent], [*bias, *[-knee for _ in ab for knee in KNEES for _ in range(2)]])
    route(fourth, torch.eye(fourth.in_channels)[: len(rows) + len(bent)])
    read = Read(last, leak=0.1**2)
    made = [torch.zeros(last.in_channels)]
    made += [read.whole(c) + read.made_up(c, len(rows) + 2 * len(KNEES) * c) for c in (0, 1)]
    route(last, made)
