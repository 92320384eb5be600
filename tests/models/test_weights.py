import pickle
import subprocess
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

import degrade.models
from degrade.core.errors import SourceError
from degrade.models import build, bundled, models
from degrade.models._weights import load, read_about, read_state, save


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


WRAPPERS = [
    "module", "model", "_orig_mod", "generator", "netG", "net_g", "params", "params_ema", "state_dict",
    "model_state_dict", "net", "ema_model", "network.backbone",
]  # fmt: skip
"""What training scripts and wrappers put before a network's names, or keep it under."""


@settings(max_examples=60)
@given(outer=st.lists(st.sampled_from(WRAPPERS), max_size=3), inner=st.lists(st.sampled_from(WRAPPERS), max_size=3))
def test_a_network_is_found_under_any_names(outer, inner, tmp_path_factory):
    """Mappings within mappings, prefixes, and beside them optimizers, counters and other networks."""
    path, small = tmp_path_factory.mktemp("w") / "w.ckpt", build("unet", channels=2)
    content = {".".join([*inner, name]): value for name, value in small.state_dict().items()}
    for key in reversed(outer):
        content = {key: content, "epoch": 3, "discriminator": {"last.bias": torch.ones(7)}}
    if outer:
        content |= {"optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 1e-3}]}}
    else:
        content |= {"n_averaged": torch.tensor(3), "discriminator.last.bias": torch.ones(7)} if inner else {}
    torch.save(content, path)
    again = build("unet", weights=path, channels=2)
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), small.parameters(), strict=True))


@pytest.mark.parametrize("name", [name for name in models.names() if build(name).state_dict()])
def test_every_model_loads_a_lightning_checkpoint(tmp_path, name):
    model = build(name)
    state = {f"net._orig_mod.{key}": value for key, value in model.state_dict().items()}
    other = {f"critic.{key}": torch.ones(3) for key in ("0.weight", "0.bias")}
    content = {"epoch": 2, "state_dict": {**other, **state}, "optimizer_states": [{"state": {}}], "loops": {"fit": {}}}
    torch.save(content, tmp_path / "last.ckpt")
    again = build(name, weights=tmp_path / "last.ckpt")
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in model.state_dict().items())


def test_of_several_networks_the_averaged_one(tmp_path, small):
    other = build("unet", channels=4)
    torch.save({"params": other.state_dict(), "params_ema": small.state_dict()}, tmp_path / "w.pth")
    again = build("unet", weights=tmp_path / "w.pth", channels=4)
    assert torch.equal(again.last.weight, small.last.weight)
    torch.save({"netG_A": other.state_dict(), "netG_B": small.state_dict()}, tmp_path / "w.pth")
    with pytest.raises(SourceError, match=r"w\.pth: several networks in it fit UNet: netG_A, netG_B; save one of them"):
        build("unet", weights=tmp_path / "w.pth", channels=4)
    same = {name: value.clone() for name, value in small.state_dict().items()}
    torch.save({"a": same, "b": small.state_dict()}, tmp_path / "w.pth")
    assert torch.equal(build("unet", weights=tmp_path / "w.pth", channels=4).last.weight, small.last.weight)


def test_a_network_that_a_model_wraps_is_found_without_its_name(tmp_path):
    network = torch.nn.Conv2d(3, 4, 3)
    wrapper = torch.nn.ModuleDict({"net": torch.nn.Conv2d(3, 4, 3)})
    torch.save(
        {"state_dict": {f"module.{name}": value for name, value in network.state_dict().items()}}, tmp_path / "w"
    )
    load(wrapper, read_state(tmp_path / "w"), "w")
    assert torch.equal(wrapper["net"].weight, network.weight)
    with pytest.raises(SourceError, match="does not fit Conv2d"):
        load(torch.nn.Conv2d(3, 5, 3), read_state(tmp_path / "w"), "w")


def test_keys_are_named_where_no_network_fits(tmp_path, small):
    others = {"netG": {"conv.weight": torch.ones(3)}, "netD": {"a.weight": torch.ones(3)}, "steps": 3}
    torch.save({"state": others}, tmp_path / "w.pth")
    with pytest.raises(SourceError, match=r"does not fit UNet: \d+ missing .+; its keys are: state\.netD, state\.netG"):
        build("unet", weights=tmp_path / "w.pth")
    torch.save({"netG": dict(list(small.state_dict().items())[1:]), "netD": others["netD"]}, tmp_path / "w.pth")
    with pytest.raises(SourceError, match=r"netG does not fit UNet: 1 missing \(.+\); its keys are: netD, netG$"):
        build("unet", weights=tmp_path / "w.pth", channels=4)
    torch.save({"steps": 3, "lr": 1.0}, tmp_path / "w.pth")
    with pytest.raises(SourceError, match=r"holds no state dict \(names and tensors\); its keys are: lr, steps$"):
        build("unet", weights=tmp_path / "w.pth")


def test_files_that_hold_themselves(tmp_path):
    content = {"a": torch.ones(2)}
    content["b"] = content["c"] = content
    torch.save(content, tmp_path / "w.pth")
    assert list(read_state(tmp_path / "w.pth")) == ["a"]


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
    model = build(path.stem, path)
    assert model.config == about["config"]
    assert about["task"] == path.parent.name
    assert about["color"] == ("rgb" if model.card.kind == "colorization" else "grey")
    assert bundled(path.stem, about["task"]) == path
    assert f"`{path.parent.name}/{path.name}`" in (path.parents[1] / "README.md").read_text("utf-8")


def test_weights_of_real_footage_stand_in_for_a_tasks_own():
    assert bundled("rtn", "film-v1") == bundled("rtn", "clips-v2") == bundled("rtn")
    assert bundled("rtn").name == "rtn.safetensors"
    assert bundled("median") is None
