"""What a stream of frames is: one record, filled by every reader and handed to the writers."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from degrade.core.errors import SourceError
from degrade.core.types import Array
from degrade.sources.fields import Scan

UNTAGGED_RATE = Fraction(24)
"""Frames per second where the footage does not say."""

RGB, BT709, UNSPECIFIED, BT601, BT2020 = 0, 1, 2, 6, 9
"""Matrices by their code points in ITU-T H.273, which containers and codecs share; 5 is BT.601, too."""

MATRICES = {RGB: "rgb", BT709: "bt709", 4: "fcc", 5: "bt470bg", BT601: "smpte170m", 7: "smpte240m", BT2020: "bt2020nc"}
"""Those that are converted."""

NAMES = {
    "matrix": MATRICES | {8: "ycgco", 10: "bt2020c", 11: "smpte2085", 12: "chroma-derived-nc", 13: "chroma-derived-c",
                          14: "ictcp"},
    "primaries": {1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020",
                  10: "smpte428", 11: "smpte431", 12: "smpte432", 22: "ebu3213"},
    "transfer": {1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear", 9: "log100",
                 10: "log316", 11: "iec61966-2-4", 12: "bt1361e", 13: "srgb", 14: "bt2020-10", 15: "bt2020-12",
                 16: "PQ", 17: "smpte428", 18: "HLG"},
}  # fmt: skip
"""The same, and primaries and transfers, for people."""

HDR = (16, 18)
"""Transfers of high dynamic range."""


@dataclass(frozen=True)
class Color:
    """How stored values mean colours: code points of ITU-T H.273, 2 for what the footage does not say."""

    matrix: int = UNSPECIFIED
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    full_range: bool | None = None
    """None: not said."""

    def names(self) -> list[str]:
        """What is said, in words."""
        parts = [NAMES[part].get(getattr(self, part), "") for part in NAMES]
        return [*dict.fromkeys(filter(None, parts)), *(["full range"] if self.full_range else [])]

    def matrix_for(self, height: int, width: int) -> int:
        """The matrix of frames of a size (as stored): where it is not said, that which players take."""
        if self.matrix != UNSPECIFIED:
            return self.matrix
        return BT709 if width >= 1280 or height > 576 else BT601


@dataclass(frozen=True)
class StreamInfo:
    """What a stream is, beside its pixels. Size and aspect are those of the frames as they are read: upright."""

    height: int
    width: int
    rotation: int = 0
    """Degrees clockwise by which stored frames are turned to stand upright: 0, 90, 180, 270."""
    mirrored: bool = False
    """Whether stored frames are flipped left to right before they are turned."""
    aspect: Fraction = Fraction(1)
    """Width of a pixel over its height."""
    rate: Fraction | None = None
    """Frames per second; of a variable rate the mean. None: not said."""
    times: tuple[int, ...] = ()
    """Of a variable rate: when each frame is shown, from the first on, and when the last one ends; in `time_base`."""
    time_base: Fraction = Fraction(1)
    """Seconds."""
    start: Fraction = Fraction(0)
    """When the first frame is shown, seconds."""
    color: Color = Color()
    depth: int = 8
    """Bits of a stored value."""
    chroma: str = ""
    """How chroma is sampled, ``4:2:0``; empty for RGB and grey."""
    scan: Scan = ""
    """How frames are made of fields, if they are."""
    alpha: bool = False
    """Whether there is transparency, which is not read."""
    timecode: str = ""
    """Of the first frame, as the container says it."""
    sound: tuple[str, ...] = ()
    """Each track of sound, for people."""
    logarithmic: bool = False
    """Whether values are densities, as film scanners store them."""

    @property
    def fps(self) -> Fraction:
        """Frames per second, 24 if not said."""
        return self.rate or UNTAGGED_RATE

    def duration(self, frames: int) -> Fraction:
        """Seconds that so many frames from the first on are shown."""
        return self.times[frames] * self.time_base if self.times else frames / self.fps

    def upright(self, frame: Array) -> Array:
        """A stored frame (H, W, C), turned."""
        if self.mirrored:
            frame = frame[:, ::-1]
        return np.rot90(frame, -self.rotation // 90) if self.rotation else frame

    def refuse_unreadable(self, name: object) -> None:
        """Raises SourceError for colours that eight bits of display RGB cannot hold, or that are not converted."""
        if self.color.transfer in HDR:
            raise SourceError(
                f"{name}: HDR ({NAMES['transfer'][self.color.transfer]}); frames here are of standard dynamic range, "
                "map its tones first, as with FFmpeg's filters zscale and tonemap"
            )
        if self.color.matrix not in (*MATRICES, UNSPECIFIED):
            matrix = NAMES["matrix"].get(self.color.matrix, self.color.matrix)
            raise SourceError(f"{name}: colours by the matrix {matrix}, which are not converted")


def rate_of(fps: float | Fraction) -> Fraction:
    """Frames per second; rates such as 23.976 are those they stand for."""
    return Fraction(fps).limit_denominator(1001)


def steady(fps: float, *, aspect: float = 1.0) -> StreamInfo:
    """A stream of no size at a constant rate, frames per second, see `rate_of`."""
    return StreamInfo(0, 0, rate=rate_of(fps), aspect=Fraction(aspect).limit_denominator(1000))


TURNS = {1: (0, False), 2: (0, True), 3: (180, False), 4: (180, True), 5: (270, True), 6: (90, False), 7: (90, True),
         8: (270, False)}  # fmt: skip
"""EXIF's orientations as `StreamInfo.rotation` and `StreamInfo.mirrored`."""


def picture_info(height: int, width: int, orientation: int, *, depth: int = 8, alpha: bool = False) -> StreamInfo:
    """A picture that is stored at this size and turned as EXIF says; as upright if it says nonsense."""
    rotation, mirrored = TURNS.get(orientation, TURNS[1])
    if rotation % 180:
        height, width = width, height
    return StreamInfo(height, width, rotation, mirrored, depth=depth, alpha=alpha)
