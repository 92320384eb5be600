"""Video files: random access is frame exact for every codec and container, and damage is an error."""

import multiprocessing
import pickle
import random
from fractions import Fraction

import av
import numpy as np
import pytest

from degrade.core.errors import SourceError
from degrade.sources import open_source
from degrade.sources.video import EXACT

SIZE = 64, 96
FRAMES = 50


def pattern(i, size=SIZE):
    noise = np.random.default_rng(0).integers(0, 128, (*size, 3), np.uint8)
    frame = np.roll(noise, (i, 2 * i), (0, 1))
    frame[8:32, (5 * i) % 64 : (5 * i) % 64 + 20] = (i * 5 % 255, 255 - i * 5 % 255, 128)
    return frame


def encode(path, codec="libx264", pixels="yuv420p", frames=FRAMES, uneven=False, size=SIZE, **options):
    """Writes a test video, with FFmpeg's options; `uneven` gives a variable frame rate."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        (stream.height, stream.width), stream.pix_fmt = size, pixels
        time = 0
        for i in range(frames):
            frame = av.VideoFrame.from_ndarray(pattern(i, size), "rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 25)
            time += 1 + (i * i) % 3 if uneven else 1
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def decode(path):
    """All frames, straight through."""
    with av.open(str(path)) as container:
        return np.stack(
            [f.reformat(format="rgb24", interpolation=EXACT).to_ndarray() for f in container.decode(video=0)]
        )


KINDS = {
    "b-frames.mkv": {"g": "12", "bf": "3"},
    "b-frames.mp4": {"g": "12", "bf": "3"},
    "b-frames.avi": {"g": "12", "bf": "3"},
    "b-frames.ts": {"g": "12", "bf": "3"},
    "b-frames.h264": {"g": "12", "bf": "3"},
    "open-gop.mkv": {"x264-params": "open-gop=1:keyint=12:bframes=3"},
    "open-gop.mp4": {"x264-params": "open-gop=1:keyint=12:bframes=3"},
    "gradual-refresh.mkv": {"x264-params": "intra-refresh=1:keyint=20"},
    "gradual-refresh.mp4": {"x264-params": "intra-refresh=1:keyint=20"},
    "uneven.mkv": {"uneven": True, "g": "12"},
    "uneven.mp4": {"uneven": True, "g": "12"},
    "one-keyframe.mkv": {"g": "999"},
    "mpeg2.mpg": {"codec": "mpeg2video", "bf": "2"},
    "mpeg2.ts": {"codec": "mpeg2video", "bf": "2"},
    "mpeg4.avi": {"codec": "mpeg4", "bf": "2"},
    "motion-jpeg.avi": {"codec": "mjpeg", "pixels": "yuvj420p"},
    "prores.mov": {"codec": "prores_ks", "pixels": "yuv422p10le"},
    "ffv1.mkv": {"codec": "ffv1", "pixels": "yuv444p"},
}


@pytest.mark.parametrize("name", KINDS)
def test_random_access_equals_decoding_straight_through(tmp_path, name):
    path = encode(tmp_path / name, **KINDS[name])
    whole = decode(path)
    source = open_source(path)
    (sequence,) = source.sequences()
    assert (sequence.frames, sequence.height, sequence.width) == whole.shape[:3]
    assert sequence.id == path.stem
    draw = random.Random(name)
    for _ in range(25):
        start = draw.randrange(FRAMES)
        stop = min(FRAMES, start + draw.randrange(6))
        np.testing.assert_array_equal(source.read(sequence, start, stop), whole[start:stop])


def test_consecutive_chunks_decode_each_frame_once(tmp_path, monkeypatch):
    source = open_source(encode(tmp_path / "clip.mkv", g="12"))
    seeks = []
    monkeypatch.setattr("degrade.sources.video._Decoder._seek", lambda self, time: seeks.append(time))
    chunks = [source.read("clip", start, start + 7) for start in range(0, 49, 7)]
    assert not seeks
    np.testing.assert_array_equal(np.concatenate(chunks), decode(tmp_path / "clip.mkv")[:49])


def test_several_files_and_many_switches(tmp_path):
    for i in range(6):  # more than are kept open
        encode(tmp_path / f"{i}.mkv", frames=4 + i)
    source = open_source(tmp_path)
    assert [(s.id, s.frames) for s in source.sequences()] == [(str(i), 4 + i) for i in range(6)]
    whole = {s.id: decode(tmp_path / f"{s.id}.mkv") for s in source.sequences()}
    for t in range(4):
        for name in whole:
            np.testing.assert_array_equal(source.read(name, t, t + 1), whole[name][t : t + 1])


def test_source_pickles_without_what_is_open(tmp_path):
    source = open_source(encode(tmp_path / "clip.mkv"))
    before = pickle.dumps(source)
    source.read("clip", 20, 25)
    assert pickle.dumps(source) == before
    np.testing.assert_array_equal(pickle.loads(before).read("clip", 20, 25), source.read("clip", 20, 25))


def read_in_child(source, start, queue):
    queue.put(source.read("clip", start, start + 5))


def test_forked_child_does_not_disturb_its_parent(tmp_path):
    path = encode(tmp_path / "clip.mkv", g="5")
    whole, source = decode(path), open_source(path)
    source.read("clip", 0, 3)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=read_in_child, args=(source, 40, queue))
    child.start()
    in_child = queue.get(timeout=60)
    child.join()
    np.testing.assert_array_equal(in_child, whole[40:45])
    np.testing.assert_array_equal(source.read("clip", 3, 50), whole[3:50])


def test_file_replaced_between_reads_is_read_anew(tmp_path):
    path = tmp_path / "clip.mkv"
    open_source(encode(path, frames=8)).read("clip", 0, 2)
    encode(tmp_path / "other.mkv", frames=9, size=(32, 48)).replace(path)
    assert open_source(path).read("clip", 2, 9).shape == (7, 32, 48, 3)


def test_frame_rate_is_what_the_file_says(tmp_path):
    assert open_source(encode(tmp_path / "clip.mp4")).sequences()[0].fps == 25


def test_colours_come_back(tmp_path):
    path = tmp_path / "colours.mkv"
    colours = np.array([(255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 180, 20), (128, 128, 128)], np.uint8)
    picture = np.repeat(np.repeat(colours[None], 64, 0), 16, 1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"qp": "0"})
        stream.height, stream.width, stream.pix_fmt = 64, 80, "yuv444p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    got = open_source(path).read("colours", 0, 1)[0]
    assert np.abs(got[:, 8::16].astype(int) - colours).max() <= 3


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.avi", "a.mov", "a.webm"])
@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.98, -1], ids=str)
def test_truncated_video_is_an_error_on_opening(tmp_path, name, keep):
    codec = {"a.webm": "libvpx-vp9", "a.mov": "prores_ks"}.get(name, "libx264")
    pixels = "yuv422p10le" if name == "a.mov" else "yuv420p"
    path = encode(tmp_path / name, codec, pixels, frames=12)
    assert open_source(path).sequences()[0].frames == 12
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data)) if isinstance(keep, float) else keep])
    with pytest.raises(SourceError, match=rf"^{path}: (truncated video|damaged, or not a video|End of file)$"):
        open_source(path)


def test_mp4_with_its_index_first_is_known_to_be_cut(tmp_path):
    path = encode(tmp_path / "web.mp4", frames=12)
    with av.open(str(path)) as old, av.open(str(tmp_path / "fast.mp4"), "w", options={"movflags": "faststart"}) as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(old.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    data = (tmp_path / "fast.mp4").read_bytes()
    path.write_bytes(data)
    np.testing.assert_array_equal(open_source(path).read("web", 0, 12), decode(tmp_path / "fast.mp4"))
    path.write_bytes(data[: len(data) * 3 // 4])
    with pytest.raises(SourceError, match="truncated video"):
        open_source(path)


def test_damage_within_is_an_error_when_read(tmp_path):
    path = encode(tmp_path / "clip.mkv", "mjpeg", "yuvj420p")
    data = bytearray(path.read_bytes())
    middle = slice(len(data) // 2, len(data) // 2 + 40)
    data[middle] = bytes(byte ^ 255 for byte in data[middle])
    path.write_bytes(data)
    source = open_source(path)
    assert source.read("clip", 0, 5).shape[0] == 5
    with pytest.raises(SourceError, match=r"clip\.mkv: "):
        source.read("clip", 0, FRAMES)
    assert source.read("clip", 0, 5).shape[0] == 5


def test_no_video_at_all(tmp_path):
    (tmp_path / "text.mkv").write_text("hello")
    with pytest.raises(SourceError, match=r"text\.mkv: damaged, or not a video"):
        open_source(tmp_path / "text.mkv")
    with av.open(str(tmp_path / "sound.mkv"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
    with pytest.raises(SourceError, match=r"sound\.mkv: holds no video"):
        open_source(tmp_path / "sound.mkv")
    source = open_source(encode(tmp_path / "clip.mkv", frames=3))
    with pytest.raises(SourceError, match="asked for frames 2 to 4, it has 3"):
        source.read("clip", 2, 4)


def test_video_and_folder_of_one_name_are_refused(tmp_path):
    encode(tmp_path / "bear.mkv", frames=2)
    encode(tmp_path / "bear.mp4", frames=2)
    with pytest.raises(SourceError, match="there is another sequence 'bear'"):
        open_source(tmp_path)
