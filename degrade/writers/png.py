"""PNG."""

import cv2

from degrade.core.types import Array
from degrade.sources.stream import StreamInfo


def encode(frame: Array, about: StreamInfo, number: int) -> bytes:
    """See `degrade.writers.frames.encode`."""
    order = frame if frame.shape[2] == 1 else frame[..., ::-1]
    data: bytes = cv2.imencode(".png", order)[1].tobytes()
    return data
