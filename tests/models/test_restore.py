"""`benchmark ls` and `benchmark restore`, as they are called."""

import json
import shutil
import sys
from fractions import Fraction

import cv2
import numpy as np
import pytest
import torch

from degrade.benchmark.cli import main
from degrade.benchmark.restore import is_grey, restore_source
from degrade.core.errors import DatasetError, SpecError
from degrade.models import build, bundled
from degrade.models._weights import save
from degrade.sources import open_source
from degrade.sources.curves import to_display
from degrade.sources.pictures import describe_picture
from degrade.sources.stream import StreamInfo
from degrade.writers import open_writer


@pytest.fixture
def benchmark(monkeypatch, capsys):
    """`benchmark(*arguments)`: exit code, output and errors of the command."""

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["benchmark", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        return end.value.code, captured.out, captured.err

    return command


def write(folder, frames):
    folder.mkdir(parents=True)
    for t, frame in enumerate(frames):
        cv2.imwrite(str(folder / f"{t:03d}.png"), frame[..., ::-1] if frame.ndim == 3 else frame)


@pytest.fixture
def film(tmp_path, moving, dusty):
    """A folder of 14 dusty grey frames, 40×48, and the frames (T, 1, H, W) in [0, 1]."""
    damaged, _ = dusty(moving(14, 40, 48).mean(2, keepdim=True))
    frames = (damaged[0] * 255).round() / 255
    write(tmp_path / "film", (frames[:, 0] * 255).byte().numpy())
    return tmp_path / "film", frames


def test_ls_names_every_model(benchmark):
    code, out, _ = benchmark("ls")
    assert code == 0
    for name in ("rtn", "classical", "0.92 M"):
        assert name in out


@pytest.mark.parametrize("out", ["restored.mkv", "frames"])
def test_restores_a_film(benchmark, film, tmp_path, out):
    folder, frames = film
    code, _, _ = benchmark("restore", "--model", "median", "--input", folder, "--out", tmp_path / out, "--sheet")
    assert code == 0
    restored = open_source(tmp_path / out)
    (sequence,) = restored.sequences()
    assert (sequence.frames, sequence.height, sequence.width) == (14, 40, 48)
    with torch.no_grad():
        expected = build("median")(frames[None])[0]
    written = torch.from_numpy(restored.read(sequence, 0, 14)).permute(0, 3, 1, 2).float() / 255
    torch.testing.assert_close(written[:, :1], expected, atol=0.51 / 255, rtol=0)
    sheet = cv2.imread(str(tmp_path / f"{out.removesuffix('.mkv')}-sheet.png"))
    assert sheet.shape[0] > 2 * 40
    assert sheet.shape[1] > 4 * 48


def test_a_model_that_learns_with_weights_and_tiles(benchmark, film, tmp_path, monkeypatch):
    monkeypatch.setattr("degrade.console.LOG_INTERVAL", 0)
    folder, frames = film
    torch.manual_seed(0)
    model = build("unet", channels=4).eval()
    save(model, tmp_path / "w.safetensors")
    arguments = ["--model", "unet", "--weights", tmp_path / "w.safetensors", "--input", folder]
    code, out, errors = benchmark("restore", *arguments, "--out", tmp_path / "out", "--tile", 128, "--device", "cpu")
    assert (code, out.strip()) == (0, str(tmp_path / "out"))
    assert "14/14" in errors
    written = cv2.imread(str(tmp_path / "out" / "003.png"), cv2.IMREAD_UNCHANGED)
    with torch.no_grad():
        expected = model(frames[None, 3:4])[0, 0, 0]
    assert written.ndim == 2  # a grey film stays grey
    np.testing.assert_allclose(written / 255, expected.numpy(), atol=0.51 / 255)


def test_several_films(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        write(tmp_path / "in" / name, rng.integers(0, 255, (3, 16, 24, 3), np.uint8))
    written = restore_source(build("input"), open_source(tmp_path / "in"), tmp_path / "out")
    assert written == [tmp_path / "out" / "a", tmp_path / "out" / "b"]
    for name in ("a", "b"):
        before, after = (cv2.imread(str(tmp_path / f)) for f in (f"in/{name}/001.png", f"out/{name}/001.png"))
        np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".mkv"])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_depth_of_the_footage_is_kept(tmp_path, suffix, channels):
    frames = np.random.default_rng(0).integers(0, 65536, (3, 16, 24, channels), dtype=np.uint16)
    footage = tmp_path / ("in.mkv" if suffix == ".mkv" else "in")
    if suffix == ".mkv":
        with open_writer(footage) as writer:
            for frame in frames:
                writer.write(frame)
    else:
        footage.mkdir()
        for t, frame in enumerate(frames):
            cv2.imwrite(str(footage / f"{t:03d}{suffix}"), frame[..., ::-1])
    for name in ("out", "out.mkv", "out.mov", "out.mp4"):
        restore_source(build("input"), open_source(footage), tmp_path / name)
        film = open_source(tmp_path / name)
        (sequence,) = film.sequences()
        assert sequence.stream.depth == {"out.mov": 10, "out.mp4": 8}.get(name, 16)
        if sequence.stream.depth == 16:
            assert (film.read(sequence, 0, 3, 16) == frames).all()


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize(("frames", "suffix"), [("tiff", ".tif"), ("dpx", ".dpx")])
def test_scans_are_restored_as_scans(benchmark, tmp_path, frames, suffix, bits):
    """A reel of DPX with a timecode, densities and a frame missing keeps all of it, and goes on after Ctrl-C."""
    levels = np.random.default_rng(0).integers(0, 1 << bits, (4, 16, 24, 3)) / ((1 << bits) - 1)
    whole = np.uint8 if bits == 8 else np.uint16
    stream = StreamInfo(
        16, 24, depth=bits, rate=Fraction(18), timecode="01:00:00:16", aspect=Fraction(4, 3), logarithmic=True
    )
    with open_writer(tmp_path / "all", stream=stream, pictures="dpx") as writer:
        for frame in levels:
            writer.write(np.round(frame * np.iinfo(whole).max).astype(whole))
    (tmp_path / "reel").mkdir()
    for t in (0, 1, 3):
        (tmp_path / f"all/{t:05d}.dpx").rename(tmp_path / f"reel/reel_{t + 7:04d}.dpx")
    source = open_source(tmp_path / "reel")
    with pytest.raises(KeyboardInterrupt):
        restore_source(build("input"), source, tmp_path / "out", pictures=frames, restored=Stops(2))
    call = ["restore", "--model", "input", "--input", tmp_path / "reel", "--out", tmp_path / "out"]
    code, _, errors = benchmark(*call, "--frames", "png" if frames == "tiff" else "tiff")
    assert (code, "begun with another model, setting or footage" in errors) == (2, True)
    assert benchmark(*call, "--frames", frames, "--sheet")[0] == 0
    names = [f"reel_{t + 7:04d}" for t in (0, 1, 3)]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [name + suffix for name in names]
    made = open_source(tmp_path / "out")
    depth = 16 if bits > 8 else 8
    assert (made.read("out", 0, 3, depth) == source.read("reel", 0, 3, depth)).all()
    abouts = [describe_picture(tmp_path / f"out/{name}{suffix}")[0] for name in names]
    if frames == "tiff":
        assert {about.depth for about in abouts} == {depth}
    else:
        assert {(about.depth, about.rate, about.aspect, about.logarithmic) for about in abouts} == {
            (bits, 18, Fraction(4, 3), True)
        }
        assert [about.timecode for about in abouts] == ["01:00:00:16", "01:00:00:17", "01:00:01:01"]


def test_densities_are_restored_as_display_values(benchmark, tmp_path):
    scan = np.linspace(0, 65535, 64 * 48).astype(np.uint16).reshape(48, 64)
    write(tmp_path / "scan", [scan] * 3)
    call = ["restore", "--model", "input", "--input", tmp_path / "scan", "--out", tmp_path / "out"]
    assert benchmark(*call, "--curve", "cineon")[0] == 0
    made = cv2.imread(str(tmp_path / "out/001.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_allclose(made, to_display(scan / 65535, "cineon") * 65535, atol=0.51)
    code, _, errors = benchmark(*call, "--curve", "kodak")
    assert code == 2
    assert "cineon" in errors


class Stops:
    """Ends a call after so many frames, as Ctrl-C does."""

    def __init__(self, frames):
        self.left = frames

    def __call__(self, frames):
        self.left -= frames
        if self.left < 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("out", ["out", "out.mkv", "out.mov", "out.mp4"])
@pytest.mark.parametrize("stops", [(3,), (7, 20), (22, 23, 24)])
def test_the_same_call_goes_on_after_an_interruption(tmp_path, film, dusty, moving, out, stops):
    """The blend of overlapping windows, the colour and the bytes are as in one go."""
    damaged, _ = dusty(moving(25, 40, 48))
    write(tmp_path / "long", (damaged[0] * 255).byte().permute(0, 2, 3, 1).numpy())
    source, model = open_source(tmp_path / "long"), build("median")
    asked = {"window": 8, "with_sheet": True}
    restore_source(model, source, tmp_path / "whole" / out, **asked)
    for stop in stops:
        with pytest.raises(KeyboardInterrupt):
            restore_source(model, source, tmp_path / out, restored=Stops(stop), **asked)
        assert not (tmp_path / out).exists()
    frames = []
    restore_source(model, source, tmp_path / out, restored=frames.append, **asked)
    assert frames[0] == stops[-1] + 1
    assert sum(frames) == 25
    for name in ("out-sheet.png", *([out] if "." in out else [f"out/{t:03d}.png" for t in range(25)])):
        assert (tmp_path / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_films_that_are_finished_are_kept(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a", "b/c"):
        write(tmp_path / "in" / name, rng.integers(0, 255, (3, 16, 24, 3), np.uint8))
    source, out = open_source(tmp_path / "in"), tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        restore_source(build("input"), source, out, restored=Stops(4))
    before = (out / "a/001.png").stat().st_mtime_ns
    for other in ({"fps": 12}, {"window": 5}):
        with pytest.raises(DatasetError, match="begun with another model, setting or footage"):
            restore_source(build("input"), source, out, **other)
    with pytest.raises(DatasetError, match="begun with another"):
        restore_source(build("median"), source, out)
    restore_source(build("input"), source, out)
    assert (out / "a/001.png").stat().st_mtime_ns == before
    assert sorted(path.name for path in (out / "b").iterdir()) == ["c"]
    with pytest.raises(DatasetError, match="is there already"):
        restore_source(build("input"), source, out)


def test_frames_of_a_call_whose_mark_was_deleted_are_made_anew(tmp_path):
    """Another model would otherwise go on with them."""
    write(tmp_path / "in", np.random.default_rng(0).integers(0, 255, (6, 16, 24, 3), np.uint8))
    source = open_source(tmp_path / "in")
    with pytest.raises(KeyboardInterrupt):
        restore_source(build("nlmeans"), source, tmp_path / "out", restored=Stops(3))
    with pytest.raises(DatasetError, match=r"name another place, or delete .*out.frames and .*\.out\.unfinished$"):
        restore_source(build("input"), source, tmp_path / "out")
    shutil.rmtree(tmp_path / ".out.unfinished")
    assert (tmp_path / ".out.frames").is_dir()
    restore_source(build("input"), source, tmp_path / "out")
    assert (open_source(tmp_path / "out").read("out", 0, 6) == source.read("in", 0, 6)).all()


def test_resume_keeps_films_that_are_there(benchmark, tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        write(tmp_path / "in" / name, rng.integers(0, 255, (3, 16, 24, 3), np.uint8))
    write(tmp_path / "out/a", np.zeros((3, 16, 24), np.uint8))
    asked = ["restore", "--model", "input", "--input", tmp_path / "in", "--out", tmp_path / "out", "--sheet"]
    assert benchmark(*asked)[0] == 2
    for _ in range(2):
        assert benchmark(*asked, "--resume")[0] == 0
        assert not cv2.imread(str(tmp_path / "out/a/001.png")).any()
        assert cv2.imread(str(tmp_path / "out/b/001.png")).any()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out", "out-sheet.png"]


def test_nothing_is_left_of_a_call_that_made_no_frame(tmp_path, film):
    with pytest.raises(SpecError):
        restore_source(build("input"), open_source(film[0]), tmp_path / "out", tile=9)
    (tmp_path / "mine").mkdir()
    with pytest.raises(SpecError):
        restore_source(build("input"), open_source(film[0]), tmp_path / "mine", tile=9)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film", "mine"]


def test_a_second_call_is_refused_and_changes_nothing(tmp_path, film):
    refused = []

    def second(frames):
        with pytest.raises(DatasetError, match=r"out: another run \(process \d+ on .+\) is at work there") as error:
            restore_source(build("median"), open_source(film[0]), tmp_path / "out")
        refused.append(error)

    restore_source(build("median"), open_source(film[0]), tmp_path / "out", restored=second)
    assert len(refused) > 14
    assert len(list((tmp_path / "out").iterdir())) == 14
    assert {path.name for path in tmp_path.iterdir()} == {"film", "out"}


@pytest.mark.parametrize("name", ["out.avi", "out.mxf", "out.webm", "out.m4v", "out.png", "out.JPG", "out.gif"])
def test_no_folder_is_named_as_a_file(benchmark, film, tmp_path, name):
    code, _, errors = benchmark("restore", "--model", "input", "--input", film[0], "--out", tmp_path / name)
    assert code == 2
    assert f"{name}: films are written as .mkv, .mov or .mp4, or into a folder of pictures" in errors
    assert not (tmp_path / name).exists()


def test_a_folder_may_have_dots_in_its_name(tmp_path, film):
    write(tmp_path / "film" / "more", np.zeros((2, 16, 24), np.uint8))
    restore_source(build("input"), open_source(film[0]), tmp_path / "v1.2")
    assert len(list((tmp_path / "v1.2").iterdir())) == 2


def test_films_are_not_restored_into_their_footage(benchmark, film):
    code, _, errors = benchmark("restore", "--model", "input", "--input", film[0], "--out", film[0] / "out")
    assert code == 2
    assert "out: lies inside the footage" in errors


def test_what_is_grey():
    grey = np.repeat(np.random.default_rng(0).integers(0, 250, (16, 24, 1), np.uint8), 3, 2)
    tinted, coloured = grey.copy(), grey.copy()
    tinted[..., 2] += 3  # a codec's rounding
    coloured[5, 5, 0] += 5
    assert [is_grey(frame) for frame in (grey, tinted, coloured)] == [True, True, False]


def test_colour_stays_where_it_is(tmp_path):
    frames = np.repeat(np.random.default_rng(0).integers(40, 200, (40, 16, 24, 1), np.uint8), 3, 3)
    frames[8:14] = frames[8:14] * (1.0, 0.8, 0.5)  # a tinted stretch
    write(tmp_path / "film", frames)

    class Tints(type(build("input"))):
        """Leaves its own colour on all that it is given."""

        def restore(self, frames, flows):
            return super().restore(frames * torch.tensor([1.0, 0.9, 0.8]).reshape(3, 1, 1), flows)

    for model in (build("input"), Tints()):
        (out,) = restore_source(model, open_source(tmp_path / "film"), tmp_path / type(model).__name__, window=5)
        written = open_source(out).read(out.name, 0, 40)
        coloured = [not is_grey(frame) for frame in written]
        assert coloured == [8 <= t < 14 for t in range(40)]
        if type(model) is not Tints:
            np.testing.assert_array_equal(written, frames)


def test_video_in(tmp_path, film):
    with open_writer(tmp_path / "film.mkv", fps=18) as writer:
        for frame in film[1]:
            writer.write((frame * 255).byte().permute(1, 2, 0).numpy())
    restore_source(build("input"), open_source(tmp_path / "film.mkv"), tmp_path / "out.mkv")
    before, after = open_source(tmp_path / "film.mkv"), open_source(tmp_path / "out.mkv")
    assert after.sequences()[0].fps == pytest.approx(18)
    np.testing.assert_array_equal(after.read("out", 0, 14), before.read("film", 0, 14))


def test_pictures_at_a_rate_of_their_own(benchmark, film, tmp_path):
    asked = ["restore", "--model", "input", "--input", film[0], "--out", tmp_path / "out.mkv"]
    assert benchmark(*asked, "--fps", 16)[0] == 0
    assert open_source(tmp_path / "out.mkv").sequences()[0].fps == pytest.approx(16)


def test_a_part_of_a_film(benchmark, film, tmp_path):
    asked = ["restore", "--model", "input", "--input", film[0], "--out", tmp_path / "out", "--tile", "auto"]
    assert benchmark(*asked, "--start", 3, "--stop", 5)[0] == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["003.png", "004.png"]


def test_variable_rates_are_kept_or_converted(benchmark, film, tmp_path):
    times = (0, 1, 2, 3, 4, 5, 6, 10, 14, 18, 22, 26, 30, 34, 38)
    about = StreamInfo(40, 48, rate=Fraction(14 * 25, 38), times=times, time_base=Fraction(1, 25))
    with open_writer(tmp_path / "film.mkv", stream=about) as writer:
        for frame in film[1]:
            writer.write((frame * 255).byte().permute(1, 2, 0).numpy())
    before = open_source(tmp_path / "film.mkv").read("film", 0, 14)
    asked = ["restore", "--model", "input", "--input", tmp_path / "film.mkv", "--sheet"]
    assert benchmark(*asked, "--out", tmp_path / "kept.mkv")[0] == 0
    kept = open_source(tmp_path / "kept.mkv")
    assert [round(time / 40) for time in kept.sequences()[0].stream.times[:-1]] == list(times[:-1])
    np.testing.assert_array_equal(kept.read("kept", 0, 14), before)
    assert benchmark(*asked, "--out", tmp_path / "steady.mkv", "--fps", 25)[0] == 0
    steady = open_source(tmp_path / "steady.mkv")
    (sequence,) = steady.sequences()
    assert (sequence.stream.times, sequence.fps) == ((), 25)
    shown = [max(t for t in range(14) if times[t] <= i) for i in range(sequence.frames)]
    assert abs(sequence.frames - 38) <= 3  # how long the last one is shown is for FFmpeg to guess
    np.testing.assert_array_equal(steady.read("steady", 0, sequence.frames), before[shown])


def test_damaged_frames_of_a_film_are_on_record(benchmark, film, tmp_path):
    (film[0] / "004.png").write_bytes(b"")
    asked = ["restore", "--model", "input", "--input", film[0], "--out"]
    assert benchmark(*asked, tmp_path / "out")[0] == 2
    for how, frames in (("repeat", 14), ("skip", 13)):
        code, out, errors = benchmark(*asked, tmp_path / how, "--on-damaged", how)
        assert (code, out.split()) == (0, [str(tmp_path / how), str(tmp_path / f"{how}-damaged.json")])
        assert "damaged: frames, " in errors
        assert json.loads((tmp_path / f"{how}-damaged.json").read_text()) == {"film": [4]}
        assert open_source(tmp_path / how).sequences()[0].frames == frames


@pytest.mark.parametrize("taken", ["film.mkv", "film.mp4", "film-sheet.png", "full/notes.txt"])
def test_nothing_is_written_over(benchmark, film, tmp_path, taken):
    (tmp_path / taken).parent.mkdir(exist_ok=True)
    (tmp_path / taken).write_bytes(b"the only copy")
    out = {"film-sheet.png": "film.mkv", "full/notes.txt": "full"}.get(taken, taken)
    code, _, errors = benchmark("restore", "--model", "median", "--input", film[0], "--out", tmp_path / out, "--sheet")
    assert code == 2
    assert f"{taken.partition('/')[0]}: is there already; name another file or folder" in errors
    assert (tmp_path / taken).read_bytes() == b"the only copy"


def test_models_that_learn_bring_weights(benchmark, film, tmp_path):
    outs = [tmp_path / "bundled", tmp_path / "given"]
    for out, more in zip(outs, ([], ["--weights", bundled("rtn")]), strict=True):
        assert benchmark("restore", "--model", "rtn", "--input", film[0], "--out", out, *more)[0] == 0
    one, other = (sorted(out.rglob("*.png")) for out in outs)
    assert [a.read_bytes() for a in one] == [b.read_bytes() for b in other]
    assert len(one) == 14


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "medain"], "unknown model 'medain'; did you mean 'median'?"),
        (["--model", "deepremaster"], "--weights: model 'deepremaster' has no bundled weights; give a file, or none"),
        (["--model", "rtn", "--weights", "none.pth"], "none.pth: no such weights file"),
        (["--model", "median", "--set", "radus=2"], "unknown argument of median 'radus'; did you mean 'radius'?"),
        (["--model", "median", "--set", "radius"], "--set: must be key=value, got 'radius'"),
        (["--model", "median", "--tile", "9"], "tile must be at least 128 pixels, got 9"),
        (["--model", "median", "--tile", "big"], "--tile: must be a number of pixels or auto, got 'big'"),
        (["--model", "median", "--start", "14"], "film: has 14 frames, and none from 14 on"),
        (["--model", "median", "--frames", "tif"], "--frames: unknown format of pictures 'tif'; did you mean 'tiff'?"),
        (["--model", "median", "--window", "0"], "windows of 0 frames"),
        (["--model", "median", "--fps", "inf"], "--fps: must be 1 to 1000 frames per second, got inf"),
        (["--model", "median", "--fps", "nan"], "--fps: must be 1 to 1000 frames per second, got nan"),
        (["--model", "median", "--fps", "0"], "--fps: must be 1 to 1000 frames per second, got 0"),
        (["--model", "median", "--out", "/"], "/: name a file or a folder to be made"),
        (["--model", "median", "--out", ""], ".: name a file or a folder to be made"),
        (["--model", "median", "--device", "abacus"], "--device: 'abacus' cannot be used"),
    ],
)
def test_bad_input_is_one_line(benchmark, film, tmp_path, arguments, message):
    code, out, errors = benchmark("restore", "--input", film[0], "--out", tmp_path / "out", *arguments)
    assert code == 2
    lines = [line for line in errors.splitlines() if line.startswith("error:")]
    assert len(lines) == 1
    assert message in lines[0]
    assert "Traceback" not in errors + out
    assert not (tmp_path / "out").exists()


def test_masks_of_the_user_are_filled_and_nothing_else_changes(benchmark, tmp_path, moving):
    clean = (moving(6, 48, 64).mean(2)[0].numpy() * 255).round().astype(np.uint8)
    spot, masks, film = np.s_[3, 20:30, 24:40], np.zeros_like(clean), clean.copy()
    masks[spot], film[spot] = 255, 128
    for name, frames in {"film": film, "masks": masks, "short": masks[:5]}.items():
        write(tmp_path / name, frames)
    call = ["restore", "--input", tmp_path / "film", "--out", tmp_path / "out", "--quiet"]
    code, _, errors = benchmark(*call, "--model", "detect_fill", "--masks", tmp_path / "short")
    assert (code, "--masks: 'short' has 5 frames of 64×48 pixels, but the film 6 frames of 64×48 pixels" in errors) == (
        2,
        True,
    )
    code, _, errors = benchmark(*call, "--model", "median", "--masks", tmp_path / "masks")
    assert (code, "--masks: Median fills no masks that others made" in errors) == (2, True)
    assert not (tmp_path / "out").exists()
    code, _, errors = benchmark(*call, "--model", "detect_fill", "--masks", tmp_path / "masks", "--start", 1)
    assert code == 0, errors
    made = np.stack([cv2.imread(str(tmp_path / f"out/{t:03d}.png"), 0) for t in range(1, 6)]).astype(float)
    np.testing.assert_array_equal(made[masks[1:] == 0], film[1:][masks[1:] == 0])
    error, left = (np.abs(frames - clean[1:])[masks[1:] > 0].mean() for frames in (made, film[1:].astype(float)))
    assert error < 0.4 * left


def test_formats_of_pictures_are_no_matter_of_videos(benchmark, film, tmp_path):
    out = tmp_path / "out.mkv"
    code, _, errors = benchmark("restore", "--model", "input", "--input", film[0], "--out", out, "--frames", "dpx")
    assert (code, out.exists()) == (2, False)
    assert "--frames: dpx is of the pictures in a folder, and " in errors


def test_frames_that_are_too_small(benchmark, tmp_path):
    write(tmp_path / "film", np.zeros((2, 8, 8, 3), np.uint8))
    code, _, errors = benchmark("restore", "--model", "median", "--input", tmp_path / "film", "--out", tmp_path / "out")
    assert code == 2
    assert "error: frames must be at least 16 pixels high and wide, got 8×8" in errors
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("model", ["classical", "median", "nlmeans"])
def test_real_films(outside, tmp_path, model):
    source = open_source(outside("films/within_our_gates"))
    restore_source(build(model), source, tmp_path / "out.mkv", with_sheet=True)
    (sequence,) = open_source(tmp_path / "out.mkv").sequences()
    assert (sequence.frames, sequence.height) == (source.sequences()[0].frames, source.sequences()[0].height)


@pytest.mark.parametrize("changed", ["masks", "code"])
def test_a_call_goes_on_with_the_same_masks_and_code_alone(tmp_path, monkeypatch, changed):
    frames = np.random.default_rng(0).integers(0, 255, (6, 16, 24, 3), np.uint8)
    write(tmp_path / "in", frames)
    write(tmp_path / "masks", np.zeros((6, 16, 24), np.uint8))
    model, source = build("detect_fill"), open_source(tmp_path / "in")
    with pytest.raises(KeyboardInterrupt):
        restore_source(
            model, source, tmp_path / "out", masks=open_source(tmp_path / "masks"), window=3, restored=Stops(3)
        )
    if changed == "masks":  # not that of the first frame
        cv2.imwrite(str(tmp_path / "masks/004.png"), np.full((16, 24), 255, np.uint8))
    else:
        monkeypatch.setattr("degrade.benchmark.making._code_hash", lambda model: "another")
    with pytest.raises(DatasetError, match="begun with another model, setting or footage"):
        restore_source(model, source, tmp_path / "out", masks=open_source(tmp_path / "masks"), window=3)
