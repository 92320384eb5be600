"""Parts of films, and what the pictures of a film are called."""

import cv2
import numpy as np
import pytest

from degrade.benchmark.excerpt import Excerpt
from degrade.benchmark.restore import restore_source
from degrade.core.errors import DatasetError, SourceError, SpecError
from degrade.models import build
from degrade.sources import open_source
from degrade.writers import open_writer


@pytest.fixture
def scans(tmp_path):
    """Ten scans, numbered from 1001 on, of which two are missing."""
    (tmp_path / "scans").mkdir()
    for number in (1001, 1002, 1003, 1004, 1007, 1008, 1009, 1010, 1011, 1012):
        picture = np.random.default_rng(number).integers(0, 256, (20, 24, 3), np.uint8)
        cv2.imwrite(str(tmp_path / f"scans/scan_{number:06d}.tif"), picture)
    return tmp_path / "scans"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_pictures_keep_their_names_and_gaps(scans, tmp_path):
    restore_source(build("input"), open_source(scans), tmp_path / "out")
    assert names(tmp_path / "out") == [path.stem + ".png" for path in sorted(scans.iterdir())]
    for path in scans.iterdir():
        restored = cv2.imread(str(tmp_path / "out" / f"{path.stem}.png"))
        np.testing.assert_array_equal(restored, cv2.imread(str(path)))


def test_suffixes_stay_where_names_need_them(scans, tmp_path):
    cv2.imwrite(str(scans / "SCAN_001001.jpg"), np.zeros((20, 24, 3), np.uint8))
    restore_source(build("input"), open_source(scans), tmp_path / "out")
    assert names(tmp_path / "out") == sorted(f"{path.name}.png" for path in scans.iterdir())


def test_frames_of_videos_are_numbered(scans, tmp_path):
    restore_source(build("input"), open_source(scans), tmp_path / "film.mkv")
    restore_source(build("input"), Excerpt(open_source(tmp_path / "film.mkv"), 3, 5), tmp_path / "out")
    assert names(tmp_path / "out") == ["00003.png", "00004.png"]


@pytest.mark.parametrize(("start", "stop"), [(0, 3), (4, 6), (2, None), (8, 99)])
def test_a_part_is_that_part(scans, start, stop):
    whole = open_source(scans)
    part = Excerpt(whole, start, stop)
    (sequence,) = part.sequences()
    frames = whole.read("scans", 0, 10)[start:stop]
    assert sequence.frames == len(frames)
    np.testing.assert_array_equal(part.read("scans", 0, sequence.frames), frames)
    np.testing.assert_array_equal(part.read(sequence, 1, 2), frames[1:2])
    assert part.names(sequence) == whole.names("scans")[start:stop]
    assert part.holds(scans / "out")


@pytest.mark.parametrize(
    ("start", "stop", "error", "message"),
    [
        (10, None, SourceError, "scans: has 10 frames, and none from 10 on"),
        (4, 4, SpecError, "--stop: must be a frame after --start 4"),
        (-1, None, SpecError, "--start -1, which is 0 or more"),
    ],
)
def test_parts_that_are_none(scans, start, stop, error, message):
    with pytest.raises(error, match=message):
        Excerpt(open_source(scans), start, stop)


def test_another_part_is_another_call(tmp_path):
    """Also where the pixels are the same."""
    with open_writer(tmp_path / "film.mkv") as writer:
        for _ in range(9):
            writer.write(np.zeros((20, 24, 3), np.uint8))
    film = open_source(tmp_path / "film.mkv")

    def stop(frames):
        if frames:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore_source(build("input"), Excerpt(film, 1, 4), tmp_path / "out", restored=stop)
    with pytest.raises(DatasetError, match="begun with another"):
        restore_source(build("input"), Excerpt(film, 2, 5), tmp_path / "out")
    restore_source(build("input"), Excerpt(film, 1, 4), tmp_path / "out")
    assert names(tmp_path / "out") == ["00001.png", "00002.png", "00003.png"]
