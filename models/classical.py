"""Detect, then fill: the pipeline of film archives before learning.

Sources: de-flicker by gain and offset (van Roosmalen, Lagendijk, Biemond, "Correction of intensity flicker in
old film sequences", IEEE TCSVT 9(7), 1999); spike detection SDIp and its ranked form ROD (Kokaram, "Motion
Picture Restoration", Springer, 1998; Nadenau and Mitra, 1997); spatial fill by Telea, 2004.
"""

import cv2
import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from degrade.core.color import LUMA
from degrade.core.errors import SpecError
from degrade.core.flow import dis_flow
from degrade.models._card import ModelCard
from degrade.models._flow import neighbours
from degrade.models.base import Flows, RestorationModel, Restored

BOX = np.ones((3, 3), np.uint8)


class Classical(RestorationModel):
    """Evens out flicker, finds what is in one frame only, and fills it from the neighbours along the motion,
    or from around it where the neighbours fail.

    Args:
        threshold: How far (of 1) a pixel must stand out from both neighbouring frames, to the same side.
        deflicker: Frames on each side whose brightness and contrast a frame is fitted to; 0: leave it.

    A clip of one or two frames only has its flicker evened out.
    """

    card = ModelCard(
        summary="de-flicker, spike detection, flow-guided and spatial fill",
        source="Kokaram, Motion Picture Restoration, Springer, 1998 (SDIp, ROD); van Roosmalen et al., 1999",
        window=32,
        overlap=16,
        masks=True,
    )

    def __init__(self, threshold: float = 0.08, deflicker: int = 2) -> None:
        super().__init__()
        if not 0 < threshold < 1:
            raise SpecError(f"threshold must lie between 0 and 1, got {threshold}", "threshold")
        if deflicker < 0:
            raise SpecError(f"deflicker must be 0 or more frames, got {deflicker}", "deflicker")
        self.threshold, self.deflicker = threshold, deflicker

    @torch.no_grad()
    def restore(self, frames: Tensor, flows: Flows | None) -> Restored:
        clips = frames.float().permute(0, 1, 3, 4, 2).cpu().numpy()
        restored, masks = map(np.stack, zip(*map(self._clip, clips), strict=True))
        return Restored(
            torch.from_numpy(restored).permute(0, 1, 4, 2, 3).to(frames),
            torch.from_numpy(masks)[:, :, None].to(frames),
        )

    def _clip(self, clip: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(T, H, W, 3) -> the same, and masks (T, H, W)."""
        clip = np.ascontiguousarray(even_out(clip, self.deflicker) if self.deflicker else clip)
        if len(clip) < 3:
            return clip, np.zeros(clip.shape[:3], np.float32)
        grey = (clip * np.array(LUMA, np.float32)).sum(-1)
        coded = (grey * 255).round().clip(0, 255).astype(np.uint8)
        near = [neighbours(t, len(clip)) for t in range(len(clip))]
        flows = [[dis_flow(coded[t], coded[s]) for s in near[t]] for t in range(len(clip))]
        masks = np.stack([self._find(grey, t, near[t], flows[t]) for t in range(len(clip))])
        filled = [self._fill(clip, masks, t, near[t], flows[t]) for t in range(len(clip))]
        return np.stack(filled), masks.astype(np.float32)

    def _find(self, grey: np.ndarray, t: int, near: tuple[int, int], flows: list[np.ndarray]) -> np.ndarray:
        a, b = (move(grey[s], f) for s, f in zip(near, flows, strict=True))
        return spikes(grey[t], a, b, self.threshold)

    def _fill(
        self, clip: np.ndarray, masks: np.ndarray, t: int, near: tuple[int, int], flows: list[np.ndarray]
    ) -> np.ndarray:
        frame, mask = clip[t], masks[t]
        if not mask.any() or mask.all():
            return frame
        # The flow within a defect follows the defect: take it from the nearest sound pixel.
        rows, cols = ndimage.distance_transform_edt(mask, return_distances=False, return_indices=True)
        flows = [f[rows, cols] for f in flows]
        a, b = (move(clip[s], f) for s, f in zip(near, flows, strict=True))
        good_a, good_b = (
            (move((~masks[s]).astype(np.float32), f, outside=0) > 0.99) for s, f in zip(near, flows, strict=True)
        )
        both = good_a & good_b
        agree = both & (np.abs(a - b).max(-1) < 2 * self.threshold)
        fill = np.where(agree[..., None], (a + b) / 2, np.where(good_a[..., None], a, b))
        failed = mask & ~(agree | (good_a ^ good_b))
        if failed.any():
            known = (np.where(mask[..., None], fill, frame) * 255).round().clip(0, 255).astype(np.uint8)
            spatial = cv2.inpaint(known, failed.astype(np.uint8), 3, cv2.INPAINT_TELEA)
            fill = np.where(failed[..., None], spatial.astype(np.float32) / 255, fill)
        weight = cv2.GaussianBlur(mask.astype(np.float32), (5, 5), 0.8)[..., None]
        weight = np.where(mask[..., None], 1, weight)
        return weight * fill + (1 - weight) * frame


def even_out(clip: np.ndarray, radius: int) -> np.ndarray:
    """(T, H, W, C), each frame with the median brightness and contrast of those around it.

    Both are measured in blocks where the frame is as those around it, but for gain and offset: large damage, or light
    that has fallen on a part of it, says nothing of the rest.
    """
    means, squares = blocks(clip), blocks(clip * clip)
    out = []
    for t, frame in enumerate(clip):
        around = slice(max(t - radius, 0), t + radius + 1)
        sound = alike(means[t].mean(-1), np.median(means[around].mean(-1), 0))
        levels, powers = means[around][:, sound].mean((1, 2)), squares[around][:, sound].mean((1, 2))
        spreads = np.sqrt(np.maximum(powers - levels**2, 0)) + 1e-3
        here = t - around.start
        gain = np.clip(np.median(spreads) / spreads[here], 0.5, 2)
        out.append((frame - levels[here]) * gain + np.median(levels))
    return np.clip(out, 0, 1).astype(np.float32)


def blocks(clip: np.ndarray) -> np.ndarray:
    """(T, H, W, C) -> (T, h, w, C): means over blocks of about 1/24 of the longer side."""
    size = max(max(clip.shape[1:3]) / 24, 1)
    height, width = (max(round(n / size), 1) for n in clip.shape[1:3])
    shrunk = [cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA) for frame in clip]
    return np.stack(shrunk).reshape(len(clip), height, width, -1)


def alike(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Where two pictures are alike, as bool, after gain and offset that most of their pixels share; all, if few are."""
    gain, offset = 1.0, np.median(others - values)
    for _ in range(5):
        residual = np.abs(gain * values + offset - others)
        sound = residual <= max(4 * np.median(residual), 0.02)
        x, y = values[sound], others[sound]
        if x.std() > 0.01:
            gain = np.clip(((x - x.mean()) * (y - y.mean())).mean() / x.var(), 0.5, 2)
        offset = y.mean() - gain * x.mean()
    return sound if sound.mean() >= 0.5 else np.ones_like(sound)


def move(image: np.ndarray, flow: np.ndarray, outside: float | None = None) -> np.ndarray:
    """What `flow` points to in `image` (H, W[, C]) float32; outside it the border, or a value."""
    ys, xs = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float32)
    border = cv2.BORDER_REPLICATE if outside is None else cv2.BORDER_CONSTANT
    return cv2.remap(image, xs + flow[..., 0], ys + flow[..., 1], cv2.INTER_LINEAR, None, border, outside or 0)


def spikes(frame: np.ndarray, a: np.ndarray, b: np.ndarray, threshold: float) -> np.ndarray:
    """Where (H, W) stands out from both aligned neighbours to the same side, as bool.

    Compared with the range of the 3×3 around each neighbour's pixel, so that a flow half a pixel off finds
    nothing along edges. Sure pixels are grown into those connected that stand out half as far.
    """
    above = frame - np.maximum(cv2.dilate(a, BOX), cv2.dilate(b, BOX))
    below = np.minimum(cv2.erode(a, BOX), cv2.erode(b, BOX)) - frame
    excess = np.maximum(above, below)
    weak, _ = ndimage.label(excess > threshold / 2, BOX)
    sure = np.unique(weak[excess > threshold])
    found = np.isin(weak, sure[sure > 0]).astype(np.uint8)
    return cv2.dilate(cv2.morphologyEx(found, cv2.MORPH_CLOSE, BOX), BOX).astype(bool)
