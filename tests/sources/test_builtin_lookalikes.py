"""builtin:lookalikes: clean content in front of the stills, random access, and masks that say where it is."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from degrade.core.errors import SourceError
from degrade.sources import open_source
from degrade.sources.lookalikes import KINDS, Lookalikes

SOURCE = Lookalikes(count=len(KINDS), frames=30, height=96, width=144)
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
    more = Lookalikes(count=20, frames=9, height=96, width=144)
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
    shown = [sequence.id.split("_") for sequence in Lookalikes(count=72, frames=2, height=16, width=24).sequences()]
    kinds = [kind for _, photograph, *_, kind in shown if photograph in ("camera", "rocket", "ihc", "gravel")]
    assert {kind: kinds.count(kind) for kind in KINDS} == dict.fromkeys(KINDS, 2)


def test_bad_requests_are_one_line() -> None:
    with pytest.raises(SourceError, match="asked for frames 29 to 31, it has 30"):
        SOURCE.lookalike("00_coffee_snow", 29, 31)
    with pytest.raises(SourceError, match="did you mean '00_coffee_snow'"):
        SOURCE.read("00_coffee_snaw", 0, 1)
    with pytest.raises(SourceError, match="unknown argument of builtin:lookalikes 'widht'; did you mean 'width'"):
        open_source("builtin:lookalikes?widht=3")
