"""Chains of other implementations, for `tools/speed.py` to time beside `rtn-code`; they add no contaminants.

Each takes and gives a clip (T, H, W, C), uint8, except for the limit and the plain one, which are said in place.
"""

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from degrade.core.types import Array, ClipInfo, to_uint8
from degrade.ops import Pipeline

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
import oracles_quality as oracle
import oracles_rtn

Chain = Callable[[Array], Any]


def plain(pipeline: Pipeline, clip: Array, number: int) -> Any:
    """`rtn-code` in whole float64 arrays, a step after the other, kernels by SciPy, its target exactly; grey floats."""
    frames, height, width, channels = clip.shape
    info = ClipInfo(frames=frames, height=height, width=width, channels=channels, id=str(number))
    damaged = oracles_rtn.degrade(clip, list(pipeline.draw(info, 0).steps))
    return to_uint8(damaged), [oracle.sharpen(frame) for frame in clip]


def limit(clip: Array) -> Any:
    """What `rtn-code` does to the picture by the fastest primitives known, one of each, 8 bit throughout; uint8."""
    height, width, channels = clip.shape[1:]
    bank = np.random.default_rng(0).normal(0, 7, (height + 64, width + 64, channels)).astype(np.int16)
    template = np.full((400, 500), 250, np.uint8)
    turned = cv2.getRotationMatrix2D((250, 200), 30, width / 300)
    out = []
    for t, frame in enumerate(clip):
        levels = cv2.warpAffine(template, turned, (width, height), flags=cv2.INTER_CUBIC, borderValue=255)
        levels = cv2.LUT(cv2.erode(levels, np.ones((3, 3), np.uint8)), np.arange(256, dtype=np.uint8)[::-1].copy())
        levels = levels if channels == 1 else cv2.merge([levels] * channels)
        blurred = cv2.GaussianBlur(cv2.subtract(frame, levels.reshape(frame.shape)), (15, 15), 1.4)
        small = cv2.resize(blurred, (width // 2, height // 2), interpolation=cv2.INTER_CUBIC)
        noise = bank[t : t + height // 2, t : t + width // 2]
        _, code = cv2.imencode(".jpg", cv2.add(small, noise.reshape(small.shape), dtype=cv2.CV_8U), [1, 70])
        back = cv2.resize(cv2.imdecode(code, cv2.IMREAD_UNCHANGED), (width, height), interpolation=cv2.INTER_CUBIC)
        soft = cv2.resize(cv2.GaussianBlur(cv2.pyrDown(cv2.pyrDown(frame)), (13, 13), 2), (width, height))
        out.append(
            (cv2.convertScaleAbs(back, alpha=1.05), cv2.addWeighted(frame, 1.5, soft.reshape(frame.shape), -0.5, 0))
        )
    return out


def albumentations() -> Chain:
    """Its nearest chain."""
    import albumentations as a

    chain = a.Compose(
        [
            a.GaussianBlur(blur_limit=(7, 15), p=1),
            a.Downscale(scale_range=(0.25, 0.9), p=1),
            a.GaussNoise(std_range=(5 / 255, 10 / 255), p=1),
            a.ImageCompression(quality_range=(40, 100), p=1),
            a.RandomBrightnessContrast(p=0.5),
        ]
    )
    return lambda clip: [chain(image=frame)["image"] for frame in clip]


def torchvision() -> Chain:
    """Its nearest chain, frame by frame."""
    import torch
    from torchvision.transforms import v2

    torch.set_num_threads(1)
    before, after = v2.GaussianBlur(15, (0.3, 2.8)), v2.Compose([v2.JPEG((40, 100)), v2.ColorJitter(0.2, 0.1)])
    noise = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.GaussianNoise(sigma=7 / 255)])
    to_bytes = v2.ToDtype(torch.uint8, scale=True)

    def work(clip: Array) -> Any:
        out = []
        for frame in torch.from_numpy(clip).permute(0, 3, 1, 2):
            small = v2.functional.resize(before(frame), [side // 2 for side in frame.shape[1:]])
            out.append(v2.functional.resize(after(to_bytes(noise(small))), list(frame.shape[1:])))
        return out

    return work


def kornia() -> Chain:
    """Its nearest chain, the clip as one batch; it has no JPEG that is as fast."""
    import kornia.augmentation as k
    import torch

    torch.set_num_threads(1)
    chain = torch.nn.Sequential(
        k.RandomGaussianBlur((15, 15), (0.3, 2.8), p=1),
        k.RandomGaussianNoise(std=7 / 255, p=1),
        k.RandomBrightness((0.8, 1.2), p=0.5),
        k.RandomContrast((0.9, 1.0), p=0.5),
    )
    return lambda clip: chain(torch.from_numpy(clip).permute(0, 3, 1, 2).float() / 255)


def others() -> dict[str, Chain]:
    """The chains of the libraries that are installed."""
    known = {"albumentations": albumentations, "torchvision": torchvision, "kornia": kornia}
    return {name: make() for name, make in known.items() if find_spec(name)}
