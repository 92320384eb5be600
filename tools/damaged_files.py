"""Makes damaged files of every kind that is read, opens and reads each, and says what came of it.

Allowed is: read to the end, or one line. Anything else is a fault: another exception, a warning, a crash, a value or a
shape that is not promised, more time or more memory than stated. The same seed makes the same files.

python tools/damaged_files.py                        # 1,000 files
python tools/damaged_files.py --files 100 --seed 3
python tools/damaged_files.py --keep faults          # files with faults are copied into a folder
"""

import argparse
import json
import multiprocessing
import resource
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import av
import cv2
import numpy as np
import tifffile
from PIL import Image

from degrade.core.errors import LONGEST, DegradeError
from degrade.sources import open_source, raw, scans
from degrade.sources.base import Depth
from degrade.sources.stream import StreamInfo
from degrade.writers.base import Pictures
from degrade.writers.frames import encode

MEMORY, SECONDS = 1024, 30
"""MiB that a process may hold while it reads a file, and how long that may take."""

ADDRESSES = 8 * 2**30
"""Bytes that a process may ask for before it is refused, so that a fault does not harm the machine."""

FRAMES, HEIGHT, WIDTH = 12, 48, 64


def _frames() -> list[np.ndarray]:
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    picture = cv2.GaussianBlur(noise, (0, 0), 2)
    return [np.ascontiguousarray(np.roll(picture, 3 * t, 1)) for t in range(FRAMES)]


def _pillow(suffix: str, mode: str = "RGB", pages: int = 1, **options: Any) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        first, *others = [Image.fromarray(frame).convert(mode) for frame in _frames()[:pages]]
        more: dict[str, Any] = {"save_all": True, "append_images": others} if others else {}
        first.save(path, suffix, **more, **options)

    return write


def _opencv(depth: type, channels: int, suffix: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        frame = _frames()[0].astype(depth) * (257 if depth is np.uint16 else 1)
        frame = frame[..., 0] if channels == 1 else frame
        path.write_bytes(cv2.imencode(suffix, frame)[1].tobytes())

    return write


def _picture(pictures: Pictures, depth: type, bits: int, channels: int = 3) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        frame = _frames()[0].astype(depth)[..., :channels] * (257 if depth is np.uint16 else 1)
        path.write_bytes(encode(frame, pictures, StreamInfo(HEIGHT, WIDTH, depth=bits), 0))

    return write


def _ffmpeg(codec: str, pixels: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        context: Any = av.CodecContext.create(codec, "w")
        context.width, context.height, context.pix_fmt, context.time_base = WIDTH, HEIGHT, pixels, Fraction(1, 24)
        frame = av.VideoFrame.from_ndarray(_frames()[0], "rgb24").reformat(format=pixels)
        path.write_bytes(b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)]))

    return write


def _dng(path: Path) -> None:
    """Of 8 bits in a Bayer pattern."""
    tags = [
        (33421, "H", 2, (2, 2), True), (33422, "B", 4, (0, 1, 1, 2), True), (50706, "B", 4, (1, 4, 0, 0), True),
        (50708, "s", 0, "Camera", True), (50721, "2i", 9, (1, 1, 0, 1, 0, 1) * 2 + (0, 1, 0, 1, 1, 1), True),
        (50728, "2I", 3, (1, 1) * 3, True),
    ]  # fmt: skip
    mosaic = _frames()[0][..., 1].astype(np.uint16) * 257
    tifffile.imwrite(path, mosaic, photometric=32803, metadata=None, extratags=tags)


def _video(codec: str, pixels: str, sound: str = "", **options: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with av.open(str(path), "w") as container:
            stream: Any = container.add_stream(codec, rate=25, options={"g": "5", **options})
            stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, pixels
            track: Any = container.add_stream(sound, rate=48000) if sound else None
            for i, array in enumerate(_frames()):
                frame = av.VideoFrame.from_ndarray(array, "rgb24")
                frame.pts, frame.time_base = i, Fraction(1, 25)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
            if track:
                layout = track.format.name
                kind = np.float32 if layout.startswith("flt") else np.int16
                for at in range(0, 24 * 1024, 1024):
                    heard = av.AudioFrame.from_ndarray(np.zeros((1, 1024), kind), layout, "mono")
                    heard.sample_rate, heard.pts, heard.time_base = 48000, at, Fraction(1, 48000)
                    container.mux(track.encode(heard))
                container.mux(track.encode())

    return write


KINDS: dict[str, Callable[[Path], None]] = {
    "png": _pillow("png"),
    "png of 16 bits": _opencv(np.uint16, 3, ".png"),
    "png with a palette": _pillow("png", "P"),
    "png with alpha": _pillow("png", "RGBA"),
    "jpg": _pillow("jpeg", quality=90),
    "jpg, progressive": _pillow("jpeg", "L", progressive=True),
    "bmp": _pillow("bmp"),
    "tif": _pillow("tiff"),
    "tif of 16 bits": _opencv(np.uint16, 3, ".tif"),
    "tif, deflated": _pillow("tiff", compression="tiff_deflate"),
    "tif, LZW": _pillow("tiff", compression="tiff_lzw"),
    "tif of pages": _pillow("tiff", "L", 4),
    "webp": _pillow("webp", lossless=True),
    "webp of frames": _pillow("webp", pages=4),
    "ppm": _pillow("ppm"),
    "pgm of 16 bits": _opencv(np.uint16, 1, ".pgm"),
    "jp2": _pillow("jpeg2000"),
    "jp2 of 16 bits": _opencv(np.uint16, 3, ".jp2"),
    "tga": _pillow("tga"),
    "tif of 16 bits, not compressed": _picture("tiff", np.uint16, 16),
    "dpx of 8 bits, grey": _picture("dpx", np.uint8, 8, 1),
    "dpx of 10 bits": _picture("dpx", np.uint16, 10),
    "dpx of 12 bits": _picture("dpx", np.uint16, 12),
    "dpx of 16 bits": _picture("dpx", np.uint16, 16),
    "dpx with a short header": _ffmpeg("dpx", "rgba"),
    "exr": _ffmpeg("exr", "gbrpf32le"),
    **({"dng": _dng} if raw.installed() else {}),
    "gif": _pillow("gif", "P", 6),
    "mkv, ffv1": _video("ffv1", "yuv444p", level="3", slicecrc="1"),
    "mkv, h264 and sound": _video("libx264", "yuv420p", "aac"),
    "mp4, h264 and sound": _video("libx264", "yuv420p", "aac"),
    "mp4, hevc": _video("libx265", "yuv420p", **{"x265-params": "log-level=none"}),
    "mov, prores": _video("prores_ks", "yuv422p10le", "pcm_s16le"),
    "mov, mpeg4": _video("mpeg4", "yuv420p"),
    "avi, motion jpeg": _video("mjpeg", "yuvj420p"),
    "avi, mpeg4": _video("mpeg4", "yuv420p", bf="2"),
    "mpg, mpeg2": _video("mpeg2video", "yuv420p", bf="2"),
    "ts, h264": _video("libx264", "yuv420p", "aac"),
    "ts, mpeg2": _video("mpeg2video", "yuv420p"),
    "webm, vp9": _video("libvpx-vp9", "yuv420p", deadline="realtime", **{"cpu-used": "8"}),
    "flv": _video("flv1", "yuv420p"),
    "mxf, mpeg2": _video("mpeg2video", "yuv422p"),
    "h264": _video("libx264", "yuv420p"),
}
"""What writes a file of each kind; the first word is its suffix."""

NUMBERS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
"""What headers lie with."""


def damage(data: bytes, other: bytes, draw: np.random.Generator) -> tuple[str, bytes]:
    """Harms the bytes of a file, in a way that is drawn.

    Args:
        data: The file.
        other: Another one, for what is spliced into it.
        draw: Random numbers.

    Returns:
        The way, and the bytes.
    """
    harmed, size = bytearray(data), len(data)
    way = str(draw.choice(["cut", "flipped", "lying header", "lying header", "zeroed", "spliced"]))
    at = int(draw.integers(size))
    length = int(draw.integers(1, max(2, size // 4)))
    if way == "cut":
        del harmed[at:]
    elif way == "flipped":
        for place in draw.integers(size, size=int(draw.integers(1, 24))):
            harmed[place] ^= int(draw.integers(1, 256))
    elif way == "lying header":
        for _ in range(int(draw.integers(1, 4))):
            width = int(draw.choice([1, 2, 4]))
            number = int(draw.choice(NUMBERS)) & ((1 << 8 * width) - 1)
            within = scans.HEADER if data.startswith(tuple(scans.DPX)) else 700
            place = int(draw.integers(max(1, min(size, within) - width)))
            harmed[place : place + width] = number.to_bytes(width, "big" if draw.random() < 0.5 else "little")
    elif way == "zeroed":
        harmed[at : at + length] = bytes(len(harmed[at : at + length]))
    else:
        begin = int(draw.integers(len(other)))
        harmed[at : at + length] = other[begin : begin + length]
    return way, bytes(harmed)


class Case(NamedTuple):
    """A damaged file, and how it is opened."""

    path: Path
    what: str
    on_damaged: str
    deinterlace: str
    depth: Depth


def make(folder: Path, files: int, seed: int) -> Iterator[Case]:
    """Writes damaged files of all kinds in turn, each into a folder of its own."""
    whole: dict[str, bytes] = {}
    for kind, write in KINDS.items():
        path = folder / f"whole.{suffix(kind)}"
        write(path)
        whole[kind] = path.read_bytes()
        path.unlink()
    kinds = list(KINDS)
    for number in range(files):
        draw = np.random.default_rng([seed, number])
        kind, other = kinds[number % len(kinds)], kinds[int(draw.integers(len(kinds)))]
        way, data = damage(whole[kind], whole[other], draw)
        path = folder / f"{number:05d}" / f"film.{suffix(kind)}"
        path.parent.mkdir()
        path.write_bytes(data)
        modes = str(draw.choice(["error", "repeat", "skip"])), str(draw.choice(["none", "none", "bwdif", "telecine"]))
        yield Case(path, f"{kind}, {way}", *modes, 16 if draw.random() < 0.5 else 8)


def suffix(kind: str) -> str:
    """Of the files of a kind."""
    return kind.split()[0].rstrip(",")


def read(case: Case) -> str:
    """Opens a file and reads it to its end: ``done``, or the one line; anything else is raised."""
    opened = False
    try:
        source = open_source(case.path, case.on_damaged, deinterlace=case.deinterlace)
        source.line()
        opened = True
        for sequence in source.sequences():
            for start in range(0, sequence.frames, 8):
                stop = min(start + 8, sequence.frames)
                frames = source.read(sequence, start, stop, case.depth)
                expected = stop - start, sequence.height, sequence.width, 3
                assert (frames.shape, frames.dtype) == (expected, f"uint{case.depth}"), f"{frames.shape} {frames.dtype}"
            about = sequence.stream
            numbers = sequence.frames, about.fps, about.aspect, about.duration(sequence.frames), about.start + 1
            assert all(0 < number < 2**40 for number in numbers), numbers
    except DegradeError as error:
        line = str(error)
        # A frame that is deinterlaced may come to lack one beside it, of which decoders say so only now and then.
        mended = opened and case.on_damaged != "error" and case.deinterlace == "none"
        assert not mended, f"repeated or skipped, and yet: {line}"
        assert 0 < len(line) <= LONGEST, line
        assert "\n" not in line, line
        return line
    return "done"


def _serve(pipe: Connection) -> None:
    """Reads the files that are named, one after the other; tells what came of each, and the memory that it took."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    cv2.setNumThreads(1)
    warnings.simplefilter("error")
    while case := pipe.recv():
        _forget_peak()
        try:
            outcome, fault = read(case), ""
        except BaseException:
            outcome, fault = "", traceback.format_exc()
        pipe.send((outcome, fault, _peak()))


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _peak() -> int:
    """The most memory that this process held since, MiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


class Readers:
    """A process that reads files, and another if it dies or hangs."""

    def __init__(self) -> None:
        self.process: Any = None

    def read(self, case: Case) -> tuple[str, str, int]:
        """What came of a file: the outcome, or the fault; and the memory, MiB."""
        if self.process is None:
            self.pipe, theirs = multiprocessing.Pipe()
            self.process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
            self.process.start()
            theirs.close()
            self.pipe.send(Case(case.path.with_name("none.png"), "", "error", "none", 8))  # imports take their time
            self.pipe.recv()
        self.pipe.send(case)
        fault, peak = f"took more than {SECONDS} s", 0
        try:
            if self.pipe.poll(SECONDS):
                outcome, fault, peak = self.pipe.recv()
                over = f"held {peak} MiB, more than {MEMORY}" if peak > MEMORY else ""
                return outcome, fault or over, peak
        except EOFError:
            self.process.join()
            fault = f"ended with {self.process.exitcode}"
        self.close()
        return "", fault, peak

    def close(self) -> None:
        """Ends the process."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None


def survey(files: int, seed: int, keep: Path | None = None) -> tuple[Counter[str], list[str], int]:
    """Makes and reads files.

    Returns:
        How many there are of each outcome and kind of damage, what faults there are, and the most memory, MiB.
    """
    outcomes: Counter[str] = Counter()
    faults, most, readers = [], 0, Readers()
    with tempfile.TemporaryDirectory() as folder:
        try:
            for case in make(Path(folder), files, seed):
                outcome, fault, peak = readers.read(case)
                most = max(most, peak)
                word = "fault" if fault else "done" if outcome == "done" else "one line"
                outcomes[word] += 1
                if fault:
                    how = f"{case.what}, {case.on_damaged}, {case.deinterlace}, {case.depth} bits"
                    faults.append(f"{case.path.parent.name} ({how}): {fault}")
                    if keep:
                        keep.mkdir(parents=True, exist_ok=True)
                        shutil.copy(case.path, keep / f"{case.path.parent.name}{case.path.suffix}")
                shutil.rmtree(case.path.parent)
        finally:
            readers.close()
    return outcomes, faults, most


def main() -> None:
    """Reads the arguments, and prints what came of the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="a folder for the files with faults")
    asked = parser.parse_args()
    began = time.monotonic()
    outcomes, faults, most = survey(asked.files, asked.seed, asked.keep)
    for fault in faults:
        print(fault, end="\n\n")
    print(json.dumps({**outcomes, "MiB": most, "seconds": round(time.monotonic() - began)}))
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
