"""The spatial block of RTN: Swin attention in windows at half resolution, in SwinIR's arrangement.

Sources: Liu et al., "Swin Transformer", ICCV 2021; Liang et al., "SwinIR", ICCVW 2021; Wan et al.,
"Bringing Old Films Back to Life", CVPR 2022.
"""

import functools
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from timm.layers import Mlp, RelPosBias
from torch import Tensor, nn

WINDOW = 8
# Windows attended to at once on the CPU: their queries, keys and scores stay in its cache, and no buffer is
# so large that the allocator returns it to the system each time.
CHUNK = 64


class SpatialBlock(nn.Module):
    """(B, C, H, W) to the same, or to other channels; H and W multiples of 16.

    Args:
        channels: C.
        dim: Channels at half resolution, where attention runs; a multiple of `heads`.
        groups: Residual groups, each of two Swin blocks, the second with shifted windows.
        heads: Attention heads.
        outputs: Channels that go out; None: C.
    """

    def __init__(
        self, channels: int = 16, dim: int = 64, groups: int = 3, heads: int = 4, outputs: int | None = None
    ) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, dim // 2, 3, padding=1)
        self.down = nn.Conv2d(dim // 2, dim, 4, stride=2, padding=1)
        self.embed = nn.LayerNorm(dim)
        self.groups = nn.ModuleList(SwinGroup(dim, heads) for _ in range(groups))
        self.norm = nn.LayerNorm(dim)
        self.after = nn.Conv2d(dim, dim, 3, padding=1)
        self.before_up = nn.Conv2d(dim, dim, 3, padding=1)
        self.up = nn.Conv2d(dim, dim // 2, 3, padding=1)
        self.last = nn.Conv2d(dim // 2, outputs or channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        first = F.leaky_relu(self.first(x.contiguous(memory_format=torch.channels_last)), 0.2)
        down = self.down(first)
        tokens = self.embed(down.permute(0, 2, 3, 1))
        for group in self.groups:
            tokens = group(tokens)
        x = self.after(self.norm(tokens).permute(0, 3, 1, 2)) + down
        x = F.leaky_relu(self.before_up(x), 0.01)
        return self.last(F.leaky_relu(double(x, self.up) + first, 0.2))


def double(x: Tensor, conv: nn.Conv2d) -> Tensor:
    """`conv` (3×3) of `x` doubled by nearest neighbour: (B, C, H, W) -> (B, O, 2H, 2W).

    Doubled pixels are equal, so it is a transposed convolution whose 4×4 kernel is the 3×3 one smeared over the
    four positions within a doubled pixel: 4/9 of the arithmetic, and the doubled input is never made.
    """
    corners = [(right, 1 - right, down, 1 - down) for right in (0, 1) for down in (0, 1)]
    kernel = torch.stack([F.pad(conv.weight, corner) for corner in corners]).sum(0)
    return F.conv_transpose2d(x, kernel.transpose(0, 1).flip(2, 3), conv.bias, stride=2, padding=1)


class SwinGroup(nn.Module):
    """Two Swin blocks and a convolution, with a residual around them: (B, H, W, D) to the same."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(SwinBlock(dim, heads, shift) for shift in (0, WINDOW // 2))
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for block in self.blocks:
            y = block(y)
        return x + self.conv(y.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


class SwinBlock(nn.Module):
    """Attention within windows of 8×8, then an MLP: (B, H, W, D) to the same, H and W multiples of 8.

    Nothing but the shift crosses a window, so a chunk of windows passes through the whole block at once.
    """

    def __init__(self, dim: int, heads: int, shift: int) -> None:
        super().__init__()
        self.heads, self.shift = heads, shift
        self.norm1 = nn.LayerNorm(dim)
        self.position = RelPosBias((WINDOW, WINDOW), heads)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, 2 * dim)

    def forward(self, x: Tensor) -> Tensor:
        batch, height, width, dim = x.shape
        order, back, region = windows_of(height, width, self.shift, x.device)
        windows = Reordered.apply(x.flatten(1, 2), order, back).view(batch, -1, WINDOW * WINDOW, dim)
        position = self.position.get_bias()
        size = max(CHUNK // batch, 1) if x.device.type == "cpu" else windows.shape[1]
        whole = windows.shape[1] - len(region)
        if len(region) and windows.shape[1] <= size:  # all at once, as if every window were of several regions
            whole, region = 0, F.pad(region, (0, 0, whole, 0))
        done = [self.attend(chunk, position) for chunk in windows[:, :whole].split(size, 1)] if whole else []
        for chunk, ids in zip(windows[:, whole:].split(size, 1), region.split(size), strict=True):
            if len(ids):
                done.append(self.attend(chunk, (position + apart(ids)).repeat(batch, 1, 1, 1)))
        return Reordered.apply(torch.cat(done, 1).view(batch, -1, dim), back, order).view(x.shape)

    def attend(self, x: Tensor, bias: Tensor) -> Tensor:
        """(B, windows, 64, D) to the same; `bias` is (1 or B · windows, heads, 64, 64)."""
        shape, x = x.shape, x.flatten(0, 1)
        q, k, v = rearrange(self.qkv(self.norm1(x)), "n t (s h d) -> s n h t d", s=3, h=self.heads)
        x = self.proj(rearrange(attention(q, k, v, bias.to(q.dtype)), "n h t d -> n t (h d)")) + x
        return (self.mlp(self.norm2(x)) + x).view(shape)


class Reordered(torch.autograd.Function):
    """Rows of (B, N, D) in another order. The gradient is a reordering too, and faster than `index_select`'s."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, order: Tensor, back: Tensor) -> Tensor:
        ctx.save_for_backward(order, back)
        return x.index_select(1, order)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        order, back = ctx.saved_tensors
        return Reordered.apply(grads[0], back, order), None, None


def attention(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    """Scaled dot-product attention (N, heads, 64, d), `bias` added to the scores."""
    if q.device.type != "cpu" or not bias.requires_grad:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
    # With a bias to be learnt, PyTorch's own on the CPU falls back to a slower form of this.
    return ((q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1) + bias).softmax(-1) @ v


def apart(region: Tensor) -> Tensor:
    """(windows, 64) region numbers -> (windows, 1, 64, 64): −100 between pixels of different regions, else 0."""
    return -100.0 * (region[:, None, :, None] != region[:, None, None, :])


@functools.lru_cache(maxsize=32)
def windows_of(height: int, width: int, shift: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """How a frame's pixels fall into windows, after a cyclic shift by `shift` up and left.

    Returns:
        `order`: pixel numbers, window by window, last those windows in which the shift made pixels neighbours
        that are none (the last row and column of windows, so they depend on the size of the frame); `back`: its
        inverse; `region`: (those windows, 64), numbers that differ between pixels that are no neighbours.
    """
    with torch.inference_mode(False):

        def windows(x: Tensor) -> Tensor:
            return rearrange(x, "(i p) (j q) -> (i j) (p q)", p=WINDOW, q=WINDOW)

        pixels = windows(torch.arange(height * width).view(height, width).roll((-shift, -shift), (0, 1)))
        down, right = (torch.arange(n) >= n - shift for n in (height, width))
        region = windows(2 * down[:, None] + right.long())
        mixed = region.amin(1) != region.amax(1)
        order = torch.cat((pixels[~mixed], pixels[mixed])).flatten()
        return order.to(device), order.argsort().to(device), region[mixed].to(device)
