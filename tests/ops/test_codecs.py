"""Compressed video and pictures: frame exact, in independent groups, as FFmpeg and libwebp have it."""

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image
from skimage import data

from degrade import Pipeline, SourceError, SpecError
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, to_uint8
from degrade.dataset import pairs
from degrade.dataset.pairs import render_pairs
from degrade.dataset.plan import plan
from degrade.ops import Dust, VideoCodec, Webp, _coding
from degrade.sources import open_source
from degrade.spec import parse

CODECS = ["h264", "hevc", "mpeg2", "mpeg4"]
every_codec = pytest.mark.parametrize("codec", CODECS)


def moving(frames: int = 8, height: int = 90, width: int = 120, channels: int = 1) -> Array:
    """A photograph that moves by two pixels a frame, float32."""
    picture = data.astronaut()[:, :, :channels] if channels == 3 else data.camera()[..., None]
    return np.stack([picture[100 : 100 + height, 120 + 2 * t : 120 + 2 * t + width] for t in range(frames)]).astype(
        np.float32
    ) / np.float32(255)


def psnr(one: Array, other: Array) -> float:
    return float(-10 * np.log10(np.mean((one.astype(np.float64) - other) ** 2)))


@every_codec
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("height", "width"), [(90, 120), (71, 85), (5, 200)])
def test_every_frame_comes_back_in_its_place(codec: Any, channels: int, height: int, width: int) -> None:
    clip = moving(11, height, width, channels)
    out = VideoCodec(codecs=(codec,), qp=20, group=4)(clip, seed=0).frames
    likeness = np.array([[psnr(frame, other) for other in clip] for frame in out])
    assert likeness.argmax(axis=1).tolist() == list(range(11))
    assert likeness.diagonal().min() > 27  # colour has lost half its resolution


@every_codec
def test_more_quantised_is_further_from_the_original(codec: Any) -> None:
    clip = moving()
    likeness = [psnr(VideoCodec(codecs=(codec,), qp=qp)(clip, seed=0).frames, clip) for qp in (12, 20, 28, 36)]
    assert likeness == sorted(likeness, reverse=True)
    assert likeness[0] > 44
    assert 5 < likeness[1] - likeness[3] < 16  # 16 QP are 16 dB of step, and dead zones take their share


@every_codec
def test_groups_know_nothing_of_each_other(codec: Any) -> None:
    clip = moving(10)
    changed = clip.copy()
    changed[4:8] = 1 - changed[4:8]
    op = VideoCodec(codecs=(codec,), group=4)
    one, other = op(clip, seed=0).frames, op(changed, seed=0).frames
    same = [np.array_equal(*frames) for frames in zip(one, other, strict=True)]
    assert same == [True] * 4 + [False] * 4 + [True] * 2
    alone = VideoCodec(codecs=(codec,), group=1)
    np.testing.assert_array_equal(alone(clip, seed=0).frames[3], alone(clip[3], seed=0).frames)


@every_codec
def test_frames_within_a_group_are_predicted_from_each_other(codec: Any) -> None:
    still = np.repeat(moving(1), 8, axis=0)
    op = VideoCodec(codecs=(codec,), qp=30, group=8)
    sizes = [packet.size for packet in _coding._encoded(still, codec, 30)]
    assert sum(sizes[1:]) < sizes[0]
    changed = moving(8)
    changed[0] = 0.5
    assert not np.array_equal(op(changed, seed=0).frames[1:], op(moving(8), seed=0).frames[1:])


@pytest.mark.parametrize("codec", ["h264", "mpeg2", "mpeg4"])
def test_as_in_a_file_that_another_program_would_read(codec: Any, tmp_path: Path) -> None:
    clip = moving(9, 64, 96)
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(_coding.ENCODERS[codec], rate=Fraction(25))
        stream.options = _coding._options(codec, 30)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.thread_count, stream.codec_context.gop_size = 1, 10
        for t, frame in enumerate(clip):
            luma = np.rint(16 + 219 * frame[..., 0].astype(np.float64)).astype(np.uint8)
            grey = np.concatenate((luma, np.full((32, 96), 128, np.uint8)))
            picture = av.VideoFrame.from_ndarray(grey, "yuv420p")
            picture.pts, picture.time_base = t, Fraction(1, 25)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    with av.open(str(path)) as container:
        read = np.stack([frame.to_ndarray()[:64] for frame in container.decode(video=0)])
    out = VideoCodec(codecs=(codec,), qp=30)(clip, seed=0).frames[..., 0]
    assert abs(16 + 219 * out - np.clip(read, 16, 235)).max() < 0.01


def test_the_step_of_all_codecs_doubles_every_six() -> None:
    steps = [int(_coding._options("mpeg2", qp)["qmin"]) for qp in (0, 10, 16, 22, 28, 34, 40, 51)]
    assert steps == [1, 1, 2, 4, 8, 16, 31, 31]


def test_masks_and_targets_stay() -> None:
    clip = moving(10)
    plain = Dust(per_frame=9)(clip, seed=0)
    pipeline = Pipeline(ops=(Dust(per_frame=9), VideoCodec(group=4)))
    out = pipeline(clip, seed=0)
    np.testing.assert_array_equal(out.masks["dust"], plain.masks["dust"])
    assert list(out.masks) == ["dust"]
    params = pipeline.load_params({"steps": out.trace.steps})
    np.testing.assert_array_equal(pipeline.target(clip, params, 0), clip)


def test_a_dataset_codes_each_group_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = []
    real = _coding.coded

    def counted(frames: Array, codec: Any, qp: int) -> Any:
        lengths.append(len(frames))
        return real(frames, codec, qp)

    monkeypatch.setattr(_coding, "coded", counted)
    monkeypatch.setattr(pairs, "CHUNK_VALUES", 24 * 32 * 7)
    spec = parse(
        {
            "pipeline": [{"video_codec": {"group": 5}}],
            "clips": {"size": [24, 32], "length": 17, "limit": 1},
            "color": "grey",
        }
    )
    source = open_source(spec.source)
    (clip,) = plan(spec, source)
    parts = list(render_pairs(clip, spec, source, spec.damage().draw(clip.info(), 0)))
    assert [len(pair.target) for pair in parts] == lengths == [5, 5, 5, 2]


def test_codec_quantiser_and_group_are_drawn_per_clip_over_their_ranges() -> None:
    op = VideoCodec(codecs=("mpeg2", "h264"), qp=(26, 30), group=(1, 3))
    params = [op.sample(ClipInfo(frames=9, height=8, width=8), Stream(0, str(i))) for i in range(300)]
    assert {one.codec for one in params} == {"mpeg2", "h264"}
    assert {one.qp for one in params} == {26, 27, 28, 29, 30}
    assert {one.group for one in params} == {1, 2, 3}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"qp": 52}, "qp: (52, 52) must lie within 0 to 51"),
        ({"group": 0}, "group: (0, 0) must lie within 1 to 250 frames"),
        ({"codecs": ["h265"]}, "codecs[0]: should be 'h264', 'hevc', 'mpeg2' or 'mpeg4', got 'h265'"),
        ({"codecs": []}, "codecs: "),
    ],
)
def test_bad_values_are_one_line(parameters: Any, message: str) -> None:
    with pytest.raises(SpecError) as error:
        VideoCodec(**parameters)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_an_encoder_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_coding.ENCODERS, "hevc", "libnothing")
    VideoCodec()
    with pytest.raises(SpecError) as error:
        Pipeline(ops=({"video_codec": {"codecs": ["h264", "hevc"]}},))
    assert str(error.value) == (
        f"pipeline.ops[0].video_codec.codecs: this PyAV ({av.__version__}) has no encoder 'libnothing' for hevc"
    )


def test_a_size_that_a_codec_does_not_take_is_one_line() -> None:
    with pytest.raises(SourceError, match="mpeg4 cannot code frames of 8200×64: "):
        VideoCodec(codecs=("mpeg4",))(np.zeros((1, 64, 8200, 1), np.float32), seed=0)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("quality", [5, 40, 90])
def test_webp_is_that_of_libwebp(channels: int, quality: int) -> None:
    frame = moving(1, channels=channels)[0]
    picture = Image.fromarray(to_uint8(frame).squeeze())
    file = io.BytesIO()
    picture.save(file, "WebP", quality=quality, method=4)
    expected = np.asarray(Image.open(file).convert(picture.mode)).reshape(frame.shape)
    out = Webp(quality=quality)(frame, seed=0).frames
    assert abs(255 * out - expected).mean() < 0.5
    assert psnr(out, frame) == pytest.approx(psnr(expected / 255, frame), abs=0.2)


def test_webp_keeps_red_red_and_its_quality_strays_per_frame() -> None:
    red = np.zeros((16, 16, 3), np.float32)
    red[..., 0] = 0.8
    np.testing.assert_allclose(Webp(quality=90)(red, seed=0).frames.mean(axis=(0, 1)), [0.8, 0, 0], atol=0.03)
    params = Webp(quality=(20, 60), jitter=0.25).sample(ClipInfo(frames=200, height=8, width=8), Stream(0))
    assert 15 <= max(params.quality) - min(params.quality) <= 20
