import subprocess
import sys

import pytest
import torch

from degrade.core.errors import SpecError
from degrade.models import build, cards, get, models, save, sources

OWN = """
from degrade.models.base import RestorationModel, Restored
from degrade.models import ModelCard

class Half(RestorationModel):
    card = ModelCard(summary="halves", source="a test")

    def __init__(self, factor: float = 0.5):
        super().__init__()
        self.factor = factor

    def restore(self, frames, flows):
        return Restored(frames * self.factor)
"""


def test_what_there_is():
    expected = "basicvsr classical deepremaster input median nlmeans rtn swin_frame unet"
    assert set(expected.split()) <= set(models.names())


def test_listing_imports_no_torch():
    code = """
import sys
sys.modules["torch"] = None
from degrade.models import cards
assert cards()["rtn"].multiple == 16
print(*(name for name in sys.modules if name.startswith("degrade.models.")))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["degrade.models._card"]


def test_what_needs_torch_is_there_when_asked_for():
    from degrade.models import losses, restore, save, stream

    assert all(map(callable, (restore, save, stream, losses.l1)))
    with pytest.raises(ImportError, match="cannot import name 'sav'"):
        from degrade.models import sav  # noqa: F401


def test_unknown_model_suggests_the_nearest():
    with pytest.raises(SpecError, match=r"unknown model 'basicsvr'; did you mean 'basicvsr'\?"):
        build("basicsvr")


def test_hyphens_are_allowed():
    assert get("swin-frame") is get("swin_frame")


@pytest.mark.parametrize("name", ["own.py:Half", "own.py"])
def test_a_model_from_a_file(tmp_path, name):
    (tmp_path / "own.py").write_text(OWN)
    model = build(str(tmp_path / name), factor=0.25)
    assert model(torch.ones(1, 1, 3, 16, 16)).max() == 0.25


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        (OWN, "own.py:Halv", "unknown model in .*own.py 'Halv'; did you mean 'Half'"),
        (OWN, "none.py:Half", "no such file: .*none.py"),
        ("import nonsense_that_is_not", "own.py:Half", "own.py: ModuleNotFoundError: No module named 'nonsense"),
        ("x = 1", "own.py", "must define exactly one model, has"),
    ],
)
def test_a_file_without_the_model(tmp_path, text, name, message):
    (tmp_path / "own.py").write_text(text)
    with pytest.raises(SpecError, match=message) as caught:
        build(str(tmp_path / name))
    assert "\n" not in str(caught.value)


WRAP = """
from theirs import Net
from degrade.extend import ModelCard, RestorationModel, Restored

class Wrap(RestorationModel):
    card = ModelCard(summary="somebody's", source="a test")

    def __init__(self):
        super().__init__()
        self.net = Net()

    def restore(self, frames, flows):
        return Restored(self.net(frames.flatten(0, 1)).unflatten(0, frames.shape[:2]))

    def convert(self, state):
        return {"net." + name: value for name, value in state.items()}
"""
THEIRS = "from torch import nn\nimport helper_of_theirs.sizes as s\nclass Net(nn.Conv2d):\n"
THEIRS += "    def __init__(self): super().__init__(3, 3, s.SIDE, padding='same')\n"


@pytest.fixture
def wrap(tmp_path):
    """`wrap(folder, side)`: a model of a network that lies beside it."""

    def make(folder, side):
        (tmp_path / folder / "helper_of_theirs").mkdir(parents=True)
        (tmp_path / folder / "wrap.py").write_text(WRAP)
        (tmp_path / folder / "theirs.py").write_text(THEIRS)
        (tmp_path / folder / "helper_of_theirs/sizes.py").write_text(f"SIDE = {side}")
        return f"{tmp_path / folder / 'wrap.py'}:Wrap"

    return make


def test_a_file_imports_what_lies_beside_it_and_no_other(wrap):
    before = list(sys.path)
    for folder, side in (("a", 3), ("b", 5)):
        assert build(wrap(folder, side)).net.kernel_size == (side, side)
    assert sys.path == before
    assert not {"theirs", "helper_of_theirs", "helper_of_theirs.sizes"} & set(sys.modules)


def test_the_sources_of_a_model(wrap):
    found = [path.name for path in sources(wrap("a", 3))]
    assert found == ["wrap.py", "sizes.py", "theirs.py"]
    assert sources("unet") == []


def test_weights_of_others_are_converted_and_our_own_are_not(wrap, tmp_path):
    name = wrap("a", 3)
    model = build(name)
    torch.save(model.net.state_dict(), tmp_path / "theirs.pth")
    save(model, tmp_path / "ours.safetensors")
    for file in ("theirs.pth", "ours.safetensors"):
        again = build(name, tmp_path / file)
        assert all(map(torch.equal, again.parameters(), model.parameters()))


def test_a_model_of_another_package(tmp_path):
    # Installed packages announce theirs by an entry point; this is what an installed one leaves on disk.
    (tmp_path / "other.py").write_text(OWN)
    info = tmp_path / "other-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[degrade.models]\nhalf = other:Half\n")
    code = """
from degrade.models import build, cards, models
assert cards()["half"] is None and "half" in models.names()
print(build("half").card.summary)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": str(tmp_path)}, check=True
    )
    assert done.stdout.strip() == "halves"


def test_cards_are_complete():
    assert all(card is not None for card in cards().values())
