"""What a video is, by its container and its first frame."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import av
from av.sidedata.sidedata import Type

from degrade.sources.fields import Scan
from degrade.sources.stream import Color, StreamInfo, rate_of
from degrade.sources.video_index import CLOCKED

FASTEST = 1000
"""Frames per second that are believed."""


def describe(
    container: av.container.InputContainer,
    stream: av.VideoStream,
    frame: av.VideoFrame | None,
    times: Sequence[int],
    last: int,
    scan: Scan = "",
) -> StreamInfo:
    """The record of a stream.

    Args:
        container: Where it is.
        stream: The stream.
        frame: Its first frame, if that can be decoded.
        times: When each of its frames is shown, in its time base; nothing if that is not known.
        last: For how long the last one is shown, 0 if not known.
        scan: How frames are made of fields.
    """
    shown = frame or stream.codec_context
    height, width, rotation, mirrored = shown.height, shown.width, *_turn(frame)
    aspect = stream.sample_aspect_ratio or Fraction(1)
    if rotation % 180:
        height, width, aspect = width, height, 1 / aspect
    base = stream.time_base or Fraction(1)
    begins = clock_start(container)
    steady, rate = _rate(stream, times, last)
    ends = (times[-1] - times[0] + (last or _mean_step(times)),) if times else ()
    pixels = frame.format if frame else stream.codec_context.format
    components = pixels.components if pixels else ()
    sound = tuple(_sound(track) for track in container.streams.audio)
    return StreamInfo(
        height,
        width,
        rotation,
        mirrored,
        aspect if aspect > 0 else Fraction(1),
        rate,
        () if steady else (*(time - times[0] for time in times), *ends),
        base,
        _start(times[0] * base - begins) if times else Fraction(0),
        _color(shown),
        max((component.bits for component in components), default=8),
        _chroma(pixels) if pixels else "",
        scan,
        any(component.is_alpha for component in components),
        _timecode(container, stream),
        sound,
    )


def _sound(track: av.AudioStream) -> str:
    context = track.codec_context
    if context is None:  # PyAV's types do not know this
        return "of an unknown codec"
    return f"{context.name}, {context.sample_rate} Hz, {context.layout.name}"


def clock_start(container: av.container.InputContainer) -> Fraction:
    """What the timestamps of a file begin at, seconds: where they are a sender's clock, not 0."""
    return Fraction(container.start_time or 0, av.time_base) if container.format.name in CLOCKED else Fraction(0)


def _timecode(container: av.container.InputContainer, stream: av.VideoStream) -> str:
    """Of the first frame; a track of its own may say it, and keys are written in any case."""
    for metadata in (stream.metadata, container.metadata, *(track.metadata for track in container.streams.data)):
        for key, value in metadata.items():
            if key.lower() == "timecode":
                return value
    return ""


def _start(seconds: Fraction) -> Fraction:
    """Of the first frame; what is less than a millisecond is rounding."""
    return seconds if seconds >= Fraction(1, 1000) else Fraction(0)


def _turn(frame: av.VideoFrame | None) -> tuple[int, bool]:
    """Degrees clockwise, and whether mirrored before, of the display matrix; to the nearest right angle."""
    found: Any = frame.side_data if frame else {}
    if Type.DISPLAYMATRIX not in found:
        return 0, False
    data = bytes(found[Type.DISPLAYMATRIX])
    a, b, _, c, d = (int.from_bytes(data[at : at + 4], "little", signed=True) for at in range(0, 20, 4))
    mirrored = a * d - b * c < 0
    angle = math.degrees(math.atan2(-b, -a) if mirrored else math.atan2(b, a))
    return round(angle / 90) % 4 * 90, mirrored


def _color(shown: av.VideoFrame | av.VideoCodecContext) -> Color:
    full = {1: False, 2: True}.get(int(shown.color_range))
    return Color(int(shown.colorspace), int(shown.color_primaries), int(shown.color_trc), full)


def _chroma(pixels: av.VideoFormat) -> str:
    if pixels.is_rgb or len(pixels.components) < 3:
        return ""
    across, down = 256 // pixels.chroma_width(256), 256 // pixels.chroma_height(256)
    names = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0", (4, 1): "4:1:1", (4, 4): "4:1:0", (1, 2): "4:4:0"}
    return names.get((across, down), "")


def _rate(stream: av.VideoStream, times: Sequence[int], last: int) -> tuple[bool, Fraction | None]:
    """Whether the frames come at one rate, and the rate, or the mean of a variable one; None if nobody says."""
    told = [Fraction(rate) for rate in (stream.guessed_rate, stream.average_rate, stream.base_rate) if rate]
    told = [rate for rate in told if 0 < rate <= FASTEST]
    if not times or not stream.time_base or len(times) == 1:
        return True, told[0] if told else None
    measured = (len(times) - 1) / ((times[-1] - times[0]) * stream.time_base)
    for rate in (*told, rate_of(measured), measured):
        if 0 < rate <= FASTEST and _keeps(rate * stream.time_base, times):
            return True, rate
    return False, len(times) / ((times[-1] - times[0] + (last or _mean_step(times))) * stream.time_base)


def _keeps(frames_per_tick: Fraction, times: Sequence[int]) -> bool:
    """Whether each frame is shown within a tick of where a steady rate puts it."""
    over, under = frames_per_tick.denominator, frames_per_tick.numerator
    return all(abs((time - times[0]) * under - i * over) <= under for i, time in enumerate(times))


def _mean_step(times: Sequence[int]) -> int:
    return max(1, round((times[-1] - times[0]) / max(1, len(times) - 1)))
