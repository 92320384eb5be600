"""What tinting and toning share: black-and-white pictures in three channels take on a colour."""

from abc import abstractmethod
from typing import Any, ClassVar

from degrade.core.op import Family, Op
from degrade.core.types import Array


class Dyed(Op):
    """An op that colours pictures in three channels; grey clips stay as they are."""

    family: ClassVar[Family] = "exposure"

    @abstractmethod
    def colour(self, frame: Array, params: Any) -> Array:
        """A frame (H, W, 3), coloured."""

    def render_frame(self, frame: Array, params: Any, t: int) -> Array:
        """Frame t, coloured."""
        return frame if frame.shape[-1] == 1 else self.colour(frame, params)
