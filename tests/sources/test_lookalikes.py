"""Content in front of the stills or any footage, clean, random access, and masks that say where it is."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from degrade.core.errors import SourceError
from degrade.sources import open_source
from degrade.sources.lookalikes import KINDS, BuiltinLookalikes, Lookalikes
from degrade.spec import parse
from degrade.writers import open_writer

SOURCE = BuiltinLookalikes(count=len(KINDS), frames=30, height=96, width=144)
STILLS = open_source("builtin:stills?count=12&frames=30&height=96&width=144")


@pytest.mark.parametrize("sequence", SOURCE.sequences(), ids=lambda sequence: sequence.id)
def test_the_stills_are_changed_where_the_lookalike_is_and_nowhere_else(sequence) -> None:
    frames, behind = SOURCE.read(sequence, 0, 20), STILLS.read(sequence.id.rpartition("_")[0], 0, 20)
    kind, opacity = SOURCE.lookalike(sequence, 0, 20)
    assert kind in KINDS
    assert opacity.shape == (20, 96, 144, 1)
    changed = (frames != behind).any(-1)
    assert not changed[opacity[..., 0] < 1 / 512].any()
    assert 0.001 < changed.mean() < 0.6
    assert changed[opacity[..., 0] > 0.5].mean() > 0.9
    assert (frames[0] != frames[11]).any()


@pytest.mark.parametrize("sequence", SOURCE.sequences(), ids=lambda sequence: sequence.id)
def test_a_frame_is_the_same_however_it_is_reached(sequence) -> None:
    np.testing.assert_array_equal(SOURCE.read(sequence, 7, 9), SOURCE.read(sequence.id, 0, 9)[7:])
    more = BuiltinLookalikes(count=20, frames=9, height=96, width=144)
    np.testing.assert_array_equal(more.read(sequence.id, 8, 9), SOURCE.read(sequence, 8, 9))


def test_another_process_draws_the_same() -> None:
    code = (
        "import hashlib; from degrade.sources import open_source;"
        "s = open_source('builtin:lookalikes?count=12&frames=30&height=96&width=144');"
        "print(hashlib.sha256(s.read('00_coffee_snow', 3, 5).tobytes()).hexdigest(), s.fingerprint('00_coffee_snow'))"
    )
    frames, fingerprint = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.split()
    assert frames == hashlib.sha256(SOURCE.read("00_coffee_snow", 3, 5).tobytes()).hexdigest()
    assert fingerprint == SOURCE.fingerprint("00_coffee_snow")
    assert len({SOURCE.fingerprint(sequence) for sequence in SOURCE.sequences()}) == len(KINDS)


def test_photographs_come_to_show_many_kinds() -> None:
    """The task's four see each kind as often."""
    shown = [
        sequence.id.split("_") for sequence in BuiltinLookalikes(count=72, frames=2, height=16, width=24).sequences()
    ]
    kinds = [kind for _, photograph, *_, kind in shown if photograph in ("camera", "rocket", "ihc", "gravel")]
    assert {kind: kinds.count(kind) for kind in KINDS} == dict.fromkeys(KINDS, 2)


@pytest.fixture
def footage(tmp_path: Path) -> Path:
    """Two grey clips of five frames."""
    (tmp_path / "val").mkdir()
    for name, level in (("dog", 90), ("cat", 160)):
        with open_writer(tmp_path / f"val/{name}.mkv") as writer:
            for t in range(5):
                writer.write(np.full((64, 96, 3), level + t, np.uint8))
    return tmp_path


def test_any_footage_comes_once_with_each_kind(footage: Path) -> None:
    spec = parse({"source": str(footage), "lookalikes": True, "splits": {"val": ["val/*"]}, "pipeline": []})
    behind, source = open_source(footage), spec.footage()
    ids = [sequence.id for sequence in source.sequences()]
    assert ids == [f"val/{name}_{kind}" for name in ("cat", "dog") for kind in KINDS]
    assert set(spec.split_of(ids)) == set(ids)
    for id in ids:
        kind, opacity = source.lookalike(id, 0, 5)
        frames, plain = source.read(id, 0, 5), behind.read(id.rpartition("_")[0], 0, 5)
        changed = (frames != plain).any(-1)
        assert id.endswith(kind)
        assert not changed[opacity[..., 0] < 1 / 512].any()
        assert changed.any()
        np.testing.assert_array_equal(source.read(id, 3, 5), frames[3:])
        deep = source.read(id, 2, 3, 16)
        assert np.abs(deep / 257 - frames[2:3]).max() <= 0.51
    dog, cat = (source.lookalike(f"val/{name}_snow", 0, 5)[1] for name in ("dog", "cat"))
    assert (dog != cat).mean() > 0.001
    assert len(set(map(source.fingerprint, ids))) == len(ids)
    assert source.names("val/dog_snow") == behind.names("val/dog")
    assert not parse({"source": str(footage), "pipeline": []}).lookalikes


def test_bad_requests_are_one_line() -> None:
    with pytest.raises(SourceError, match="asked for frames 29 to 31, it has 30"):
        SOURCE.lookalike("00_coffee_snow", 29, 31)
    with pytest.raises(SourceError, match="did you mean '00_coffee_snow'"):
        SOURCE.read("00_coffee_snaw", 0, 1)
    with pytest.raises(SourceError, match="unknown argument of builtin:lookalikes 'widht'; did you mean 'width'"):
        open_source("builtin:lookalikes?widht=3")
    twins = open_source("builtin:stills?count=2")
    with pytest.raises(SourceError, match="unknown sequence '00_coffee'; did you mean '00_coffee_"):
        Lookalikes(twins).read("00_coffee", 0, 1)
