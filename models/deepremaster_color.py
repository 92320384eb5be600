"""DeepRemaster's colour network: attention from the film to any number of reference pictures.

Source: Iizuka and Simo-Serra, "DeepRemaster: Temporal Source-Reference Attention Networks for Comprehensive Video
Enhancement", SIGGRAPH Asia 2019 (arXiv 2009.08692). Its other half, which restores, is `deepremaster`.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from degrade.core.errors import SpecError, unknown
from degrade.models._card import ModelCard
from degrade.models._colorization import ColorizationModel, resized
from degrade.models._init_matching import init_attention, init_matching
from degrade.models._lab import lab_to_rgb
from degrade.models.deepremaster import MEAN, NORMS, double

MEAN_REFERENCE = 0.48
"""What its authors take from references; from the film they take what its other half does."""
REFERENCE_SIDE = 256
"""Short side of what the network sees of a reference, pixels, in films that are no smaller; as its authors run it."""
MULTIPLE = 16


class DeepRemasterColor(ColorizationModel):
    """Convolutions down to a sixteenth of the size and back, with attention to the references' features at an eighth
    and at a sixteenth, and of the frames to each other.

    Parts are named as in its authors' checkpoint; `channels=64, norm="batch"` is the published network and loads it. L
    is that of LAB, where its authors take luma for it. Key frames are references like others, whatever their time. It
    also colours without references. By default it is a quarter as wide, has no batch normalisation, which would take
    the mean colour of a few clips away from each, and begins as attention from patch to like patch (`_init_matching`).

    Args:
        channels: Of the first layer, a multiple of 8.
        norm: `none` or `batch`.
    """

    card = ModelCard(
        summary="attention to references of any time and place, colour half of DeepRemaster",
        source="Iizuka and Simo-Serra, DeepRemaster, SIGGRAPH Asia 2019 (arXiv 2009.08692)",
        kind="colorization",
        weights_licence="CC BY-NC-SA 4.0",
        parameters=3394312,
        multiple=16,
        window=5,
        key_frames=True,
        pictures=True,
    )

    def __init__(self, channels: int = 16, norm: str = "none") -> None:
        super().__init__()
        if channels < 8 or channels % 8:
            raise SpecError(f"must be a multiple of 8, got {channels}", "channels")
        if norm not in NORMS:
            raise SpecError(unknown("norm", norm, NORMS))
        c = channels
        layer, doubled = partial(Layer, norm=norm), partial(Doubled, norm=norm)
        self.down1 = nn.Sequential(nn.ReplicationPad3d((1, 1, 1, 1, 0, 0)), *_eighth(1, c, norm, padded=True))
        self.flat = nn.Sequential(layer(8 * c, 8 * c), layer(8 * c, 8 * c))
        self.down2 = nn.Sequential(layer(8 * c, 8 * c, stride=2), layer(8 * c, 8 * c))
        self.stattn1, self.stattn2, self.selfattn1, self.selfattn2 = (Attention(8 * c) for _ in range(4))
        self.conv1 = layer(8 * c, 8 * c)
        self.up1 = Joined(16 * c, 8 * c, norm)
        self.conv2 = layer(8 * c, 4 * c, time=3)
        self.up2 = nn.Sequential(doubled(4 * c, 2 * c), layer(2 * c, c, time=3))
        self.up3 = nn.Sequential(doubled(c, c // 2), layer(c // 2, c // 4, time=3))
        self.up4 = nn.Sequential(doubled(c // 4, c // 8), nn.Conv3d(c // 8, 2, 3, padding=1))
        self.reffeatnet1 = nn.Sequential(*_eighth(3, c, norm))
        self.reffeatnet2 = nn.Sequential(layer(8 * c, 8 * c, stride=2), layer(8 * c, 8 * c), layer(8 * c, 8 * c))
        if norm == "none":
            decoder = (self.flat, self.up1, self.conv2, self.up2, self.up3, self.up4)
            init_matching(self.reffeatnet1, self.down1, decoder, self.up1)
            self.stattn1.begin()

    def colorize(self, lightness: Tensor, keys: Mapping[int, Tensor], pictures: Sequence[Tensor]) -> Tensor:
        x = self.down1(lightness.transpose(1, 2) / 100 - MEAN)
        references = [*keys.values(), *pictures]
        near = far = None
        if references:
            near = self.reffeatnet1(together(references, min(REFERENCE_SIDE, *lightness.shape[-2:])) - MEAN_REFERENCE)
            far = self.reffeatnet2(near)
            x = self.stattn1(x, near)
        y = self.down2(x)
        if far is not None:
            y = self.stattn2(y, far)
        y = self.conv1(y)
        y = self.up1(self.selfattn1(y, y), self.flat(x))
        y = self.up3(self.up2(self.conv2(self.selfattn2(y, y))))
        ab = (255 * torch.sigmoid(self.up4(y)) - 128).transpose(1, 2)
        return ab if self.training else ab.clamp(-100, 100)


class Layer(nn.Module):
    """Convolution, normalisation, ELU; (B, C, T, H, W) to the same.

    Args:
        inputs: Channels.
        outputs: Channels.
        stride: In space.
        time: Frames that it sees, 1 or 3.
        padded: Whether what comes in has its border already.
        norm: `none` or `batch`.
    """

    def __init__(
        self, inputs: int, outputs: int, stride: int = 1, time: int = 1, padded: bool = False, norm: str = "none"
    ) -> None:
        super().__init__()
        space = 0 if padded else 1
        self.conv3d = nn.Conv3d(
            inputs, outputs, (time, 3, 3), stride=(1, stride, stride), padding=(time // 2, space, space)
        )
        self.bn = NORMS[norm](outputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.elu(self.bn(self.conv3d(x)))


class Doubled(Layer):
    """Twice as high and wide, then a layer of 3×3×3."""

    def __init__(self, inputs: int, outputs: int, norm: str) -> None:
        super().__init__(inputs, outputs, time=3, norm=norm)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(double(x))


class Joined(nn.Module):
    """Twice as high and wide, joined with what was kept of that size, then a layer of 3×3×3."""

    def __init__(self, inputs: int, outputs: int, norm: str) -> None:
        super().__init__()
        self.conv3d = Layer(inputs, outputs, time=3, norm=norm)

    def forward(self, x: Tensor, kept: Tensor) -> Tensor:
        joined: Tensor = self.conv3d(torch.cat((double(x), kept), 1))
        return joined


class Attention(nn.Module):
    """Adds to each place of the source (B, C, T, H, W) what all places of the references (B, C, n, h, w) that are like
    it say; nothing yet as it is made, since its weight begins at 0."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query_conv, self.key_conv = (nn.Conv3d(channels, channels // 8, 1) for _ in range(2))
        self.value_conv = nn.Conv3d(channels, channels, 1)
        self.gamma = nn.Parameter(torch.zeros(1))

    def begin(self) -> None:
        """As attention from patch to like patch, of full weight."""
        init_attention(self.query_conv, self.key_conv, self.value_conv)
        nn.init.ones_(self.gamma)

    def forward(self, source: Tensor, references: Tensor) -> Tensor:
        # (B, 1, places, channels); the scores are not divided by the root of the channels.
        query = self.query_conv(source).flatten(2).transpose(1, 2)[:, None]
        key, value = (conv(references).flatten(2).transpose(1, 2)[:, None] for conv in (self.key_conv, self.value_conv))
        told = F.scaled_dot_product_attention(query, key, value, scale=1.0)
        return source + self.gamma * told[:, 0].transpose(1, 2).reshape(source.shape)


def _eighth(inputs: int, c: int, norm: str, padded: bool = False) -> list[nn.Module]:
    """Nine layers, to an eighth of the size."""
    widths = (inputs, c, 2 * c, 2 * c, 4 * c, 4 * c, 4 * c, 8 * c, 8 * c, 8 * c)
    return [
        Layer(a, b, stride=1 if i % 3 else 2, padded=padded and i == 0, norm=norm)
        for i, (a, b) in enumerate(pairwise(widths))
    ]


def together(references: Sequence[Tensor], side: int) -> Tensor:
    """RGB (B, 3, n, h, w) of pictures in LAB (B, 3, h, w): each as large as fits, in a frame of their mean aspect ratio
    whose short side is `side`, the rest black."""
    aspect = sum(lab.shape[-1] / lab.shape[-2] for lab in references) / len(references)
    height, width = (rounded(side / min(aspect, 1)), rounded(side * max(aspect, 1)))
    framed = []
    for lab in references:
        scale = min(height / lab.shape[-2], width / lab.shape[-1])
        size = [min(max(round(n * scale), 1), most) for n, most in zip(lab.shape[-2:], (height, width), strict=True)]
        rgb = resized(lab_to_rgb(lab.float()).clamp(0, 1), size)
        framed.append(F.pad(rgb, (0, width - size[1], 0, height - size[0])))
    return torch.stack(framed, 2)


def rounded(pixels: float) -> int:
    """To a multiple that the network can halve four times."""
    return max(round(pixels / MULTIPLE), 1) * MULTIPLE
