import subprocess
import sys
import weakref

import pytest
import torch

from degrade.core.errors import SourceError, SpecError
from degrade.models import build, get, models
from degrade.models._card import ModelCard
from degrade.models._stream import ramp, restore, spans, stream
from degrade.models.base import RestorationModel, Restored

# How far (of 1) results may depend on where windows end. Exact where the overlap holds all that a model looks
# at; a recurrent model forgets by degrees.
SEAM = {"basicvsr": 2e-2, "rtn": 2e-2, "rrtn": 2e-2, "deepremaster": 2e-2, "detect_fill": 2e-2}


class Count(RestorationModel):
    """Returns its input, and remembers the clips that it was given."""

    card = ModelCard(summary="counts", source="this test", window=8, overlap=4, min_size=1)

    def __init__(self):
        super().__init__()
        self.clips = []

    def restore(self, frames, flows):
        self.clips.append(tuple(frames.shape))
        return Restored(frames)


@pytest.mark.parametrize("length", [1, 4, 7, 8, 9, 12, 13, 30])
@pytest.mark.parametrize(("window", "overlap"), [(8, 4), (8, 0), (1, 0), (5, 2), (2, 1)])
def test_every_frame_once_and_in_order(length, window, overlap):
    frames = torch.rand(1, length, 3, 16, 16)
    model = Count()
    torch.testing.assert_close(restore(model, frames, window, overlap), frames)
    assert all(shape[1] <= window for shape in model.clips)
    assert length <= overlap or all(shape[1] > overlap for shape in model.clips)
    assert len(model.clips) == max(1, -(-(length - overlap) // (window - overlap)))


@pytest.mark.parametrize("size", [(16, 128), (129, 128), (200, 333), (128, 500)])
def test_tiles_cover_the_frame(size):
    frames = torch.rand(1, 2, 3, *size)
    model = Count()
    torch.testing.assert_close(restore(model, frames, tile=128), frames)
    assert all(max(shape[3:]) <= 128 for shape in model.clips)
    assert len(model.clips) == len(spans(size[0], 128)) * len(spans(size[1], 128))


def test_windows_are_cross_faded():
    class Step(Count):
        def restore(self, frames, flows):
            super().restore(frames, flows)
            return Restored(torch.full_like(frames, float(len(self.clips) > 1)))

    # The first window makes black, the second white: what is shared rises from one to the other without a jump.
    out = restore(Step(), torch.rand(1, 12, 1, 16, 16), 8, 4)[0, :, 0, 0, 0]
    torch.testing.assert_close(out, torch.tensor([0, 0, 0, 0, 0, 0.25, 0.75, 1, 1, 1, 1, 1]))
    torch.testing.assert_close(ramp(64) + ramp(64).flip(0), torch.ones(64))


@pytest.mark.parametrize("name", [name for name in models.names() if issubclass(get(name), RestorationModel)])
def test_seams_in_time(name, moving, dusty):
    torch.manual_seed(0)
    model = build(name).eval()
    # A shorter window than the card's would not do: the overlap is what hides the seam.
    length = min(model.card.window, 6) + 6 if model.card.overlap == 0 else model.card.window + 6
    frames, _ = dusty(moving(length, 32, 32))
    with torch.no_grad():
        whole = model(frames)
    difference = (restore(model, frames) - whole).abs().max().item()
    assert difference <= SEAM.get(name, 1e-5)


@pytest.mark.parametrize("name", ["unet", "swin_frame", "rtn", "rrtn", "median"])
def test_seams_in_space(name, moving, dusty):
    torch.manual_seed(0)
    model = build(name).eval()
    frames, _ = dusty(moving(3, 64, 208))
    with torch.no_grad():
        whole = model(frames)
    difference = (restore(model, frames, tile=144) - whole).abs()
    assert difference.max() <= 0.05
    assert difference.mean() <= 2e-3


@pytest.mark.parametrize("length", [20, 500])
def test_frames_held_do_not_grow_with_length(length):
    film, most = [], 0

    def frames():
        for _ in range(length):
            frame = torch.rand(1, 3, 16, 16)
            film.append(weakref.ref(frame))
            yield frame

    for _ in stream(Count(), frames()):
        most = max(most, sum(frame() is not None for frame in film))
    assert len(film) == length
    assert most <= 9  # a window, and the frame that shows that it is not the last


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rtn", "classical"])
def test_peak_memory_does_not_grow_with_length(name):
    """Of the process, from 20 frames to 500."""

    def peak(length: int) -> int:
        code = f"""
import resource, torch
from degrade.models import build
from degrade.models._stream import stream
torch.set_num_threads(1)
torch.manual_seed(0)
film = (torch.rand(1, 3, 64, 64) for _ in range({length}))
for frame in stream(build({name!r}).eval(), film):
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        return int(done.stdout)

    assert peak(500) < 1.1 * peak(20)


def test_frames_are_given_out_before_the_film_ends():
    read = []

    def film():
        for t in range(40):
            read.append(t)
            yield torch.rand(1, 3, 16, 16)

    ahead = [read[-1] - t for t, _ in enumerate(stream(Count(), film()))]
    assert len(ahead) == 40
    assert max(ahead) <= 8


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": 0}, "windows of 0 frames"),
        ({"window": 8, "overlap": 5}, "can share 0 to 4 of them, got 5"),
        ({"tile": 100}, "tile must be at least 128 pixels, got 100"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(SpecError, match=message):
        stream(Count(), [], **settings)


def test_frames_of_different_sizes():
    with pytest.raises(SourceError, match="the same size"):
        list(stream(Count(), [torch.rand(1, 3, 16, 16), torch.rand(1, 3, 16, 18)]))
