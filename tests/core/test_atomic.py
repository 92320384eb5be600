"""A file is there whole, or as it was before."""

import errno
from pathlib import Path

import pytest

from degrade.core.atomic import replacing, write


@pytest.mark.parametrize("content", [b"\xc3\xb6\n", "ö\n", lambda path: path.write_text("ö\n", "utf-8")])
def test_whatever_is_written_is_there(tmp_path: Path, content: object) -> None:
    path = tmp_path / "new/folder/file.txt"
    for _ in range(2):
        write(path, content)
        assert path.read_bytes() == b"\xc3\xb6\n"
    assert list(path.parent.iterdir()) == [path]


def test_an_error_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    write(path, "before")

    def breaks(there: Path) -> None:
        there.write_text("half")
        assert path.read_text() == "before"
        raise OSError(errno.ENOSPC, "disk full")

    with pytest.raises(OSError, match="disk full"):
        write(path, breaks)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_placed_at_once_and_what_a_killed_run_left_is_gone(tmp_path: Path) -> None:
    left = tmp_path / ".frames.part"
    left.mkdir()
    (left / "old.png").write_bytes(b"")
    with replacing(tmp_path / "frames") as there:
        assert there == left
        there.mkdir()
        (there / "new.png").write_bytes(b"")
        assert not (tmp_path / "frames").exists()
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png")] == ["frames/new.png"]
    assert not left.exists()
