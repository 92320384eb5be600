"""The contract of ops: draw once per clip, then render any window of it."""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Annotated, Any, ClassVar, Generic, Literal, Self

import numpy as np
from pydantic import Field
from typing_extensions import TypeVar

from degrade.core import registry
from degrade.core.errors import SpecError
from degrade.core.fields import Neutral, Probability, Settings, Within
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Damaged, Layer, Params, clipped

Family = Literal["contaminant", "quality", "exposure", "transport", "composition"]


P = TypeVar("P", bound=Params, default=Any)
"""The record of what an op draws."""


class Op(Settings, Generic[P]):
    """One kind of damage.

    `sample` draws everything random for a clip, including tracks over time. `render` is a pure function of the
    frames and the drawn params: pixels of frame t depend only on frame t and the params, so a window rendered
    on its own equals that slice of the whole clip. Ops that need other frames derive from `Temporal`.

    A new op is one file in ``degrade/ops``: its params, a subclass made for them, `sample`, and `render_frame`.
    """

    drawn: ClassVar[type[Any]] = Params
    """The record that `sample` returns: the type that the class is made for, ``Op[DustParams]``."""
    family: ClassVar[Family]
    carries_exactly: ClassVar[bool] = True
    """Whether a carried mask covers all that its defect changes; not so if the op spreads it as no alpha follows."""

    p: Probability = 1.0
    """Probability that the op fires, drawn once per clip."""
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)] | None = None
    """Label of its random stream, mask and trace; the op's name unless given."""

    def __init__(self, *given: Any, **parameters: Any) -> None:
        try:
            super().__init__(*given, **parameters)
        except SpecError as error:
            raise error.within(self._known_as()) from None

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Sets `drawn` to the type argument."""
        super().__pydantic_init_subclass__(**kwargs)
        for given in cls.__pydantic_generic_metadata__["args"]:
            if isinstance(given, type):
                cls.drawn = given

    @classmethod
    def name(cls) -> str:
        """The name under which specs know the op.

        Raises:
            SpecError: It is not registered.
        """
        return registry.ops.name_of(cls)

    @classmethod
    def _known_as(cls) -> str:
        """The name, or that of the class if it is not registered."""
        try:
            return cls.name()
        except SpecError:
            return cls.__name__

    def fires(self, rng: Stream) -> bool:
        """Whether the op fires on a clip, drawn with probability `p` from the op's own stream."""
        return self.p >= 1 or bool(rng.generator("fires").random() < self.p)

    @abstractmethod
    def sample(self, info: ClipInfo, rng: Stream) -> P:
        """Draws the parameters of one clip from the op's own stream."""

    def is_framewise(self, params: P) -> bool:
        """Whether every output frame depends on the same input frame alone; if not, the op is a `Temporal`."""
        return True

    def frames_needed(self, params: P, start: int, stop: int) -> tuple[int, int]:
        """The frames of the clip that frames `start` to `stop` depend on, as a half-open range."""
        return start, stop

    def block_size(self, params: P) -> int:
        """Number of frames that are produced together; windows aligned to multiples of it waste no work."""
        return 1

    @property
    def wraps_remaining(self) -> bool:
        """Whether the remaining ops of the same sequence are applied inside this one, by `wrap`."""
        return False

    def info_for_remaining(self, info: ClipInfo, params: P) -> ClipInfo:
        """The clip as the remaining ops see it."""
        return info

    def wrap(
        self,
        frames: Array,
        params: P,
        first: int,
        start: int,
        inner: Callable[[Array], Layer],
        limit: Callable[[Array], Array] = clipped,
    ) -> Layer:
        """Applies this op around the remaining ones; called only if `wraps_remaining`.

        Args:
            frames: (N, H, W, C), from frame `first` of the clip on.
            params: From `sample`.
            first: Index of the first frame given.
            start: Index of the first frame that `inner` returns.
            inner: The remaining ops.
            limit: Clips values to their range, in place, where this op overshoots.
        """
        raise TypeError(f"{type(self).__name__} does not wrap the ops that follow")

    def render(self, frames: Array, params: P, start: int) -> Layer:
        """Damages a window of the clip.

        Args:
            frames: (N, H, W, C) float32 in [0, 1], frames `start` to `start` + N of the clip; not changed.
            params: From `sample`.
            start: Index of the first frame in the clip.

        Returns:
            New frames, or the given ones if nothing changed, and the masks.
        """
        if len(frames) == 1:  # as the engine does it; spares a copy
            frame = self.render_frame(frames[0], params, start)
            return Layer(np.asarray(frame, np.float32).reshape(frames.shape), {})
        out = np.empty_like(frames)
        for i, frame in enumerate(frames):
            out[i] = self.render_frame(frame, params, start + i).reshape(frame.shape)
        return Layer(out, {})

    def render_over(self, frames: Array, params: P, start: int) -> Layer:
        """What `render` does, where no one else needs the frames: they may be changed."""
        return self.render(frames, params, start)

    def render_frame(self, frame: Array, params: P, t: int) -> Array:
        """Damages frame t, (H, W, C); called by `render`, for ops without a mask."""
        raise TypeError(f"{type(self).__name__} defines neither render nor render_frame")

    def move(self, frames: Array, params: P, start: int) -> Array:
        """Moves other frames or masks (N, H, W, C) exactly as `render` moves the picture; by default not at all."""
        return frames

    def target(self, frames: Array, params: P, start: int) -> Array:
        """The ground truth, aligned with the damaged picture, for clean frames; by default `move`."""
        return self.move(frames, params, start)

    def carry(self, masks: Array, params: P, start: int) -> Array:
        """Masks (N, H, W, 1) of earlier defects after this op, moved or spread with the picture; by default `move`.

        Where a mask is 0, `render` must show what it would show without the defect.
        """
        return self.move(masks, params, start)

    def files(self) -> dict[str, str]:
        """SHA-256, by name, of the external files that the op reads.

        Raises:
            SourceError: They are missing or damaged.
        """
        return {}

    @classmethod
    def strengths(cls) -> dict[str, Neutral]:
        """The parameters that set the strength of the damage: those marked `Neutral`, and `opacity`."""
        fields = cls.model_fields
        marked = {name: mark for name in fields for mark in fields[name].metadata if isinstance(mark, Neutral)}
        return {"opacity": Neutral(0), **marked} if "opacity" in fields else marked

    def at_severity(self, severity: float) -> Self:
        """The op scaled to a fraction of its strength: at 0 it never fires, at 1 it is unchanged.

        Its `strengths` are interpolated between their neutral values and their own; an op without any fires less
        often instead. Everything else that a seed draws stays the same, so defects keep their places and fade.

        Raises:
            SpecError: `severity` is not from 0 to 1.
        """
        if not 0 <= severity <= 1:
            raise SpecError(f"must lie within 0 to 1, got {severity:g}", "severity")
        if severity == 1:
            return self
        strengths = self.strengths()
        if not severity or not strengths:
            return self.model_copy(update={"p": severity * self.p})
        milder = {name: mark.towards(getattr(self, name), severity) for name, mark in strengths.items()}
        for name, value in milder.items():
            for mark in type(self).model_fields[name].metadata:
                if isinstance(mark, Within) and value is not None:
                    milder[name] = mark.nearest(value)  # photons may become more than any picture shows
        return self.model_copy(update=milder)

    def load_params(self, data: dict[str, Any]) -> P:
        """Params from a trace's JSON."""
        loaded: P = self.drawn(**data)
        return loaded

    def to_spec(self) -> dict[str, Any]:
        """The op as written in a spec, with all parameters: ``{"dust": {"per_frame": [2.0, 8.0], …}}``."""
        return {self.name(): self.model_dump(mode="json", exclude_none=True)}

    def changed(self) -> dict[str, Any]:
        """The parameters that are not at their defaults."""
        fields = type(self).model_fields.items()
        return {
            name: getattr(self, name)
            for name, field in fields
            if getattr(self, name) != field.get_default(call_default_factory=True)
        }

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """What is not at its default."""
        yield from self.changed().items()

    def __call__(self, clip: Array, *, seed: int, clip_id: str = "") -> Damaged:
        """Damages a picture or clip; see `Pipeline.__call__`."""
        damaged: Damaged = registry.ops.get("pipeline")(self)(clip, seed=seed, clip_id=clip_id)
        return damaged


class Contaminant(Op[P]):
    """An op that puts something on the film: it has a mask, and changes no pixel outside it."""

    family: ClassVar[Family] = "contaminant"

    def render(self, frames: Array, params: P, start: int) -> Layer:
        """Paints each frame; see `Op.render`."""
        return self.render_over(frames.copy(), params, start)

    def render_over(self, frames: Array, params: P, start: int) -> Layer:
        """Paints each frame in place; see `Op.render_over`."""
        mask = np.zeros((*frames.shape[:3], 1), np.float32)
        for i in range(len(frames)):
            self.paint(frames[i], mask[i], params, start + i)
        return Layer(frames, {"": mask})

    @abstractmethod
    def paint(self, frame: Array, mask: Array, params: P, t: int) -> None:
        """Paints frame t in place.

        Args:
            frame: (H, W, C) in [0, 1].
            mask: (H, W, 1), zeros; to be set to the alpha of what is painted.
            params: From `sample`.
            t: Frame index in the clip.
        """


class Temporal(Op[P]):
    """An op whose output frames depend on other input frames as well.

    `frames_needed` returns which. `render`, `move`, `target` and `carry` are given these frames, and `stop`, the
    end of the requested window, so that any window can still be rendered on its own.
    """

    def is_framewise(self, params: P) -> bool:
        """No; see `Op.is_framewise`."""
        return False

    @abstractmethod
    def frames_needed(self, params: P, start: int, stop: int) -> tuple[int, int]:
        """See `Op.frames_needed`."""

    @abstractmethod
    def render(self, frames: Array, params: P, start: int, stop: int | None = None) -> Layer:
        """Damages a window of the clip.

        Args:
            frames: (N, H, W, C) float32 in [0, 1]: those that `frames_needed` returns; without `stop`, the
                requested frames from `start` on, which must then include all that `frames_needed` returns.
            params: From `sample`.
            start: Index of the first requested frame.
            stop: Index after the last requested frame.

        Returns:
            Frames `start` to `stop`, and the masks.
        """

    @abstractmethod
    def move(self, frames: Array, params: P, start: int, stop: int | None = None) -> Array:
        """Moves other frames or masks, given as for `render`, exactly as it moves the picture."""

    def target(self, frames: Array, params: P, start: int, stop: int | None = None) -> Array:
        """The ground truth, aligned with the damaged picture, for clean frames given as for `render`."""
        return self.move(frames, params, start, stop)

    def carry(self, masks: Array, params: P, start: int, stop: int | None = None) -> Array:
        """Masks, given as for `render`; see `Op.carry`."""
        return self.move(masks, params, start, stop)

    def window(self, frames: Array, params: P, start: int, stop: int | None) -> tuple[Array, int, int]:
        """Selects from the arguments of `render` the frames that are needed.

        Returns:
            The frames that `frames_needed` returns, the index of the first of them, and `stop`.

        Raises:
            ValueError: `frames` lacks some of them.
        """
        begin, end = start, start + len(frames)
        if stop is None:
            stop = end
            first, last = self.frames_needed(params, start, stop)
        else:
            first, last = begin, end = self.frames_needed(params, start, stop)
            end = begin + len(frames)
        if not begin <= first <= last <= end:
            raise ValueError(f"frames {start} to {stop} are made of {first} to {last}; given are {begin} to {end}")
        return frames[first - begin : last - begin], first, stop
