"""RTN's degradation the plain way, to compare `rtn-code` with: whole arrays in float64, one step after the other."""

import math
from typing import Any

import cv2
import numpy as np
import oracles_quality as oracle
from PIL import Image, ImageEnhance
from scipy import ndimage

from degrade.core.rng import at
from degrade.ops._templates import Cut
from degrade.ops.at_scale import FILTERS
from degrade.ops.moving_line import shifted
from degrade.textures import Template, open_pack

Array = np.ndarray

SPOTS = {"texture": (15, 40), "moving_line": (25, 40)}
"""How much darker than the mean the pixel is that a part holds, and the border in which it is not sought."""


def degrade(clip: Array, steps: list[dict[str, Any]]) -> Array:
    """A grey clip (T, H, W, 1) in [0, 1], degraded as drawn by the preset: `steps` of its params."""
    drawn = {step["label"]: step["params"] for step in steps}
    frames = []
    for t, frame in enumerate(clip.astype(np.float64)):
        (contaminant,), (blur,) = drawn["contaminant"].steps, drawn["blur"].steps
        frame = contaminate(frame, contaminant["label"], contaminant["params"], t)
        p = blur["params"]
        if blur["label"] == "gaussian_blur":
            frame = oracle.gaussian_blur(frame, p.sigma_px[t], p.kernel_px)
        else:
            frame = oracle.anisotropic_blur(frame, p.along_px2[t], p.across_px2[t], p.angle[t], p.kernel_px)
        frame = resample(frame, drawn["resample"], t)
        p = drawn["exposure_jitter"]
        frames.append(oracle.exposure_jitter(frame, p.brightness[t], p.contrast[t]))
    return np.stack(frames).astype(np.float32)


def contaminate(frame: Array, kind: str, p: Any, t: int) -> Array:
    """The template of frame t, or the line where it is then, blended with the frame."""
    i = t if kind == "texture" else 0  # a line is drawn once
    cut = Cut(p.side_px[i], p.anchor[i], p.left[i], p.top[i], p.degrees[t] if kind == "texture" else 0)
    template = open_pack("builtin:rtn").load(p.template[i])
    height, width = frame.shape[:2]
    levels = part(template, cut, height, width, *SPOTS[kind])
    if kind == "texture":
        thick = Image.fromarray(ndimage.minimum_filter(np.asarray(levels), p.minimum_px[t], mode="nearest"))
        levels = ImageEnhance.Contrast(thick).enhance(p.contrast[t])
    light = np.asarray(levels, np.float64)[..., None] / 255
    if kind == "moving_line":
        light = light[:, shifted(p.shift_px[: t + 1], width)]
    alpha = p.opacity[t] * (1 - light)
    mixed = {"add": frame + alpha, "subtract": frame - alpha, "multiply": frame * (1 - alpha)}
    return np.clip(mixed[p.mode[i]], 0, 1)


def part(template: Template, cut: Cut, height: int, width: int, darker: float, border: int) -> Image.Image:
    """Box, rotation, greatest inscribed rectangle and resizing, one after the other."""
    whole = Image.fromarray(template.pixels)
    pixels = template.pixels.astype(np.float64)
    spots = np.argwhere(pixels[:, border:-border] < pixels.mean() - darker)
    if not cut.side_px or not len(spots):
        return whole.resize((width, height), Image.Resampling.LANCZOS)
    y, x = spots[int(cut.anchor * len(spots))] + np.array([0, border])
    side = min(cut.side_px, *pixels.shape)
    box = []
    for spot, length, place in ((x, pixels.shape[1], cut.left), (y, pixels.shape[0], cut.top)):
        starts = [s for s in range(length - side + 1) if s <= spot < s + side]
        box.append(starts[int(place * len(starts))])
    turned = whole.crop((*box, box[0] + side, box[1] + side)).rotate(cut.degrees, Image.Resampling.BICUBIC, expand=True)
    angle = math.radians(cut.degrees)
    half = int(side / (abs(math.sin(angle)) + abs(math.cos(angle)))) / 2
    middle = turned.width / 2, turned.height / 2
    inscribed = (middle[0] - half, middle[1] - half, middle[0] + half, middle[1] + half)
    return turned.resize((width, height), Image.Resampling.LANCZOS, box=inscribed)


def resample(frame: Array, p: Any, t: int) -> Array:
    """Smaller or larger, noise, JPEG, and back."""
    height, width = frame.shape[:2]
    size = max(1, round(width * p.scale)), max(1, round(height * p.scale))
    small = cv2.resize(frame, size, interpolation=FILTERS[p.shrink[t]])[..., None]
    noise, jpeg = (step["params"] for step in p.steps)
    drawn = at(noise.key, t).normal(0, noise.sigma[t] / 255, small.shape)
    small = np.clip(small + (drawn if noise.kind[t] == "gaussian" else drawn * small), 0, 1)
    small = oracle.jpeg(small, jpeg.quality[t])
    return np.clip(cv2.resize(small, (width, height), interpolation=FILTERS[p.enlarge[t]])[..., None], 0, 1)
