import pickle
import subprocess
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import degrade.models
from degrade.core.errors import SourceError
from degrade.models import build, bundled
from degrade.models._weights import read_about, read_state, save


@pytest.fixture
def small():
    return build("unet", channels=4)


class Code:
    """What a hostile pickle looks like: it runs a command when it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return subprocess.call, (["touch", str(self.path)],)


def test_a_pickle_that_runs_code_is_refused(tmp_path):
    for name, write in {"a.pth": torch.save, "b.pth": lambda x, p: p.write_bytes(pickle.dumps(x))}.items():
        write({"netG": Code(tmp_path / "ran")}, tmp_path / name)
        with pytest.raises(SourceError, match=f"{name}: holds more than tensors, and could run code; refused"):
            build("unet", weights=tmp_path / name)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("keep", [0, 4, 100, 3000])
def test_truncated(tmp_path, small, suffix, keep):
    path = tmp_path / f"w{suffix}"
    if suffix == ".pth":
        torch.save(small.state_dict(), path)
    else:
        save(small, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(SourceError, match="damaged or not a weights file") as caught:
        build("unet", weights=path)
    assert "\n" not in str(caught.value)


def test_missing(tmp_path):
    with pytest.raises(SourceError, match=r"none\.pth: no such weights file"):
        build("unet", weights=tmp_path / "none.pth")


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<!DOCTYPE html><html><title>Google Drive - Virus scan warning", "a web page; download the file itself"),
        (b"\n<html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1\n", "a Git LFS pointer; fetch"),
    ],
)
def test_what_came_in_place_of_a_download(tmp_path, suffix, content, said):
    path = tmp_path / f"w{suffix}"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=f"not a weights file, but {said}"):
        build("unet", weights=path)


@pytest.mark.parametrize("content", [[1, 2], {"a": 1}, {}, torch.zeros(3)])
def test_no_state_dict(tmp_path, content):
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(SourceError, match="holds no state dict"):
        build("unet", weights=tmp_path / "w.pth")


def test_wrong_shapes_and_names(tmp_path, small):
    state = small.state_dict()
    state["last.bias"] = torch.zeros(5)
    state["extra"] = state.pop("last.weight")
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(SourceError) as caught:
        build("unet", weights=tmp_path / "w.pth", channels=4)
    assert str(caught.value).endswith(
        "does not fit UNet: 1 missing (last.weight); 1 unknown (extra); "
        "1 of another shape (last.bias is (5,), not (3,))"
    )


def test_not_finite(tmp_path, small):
    state = small.state_dict()
    state["last.bias"][1] = torch.nan
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(SourceError, match=r"NaN or infinite values in last\.bias"):
        build("unet", weights=tmp_path / "w.pth", channels=4)


@pytest.mark.parametrize("wrap", ["netG", "state_dict", "params", None])
def test_pytorch_files(tmp_path, small, wrap):
    state = small.state_dict()
    torch.save({wrap: state, "steps": 3} if wrap else state, tmp_path / "w.pt")
    again = build("unet", weights=tmp_path / "w.pt", channels=4)
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), small.parameters(), strict=True))


def test_the_configuration_travels_with_the_weights(tmp_path, small):
    save(small, tmp_path / "w.safetensors", task="dust-v1", steps=7)
    about = read_about(tmp_path / "w.safetensors")
    assert about == {"model": "UNet", "config": {"channels": 4}, "task": "dust-v1", "steps": 7}
    assert build("unet", weights=tmp_path / "w.safetensors").config == {"channels": 4}
    again = build("unet", weights=tmp_path / "w.safetensors")
    save(again, tmp_path / "again.safetensors", steps=7, task="dust-v1")
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "w.safetensors").read_bytes()
    assert len(read_state(tmp_path / "w.safetensors")) == len(small.state_dict())


def contiguous(model):
    """What safetensors' own function takes."""
    return {name: value.contiguous() for name, value in model.state_dict().items()}


@pytest.mark.parametrize("about", ["[]", "{", '{"config": 3}', "[" * 100_000])
def test_a_damaged_configuration_is_one_line(tmp_path, small, about):
    save_file(contiguous(small), tmp_path / "w.safetensors", {"film_degrade": about})
    with pytest.raises(SourceError, match=r"w\.safetensors: damaged or not a weights file") as caught:
        build("unet", weights=tmp_path / "w.safetensors")
    assert len(str(caught.value).removeprefix(str(tmp_path))) < 300


def test_metadata_of_others_is_no_configuration(tmp_path, small):
    save_file(contiguous(small), tmp_path / "w.safetensors", {"format": "pt", "config": "none of ours"})
    assert read_about(tmp_path / "w.safetensors") == {}
    assert build("unet", weights=tmp_path / "w.safetensors", channels=4).config == {"channels": 4}


def test_only_safetensors_are_written(tmp_path, small):
    with pytest.raises(SourceError, match=r"written as \.safetensors"):
        save(small, tmp_path / "w.pth")


@pytest.mark.parametrize(
    "path",
    sorted((Path(degrade.models.__path__[0]) / "weights").glob("*/*.safetensors")),
    ids=lambda path: f"{path.parent.name}/{path.stem}",
)
def test_bundled_weights_say_where_they_come_from(path):
    about = read_about(path)
    assert about["task"] == path.parent.name
    assert build(path.stem, path).config == about["config"]
    assert bundled(path.stem, about["task"]) == path
    assert f"`{path.parent.name}/{path.name}`" in (path.parents[1] / "README.md").read_text("utf-8")


def test_weights_of_real_footage_stand_in_for_a_tasks_own():
    assert bundled("unet", "film-v1") == bundled("unet")
    assert bundled("rtn", "quick-v1") != bundled("rtn")
    assert bundled("median") is None
