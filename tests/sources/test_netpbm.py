"""PGM and PPM of any white, beside Pillow."""

import numpy as np
import pytest
from PIL import Image

from degrade.sources.pictures import describe_picture, read_picture


@pytest.mark.parametrize("kind", [2, 3, 5, 6])
@pytest.mark.parametrize("white", [1, 15, 100, 255, 300, 1023, 4095, 65535])
def test_white_is_what_the_header_says(tmp_path, kind, white):
    values = np.round(np.linspace(0, white, 20 * 32)).astype(int).reshape(20, 32)
    pixels = np.repeat(values[..., None], 3, 2) if kind in (3, 6) else values
    text = (" ".join(map(str, pixels.ravel())) + "\n").encode()
    body = text if kind < 5 else pixels.astype(">u2" if white > 255 else "u1").tobytes()
    path = tmp_path / ("a.ppm" if kind in (3, 6) else "a.pgm")
    path.write_bytes(f"P{kind}\n# 9 9 9\n32 20\n{white}\n".encode() + body)
    assert describe_picture(path)[0].depth == max(8, white.bit_length())
    rounding = 1 if kind < 5 and white < 255 else 0.51  # OpenCV rounds down where numbers are text
    for depth, full in ((8, 255), (16, 65535)):
        step = full / 255 if white < 256 else 1
        assert abs(read_picture(path, depth) - values[..., None] * (full / white)).max() <= rounding * step
    if kind in (2, 5) and white < 256:
        assert abs(read_picture(path)[..., 0] - np.asarray(Image.open(path), int)).max() <= 1
