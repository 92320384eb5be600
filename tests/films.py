"""Films with pictures and sound that belong together, and what is seen and heard of a file."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

SAMPLES = 48000
FLASH = 10
"""Each such frame is white, and has a click of sound with it."""


def film(
    path: Path, sounds: Sequence[str] = ("aac",), *, frames: int = 50, times: list[int] | None = None, rate: int = 25
) -> Path:
    """Writes one with a title, a timecode, a word on the reel, two chapters and sound of these codecs.

    Args:
        path: Its suffix says the container.
        sounds: Codecs.
        frames: How many, where they come at a steady rate.
        times: When each frame is shown and when the last one ends, in milliseconds.
        rate: Frames per second.
    """
    times = times or [round(i * 1000 / rate) for i in range(frames + 1)]
    count = times[-1] * SAMPLES // 1000
    heard = np.zeros(count, np.float32)
    for time in times[:-1:FLASH]:
        heard[time * 48 : time * 48 + 480] = 0.9 * np.sin(np.arange(480))
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=rate, options={"g": "12"})
        video.height, video.width, video.pix_fmt = 48, 64, "yuv420p"
        video.codec_context.time_base = Fraction(1, 1000)
        tracks: list[Any] = [container.add_stream(codec, rate=SAMPLES) for codec in sounds]
        for track in tracks:
            track.layout, track.metadata["language"] = "mono", "nor"
        container.metadata.update({"title": "Reel", "timecode": "01:00:00:00", "reel": "A7"})
        ends = 0, 1000, times[-1]
        container.set_chapters([
            {"id": i, "start": ends[i], "end": ends[i + 1], "time_base": Fraction(1, 1000),
             "metadata": {"title": f"part {i}"}} for i in range(2)
        ])  # fmt: skip
        for i, time in enumerate(times[:-1]):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64), 20 if i % FLASH else 255, np.uint8), "gray")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(video.encode(frame))
        container.mux(video.encode())
        for track in tracks:
            for at in range(0, count, 1024):
                part = heard[at : at + 1024][None]
                layout = track.format.name
                values = part if layout.startswith("flt") else (part * 32767).astype(np.int16)
                piece = av.AudioFrame.from_ndarray(values, layout if layout.startswith("flt") else "s16", "mono")
                piece.sample_rate, piece.pts, piece.time_base = SAMPLES, at, Fraction(1, SAMPLES)
                container.mux(track.encode(piece))
            container.mux(track.encode())
    return path


def flashes(path: Path) -> list[float]:
    """When white frames are shown, seconds."""
    with av.open(str(path)) as container:
        shown = [(frame.time, frame.to_ndarray(format="gray").mean()) for frame in container.decode(video=0)]
    return [time for time, mean in shown if time is not None and mean > 128]


def clicks(path: Path, track: int = 0) -> list[float]:
    """When clicks are heard, seconds."""
    found: list[float] = []
    with av.open(str(path)) as container:
        for piece in container.decode(audio=track):
            values = piece.to_ndarray().astype(np.float64).reshape(-1)
            loud = np.abs(values) > 0.3 * (1 if piece.format.name.startswith("flt") else 32767)
            for at in np.nonzero(loud)[0]:
                time = float(piece.time or 0) + at / piece.sample_rate
                if not found or time - found[-1] > 0.1:
                    found.append(time)
    return found
