"""The interface of metrics: fed frame by frame, they return one number per clip."""

import importlib.util
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np

from degrade.benchmark.flow import Motion
from degrade.core.errors import SourceError, SpecError
from degrade.core.types import VISIBLE, Array

T = TypeVar("T")

Need = Literal["target", "input", "mask", "predicted_mask", "motion"]


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame to be scored, and what it is scored against.

    A grey frame scores the same as its three equal channels would, by every metric.

    Raises:
        SourceError: Shapes that differ, or a prediction outside [0, 1] or not finite.
    """

    prediction: Array
    """(H, W, C) float32 in [0, 1], C 1 or 3."""
    target: Array | None = None
    """The clean frame, the same shape."""
    input: Array | None = None
    """The damaged frame, the same shape."""
    mask: Array | None = None
    """(H, W, 1), the damage's alpha in [0, 1]."""
    predicted_mask: Array | None = None
    """(H, W, 1) in [0, 1], where the model sees damage."""
    motion: Motion | None = None
    """From the frame before to this one, of the clean footage; None for a clip's first frame."""
    given: bool = False
    """Whether it is a key frame, whose colours the model was given: it is left out of all means."""
    part: Array | None = None
    """(H, W, 1), the alpha of one kind of damage, where a metric is asked for that kind alone."""
    shared: dict[str, Any] = field(default_factory=dict, repr=False)
    """What `once` keeps. Frames of several models that share a target may share it."""

    def __post_init__(self) -> None:
        shape = self.prediction.shape
        for name in ("target", "input", "mask", "part", "predicted_mask"):
            other = getattr(self, name)
            wanted = shape if name in ("target", "input") else (*shape[:2], 1)
            if other is not None and other.shape != wanted:
                raise SourceError(f"{name} must be {wanted}, as the prediction, got {other.shape}")
        if self.motion is not None and self.motion.visible.shape != shape[:2]:
            raise SourceError(
                f"motion must be of {shape[:2]} pixels, as the prediction, got {self.motion.visible.shape}"
            )
        if not (self.prediction.min() >= 0 and self.prediction.max() <= 1):  # NaN fails, too
            raise SourceError("a frame to be scored holds values outside [0, 1], or NaN")

    def get(self, *names: Need) -> tuple[Array, ...]:
        """What a metric needs, in the order of the names.

        Raises:
            SourceError: Something is not given.
        """
        for name in names:
            if getattr(self, name) is None:
                raise SourceError(f"a metric needs the frame's {name}, which is not given")
        return tuple(getattr(self, name) for name in names)

    def once(self, key: str, compute: Callable[[], T]) -> T:
        """What derives from the target alone, computed by the first model that is scored."""
        if key not in self.shared:
            self.shared[key] = compute()
        found: T = self.shared[key]
        return found


class Metric(ABC):
    """Scores one clip. Memory does not grow with its length.

    A new metric is one file in ``benchmark/metrics``: a subclass of `FrameMetric` or `PairMetric` with the
    facts below and `measure`.

    Args:
        device: Where a network runs, if the metric has one.

    Raises:
        SpecError: A package of `packages` is not installed.
    """

    label: ClassVar[str]
    """As in a table's head."""
    reference: ClassVar[str]
    """What its tests compare it with: an independent implementation, or cases whose value is known."""
    unit: ClassVar[str] = ""
    higher_is_better: ClassVar[bool]
    digits: ClassVar[int] = 3
    """Shown after the point."""
    bounds: ClassVar[tuple[float, float]] = (0, math.inf)
    """Least and greatest value that a clip can have."""
    needs: ClassVar[tuple[Need, ...]] = ("target",)
    """What it reads of a `Frame`, beside the prediction."""
    beside: ClassVar[tuple[Literal["input", "target"], ...]] = ()
    """What is to be scored as if it were a prediction, and shown beside, since the number alone misleads."""
    by_kind: ClassVar[bool] = False
    """Whether it is also computed for every kind of damage alone, see `Frame.part`."""
    color: ClassVar[bool] = False
    """Whether it compares colours, of which grey footage has none."""
    of_clips: ClassVar[bool] = False
    """Whether it measures clips as a whole, and has no values of single frames."""
    packages: ClassVar[tuple[str, ...]] = ()
    """What must be installed."""

    def __init__(self, device: str = "cpu") -> None:
        self.device = device
        if not self.installed():
            raise SpecError(f"{self.label} needs more packages: pip install 'film-degrade[benchmark]'")

    @classmethod
    def installed(cls) -> bool:
        """Whether all of `packages` are there."""
        return all(importlib.util.find_spec(package) for package in cls.packages)

    @abstractmethod
    def update(self, frame: Frame) -> float:
        """Takes the clip's next frame.

        Returns:
            The frame's own value, for plots; NaN where it has none.
        """

    @abstractmethod
    def result(self) -> float:
        """The clip's value, in `unit`; NaN if no frame had one."""


class _Mean(Metric):
    def __init__(self, device: str = "cpu") -> None:
        super().__init__(device)
        self._sum, self._count = 0.0, 0

    def _add(self, value: float) -> float:
        if not math.isnan(value):
            self._sum, self._count = self._sum + value, self._count + 1
        return value

    def result(self) -> float:
        """The mean over the frames that have a value."""
        return self._sum / self._count if self._count else math.nan


class FrameMetric(_Mean):
    """The mean of what each frame measures by itself."""

    @abstractmethod
    def measure(self, frame: Frame) -> float:
        """The frame's value; NaN if it has none, as where nothing is damaged."""

    def update(self, frame: Frame) -> float:
        """See `Metric.update`."""
        value = self.measure(frame)
        return value if frame.given else self._add(value)


class PairMetric(_Mean):
    """The mean of what each pair of neighbouring frames measures; a clip of one frame has no value."""

    def __init__(self, device: str = "cpu") -> None:
        super().__init__(device)
        self._before: Frame | None = None

    @abstractmethod
    def measure(self, before: Frame, frame: Frame) -> float:
        """The pair's value; NaN if it has none."""

    def update(self, frame: Frame) -> float:
        """See `Metric.update`."""
        before, self._before = self._before, frame
        if before is None:
            return math.nan
        value = self.measure(before, frame)
        return value if before.given or frame.given else self._add(value)


def damaged(frame: Frame) -> Array:
    """Where damage shows, (H, W) bool; that of `Frame.part`, where one is given."""
    (mask,) = frame.get("mask")
    return np.asarray((mask if frame.part is None else frame.part)[..., 0] > VISIBLE)


def untouched(frame: Frame) -> Array:
    """Where there is no damage at all, (H, W) bool. Pixels of a rim are neither this nor `damaged`."""
    (mask,) = frame.get("mask")
    return np.asarray(mask[..., 0] == 0)
