"""A wandering line scratch: one template for the whole clip, shifted from frame to frame."""

import functools
from collections.abc import Iterable
from typing import Annotated

import numpy as np
from pydantic import Field

from degrade.core.errors import SpecError
from degrade.core.fields import Interval, Within
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo
from degrade.ops._packing import short_floats
from degrade.ops._templates import Cut, TemplateParams, Templates, lay
from degrade.textures import Pack, group_of, open_pack


class MovingLineParams(TemplateParams):
    """What was drawn: opacity and shift per frame, the rest once."""

    shift_px: tuple[int, ...]
    """From the frame before, to the right; 0 for the first frame."""


class MovingLine(Templates[MovingLineParams]):
    """One template in one blend mode, shifted left or right in every frame after the first.

    At the edge from which it moves away, the border's columns are repeated. Taken from the pack's
    line folder (RTN's 001) unless groups are named; as in RTN (Wan et al., CVPR 2022).
    """

    darker: Annotated[float, Field(ge=0, le=255)] = 25.0
    """A part has in it a pixel darker than the template's mean by more than so many levels of 255."""
    shift_px: Annotated[Interval, Within(0, 10_000, "px")] = (5.0, 15.0)
    """Shift from one frame to the next, in pixels of the frame; to either side."""

    def sample(self, info: ClipInfo, rng: Stream) -> MovingLineParams:
        """Draws template, mode and cut for the clip, opacity and shift for each frame."""
        pack, frames = open_pack(self.pack), info.frames
        draw, (least, most) = rng.generator("shift"), (round(shift) for shift in self.shift_px)
        shifts = draw.integers(least, most, frames, endpoint=True) * draw.choice((-1, 1), frames)
        return MovingLineParams(
            **self._choose(pack, self.groups or line_groups(pack), 1, rng),
            opacity=short_floats(rng.generator("opacity").uniform(*self.opacity, frames)),
            shift_px=(0, *shifts[1:].tolist()),
        )

    def paint(self, frame: Array, mask: Array, params: MovingLineParams, t: int) -> None:
        """Blends the line where it is in frame t."""
        cut = Cut(params.side_px[0], params.anchor[0], params.left[0], params.top[0], 0)
        pack = open_pack(self.pack)
        stamp = pack.stamp(params.template[0])
        levels = _first(self, pack.name, params.template[0], stamp, cut, *frame.shape[:2])
        columns = shifted(params.shift_px[: t + 1], frame.shape[1])
        lay(frame, mask, np.take(levels, columns, axis=1), params.mode[0], params.opacity[t])


def shifted(shifts: Iterable[int], width: int) -> Array:
    """The column of the first frame that each column shows after all shifts, (width,).

    Shifting by d to the right leaves the d columns at the left border as they are, and so repeats them.
    """
    columns = np.arange(width)
    for shift in shifts:
        if 0 < shift < width:
            columns = np.concatenate((columns[:shift], columns[:-shift]))
        elif -width < shift < 0:
            columns = np.concatenate((columns[-shift:], columns[shift:]))
    return columns


def line_groups(pack: Pack) -> tuple[str, ...]:
    """The folders of a pack that hold lines.

    Raises:
        SpecError: None does.
    """
    groups = {group_of(template) for template in pack.templates if pack.rule(template).lines}
    if not groups:
        raise SpecError(f"must be named: {pack.name} does not say which of its folders hold lines", "groups")
    return tuple(sorted(groups))


@functools.lru_cache(maxsize=2)  # a clip's frames share it; not more, since it may be large
def _first(
    op: MovingLine, pack: str, template: str, stamp: tuple[int, ...], cut: Cut, height: int, width: int
) -> Array:
    return op._cut(open_pack(pack).load(template), cut, height, width)
