"""The contract of every op: draw once per clip, then render any window of it."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Generic, Literal, Self

import numpy as np
from pydantic import Field
from typing_extensions import TypeVar

from degrade.core import registry
from degrade.core.errors import SpecError
from degrade.core.fields import Neutral, Probability, Strict
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Damaged, Layer, Params, clipped

Family = Literal["contaminant", "quality", "exposure", "transport", "composition"]


P = TypeVar("P", bound=Params, default=Any)
"""The record of what an op draws."""


class Op(Strict, Generic[P]):
    """One kind of damage.

    `sample` draws everything random for a clip, tracks over time included. `render` is a pure function of
    the frames and what was drawn; pixels of frame t depend on frame t and the params alone, so a window
    rendered by itself equals that slice of the whole clip. An op that looks at other frames is a `Temporal`.

    A new op is one file in ``degrade/ops``: its params, a subclass made for them, `sample`, and `render_frame`.
    """

    drawn: ClassVar[type[Any]] = Params
    """The record that `sample` returns: the type that the class is made for, ``Op[DustParams]``."""
    family: ClassVar[Family]

    p: Probability = 1.0
    """Probability that the op fires, drawn once per clip."""
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")] | None = None
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
        """Whether every frame is made of itself alone; if not, the op is a `Temporal`."""
        return True

    def frames_needed(self, params: P, start: int, stop: int) -> tuple[int, int]:
        """Which frames of the clip go into frames `start` to `stop`: the first, and the one after the last."""
        return start, stop

    def block_size(self, params: P) -> int:
        """Number of frames that are made together: windows between multiples of it make none in vain."""
        return 1

    @property
    def wraps_remaining(self) -> bool:
        """Whether the ops that follow in the same sequence are applied within this one, by `wrap`."""
        return False

    def info_for_remaining(self, info: ClipInfo, params: P) -> ClipInfo:
        """The clip as the ops that follow see it."""
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
        """Applies this op around the remaining ones; asked of ops with `wraps_remaining` only.

        Args:
            frames: (N, H, W, C), from frame `first` of the clip on.
            params: From `sample`.
            first: Index of the first frame given.
            start: Index of the first frame that `inner` returns.
            inner: The remaining ops.
            limit: Brings values that this op overshoots back into range, in place.
        """
        raise TypeError(f"{type(self).__name__} does not wrap the ops that follow")

    def render(self, frames: Array, params: P, start: int) -> Layer:
        """Damages a window of the clip.

        Args:
            frames: (N, H, W, C) float32 in [0, 1], frames `start` to `start` + N of the clip; not changed.
            params: From `sample`.
            start: Index of the first frame in the clip.

        Returns:
            New frames, or the given ones where nothing is changed, and the masks.
        """
        if len(frames) == 1:  # as the engine does it; spares a copy
            frame = self.render_frame(frames[0], params, start)
            return Layer(np.asarray(frame, np.float32).reshape(frames.shape), {})
        out = np.empty_like(frames)
        for i, frame in enumerate(frames):
            out[i] = self.render_frame(frame, params, start + i).reshape(frame.shape)
        return Layer(out, {})

    def render_frame(self, frame: Array, params: P, t: int) -> Array:
        """Frame t, (H, W, C), damaged; what `render` calls, for ops that leave no mask."""
        raise TypeError(f"{type(self).__name__} defines neither render nor render_frame")

    def move(self, frames: Array, params: P, start: int) -> Array:
        """Moves other frames or masks (N, H, W, C) as `render` moves the picture; unchanged by default."""
        return frames

    def target(self, frames: Array, params: P, start: int) -> Array:
        """Clean frames as the ground truth that follows the picture; as `move` has it by default."""
        return self.move(frames, params, start)

    def carry(self, masks: Array, params: P, start: int) -> Array:
        """Masks (N, H, W, 1) of defects that lay on the picture before, moved or spread with it; as `move` by default.

        Where a mask is 0, `render` must show what it would show without the defect.
        """
        return self.move(masks, params, start)

    def files(self) -> dict[str, str]:
        """Outside files that the op reads: their SHA-256 by name.

        Raises:
            SourceError: They are missing or damaged.
        """
        return {}

    @classmethod
    def strengths(cls) -> dict[str, Neutral]:
        """The parameters that say how strong the damage is: those marked `Neutral`, and `opacity`."""
        fields = cls.model_fields
        marked = {name: mark for name in fields for mark in fields[name].metadata if isinstance(mark, Neutral)}
        return {"opacity": Neutral(0), **marked} if "opacity" in fields else marked

    def at_severity(self, severity: float) -> Self:
        """The op at a share of its strength: at 0 it never fires, at 1 it is as it is.

        Its `strengths` go in proportion from where they change nothing to what they are; an op without any fires so
        much less often. What else is drawn stays as it is for a given seed, so a clip keeps its defects where they
        are: they fade.

        Raises:
            SpecError: `severity` is not from 0 to 1.
        """
        if not 0 <= severity <= 1:
            raise SpecError(f"must lie within 0 to 1, got {severity:g}", "severity")
        strengths = self.strengths()
        if not severity or not strengths:
            return self.model_copy(update={"p": severity * self.p})
        milder = {name: mark.towards(getattr(self, name), severity) for name, mark in strengths.items()}
        return self.model_copy(update=milder)

    def load_params(self, data: dict[str, Any]) -> P:
        """Params from a trace's JSON."""
        loaded: P = self.drawn(**data)
        return loaded

    def to_spec(self) -> dict[str, Any]:
        """The op as in a spec, every parameter named: ``{"dust": {"per_frame": [2.0, 8.0], …}}``."""
        return {self.name(): self.model_dump(mode="json", exclude_none=True)}

    def __call__(self, clip: Array, *, seed: int, clip_id: str = "") -> Damaged:
        """Damages a picture or clip; see `Pipeline.__call__`."""
        damaged: Damaged = registry.ops.get("pipeline")(self)(clip, seed=seed, clip_id=clip_id)
        return damaged


class Contaminant(Op[P]):
    """An op that lies on the film: it has a mask, and changes no pixel outside of it."""

    family: ClassVar[Family] = "contaminant"

    def render(self, frames: Array, params: P, start: int) -> Layer:
        """Paints each frame; see `Op.render`."""
        out = frames.copy()
        mask = np.zeros((*frames.shape[:3], 1), np.float32)
        for i in range(len(frames)):
            self.paint(out[i], mask[i], params, start + i)
        return Layer(out, {"": mask})

    @abstractmethod
    def paint(self, frame: Array, mask: Array, params: P, t: int) -> None:
        """Paints frame t in place.

        Args:
            frame: (H, W, C) in [0, 1].
            mask: (H, W, 1), zero; to be raised to the alpha of what is painted.
            params: From `sample`.
            t: Frame index in the clip.
        """


class Temporal(Op[P]):
    """An op that makes a frame of other frames than that one, too.

    `frames_needed` says of which. `render`, `move` and `target` are given these, and `stop`, the end of the
    window that is wanted; so any window can still be rendered by itself.
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
            frames: (N, H, W, C) float32 in [0, 1], those that `frames_needed` names; without `stop`, the frames from
                `start` on, the wanted ones, which must then hold all that `frames_needed` names.
            params: From `sample`.
            start: Index of the first frame wanted.
            stop: Index after the last frame wanted.

        Returns:
            Frames `start` to `stop`, and the masks.
        """

    @abstractmethod
    def move(self, frames: Array, params: P, start: int, stop: int | None = None) -> Array:
        """Moves other frames or masks, given as for `render`, as it moves the picture."""

    def target(self, frames: Array, params: P, start: int, stop: int | None = None) -> Array:
        """Clean frames, given as for `render`, as the ground truth that follows the picture."""
        return self.move(frames, params, start, stop)

    def carry(self, masks: Array, params: P, start: int, stop: int | None = None) -> Array:
        """Masks, given as for `render`; see `Op.carry`."""
        return self.move(masks, params, start, stop)

    def window(self, frames: Array, params: P, start: int, stop: int | None) -> tuple[Array, int, int]:
        """What `render` was given, made out.

        Returns:
            The frames that `frames_needed` names, the index of the first of them, and `stop`.

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
