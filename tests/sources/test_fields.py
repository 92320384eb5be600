"""Interlaced and telecined footage is found, and made into whole frames on request, at any place of the film."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from degrade.core.errors import SourceError
from degrade.core.types import Array
from degrade.sources import open_source
from degrade.sources.fields import measured_scan
from degrade.sources.stream import StreamInfo

HEIGHT, WIDTH = 96, 128


def shot(time: float) -> Array:
    """What is seen at a time: waves that drift, and a bright block that crosses them."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    seen = 110 + 50 * np.sin((x - 5 * time) / 7) + 30 * np.cos(y / 9 + time / 5)
    seen[30:60, round(7 * time) % 100 : round(7 * time) % 100 + 20] = 230
    return seen.astype(np.uint8)


def woven(top: Array, bottom: Array) -> Array:
    frame = top.copy()
    frame[1::2] = bottom[1::2]
    return frame


def progressive(frames: int) -> list[Array]:
    return [shot(t) for t in range(frames)]


def interlaced(frames: int, first: str = "top") -> list[Array]:
    fields = [(shot(t), shot(t + 0.5)) for t in range(frames)]
    return [woven(*pair) if first == "top" else woven(*pair[::-1]) for pair in fields]


def telecined(frames: int) -> list[Array]:
    film = progressive(frames)
    return [
        frame
        for a, b, c, d in zip(*(film[i::4] for i in range(4)), strict=True)
        for frame in (a, b, woven(b, c), woven(c, d), d)
    ]


def encode(path: Path, frames: list[Array], height: int = HEIGHT, **about: Any) -> Path:
    """Lossless, at 30000/1001; of more rows than there are the frame is at the top."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(30000, 1001), options={"qp": "0", "g": "10"})
        stream.height, stream.width, stream.pix_fmt = height, WIDTH, "yuv420p"
        for name, value in about.items():
            setattr(stream.codec_context, name, value)
        for i, grey in enumerate(frames):
            padded = np.pad(grey, ((0, height - HEIGHT), (0, 0)))
            frame = av.VideoFrame.from_ndarray(padded, "gray").reformat(format="yuv420p")
            frame.pts, frame.time_base = i, Fraction(1001, 30000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def read(path: Path, how: str) -> tuple[Any, StreamInfo, Array]:
    source = open_source(path, deinterlace=how)
    (sequence,) = source.sequences()
    return source, sequence.stream, source.read(sequence, 0, sequence.frames)


@pytest.mark.parametrize(
    ("frames", "scan"),
    [
        (progressive(12), ""),
        (interlaced(12), "top"),
        (interlaced(12, "bottom"), "bottom"),
        (telecined(16), "telecine"),
        (telecined(16)[2:], "telecine"),
        ([shot(0)] * 12, ""),
        ([shot(0)], ""),
        ([shot(t // 2) for t in range(12)], ""),
    ],
    ids=["progressive", "top", "bottom", "telecine", "telecine begun within", "still", "one frame", "each twice"],
)
@pytest.mark.parametrize("noise", [0, 4])
def test_fields_are_measured(frames: list[Array], scan: str, noise: float) -> None:
    draw = np.random.default_rng(0)
    noisy = [np.clip(frame + draw.normal(0, noise, frame.shape), 0, 255).astype(np.uint8) for frame in frames]
    assert measured_scan(noisy) == scan


def test_noise_alone_is_no_interlacing() -> None:
    draw = np.random.default_rng(0)
    assert measured_scan([draw.integers(0, 256, (64, 64), np.uint8) for _ in range(12)]) == ""


@pytest.mark.parametrize(
    ("frames", "told"),
    [
        (interlaced(20), "interlaced, top field first, taken as stored; deinterlace: bwdif makes frames"),
        (interlaced(20, "bottom"), "interlaced, bottom field first, taken as stored; deinterlace: bwdif makes frames"),
        (telecined(20), "telecined film, taken as stored; deinterlace: telecine makes frames"),
        (progressive(20), None),
    ],
    ids=["top", "bottom", "telecine", "progressive"],
)
def test_the_report_names_it(tmp_path: Path, frames: list[Array], told: str | None) -> None:
    source = open_source(encode(tmp_path / "in.mp4", frames, 480))
    assert [note.what for note in source.notes() if note.kind == "odd"] == [told] * bool(told)
    assert (f"odd: {told} (1: in)" in source.line()) == bool(told)


def test_what_the_stream_says_counts(tmp_path: Path) -> None:
    still = encode(tmp_path / "in.mov", [shot(0)] * 3, field_order=2, flags=av.codec.context.Flags.interlaced_dct)
    assert open_source(still).sequences()[0].stream.scan == "top"


@pytest.mark.parametrize(("first", "how"), [("top", "bwdif"), ("bottom", "bwdif")])
def test_fields_become_frames(tmp_path: Path, first: str, how: str) -> None:
    path = encode(tmp_path / "in.mkv", interlaced(20, first), 480)
    _, about, frames = read(path, how)
    assert (len(frames), about.scan) == (20, "")
    error = [np.abs(frame[:HEIGHT, :, 0].astype(int) - shot(t)).mean() for t, frame in enumerate(frames)]
    stored = [
        np.abs(frame[:HEIGHT, :, 0].astype(int) - shot(t)).mean() for t, frame in enumerate(read(path, "none")[2])
    ]
    assert max(error[2:-2]) < 0.6 * min(stored[2:-2])


def test_film_is_found_again(tmp_path: Path) -> None:
    source, about, frames = read(encode(tmp_path / "in.mkv", telecined(24)), "telecine")
    assert about.rate == Fraction(24000, 1001)
    assert len(frames) == 24
    for t, frame in enumerate(frames):
        assert np.abs(frame[..., 0].astype(int) - shot(t)).mean() < 2
    assert "fields, and made into frames (telecine)" in source.line()


@pytest.mark.parametrize("how", ["bwdif", "telecine"])
@pytest.mark.parametrize("frames", [27, 30, 31])
def test_a_window_is_the_same_slice_of_the_whole(tmp_path: Path, how: str, frames: int) -> None:
    stored = interlaced(frames) if how == "bwdif" else telecined(28)[:frames]
    source, _, whole = read(encode(tmp_path / "in.mkv", stored), how)
    for start in range(0, len(whole), 3):
        for stop in {start + 1, min(start + 5, len(whole)), len(whole)}:
            np.testing.assert_array_equal(source.read("in", start, stop), whole[start:stop], f"{start} to {stop}")


@pytest.mark.parametrize("color", [{"colorspace": 1, "color_range": 1}, {"color_range": 2}, {"colorspace": 5}])
def test_colours_stay(tmp_path: Path, color: dict[str, int]) -> None:
    path = encode(tmp_path / "in.mkv", [shot(0)] * 4, **color)
    before, after = read(path, "none")[2], read(path, "bwdif")[2]
    # Of rows a deinterlacer draws every other one.
    assert np.abs(before[1, ::2].astype(int) - after[1, ::2]).max() <= 1


def test_what_cannot_be_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="unknown deinterlacer 'bobs'"):
        open_source(tmp_path, deinterlace="bobs")
    with pytest.raises(SourceError, match="has 4 frames, and telecined video is undone by 5"):
        open_source(encode(tmp_path / "in.mkv", progressive(4)), deinterlace="telecine")
