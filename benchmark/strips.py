"""Film strips: a few frames of a clip before and after restoration, and the error. Samples: frames to look at closely.

Scoring writes strips as PNGs, one row each, which the report shows below one another:

    strips/<clip>/{input,clean,mask}.png      the same for every model
    strips/<clip>/<model>.png                 what it made; <model> is `Result.id`
    strips/<clip>/<model>.error.png           its error

A sample is neighbouring frames in full size, one above the other, which the report plays and lays over each other:

    strips/<clip>/frames-<how many>/{input,clean,<model>}.webp
"""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from degrade.core import atomic
from degrade.core.types import Array, mask_to_uint8, to_uint8
from degrade.preview import save_picture

HEIGHT = 160
"""Of a frame on a strip at most, pixels."""
GAP = 4
GAIN = 4
"""Error maps are brightest at an error of 1 / `GAIN`."""
SAMPLE_FRAMES, SAMPLE_PIXELS, SAMPLE_SIDE = 10, 2_500_000, 16_383
"""Of a sample at most; a WebP has no longer side."""


def strip(frames: Array, height: int = HEIGHT) -> Array:
    """Frames side by side.

    Args:
        frames: (N, H, W, C) uint8, C 1 or 3.
        height: They are scaled down to it if taller, pixels.

    Returns:
        (h, width, C) uint8.
    """
    scale = min(1.0, height / frames.shape[1])
    size = [max(1, round(side * scale)) for side in frames.shape[2:0:-1]]
    row = []
    for frame in frames:
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], -1)
        row += [small, np.zeros((size[1], GAP, frames.shape[-1]), np.uint8)]
    return np.concatenate(row[:-1], axis=1)


def error_strip(restored: Array, clean: Array, height: int = HEIGHT) -> Array:
    """How far frames are off, side by side, as a colour: black right, through purple and orange to white.

    Args:
        restored: (N, H, W, C) float32 in [0, 1].
        clean: The same shape.
        height: As in `strip`.

    Returns:
        (h, width, 3) uint8; brightest is a mean absolute difference of 1 / `GAIN` or more.
    """
    error = GAIN * np.abs(restored - clean).mean(-1, keepdims=True)
    colored = cv2.applyColorMap(strip(to_uint8(error), height), cv2.COLORMAP_INFERNO)
    return np.ascontiguousarray(colored[..., ::-1])


def save_strips(folder: Path, model: str, damaged: Array, restored: Array, clean: Array, mask: Array) -> None:
    """Writes the strips of one model on one clip.

    Args:
        folder: ``strips/<clip>``, made if needed.
        model: `Result.id`.
        damaged: (N, H, W, C) float32 in [0, 1], the frames to show.
        restored: Shape as `damaged`.
        clean: Shape as `damaged`.
        mask: (N, H, W, 1), the damage's alpha.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = {
        "input": strip(to_uint8(damaged)),
        "clean": strip(to_uint8(clean)),
        "mask": strip(mask_to_uint8(mask)),
        model: strip(to_uint8(restored)),
        f"{model}.error": error_strip(restored, clean),
    }
    for name, picture in rows.items():
        save_picture(folder / f"{name}.png", picture[..., 0] if picture.shape[-1] == 1 else picture)


def sampled(frames: int, height: int, width: int) -> slice:
    """The frames of a clip that its samples show: from the middle, fewer of larger ones; none that are too large."""
    count = min(frames, SAMPLE_FRAMES, max(1, SAMPLE_PIXELS // (height * width)), SAMPLE_SIDE // max(height, width))
    start = (frames - count) // 2
    return slice(start, start + count)


def save_samples(folder: Path, clips: Mapping[str, Array]) -> None:
    """Writes the samples of one clip.

    Args:
        folder: ``strips/<clip>``, made if needed.
        clips: (T, H, W, C) float32 in [0, 1], whole: ``input``, ``clean``, and by `Result.id` what models made.
    """
    for name, clip in clips.items():
        frames = clip[sampled(*clip.shape[:3])]
        if len(frames):
            stack, packed = to_uint8(frames).reshape(-1, *frames.shape[2:]), BytesIO()
            Image.fromarray(stack[..., 0] if stack.shape[-1] == 1 else stack).save(packed, "webp", quality=90)
            atomic.write(folder / f"frames-{len(frames)}" / f"{name}.webp", packed.getvalue())
