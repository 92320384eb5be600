"""Writes what is generated: a page for each op, docs/ops/<name>.md, with a picture, their list, docs/presets.md, and
the stub by which type checkers know the ops, degrade/ops/__init__.pyi.

python tools/docs.py             # all; minutes
python tools/docs.py --text      # all but the pictures
python tools/docs.py dust hair   # the pictures of these, and all pages
python tools/docs.py --presets   # the pictures of the presets, docs/pictures/<name>.jpg, and all pages
"""

import argparse
import inspect
import io
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

import degrade
from degrade import presets
from degrade.core.composition import Composition
from degrade.core.op import Op
from degrade.core.types import Array, mask_to_uint8
from degrade.ops import AtScale, Pipeline, registry
from degrade.preview import sheet
from degrade.show import parameters
from degrade.sources import open_source

DOCS = Path(__file__).resolve().parents[1] / "docs"
STUB = DOCS.parent / "degrade/ops/__init__.pyi"
FOLDER = DOCS / "ops"
LARGEST, LARGEST_SHEET = 60_000, 150_000
"""Bytes of an op's and a preset's picture."""
SHOWN = (0, 4)
"""The built-in clips that presets are shown on."""
SEEDS, FRAMES = 4, 12
FAMILIES = {
    "contaminant": "On the film, with masks",
    "transport": "Transport",
    "exposure": "Light and tone",
    "quality": "Picture quality",
    "composition": "Compositions of ops",
}


def pages() -> dict[str, str]:
    """The text of every page by its file's name."""
    return {f"{name}.md": page(name) for name in registry.names()} | {"README.md": contents()}


def page(name: str) -> str:
    """The page of an op, from its docstring and fields."""
    op = registry.get(name)
    strengths = [f"`{strength}`" for strength in op.strengths()]
    scaled = f"scales {', '.join(strengths)}" if strengths else "scales how often it fires"
    if issubclass(op, Composition):
        scaled = f"{scaled}, and the inner ops" if strengths else "scales the inner ops"
    drawn = [(n, f.description or "") for n, f in op.drawn.model_fields.items()]
    parts = [
        f"# {name}",
        f"{FAMILIES.get(op.family, op.family)} · [all ops](README.md) · [adding an op](../ops.md)",
        _prose(op.__doc__ or ""),
        f"![{name} on a built-in clip: clean, damaged, a frame later, and its mask if it has one]({name}.jpg)",
        "## Parameters",
        _table(["parameter", "default", "allowed", "what it is"], [(f"`{p[0]}`", *p[1:]) for p in parameters(op)]),
        f"[Severity](../severity.md) {scaled}.",
    ]
    if drawn:
        parts += ["## In the trace", _table(["drawn", "what it is"], [(f"`{n}`", about) for n, about in drawn])]
    return "\n\n".join(parts) + "\n"


def contents() -> str:
    """The list of all ops by family."""
    parts = ["# Ops", "One page each, written by `python tools/docs.py` from the ops' own words."]
    families = [*FAMILIES, *sorted({registry.get(name).family for name in registry.names()} - set(FAMILIES))]
    for family in families:
        names = [name for name in registry.names() if registry.get(name).family == family]
        rows = [(f"[{name}]({name}.md)", (registry.get(name).__doc__ or "").strip().splitlines()[0]) for name in names]
        if rows:
            parts += [f"## {FAMILIES.get(family, family)}", _table(["op", "what it is"], rows)]
    return "\n\n".join(parts) + "\n"


def presets_page() -> str:
    """The page of the presets, from the first line of each."""
    parts = ["# Presets", '`preset: film-medium` in a spec, `--preset film-medium`, `degrade.load("film-medium")`.']
    parts += ["Each row: a built-in clip, and three frames of it under the preset; `python tools/docs.py --presets`."]
    for name in presets.names():
        parts += [f"## {name}", presets.about(name), f"![{name} on two built-in clips](pictures/{name}.jpg)"]
    return "\n\n".join(parts) + "\n"


def stub() -> str:
    """Types of `degrade.ops`, which imports an op when it is first asked for."""
    classes = [registry.get(name) for name in registry.names()]
    own = [cls for cls in classes if cls.__module__.startswith("degrade.ops.")]  # not another package's
    lines = [
        "# Written by `python tools/docs.py --text`.",
        "from degrade.core.op import Op",
        "from degrade.core.registry import Registry",
        *(f"from {cls.__module__} import {cls.__name__}" for cls in own),
        "",
        "__all__ = [",
        *(f'    "{name}",' for name in sorted([*(cls.__name__ for cls in own), "registry"])),
        "]",
        "",
        "registry: Registry[Op]",
    ]
    return "\n".join(lines) + "\n"


def _prose(docstring: str) -> str:
    """A docstring as Markdown."""
    text, _, code = inspect.cleandoc(docstring).partition("\nExample:\n")
    return f"{text.strip()}\n\n```python\n{inspect.cleandoc(code)}\n```" if code else text


def _table(head: list[str], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    """One line, and neither a column's end nor what looks like a link."""
    return " ".join(text.split()).replace("|", "\\|").replace("][", "]\\[")


class Look(NamedTuple):
    """A clip under an op, and where it is most to be seen."""

    effect: float
    frame: int
    frames: Array
    masks: Array | None


def example(name: str) -> Op:
    """The op as shown: with its defaults, or with inner ops."""
    cls = registry.get(name)
    if issubclass(cls, AtScale):
        return cls(scales=((0.25, 0.25),), filters=("bicubic",), ops=("noise", "dust"))
    return cls(ops=("dust", "scratch")) if issubclass(cls, Composition) else cls()


def picture(name: str) -> Array:
    """A clip clean, damaged, a frame later, and its mask or another frame; of the seed that shows most. RGB uint8."""
    source = open_source("builtin:stills")
    clean = source.read(source.sequences()[0], 0, FRAMES)
    look = max((_look(example(name), clean, seed) for seed in range(SEEDS)), key=lambda look: look.effect)
    t = look.frame
    last = (
        (f"damaged, frame {t + 2}", look.frames[t + 2]) if look.masks is None else (f"mask, frame {t}", look.masks[t])
    )
    return sheet(
        [
            [(f"clean, frame {t}", clean[t]), (f"damaged, frame {t}", look.frames[t])],
            [(f"damaged, frame {t + 1}", look.frames[t + 1]), last],
        ],
        height=clean.shape[1],
    )


def _look(op: Op, clean: Array, seed: int) -> Look:
    out = Pipeline(ops=(op,))(clean, seed=seed)
    change = abs(out.frames.astype(np.float32) - clean).mean(axis=(1, 2, 3))
    frame = int(change[:-2].argmax())
    return Look(float(change[frame]), frame, out.frames, mask_to_uint8(out.mask) if out.masks else None)


def preset_picture(name: str) -> Array:
    """Two clips, each clean and in three frames under a preset; grey for those made for grey clips. RGB uint8."""
    source, rows = open_source("builtin:stills"), []
    for i in SHOWN:
        clean = source.read(source.sequences()[i], 0, FRAMES)
        if name.startswith("rtn-"):
            clean = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in clean])[..., None]
        out = degrade.load(name)(clean, seed=i).frames
        rows.append([("clean", clean[0]), *((f"frame {t}", out[t]) for t in (0, 5, 10))])
    return sheet(rows, height=clean.shape[1])


def jpeg(picture: Array, largest: int = LARGEST) -> bytes:
    """As JPEG of at most so many bytes."""
    for quality in range(85, 20, -5):
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "jpeg", quality=quality, optimize=True)
        if file.tell() <= largest:
            break
    return file.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="ops whose pictures are made; all if none is named")
    parser.add_argument("--text", action="store_true", help="no pictures")
    parser.add_argument("--presets", action="store_true", help="the pictures of the presets instead")
    asked = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    current = pages()
    for stale in {path for path in FOLDER.iterdir() if f"{path.stem}.md" not in current}:
        stale.unlink()
    for file, text in current.items():
        (FOLDER / file).write_text(text, "utf-8")
    (DOCS / "presets.md").write_text(presets_page(), "utf-8")
    STUB.write_text(stub(), "utf-8")
    for name in presets.names() if asked.presets else ():
        (DOCS / f"pictures/{name}.jpg").write_bytes(jpeg(preset_picture(name), LARGEST_SHEET))
        print(f"{name}.jpg", flush=True)
    for name in () if asked.text or asked.presets else asked.names or registry.names():
        (FOLDER / f"{name}.jpg").write_bytes(jpeg(picture(name)))
        print(f"{name}.jpg", flush=True)


if __name__ == "__main__":
    main()
