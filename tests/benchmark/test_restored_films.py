"""A restored film is a film again: with its sound, also of a part, and after an interruption the same."""

from pathlib import Path

import av
import numpy as np
import pytest

pytest.importorskip("torch", reason="the benchmark needs PyTorch")
from degrade.benchmark.excerpt import Excerpt
from degrade.benchmark.restore import restore_source
from degrade.models import build
from degrade.sources import open_source
from tests.films import clicks, film, flashes


class Stop(Exception):
    """Ctrl-C, as it were."""


@pytest.mark.parametrize("suffix", [".mkv", ".mov", ".mp4"])
def test_a_part_has_its_part_of_the_sound(tmp_path: Path, suffix: str) -> None:
    path = film(tmp_path / "in.mov", ["aac", "pcm_s16le"], frames=60)
    out, told = tmp_path / f"out{suffix}", list[str]()
    restore_source(build("input"), Excerpt(open_source(path), 15, 45), out, told=told.append)
    assert told == [f"{out.name}: copied: sound (aac), sound (pcm_s16le), 2 chapters, metadata, timecode 01:00:00:15"]
    shown = flashes(out)
    np.testing.assert_allclose(shown, [0.2, 0.6, 1.0], atol=0.001)
    for track in range(2):
        np.testing.assert_allclose(clicks(out, track), shown, atol=0.003)
    with av.open(str(out)) as container:
        edges = [float(chapter["start"] * chapter["time_base"]) for chapter in container.chapters()]
    assert edges == pytest.approx([0, 0.4], abs=0.001)
    assert open_source(out).sequences()[0].stream.timecode == "01:00:00:15"


@pytest.mark.parametrize("suffix", [".mkv", ".mov", ".mp4"])
@pytest.mark.parametrize("footage", [".mov", ".mkv", ".ts"])
@pytest.mark.parametrize("codec", ["aac", "libmp3lame"])
def test_no_encoder_s_delay_moves_the_sound_of_a_part(tmp_path: Path, footage: str, codec: str, suffix: str) -> None:
    """What encoders put before the sound, 1024 samples and more, is left behind with the film's beginning."""
    path, out = film(tmp_path / f"in{footage}", [codec], frames=60), tmp_path / f"out{suffix}"
    restore_source(build("input"), Excerpt(open_source(path), 17, 55), out)
    shown, heard = flashes(out), clicks(out)
    np.testing.assert_allclose(shown, [0.12, 0.52, 0.92, 1.32], atol=0.001)
    assert [min(heard, key=lambda click: abs(click - flash)) for flash in shown] == pytest.approx(shown, abs=0.01)
    with av.open(str(out)) as container:
        first = next(packet for packet in container.demux(audio=0) if packet.size)
    assert -0.03 < first.pts * first.time_base < 0.03


def test_the_same_bytes_after_an_interruption(tmp_path: Path) -> None:
    source = open_source(film(tmp_path / "in.mp4", frames=12))

    def stop(frames: int) -> None:
        raise Stop

    restore_source(build("input"), source, tmp_path / "whole.mkv")
    with pytest.raises(Stop):
        restore_source(build("input"), source, tmp_path / "out.mkv", restored=lambda n: stop(n) if n else None)
    restore_source(build("input"), source, tmp_path / "out.mkv")
    assert (tmp_path / "out.mkv").read_bytes() == (tmp_path / "whole.mkv").read_bytes()


def test_sound_does_not_go_to_a_film_of_another_speed(tmp_path: Path) -> None:
    source, told = open_source(film(tmp_path / "in.mp4", frames=12)), list[str]()
    restore_source(build("input"), source, tmp_path / "slow.mp4", fps=16, told=told.append)
    assert told[0].startswith("slow.mp4: left out as the film runs at another speed: sound (aac), ")
    restore_source(build("input"), source, tmp_path / "same.mp4", fps=25, told=told.append)
    with av.open(str(tmp_path / "slow.mp4")) as slow, av.open(str(tmp_path / "same.mp4")) as same:
        assert (len(slow.streams.audio), len(same.streams.audio)) == (0, 1)
