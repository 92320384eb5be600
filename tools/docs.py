"""Writes what is generated: a page for each op, docs/ops/<name>.md, with a picture, their list, docs/presets.md,
the tables of models, metrics and tasks in other pages, the stub by which type checkers know the ops,
degrade/ops/__init__.pyi, and the digests of new tasks, tests/benchmark/digests.json; those of others it never changes.

python tools/docs.py             # all; minutes
python tools/docs.py --text      # all but the pictures
python tools/docs.py dust hair   # the pictures of these, and all pages
python tools/docs.py --presets   # the pictures of the presets, docs/pictures/<name>.jpg, and all pages
"""

import argparse
import inspect
import io
import json
import re
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

import degrade
from degrade import models, presets
from degrade.benchmark.metrics import registry as metrics
from degrade.benchmark.task import load_task, tasks
from degrade.core.composition import Composition
from degrade.core.display import sheet
from degrade.core.docstrings import described
from degrade.core.op import Op
from degrade.core.types import Array, mask_to_uint8
from degrade.ops import AtScale, Pipeline, registry
from degrade.show import parameters
from degrade.sources import open_source

DOCS = Path(__file__).resolve().parents[1] / "docs"
STUB = DOCS.parent / "degrade/ops/__init__.pyi"
DIGESTS = DOCS.parent / "tests/benchmark/digests.json"
FOLDER = DOCS / "ops"
WITH_TABLES = ("models.md", "benchmark.md")
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
    about = described(op.drawn)
    drawn = [(name, about.get(name, "")) for name in op.drawn.model_fields]
    parts = [
        f"# {name}",
        f"{FAMILIES.get(op.family, op.family)} · [all ops](README.md) · [adding an op](../ops.md)",
        _prose(op.__doc__ or ""),
        f"![{name} on a built-in clip: clean, damaged, a frame later, and its mask if it has one]({name}.jpg)",
        "## Parameters",
        _table(["parameter", "default", "allowed", "what it is"], [(f"`{p[0]}`", *p[1:]) for p in parameters(op)]),
        f"[Severity](../severity.md) {scaled}.",
    ]
    if not op.carries_exactly:
        parts.append("An earlier defect may show beyond its [mask](../ops.md#masks).")
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
    inexact = [f"[{name}]({name}.md)" for name in registry.names() if not registry.get(name).carries_exactly]
    parts += ["## Masks", f"A defect may show beyond its [mask](../ops.md#masks) after {', '.join(inexact)}."]
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


def model_table() -> str:
    """Every model that restores, from its card."""
    return _cards("restoration", "flow", "masks")


def colorization_table() -> str:
    """Every model that colours, from its card."""
    return _cards("colorization", "key_frames", "pictures")


def _cards(kind: str, *facts: str) -> str:
    rows = []
    for name, card in models.cards().items():
        if card and card.kind == kind:
            learns = f"{card.parameters / 1e6:.2f} M" if card.parameters else "–"
            marks = ("yes" if getattr(card, fact) else "–" for fact in facts)
            rows.append((f"`{name}`", card.summary, learns, *marks, card.source))
    return _table(["name", "what it does", "learns", *(fact.replace("_", " ") for fact in facts), "after"], rows)


def metric_table() -> str:
    """Every metric, from its class."""
    rows = []
    for name in metrics.names():
        metric = metrics.get(name)
        about = inspect.cleandoc(metric.__doc__ or "")
        definition, _, source = about.partition("Source: ")
        better = f"{'higher' if metric.higher_is_better else 'lower'}{f', {metric.unit}' if metric.unit else ''}"
        rows.append((metric.label, f"`{name}`", better, definition, source.rstrip("."), metric.reference))
    return _table(["metric", "name", "better", "definition", "source", "tested against"], rows)


def task_table() -> str:
    """Every task, from its file."""
    rows = []
    for name in tasks.names():
        task = tasks.content(name)
        data = task["data"]
        footage = task.get("footage") or f"`{data['source'].partition('?')[0]}`"
        rows.append((f"`{name}`", task["about"], footage, data.get("target", "clean")))
    return _table(["task", "what it is", "footage (`--data`)", "target"], rows)


TABLES = {"models": model_table, "colorization": colorization_table, "metrics": metric_table, "tasks": task_table}


def with_tables(text: str) -> str:
    """A page with its tables, each between a mark such as ``<!-- models -->`` and ``<!-- end -->``, as they are now."""

    def fill(found: re.Match[str]) -> str:
        return f"<!-- {found[1]} -->\n{TABLES[found[1]]()}\n<!-- end -->"

    return re.sub(rf"<!-- ({'|'.join(TABLES)}) -->\n.*?<!-- end -->", fill, text, flags=re.DOTALL)


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


def digests() -> dict[str, str]:
    """The digests of all tasks: new ones as they are now, others as they were frozen."""
    now = {name: load_task(name, source="builtin:stills").digest()[:16] for name in tasks.names()}
    return dict(sorted((now | json.loads(DIGESTS.read_text("utf-8"))).items()))


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
    for path in (DOCS / name for name in WITH_TABLES):
        path.write_text(with_tables(path.read_text("utf-8")), "utf-8")
    STUB.write_text(stub(), "utf-8")
    DIGESTS.write_text(json.dumps(digests(), indent=1) + "\n", "utf-8")
    for name in presets.names() if asked.presets else ():
        (DOCS / f"pictures/{name}.jpg").write_bytes(jpeg(preset_picture(name), LARGEST_SHEET))
        print(f"{name}.jpg", flush=True)
    for name in () if asked.text or asked.presets else asked.names or registry.names():
        (FOLDER / f"{name}.jpg").write_bytes(jpeg(picture(name)))
        print(f"{name}.jpg", flush=True)


if __name__ == "__main__":
    main()
