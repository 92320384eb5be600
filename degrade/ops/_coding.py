"""What `video_codec` codes frames with: FFmpeg's encoders and decoders, one thread, bit-exact."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

from degrade.core.errors import SourceError, SpecError
from degrade.core.types import Array, to_uint8

ENCODERS = {"h264": "libx264", "hevc": "libx265", "mpeg2": "mpeg2video", "mpeg4": "mpeg4"}
DECODERS = {"h264": "h264", "hevc": "hevc", "mpeg2": "mpeg2video", "mpeg4": "mpeg4"}
"""FFmpeg's names."""

LEAST = 64
"""Smallest side that all encoders take; smaller frames are padded."""
EXACT = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.BITEXACT
"""How RGB becomes YUV and YUV RGB: no rounding shortcuts, the same on every processor."""


def check_encoder(codec: str) -> None:
    """Refuses a codec that PyAV was built without.

    Raises:
        SpecError: It has no such encoder.
    """
    try:
        there = av.codec.Codec(ENCODERS[codec], "w").is_encoder
    except av.codec.codec.UnknownCodecError:
        there = False
    if not there:
        raise SpecError(f"this PyAV ({av.__version__}) has no encoder {ENCODERS[codec]!r} for {codec}", "codecs")


def coded(frames: Array, codec: str, qp: int) -> Iterator[Array]:
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


def _encoded(frames: Array, codec: str, qp: int) -> "list[av.Packet[Any]]":
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


def _options(codec: str, qp: int) -> dict[str, str]:
    """A constant quantiser, one thread; presets that keep to 60 frames a second at 640×368."""
    if codec == "h264":
        own = "rc-lookahead=0:b-adapt=0:scenecut=0"  # its lookahead differs from run to run at some sizes
        return {"flags": "+bitexact", "qp": str(qp), "preset": "veryfast", "x264-params": own}
    if codec == "hevc":
        own = f"qp={qp}:pools=none:frame-threads=1:wpp=0:log-level=none"
        return {"flags": "+bitexact", "preset": "ultrafast", "x265-params": own}
    scale = str(min(max(round(0.3125 * 2 ** (qp / 6)), 1), 31))  # half the step of H.264, which is 0.625 · 2^(QP/6)
    return {"flags": "+bitexact", "qmin": scale, "qmax": scale, "bf": "2"}
