"""RTN written as plainly as its description allows: the oracle of the tests and of `tools/model_speed.py`.

It holds a state dict under the authors' names and applies it by hand, and does the work that their code does:
attention is spelt out, window masks are made anew in each block, nothing is chunked or laid out for speed. Flow is
RAFT, each direction by itself, with mask head and upsampling at each of its 24 iterations.
"""

import functools

import torch
import torch.nn.functional as F
from torch import Tensor

State = dict[str, Tensor]


def network(state: State, x: Tensor, forward: Tensor, backward: Tensor) -> Tensor:
    """(B, T, 3, H, W) in [−1, 1] and both flows -> the restored frames, in [−1, 1]."""
    length = x.shape[1]
    past: list[Tensor] = [None] * length  # type: ignore[list-item]
    last = None
    for i in reversed(range(length)):
        if last is None:
            mixed = conv(state, "Backward_Aggregation.conv2d_projection_head", x[:, i])
        else:
            mixed = gate(state, "Backward_Aggregation", x[:, i], x[:, i + 1], last, backward[:, i])
        last = past[i] = spatial_block(state, "backward_resblocks", mixed)
    out, last = [], None
    for i in range(length):
        if last is None:
            mixed = conv(state, "Forward_Aggregation.conv2d_projection_head", x[:, i])
        else:
            mixed = gate(state, "Forward_Aggregation", x[:, i], x[:, i - 1], last, forward[:, i - 1])
        last = spatial_block(state, "forward_resblocks", mixed)
        y = torch.cat([past[i], last], 1)
        for name in ("concate", "up1.up_conv", "up2.up_conv", "conv_hr"):
            y = F.leaky_relu(conv(state, name, y), 0.1)
        out.append(torch.tanh(conv(state, "conv_last", y) + x[:, i]))
    return torch.stack(out, 1)


def gate(state: State, name: str, frame: Tensor, neighbour: Tensor, last: Tensor, flow: Tensor) -> Tensor:
    projection = conv(state, f"{name}.conv2d_projection_head", frame)
    last = warp(last, flow)
    residual = (warp(neighbour, flow) - frame).abs()[:, :1]
    hidden = F.leaky_relu(conv(state, f"{name}.conv2d_1", torch.cat([last, projection, residual], 1)), 0.2)
    mask = torch.sigmoid(conv(state, f"{name}.conv2d_2", hidden))
    return mask * last + (1 - mask) * projection


def warp(x: Tensor, flow: Tensor) -> Tensor:
    height, width = x.shape[2:]
    ys, xs = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    grid = torch.stack([(xs + flow[:, 0]) * 2 / (width - 1) - 1, (ys + flow[:, 1]) * 2 / (height - 1) - 1], dim=3)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=True)


def spatial_block(state: State, name: str, x: Tensor) -> Tensor:
    first = F.leaky_relu(conv(state, f"{name}.conv_first", x), 0.2)
    down = conv(state, f"{name}.conv_second", first, stride=2)
    height, width = down.shape[2:]
    x = norm(state, f"{name}.patch_embed.norm", down.flatten(2).transpose(1, 2))
    for i in range(3):
        y = x
        for j in range(2):
            y = swin_block(state, f"{name}.layers.{i}.residual_group.blocks.{j}", y, height, width, 4 * j)
        y = conv(state, f"{name}.layers.{i}.conv", y.transpose(1, 2).unflatten(2, (height, width)))
        x = x + y.flatten(2).transpose(1, 2)
    x = norm(state, f"{name}.norm", x).transpose(1, 2).unflatten(2, (height, width))
    x = conv(state, f"{name}.conv_after_body", x) + down
    x = F.leaky_relu(conv(state, f"{name}.conv_before_upsample.0", x), 0.01)
    x = conv(state, f"{name}.conv_up1", F.interpolate(x, scale_factor=2, mode="nearest"))
    return conv(state, f"{name}.conv_last", F.leaky_relu(x + first, 0.2))


def swin_block(state: State, name: str, x: Tensor, height: int, width: int, shift: int) -> Tensor:
    batch, _, dim = x.shape
    y = norm(state, f"{name}.norm1", x).view(batch, height, width, dim)
    if shift:
        y = torch.roll(y, (-shift, -shift), (1, 2))
    windows = cut(y)
    heads = 4
    qkv = linear(state, f"{name}.attn.qkv", windows)
    q, k, v = qkv.view(len(windows), 64, 3, heads, dim // heads).permute(2, 0, 3, 1, 4)
    scores = (q * (dim // heads) ** -0.5) @ k.transpose(-2, -1)
    scores = scores + position_bias(state[f"{name}.attn.relative_position_bias_table"], heads)
    # Frames of 256×256 find their masks beside the weights. For others all blocks make one, shifted or not.
    usual = (height, width) == (128, 128)
    if shift or not usual:
        mask = (kept_mask if usual else window_mask)(height, width, shift)
        scores = (scores.view(batch, len(mask), heads, 64, 64) + mask[None, :, None]).view_as(scores)
    y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(len(windows), 64, dim)
    y = linear(state, f"{name}.attn.proj", y).view(batch, height // 8, width // 8, 8, 8, dim)
    y = y.permute(0, 1, 3, 2, 4, 5).reshape(batch, height, width, dim)
    if shift:
        y = torch.roll(y, (shift, shift), (1, 2))
    x = x + y.reshape(batch, -1, dim)
    hidden = F.gelu(linear(state, f"{name}.mlp.fc1", norm(state, f"{name}.norm2", x)))
    return x + linear(state, f"{name}.mlp.fc2", hidden)


def cut(y: Tensor) -> Tensor:
    """(B, H, W, D) -> (B · windows, 64, D)."""
    batch, height, width, dim = y.shape
    y = y.view(batch, height // 8, 8, width // 8, 8, dim).permute(0, 1, 3, 2, 4, 5)
    return y.reshape(-1, 64, dim)


def position_bias(table: Tensor, heads: int) -> Tensor:
    """(1, heads, 64, 64): one entry of the table per offset of two pixels."""
    place = torch.tensor([(y, x) for y in range(8) for x in range(8)])
    dy, dx = (place[:, None] - place[None, :]).unbind(2)
    return table[((dy + 7) * 15 + dx + 7).flatten()].view(64, 64, heads).permute(2, 0, 1)[None]


def window_mask(height: int, width: int, shift: int) -> Tensor:
    """(windows, 64, 64): −100 between pixels that lay apart before the shift."""
    number = torch.zeros(1, height, width, 1)
    count = 0
    for rows in (slice(0, -8), slice(-8, -shift), slice(-shift, None)):
        for cols in (slice(0, -8), slice(-8, -shift), slice(-shift, None)):
            number[:, rows, cols] = count
            count += 1
    windows = cut(number)[..., 0]
    difference = windows[:, None, :] - windows[:, :, None]
    return torch.where(difference == 0, 0.0, -100.0)


kept_mask = functools.cache(window_mask)


def raft_flows(raft: torch.nn.Module, frames: Tensor) -> tuple[Tensor, Tensor]:
    """Flows of frames in [0, 1] with torchvision's model as it is, which encodes and upsamples for each direction."""
    x = 2 * frames - 1
    earlier, later = x[:, :-1].flatten(0, 1), x[:, 1:].flatten(0, 1)
    shape = (len(x), x.shape[1] - 1)
    return (
        raft(later, earlier, num_flow_updates=24)[-1].unflatten(0, shape),
        raft(earlier, later, num_flow_updates=24)[-1].unflatten(0, shape),
    )


def conv(state: State, name: str, x: Tensor, stride: int = 1) -> Tensor:
    return F.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], stride=stride, padding=1)


def linear(state: State, name: str, x: Tensor) -> Tensor:
    return F.linear(x, state[f"{name}.weight"], state[f"{name}.bias"])


def norm(state: State, name: str, x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], state[f"{name}.weight"], state[f"{name}.bias"])


def random_state(seed: int = 0, derived: bool = False) -> State:
    """A state dict as the authors' checkpoints have it, large enough for attention and gates to matter.

    Args:
        seed: Of the weights.
        derived: With the buffers that follow from the architecture.
    """
    generator = torch.Generator().manual_seed(seed)
    shapes: dict[str, tuple[int, ...]] = {}

    def layer(name: str, *shape: int) -> None:
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = shape, shape[:1]

    for way in ("forward_resblocks", "backward_resblocks"):
        layer(f"{way}.conv_first", 32, 16, 3, 3)
        layer(f"{way}.conv_second", 64, 32, 4, 4)
        layer(f"{way}.patch_embed.norm", 64)
        for i in range(3):
            for j in range(2):
                block = f"{way}.layers.{i}.residual_group.blocks.{j}"
                layer(f"{block}.norm1", 64)
                shapes[f"{block}.attn.relative_position_bias_table"] = (225, 4)
                layer(f"{block}.attn.qkv", 192, 64)
                layer(f"{block}.attn.proj", 64, 64)
                layer(f"{block}.norm2", 64)
                layer(f"{block}.mlp.fc1", 128, 64)
                layer(f"{block}.mlp.fc2", 64, 128)
            layer(f"{way}.layers.{i}.conv", 64, 64, 3, 3)
        layer(f"{way}.norm", 64)
        layer(f"{way}.conv_after_body", 64, 64, 3, 3)
        layer(f"{way}.conv_before_upsample.0", 64, 64, 3, 3)
        layer(f"{way}.conv_up1", 32, 64, 3, 3)
        layer(f"{way}.conv_last", 16, 32, 3, 3)
    for way in ("Forward_Aggregation", "Backward_Aggregation"):
        layer(f"{way}.conv2d_projection_head", 16, 3, 3, 3)
        layer(f"{way}.conv2d_1", 8, 33, 3, 3)
        layer(f"{way}.conv2d_2", 1, 8, 3, 3)
    layer("concate", 16, 32, 3, 3)
    for name in ("up1.up_conv", "up2.up_conv", "conv_hr"):
        layer(name, 16, 16, 3, 3)
    layer("conv_last", 3, 16, 3, 3)

    state = {}
    for name, shape in shapes.items():
        values = torch.randn(shape, generator=generator)
        if "norm" in name:
            values = 0.1 * values + (1 if name.endswith("weight") else 0)
        elif name.endswith("weight"):
            values = values * (2 / values[0].numel()) ** 0.5
        elif name.endswith("bias"):
            values = 0.1 * values
        state[name] = values
    if derived:
        for way in ("forward_resblocks", "backward_resblocks"):
            for i in range(3):
                block = f"{way}.layers.{i}.residual_group.blocks.1"
                state[f"{block}.attn_mask"] = window_mask(32, 32, 4)
                state[f"{block}.attn.relative_position_index"] = torch.zeros(64, 64, dtype=torch.long)
    return state
