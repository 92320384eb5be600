"""Video compression, as of tape transfers, discs and web copies."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal

import av
import cv2
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from pydantic import Field, model_validator

from degrade.core.errors import SourceError, SpecError
from degrade.core.fields import Interval, Neutral, Within
from degrade.core.op import Family, Temporal
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Layer, Params, to_uint8
from degrade.ops._drawn import choose

Codec = Literal["h264", "hevc", "mpeg2", "mpeg4"]

ENCODERS = {"h264": "libx264", "hevc": "libx265", "mpeg2": "mpeg2video", "mpeg4": "mpeg4"}
DECODERS = {"h264": "h264", "hevc": "hevc", "mpeg2": "mpeg2video", "mpeg4": "mpeg4"}
"""FFmpeg's names."""

LEAST = 64
"""Smallest side that all encoders take; smaller frames are padded."""
EXACT = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.BITEXACT
"""How RGB becomes YUV and YUV RGB: no rounding shortcuts, the same on every processor."""


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
        for codec in self.codecs:
            if not _has_encoder(codec):
                raise SpecError(
                    f"this PyAV ({av.__version__}) has no encoder {ENCODERS[codec]!r} for {codec}", "codecs"
                )
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


def _has_encoder(codec: Codec) -> bool:
    try:
        return bool(av.codec.Codec(ENCODERS[codec], "w").is_encoder)
    except av.codec.codec.UnknownCodecError:
        return False


def coded(frames: Array, codec: Codec, qp: int) -> Iterator[Array]:
    """Frames (N, H, W, C) as they come out when they are coded as one group, (H, W, C) each, in [0, 1].

    Raises:
        SourceError: The codec does not take frames of this size.
    """
    count, height, width, channels = frames.shape
    reformat = VideoReformatter().reformat
    decoder: Any = av.CodecContext.create(DECODERS[codec], "r")
    decoder.thread_count = 1
    try:
        packets = _encoded(frames, codec, qp)
        pictures = [picture for packet in (*packets, None) for picture in decoder.decode(packet)]
    except av.FFmpegError as error:
        raise SourceError(f"{codec} cannot code frames of {width}×{height}: {error.strerror}") from error
    assert [picture.pts for picture in pictures] == list(range(count))
    for picture in pictures:
        if channels == 1:
            luma = picture.to_ndarray()[:height, :width, None].astype(np.float32)
            yield np.clip((luma - 16) * np.float32(1 / 219), 0, 1)
        else:
            rgb = reformat(picture, format="rgb24", interpolation=EXACT, threads=1).to_ndarray()
            yield rgb[:height, :width].astype(np.float32) * np.float32(1 / 255)


def _encoded(frames: Array, codec: Codec, qp: int) -> "list[av.Packet[Any]]":
    """The packets of a group, in coding order."""
    height, width = (max(LEAST, side + side % 2) for side in frames.shape[1:3])
    encoder: Any = av.CodecContext.create(ENCODERS[codec], "w")
    encoder.height, encoder.width, encoder.pix_fmt = height, width, "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(25), Fraction(1, 25)
    encoder.thread_count, encoder.gop_size, encoder.bit_rate = 1, len(frames) + 1, 0
    encoder.options = _options(codec, qp)
    reformat = VideoReformatter().reformat
    packets = []
    for t, frame in enumerate(frames):
        edges = (0, height - frame.shape[0], 0, width - frame.shape[1])
        if frame.shape[-1] == 1:
            luma = cv2.copyMakeBorder(cv2.convertScaleAbs(frame, alpha=219, beta=16), *edges, cv2.BORDER_REPLICATE)
            planes: Any = np.concatenate((luma, np.full((height // 2, width), 128, np.uint8)))
            picture = av.VideoFrame.from_ndarray(planes, "yuv420p")
        else:
            rgb: Any = cv2.copyMakeBorder(to_uint8(frame), *edges, cv2.BORDER_REPLICATE)
            whole = av.VideoFrame.from_ndarray(rgb, "rgb24")
            picture = reformat(whole, format="yuv420p", interpolation=EXACT, threads=1)
        picture.pts, picture.time_base = t, encoder.time_base
        packets += encoder.encode(picture)
    return [*packets, *encoder.encode(None)]


def _options(codec: Codec, qp: int) -> dict[str, str]:
    """A constant quantiser, one thread; presets that keep to 60 frames a second at 640×368."""
    if codec == "h264":
        own = "rc-lookahead=0:b-adapt=0:scenecut=0"  # its lookahead differs from run to run at some sizes
        return {"flags": "+bitexact", "qp": str(qp), "preset": "veryfast", "x264-params": own}
    if codec == "hevc":
        own = f"qp={qp}:pools=none:frame-threads=1:wpp=0:log-level=none"
        return {"flags": "+bitexact", "preset": "ultrafast", "x265-params": own}
    scale = str(min(max(round(0.3125 * 2 ** (qp / 6)), 1), 31))  # half the step of H.264, which is 0.625 · 2^(QP/6)
    return {"flags": "+bitexact", "qmin": scale, "qmax": scale, "bf": "2"}
