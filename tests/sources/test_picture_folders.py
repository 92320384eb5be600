"""Folders of pictures and single pictures: layouts, order, pixels, and one clear line for what is wrong."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from degrade.core.errors import SourceError
from degrade.dataset.generate import generate
from degrade.dataset.layout import DatasetFolder
from degrade.sources import open_source
from degrade.sources.folders import natural
from degrade.sources.pictures import Pages, describe_picture, read_picture
from degrade.spec import Spec
from degrade.writers import open_writer


def picture(seed=0, height=12, width=16, channels=3, dtype=np.uint8):
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, (height, width, channels), dtype)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    order = pixels if pixels.shape[2] == 1 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    path.write_bytes(cv2.imencode(path.suffix, order)[1].tobytes())


@pytest.mark.parametrize(
    ("files", "sequences"),
    [
        (["train_sharp/000/00000000.png", "train_sharp/000/00000001.png", "train_sharp/001/00000000.png"],
         {"train_sharp/000": 2, "train_sharp/001": 1}),
        (["JPEGImages/480p/bear/00000.jpg", "JPEGImages/480p/bear/00001.jpg", "Annotations/480p/bear/00000.png",
          "Annotations_unsupervised/480p/bear/00000.png"], {"JPEGImages/480p/bear": 2}),
        (["sequences/00001/0001/im1.png", "sequences/00001/0001/im2.png", "sequences/00001/0010/im1.png",
          "sequences/00001/0002/im1.png"],
         {"sequences/00001/0001": 2, "sequences/00001/0002": 1, "sequences/00001/0010": 1}),
        (["0.png", "1.png", "notes.txt", ".hidden.png", ".cache/0.png"], {"footage": 2}),
        (["a.png", "sub/b.png"], {"footage": 1, "sub": 1}),
    ],
    ids=["reds", "davis", "vimeo", "flat", "mixed"],
)  # fmt: skip
def test_layouts_of_the_field(tmp_path, files, sequences):
    for i, file in enumerate(files):
        path = tmp_path / "footage" / file
        if path.suffix == ".txt":
            path.write_text("not a picture")
        else:
            save(path, picture(i))
    found = open_source(tmp_path / "footage").sequences()
    assert [(s.id, s.frames) for s in found] == list(sequences.items())
    assert {(s.height, s.width, s.fps) for s in found} == {(12, 16, 24.0)}


def test_frames_are_in_natural_order(tmp_path):
    for i in (10, 2, 1, 9):
        save(tmp_path / f"im{i}.png", np.full((4, 4, 3), i, np.uint8))
    source = open_source(tmp_path)
    assert source.read(source.sequences()[0], 0, 4)[:, 0, 0, 0].tolist() == [1, 2, 9, 10]


@given(st.lists(st.text("a01²٣9.", max_size=6), max_size=6, unique=True), st.randoms())
def test_natural_order_does_not_depend_on_the_order_given(names, draw):
    shuffled = draw.sample(names, len(names))
    assert sorted(shuffled, key=natural) == sorted(names, key=natural)


def test_flat_folder_of_different_sizes_is_a_set_of_stills(tmp_path):
    save(tmp_path / "dog.png", picture(0, 4, 6))
    save(tmp_path / "cat.jpg", picture(1, 8, 6))
    found = open_source(tmp_path).sequences()
    assert [(s.id, s.frames, s.height, s.width) for s in found] == [("cat", 1, 8, 6), ("dog", 1, 4, 6)]


def test_single_picture_is_a_sequence_of_one_frame(tmp_path):
    pixels = picture()
    save(tmp_path / "still.png", pixels)
    source = open_source(str(tmp_path / "still.png"))
    assert [(s.id, s.frames) for s in source.sequences()] == [("still", 1)]
    np.testing.assert_array_equal(source.read("still", 0, 1)[0], pixels)


def test_any_window_equals_the_slice_of_the_whole(tmp_path):
    for i in range(7):
        save(tmp_path / f"{i}.png", picture(i))
    source = pickle.loads(pickle.dumps(open_source(tmp_path)))
    sequence = source.sequences()[0]
    whole = source.read(sequence, 0, 7)
    np.testing.assert_array_equal(whole, [picture(i) for i in range(7)])
    for start in range(8):
        for stop in range(start, 8):
            np.testing.assert_array_equal(source.read(sequence, start, stop), whole[start:stop])


def test_sixteen_bit_is_scaled_and_rounded(tmp_path):
    pixels = picture(dtype=np.uint16)
    save(tmp_path / "deep.png", pixels)
    np.testing.assert_array_equal(read_picture(tmp_path / "deep.png"), np.floor(pixels / 257 + 0.5))


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "1", "I;16", "CMYK"])
def test_pixels_agree_with_pillow_whatever_the_mode(tmp_path, mode):
    path = tmp_path / ("p.tif" if mode == "CMYK" else "p.png")
    if mode == "I;16":
        deep = picture(channels=1, dtype=np.uint16)[..., 0]
        Image.fromarray(deep).save(path)
        expected = np.repeat(np.floor(deep / 257 + 0.5)[..., None], 3, 2)
    elif mode == "CMYK":
        path = tmp_path / "p.jpg"
        Image.fromarray(np.full((8, 8, 3), (200, 100, 50), np.uint8)).convert(mode).save(path)
        expected = np.asarray(Image.open(path).convert("RGB"))
        assert np.abs(read_picture(path).astype(int) - expected).max() <= 2
        return
    else:
        Image.fromarray(picture()).convert(mode).save(path)
        expected = np.asarray(Image.open(path).convert("RGBA").convert("RGB"))
    np.testing.assert_array_equal(read_picture(path), expected)


def test_fingerprint_follows_bytes_and_order_not_names_or_place(tmp_path):
    def fingerprint(name, *seeds):
        for i, seed in enumerate(seeds):
            save(tmp_path / name / f"{name}{i}.png", picture(seed))
        source = open_source(tmp_path / name)
        return source.fingerprint(source.sequences()[0])

    reference = fingerprint("a", 1, 2)
    assert len(reference) == 64
    assert fingerprint("b", 1, 2) == reference
    assert fingerprint("c", 2, 1) != reference
    assert fingerprint("d", 1, 3) != reference


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp", ".tif"])
@pytest.mark.parametrize("keep", [0.0, 0.03, 0.5, 0.97, -1], ids=str)
def test_truncated_picture_is_an_error_that_names_the_file(tmp_path, suffix, keep):
    path = tmp_path / f"frame{suffix}"
    smooth = cv2.GaussianBlur(picture(0, 64, 64), (0, 0), 2)
    save(path, smooth)
    assert read_picture(path).shape == (64, 64, 3)
    data = path.read_bytes()
    path.write_bytes(data[: keep if keep < 0 else int(keep * len(data))])
    with pytest.raises(SourceError, match=rf"^{path}: .+$"):
        read_picture(path)


def test_jpeg_with_a_whole_thumbnail_does_not_pass_when_cut(tmp_path):
    path = tmp_path / "photo.jpg"
    save(path, picture(0, 64, 64))
    thumbnail = cv2.imencode(".jpg", picture(1, 16, 16))[1].tobytes()
    app1 = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2) + thumbnail
    whole = path.read_bytes()[:2] + app1 + path.read_bytes()[2:]
    path.write_bytes(whole)
    assert read_picture(path).shape == (64, 64, 3)
    path.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(SourceError, match="truncated JPEG"):
        read_picture(path)


@given(at=st.integers(8, 10**6), mask=st.integers(1, 255))
def test_one_changed_byte_in_a_png_never_passes_unseen(tmp_path_factory, at, mask):
    path = tmp_path_factory.mktemp("png") / "p.png"
    save(path, picture())
    data = bytearray(path.read_bytes())
    data[at % (len(data) - 8) + 8] ^= mask
    path.write_bytes(data)
    with pytest.raises(SourceError):
        read_picture(path)


def test_frames_of_different_sizes_name_the_frame_and_both_sizes(tmp_path):
    save(tmp_path / "clip/0.png", picture(0, 12, 16))
    save(tmp_path / "clip/1.png", picture(1, 10, 16))
    source = open_source(tmp_path)
    assert source.read("clip", 0, 1).shape == (1, 12, 16, 3)
    with pytest.raises(SourceError, match=r"1\.png: 16×10 pixels, but 0\.png of the same sequence has 16×12"):
        source.read("clip", 0, 2)


def no_such(path: Path):
    return path / "missing"


def empty(path: Path):
    return path


def text_as_picture(path: Path):
    (path / "0.png").write_text("hello")
    return path


def twice(path: Path):
    save(path / "a.png", picture(0, 4, 4))
    save(path / "b.png", picture(0, 5, 4))
    with open_writer(path / "a.mkv") as writer:
        writer.write(picture(0, 4, 4))
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (no_such, "missing: no such file or folder"),
        (empty, "no pictures or videos in this folder"),
        (text_as_picture, r"0\.png: not a picture"),
        (twice, r"a\.png: there is another sequence 'a' in this folder; rename one"),
    ],
)
def test_bad_folders_give_one_line(tmp_path, make, message):
    with pytest.raises(SourceError, match=message) as error:
        open_source(make(tmp_path))
    assert "\n" not in str(error.value)


def test_unknown_names_and_ranges_give_one_line(tmp_path):
    save(tmp_path / "clip/0.png", picture())
    source = open_source(tmp_path)
    with pytest.raises(SourceError, match="unknown sequence 'clap'; did you mean 'clip'"):
        source.read("clap", 0, 1)
    for start, stop in ((0, 2), (-1, 1), (1, 0)):
        with pytest.raises(SourceError, match=f"asked for frames {start} to {stop}, it has 1"):
            source.read("clip", start, stop)
    with pytest.raises(SourceError, match="unknown built-in source 'stils'; did you mean 'stills'"):
        open_source("builtin:stils")


def test_vanished_file_is_one_line(tmp_path):
    save(tmp_path / "clip/0.png", picture())
    source = open_source(tmp_path)
    (tmp_path / "clip/0.png").unlink()
    for use in (lambda: source.read("clip", 0, 1), lambda: source.fingerprint("clip")):
        with pytest.raises(SourceError, match=r"0\.png: No such file or directory"):
            use()


def test_links_to_folders_are_followed_and_loops_are_not(tmp_path):
    save(tmp_path / "elsewhere/0.png", picture())
    root = tmp_path / "footage"
    root.mkdir()
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "loop").symlink_to(root)
    assert [s.id for s in open_source(root).sequences()] == ["linked"]


def test_datasets_among_the_footage_are_passed_over(make_spec: Callable[..., Spec], footage: Path) -> None:
    spec = make_spec(clips={"length": 3})
    clips = len(DatasetFolder(footage / "unused", spec).planned)
    out = footage / "pairs"
    for place, resume in ((out, False), (out, True), (footage / "s1/more", False)):
        assert generate(spec, place, resume=resume).clips == clips
    assert [sequence.id for sequence in open_source(footage).sequences()] == ["s0", "s1", "s2", "s3"]
    assert len(open_source(out / "train/gt").sequences()) == clips
    with pytest.raises(SourceError, match="pairs: is a dataset of pairs, no footage; name a folder of frames in it"):
        open_source(out)
    (out / "dataset.json").unlink()
    (out / ".generating").mkdir()  # as it stands while it is written
    assert [sequence.id for sequence in open_source(footage).sequences()] == ["s0", "s1", "s2", "s3"]


def test_the_preview_in_a_camera_jpeg_is_no_frame(tmp_path):
    shot, preview = (Image.fromarray(picture(height=h, width=w)) for h, w in ((60, 80), (30, 40)))
    for i in range(3):
        shot.save(tmp_path / f"DSC{i:04}.JPG", format="MPO", save_all=True, append_images=[preview])
    source = open_source(tmp_path)
    (sequence,) = source.sequences()
    assert (sequence.frames, sequence.height, sequence.width) == (3, 60, 80)
    assert source.read(sequence.id, 0, 3).shape == (3, 60, 80, 3)


def test_animations_are_upright(tmp_path):
    pages = [Image.fromarray(picture(i, 12, 20)) for i in range(3)]
    exif = Image.Exif()
    exif[0x0112] = 6
    pages[0].save(tmp_path / "a.webp", save_all=True, append_images=pages[1:], lossless=True, exif=exif)
    source = open_source(tmp_path / "a.webp")
    (sequence,) = source.sequences()
    assert (sequence.frames, sequence.height, sequence.width) == (3, 20, 12)
    turned = np.stack([np.rot90(np.asarray(page), -1) for page in pages])
    assert (source.read(sequence.id, 0, 3) == turned).all()


def test_pages_of_another_size_are_named(tmp_path):
    path, pages = tmp_path / "a.mpo", [Image.fromarray(picture(height=h, width=16)) for h in (12, 14)]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    with pytest.raises(SourceError, match="page 1 has 16×14 pixels, the first 16×12"):
        Pages(path, describe_picture(path)[0], 2).read(0, 2)


def test_pipes_and_broken_links_are_passed_over(tmp_path):
    for i in range(2):
        save(tmp_path / f"reel/{i}.png", picture(i))
    os.mkfifo(tmp_path / "control")
    (tmp_path / "latest").symlink_to(tmp_path / "gone")
    (tmp_path / "reel/2.png").symlink_to(tmp_path / "gone.png")
    source = open_source(tmp_path)
    assert [(sequence.id, sequence.frames) for sequence in source.sequences()] == [("reel", 2)]
    told = {note.what: note.where for note in source.notes()}
    assert set(told["links to nothing"]) == {"latest", "reel/2.png"}
    assert told["pipes and devices"] == ("control",)
    with pytest.raises(SourceError, match="control: neither a file nor a folder"):
        open_source(tmp_path / "control")
