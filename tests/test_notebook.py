"""What notebooks show: a picture or a table, and in text a line instead of pages of numbers."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import degrade
from degrade.ops import Dust
from degrade.spec import Spec


def picture(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "PNG"
        return np.asarray(image)


@pytest.mark.parametrize("shape", [(40, 60), (40, 60, 3), (6, 40, 60, 1), (1, 40, 60, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float16])
def test_damaged(shape: tuple[int, ...], dtype: type) -> None:
    clip = np.full(shape, 128 if dtype is np.uint8 else 0.5, dtype)
    damaged = degrade.load("film-medium")(clip, seed=3)
    text = repr(damaged)
    assert text == str(damaged)
    assert text.startswith("Damaged(6 frames 40×60 grey " if shape[0] == 6 else "Damaged(")
    assert "dust" in text
    assert len(text) < 300
    shown = picture(damaged._repr_png_())
    assert shown.std() > 5
    calm = picture(Dust(p=0)(clip, seed=3)._repr_png_())  # no mask, no row of masks
    assert calm.shape[0] < shown.shape[0]
    assert repr(Dust(p=0)(clip, seed=3)).endswith("masks: none; fired: none)")


def test_what_was_drawn() -> None:
    clip = np.full((24, 40, 60, 1), 128, np.uint8)
    pipeline = degrade.load("film-heavy")
    trace = pipeline(clip, seed=3).trace
    assert repr(trace).startswith("Trace(24 frames 40×60; lens, base, flicker, ")
    params = pipeline.draw(trace.info, 3)
    assert len(repr(params)) < 300
    assert max(len(repr(step["params"])) for step in params.steps) < 600


def test_ops_and_pipelines() -> None:
    assert repr(Dust(per_frame=3)) == str(Dust(per_frame=3)) == "Dust(per_frame=(3.0, 3.0))"
    assert repr(degrade.Pipeline("noise", degrade.OneOf("scratch", "hair"))) == "Pipeline('noise', 'one_of')"
    html = degrade.Pipeline(Dust(per_frame=3), degrade.OneOf("scratch", "hair", id="a"))._repr_html_()
    for cell in ("dust", "contaminant", "per_frame=(3.0, 3.0)", "a/scratch", "a/hair"):
        assert f">{cell}</td>" in html
    assert "ops=" not in html


def test_specs(make_spec: Callable[..., Spec]) -> None:
    spec = make_spec(source="<b>", clips={"length": 3})
    assert repr(spec) == (
        "Spec(name='small', seed=5, source='<b>', clips=Clips(length=3, stride=None, size=None, limit=None), "
        "color='grey', pipeline=['gaussian_blur', 'dust', 'lines', 'noise', 'weave'])"
    )
    html = spec._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>" not in html
    assert ">lines/scratch</td>" in html


def test_datasets(make_spec: Callable[..., Spec], tmp_path: Path) -> None:
    spec = make_spec(splits={"train": ["s0", "s3"], "val": 1.0})
    degrade.generate(spec, tmp_path / "out")
    folder = degrade.DatasetFolder(tmp_path / "out")
    assert repr(folder) == f"DatasetFolder({str(tmp_path / 'out')!r})"
    html = folder._repr_html_()
    for split in ("train", "val"):
        frames = sum(clip.frames for clip in folder.clips.values() if clip.split == split)
        assert f'>{split}</td><td style="text-align: left">2</td><td style="text-align: left">{frames}<' in html
    assert '<img src="data:image/png;base64,' in html
    nothing = degrade.DatasetFolder(tmp_path / "nothing")._repr_html_()
    assert "holds no finished dataset" in nothing
