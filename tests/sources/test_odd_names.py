"""Names that are no UTF-8, as old Linux disks have them, are read, told, and written into records."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from degrade import DatasetFolder, generate, verify
from degrade.core import atomic
from degrade.core.display import sheet
from degrade.core.errors import SpecError
from degrade.sources import open_source
from degrade.sources.video_index import open_container
from degrade.spec import Spec

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are Unicode")


@pytest.fixture
def bears(tmp_path: Path) -> Path:
    """A folder with one of pictures, both in Latin-1."""
    root = tmp_path / os.fsdecode(b"r\xe9el")
    (root / os.fsdecode(b"b\xe4r")).mkdir(parents=True)
    for i in range(4):
        picture = Image.fromarray(np.full((32, 40, 3), 60 + i, np.uint8))
        picture.save(root / os.fsdecode(b"b\xe4r") / os.fsdecode(b"\xe4%d.png" % i))
    return root


def test_they_are_sequences_with_names_for_records(bears: Path) -> None:
    (sequence,) = (source := open_source(bears)).sequences()
    assert sequence.id == "b%E4r"
    assert source.names(sequence)[1] == "\udce41"
    assert source.read(sequence, 1, 2).max() == 61


def test_datasets_of_them(
    bears: Path, tmp_path: Path, make_spec: Callable[..., Spec], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bears)
    generate(make_spec(source=".", clips={"length": 2}), tmp_path / "out")
    assert verify(tmp_path / "out", rerender=1) == []
    assert all("b%E4r" in name for name in DatasetFolder(tmp_path / "out").clips)


def test_a_spec_is_text(bears: Path, make_spec: Callable[..., Spec]) -> None:
    with pytest.raises(SpecError, match=r"^source: a spec holds UTF-8, .* name it '\.'$"):
        make_spec(source=str(bears))


def test_records_and_sheets_take_them(tmp_path: Path) -> None:
    name = os.fsdecode(b"b\xe4r")
    atomic.write(tmp_path / "record.json", json.dumps({"name": name}, ensure_ascii=False))
    assert json.loads((tmp_path / "record.json").read_text("utf-8")) == {"name": name}
    assert sheet([[(name, np.zeros((20, 60, 3), np.uint8))]]).ndim == 3


def test_video_whose_metadata_is_no_utf8_is_read(tmp_path: Path) -> None:
    path = tmp_path / "old.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=24)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "gray"
        container.metadata["title"] = "Cafe noir"
        for _ in range(2):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32), np.uint8), "gray")))
        container.mux(stream.encode(None))
    written = path.read_bytes()
    assert b"Cafe noir" in written
    path.write_bytes(written.replace(b"Cafe noir", b"Caf\xe9 noir"))
    source = open_source(str(path))
    (sequence,) = source.sequences()
    assert sequence.frames == 2
    with open_container(path) as container:
        assert container.metadata["title"] == "Caf\ufffd noir"
