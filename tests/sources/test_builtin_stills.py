"""builtin:stills: deterministic, random access, and a flow that holds up against independent derivations."""

import pickle
import subprocess
import sys

import cv2
import numpy as np
import pytest

from degrade.core.errors import SourceError
from degrade.sources import open_source, stills
from degrade.sources.stills import BACKGROUNDS, Stills


def grid(height, width):
    return np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)


def warp(image, flow):
    """Samples `image` where the flow leads to."""
    x, y = np.moveaxis(grid(*flow.shape[:2]) + flow, -1, 0)
    return cv2.remap(image, np.ascontiguousarray(x), np.ascontiguousarray(y), cv2.INTER_CUBIC)


def test_default_is_twelve_sequences_of_48_frames():
    sequences = open_source("builtin:stills").sequences()
    assert len(sequences) == len({s.id for s in sequences}) == 12
    assert {(s.frames, s.height, s.width, s.fps) for s in sequences} == {(48, 256, 384, 24.0)}
    assert sequences[0].id == "00_coffee"


def test_any_window_equals_the_slice_of_the_whole():
    source = Stills(count=2, frames=9, height=48, width=72)
    for sequence in source.sequences():
        whole = source.read(sequence, 0, 9)
        assert whole.shape == (9, 48, 72, 3)
        for start, stop in ((0, 1), (4, 9), (8, 9), (3, 3)):
            np.testing.assert_array_equal(source.read(sequence, start, stop), whole[start:stop])
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(source)).read(sequence, 4, 6), whole[4:6])


def test_scenes_do_not_depend_on_number_or_length():
    few, many = Stills(1, 5, 48, 72), Stills(30, 99, 48, 72)
    np.testing.assert_array_equal(few.read("00_coffee", 0, 5), many.read("00_coffee", 0, 5))
    assert few.fingerprint("00_coffee") == many.fingerprint("00_coffee")
    assert len({many.fingerprint(s) for s in many.sequences()}) == 30


def test_pages_of_print_come_after_the_others():
    some, all_of_them = Stills(2, 5, 48, 72), open_source("builtin:stills?count=2&frames=5&height=48&width=72&pages=2")
    assert [sequence.id for sequence in all_of_them.sequences()] == [
        "00_coffee", "01_astronaut", "02_page", "03_page",
    ]  # fmt: skip
    np.testing.assert_array_equal(some.read("01_astronaut", 0, 5), all_of_them.read("01_astronaut", 0, 5))
    pages = all_of_them.read("02_page", 0, 5), all_of_them.read("03_page", 0, 5)
    assert (pages[0] != pages[1]).any()
    assert all_of_them.flow("02_page", 1)[0].shape == (48, 72, 2)


def test_scenes_are_plain_numbers_which_every_numpy_writes_alike():
    def plain(value):
        return all(map(plain, value)) if isinstance(value, tuple) else type(value) in (int, float, str)

    assert all(plain(stills._scene(index, "coffee.png", 256, 384)) for index in range(24))


def test_another_process_makes_the_same_pixels():
    code = (
        "import hashlib; from degrade.sources import open_source; s = open_source('builtin:stills');"
        "print(hashlib.sha256(s.read('01_astronaut', 20, 22).tobytes()).hexdigest(), s.fingerprint('01_astronaut'))"
    )
    runs = {subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout for _ in range(2)}
    assert len(runs) == 1


@pytest.mark.parametrize("index", range(len(BACKGROUNDS)))
def test_warping_the_next_frame_back_gives_the_frame(index):
    source = Stills()
    sequence = source.sequences()[index]
    frames = source.read(sequence, 23, 25).astype(np.float32)
    flow, occlusion = source.flow(sequence, 23)
    assert flow.dtype == np.float32
    assert occlusion.dtype == bool
    assert 0.001 < occlusion.mean() < 0.05
    seen = ~occlusion
    error = np.square(warp(frames[1], flow) - frames[0])[seen].mean()
    still = np.square(frames[1] - frames[0])[seen].mean()
    assert 10 * np.log10(255**2 / error) > 34
    assert error < still / 8


def test_motion_is_that_of_a_camera():
    source = Stills()
    speeds = np.stack(
        [np.hypot(*np.moveaxis(source.flow(s, t)[0], -1, 0)) for s in source.sequences() for t in range(0, 47, 9)]
    )
    assert 0.5 < np.median(speeds) < 3
    assert 4 < speeds.max() < 7


def photos_of_coordinates(name):
    """In place of each photograph: its own pixel coordinates, as colours."""
    height, width = TRUE_PHOTO(name).shape[:2]
    xy = grid(height, width)
    return np.concatenate([xy, np.full((height, width, 1), float(sum(name.encode())), np.float32)], -1)


TRUE_PHOTO = stills._photo


@pytest.mark.parametrize("index", [0, 1, 4, 5, 10])
def test_flow_leads_to_where_the_same_point_of_the_photograph_is_seen_next(monkeypatch, index):
    """Photographs are replaced by their own coordinates: what has the same colour is the same point."""
    monkeypatch.setattr(stills, "_photo", photos_of_coordinates)
    for filter_ in ("INTER_CUBIC", "INTER_AREA"):
        monkeypatch.setattr(cv2, filter_, cv2.INTER_LINEAR)  # exact on ramps, which these are not
    caches = stills._backdrop, stills._object, stills._cut_out
    for cache in caches:
        cache.cache_clear()
    source = Stills()
    sequence = source.sequences()[index]
    frames = np.empty((2, 256, 384, 3), np.float32)
    for i, frame in enumerate(frames):
        stills._render(source._scene(sequence), 30 + i, frame)
    for cache in caches:
        cache.cache_clear()
    flow, occlusion = source.flow(sequence, 30)
    # Away from outlines, where coordinates of two photographs mix.
    edges = [cv2.morphologyEx(f[..., 2], cv2.MORPH_GRADIENT, np.ones((13, 13))) > 0.01 for f in frames]
    inner = ~(occlusion | edges[0] | edges[1])
    inner[:4], inner[-4:], inner[:, :4], inner[:, -4:] = False, False, False, False
    assert inner.mean() > 0.6
    scale = np.linalg.norm(np.gradient(frames[0, ..., 0]), axis=0)  # photograph pixels to a frame pixel
    distance = np.linalg.norm((warp(frames[1], flow) - frames[0])[..., :2], axis=-1) / scale
    assert distance[inner].max() < 0.01


def test_flow_at_an_occlusion_points_at_something_else():
    source = Stills()
    wrong = right = 0.0
    for sequence in source.sequences():
        frames = source.read(sequence, 10, 12).astype(np.float32)
        flow, occlusion = source.flow(sequence, 10)
        inside = (grid(256, 384) + flow > 0).all(-1) & (grid(256, 384) + flow < [383, 255]).all(-1)
        error = np.abs(warp(frames[1], flow) - frames[0]).mean(-1)
        wrong += error[occlusion & inside].mean()
        right += error[~occlusion].mean()
    assert wrong > 5 * right


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (97, 33)])
def test_any_size(size):
    source = Stills(2, 3, *size)
    assert source.read("01_astronaut", 0, 3).shape == (3, *size, 3)
    assert source.flow("01_astronaut", 1)[0].shape == (*size, 2)


def test_bad_requests_are_one_line():
    with pytest.raises(SourceError, match="all must be 1 or more"):
        Stills(count=0)
    source = Stills(1, 4)
    with pytest.raises(SourceError, match="asked for frames 3 to 5, it has 4"):
        source.read("00_coffee", 3, 5)
    with pytest.raises(SourceError, match="asked for frames 3 to 4, it has 3"):
        source.flow("00_coffee", 3)


def test_scikit_image_itself_is_not_imported():
    code = (
        "import sys; from degrade.sources import open_source; open_source('builtin:stills').read('00_coffee', 0, 1);"
        "sys.exit('skimage' in sys.modules or 'pooch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
