"""Video compression, as of tape transfers, discs and web copies."""

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from degrade.core.fields import Interval, Neutral, Within
from degrade.core.op import Family, Temporal
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Layer, Params
from degrade.ops._drawn import choose

Codec = Literal["h264", "hevc", "mpeg2", "mpeg4"]


class VideoCodecParams(Params):
    """What was drawn."""

    codec: Codec
    qp: int
    group: int
    """Frames that are coded together; groups are counted from the clip's start."""
    frames: int
    """Length of the clip, at which the last group ends."""


class VideoCodec(Temporal[VideoCodecParams]):
    """H.264, HEVC, MPEG-2 or MPEG-4 at a constant quantiser, in groups of frames that are coded by themselves.

    8 bit, limited range, chroma at half size (4:2:0); grey has chroma without contrast. Each group opens with
    an intra frame; the others are predicted, forwards and backwards, from within it. Odd sides are padded by
    their last line. Masks and targets stay as they are. A window costs the groups that it touches.
    """

    family: ClassVar[Family] = "quality"
    carries_exactly: ClassVar[bool] = False  # blocks are coded as a whole, and predict others

    codecs: Annotated[tuple[Codec, ...], Field(min_length=1)] = ("h264",)
    """``h264``, ``hevc``, ``mpeg2`` (DVD, broadcast) or ``mpeg4`` (part 2: DivX, Xvid); one is drawn per clip."""
    qp: Annotated[Interval, Within(0, 51), Neutral(0)] = (26.0, 40.0)
    """Quantiser as H.264 and HEVC count it, drawn per clip, whole: 0 the best, its step doubled by every 6 more.
    MPEG-2 and MPEG-4 have the nearest of their own 31 steps, which span 10 to 40."""
    group: Annotated[Interval, Within(1, 250, "frames")] = (12.0, 12.0)
    """Length of a group, drawn per clip, whole. Memory grows with it, and so does the time for a single frame."""

    @model_validator(mode="after")
    def _encoders_are_there(self) -> "VideoCodec":
        from degrade.ops._coding import check_encoder  # of PyAV, which no other op waits for

        for codec in self.codecs:
            check_encoder(codec)
        return self

    def sample(self, info: ClipInfo, rng: Stream) -> VideoCodecParams:
        """Draws codec, quantiser and length of the groups."""
        draw = rng.generator("codec")
        codec = choose(draw, self.codecs)
        qp, group = (int(draw.integers(round(low), round(high) + 1)) for low, high in (self.qp, self.group))
        return VideoCodecParams(codec=codec, qp=qp, group=group, frames=info.frames)

    def frames_needed(self, params: VideoCodecParams, start: int, stop: int) -> tuple[int, int]:
        """Whole groups; see `Op.frames_needed`."""
        end = -(-stop // params.group) * params.group
        return start // params.group * params.group, min(end, params.frames)

    def block_size(self, params: VideoCodecParams) -> int:
        """A group; see `Op.block_size`."""
        return int(params.group)

    def render(self, frames: Array, params: VideoCodecParams, start: int, stop: int | None = None) -> Layer:
        """See `Temporal.render`."""
        from degrade.ops._coding import coded

        frames, first, stop = self.window(frames, params, start, stop)
        out = np.empty((stop - start, *frames.shape[1:]), np.float32)
        for begin in range(first, stop, params.group):
            group = frames[begin - first : begin - first + params.group]
            for t, frame in enumerate(coded(group, params.codec, params.qp), begin):
                if start <= t < stop:
                    out[t - start] = frame
        return Layer(out, {})

    def move(self, frames: Array, params: VideoCodecParams, start: int, stop: int | None = None) -> Array:
        """Only cuts out the window; see `Temporal.move`."""
        frames, first, stop = self.window(frames, params, start, stop)
        return frames[start - first : stop - first]
