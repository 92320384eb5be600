"""Shared code of tinting and toning, which colour black-and-white pictures stored in three channels."""

from abc import abstractmethod
from typing import ClassVar

from degrade.core.op import Family, Op, P
from degrade.core.types import Array


class Dyed(Op[P]):
    """An op that colours pictures in three channels; grey clips stay as they are."""

    family: ClassVar[Family] = "exposure"

    @abstractmethod
    def colour(self, frame: Array, params: P) -> Array:
        """A frame (H, W, 3), coloured."""

    def render_frame(self, frame: Array, params: P, t: int) -> Array:
        """Frame t, coloured."""
        return frame if frame.shape[-1] == 1 else self.colour(frame, params)
