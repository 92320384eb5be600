"""Clean clips damaged by known specs and measured blind: how far off the instruments are; tables of docs/measure.md.

python tools/measure_truth.py --clips DATA/clips --kept truth.json            # half an hour; prints the tables
python tools/measure_truth.py --clips DATA/clips --kept truth.json --write    # and puts them into docs/measure.md

What is measured is kept in the file, and a run goes on where the last one ended.

Each draw is a film of four clips of 48 frames, grey, 480×368, all under one pipeline whose every parameter is fixed
and drawn anew for each film, over the ranges below; all damages at once, since films have them all at once. Dirt in the
gate has films of its own, since it is told in few clips, and hides what is behind it; so has what is stretched.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from degrade.core.rng import Stream
from degrade.core.types import Array, to_uint8
from degrade.dataset.pairs import fit
from degrade.measure import measure
from degrade.ops.pipeline import Pipeline
from degrade.sources import open_source

HEIGHT, WIDTH, FRAMES, CLIPS = 368, 480, 48, 4
PAGE = Path(__file__).resolve().parents[1] / "docs/measure.md"
MARKS = "<!-- measured -->\n", "<!-- end -->\n"


class Row(NamedTuple):
    """A quantity, the parameter that it estimates, and what the parameter times so much is in its unit."""

    instrument: str
    quantity: str
    op: str
    parameter: str
    scale: float
    within: float
    """The factor that is stated."""


class Films(NamedTuple):
    """Films under the same ops."""

    damage: dict[str, dict[str, Any]]
    """In the order of the pipeline: ranges in which a value is drawn, evenly by its logarithm; lists stay ranges."""
    skipped: tuple[str, ...]
    """What every other film is without."""
    rows: tuple[Row, ...]

    @property
    def instruments(self) -> list[str]:
        """What measures them."""
        return list(dict.fromkeys(row.instrument for row in self.rows))


FILMS = {
    "all": Films(
        {
            "gaussian_blur": {"sigma": (0.0015, 0.005)},
            "spatial_flicker": {"std": (0.02, 0.1), "correlation": (0.5, 8)},
            "flicker": {"std": (0.02, 0.2), "correlation": (0.5, 12)},
            "periodic_flicker": {"amplitude": (0.04, 0.2), "period": (6, 12)},
            "noise": {"sigma": (1.5, 8)},
            "dust": {"per_frame": (8, 80), "size": (0.0045, 0.012), "opacity": [0.2, 1], "light": (0.1, 0.9)},
            "weave": {"x": (0.0007, 0.006), "y": (0.0007, 0.006), "rotation": (0.02, 0.12), "correlation": (1, 10),
                      "correlation_y": (0.5, 2)},
            "scratch": {"per_frame": (0.7, 5), "width": (0.002, 0.005), "opacity": [0.3, 0.9], "light": (0.1, 0.9)},
            "frame_faults": {"missing": 0, "repeated": (0.02, 0.12), "phantom": 0},
        },
        ("periodic_flicker", "scratch"),
        (
            Row("softness", "blur", "gaussian_blur", "sigma", 1000, 1.5),
            Row("grain", "sigma", "noise", "sigma", 1, 1.25),
            Row("flicker", "std", "flicker", "std", 1, 1.5),
            Row("flicker", "memory", "flicker", "correlation", 1, 3),
            Row("flicker", "periodic", "periodic_flicker", "amplitude", 1, 1.5),
            Row("flicker", "period", "periodic_flicker", "period", 1, 1.15),
            Row("spatial_flicker", "std", "spatial_flicker", "std", 1, 1.5),
            Row("spatial_flicker", "memory", "spatial_flicker", "correlation", 1, 3),
            Row("weave", "x", "weave", "x", 1000, 1.5),
            Row("weave", "y", "weave", "y", 1000, 1.5),
            Row("weave", "rotation", "weave", "rotation", 1, 1.5),
            Row("weave", "memory_x", "weave", "correlation", 1, 3),
            Row("weave", "memory_y", "weave", "correlation_y", 1, 3),
            Row("dust", "per_frame", "dust", "per_frame", 1, 1.5),
            Row("dust", "size", "dust", "size", 1, 1.5),
            Row("dust", "light", "dust", "light", 1, 1.5),
            Row("lines", "per_frame", "scratch", "per_frame", 1, 2),
            Row("lines", "light", "scratch", "light", 1, 1.5),
            Row("repeated", "repeated", "frame_faults", "repeated", 1, 1.5),
        ),
    ),
    "gate": Films(
        {
            "gaussian_blur": {"sigma": (0.0015, 0.005)},
            "noise": {"sigma": (1.5, 8)},
            "gate_dirt": {"per_frame": (4, 40), "lifetime": [50, 600], "size": (0.008, 0.022), "light": (0.1, 0.9)},
        },
        ("gate_dirt",),
        (
            Row("gate_dirt", "per_frame", "gate_dirt", "per_frame", 1, 2),
            Row("gate_dirt", "size", "gate_dirt", "size", 1, 1.5),
            Row("gate_dirt", "light", "gate_dirt", "light", 1, 1.5),
        ),
    ),
    "stretched": Films(
        {
            "gaussian_blur": {"sigma": (0.0015, 0.005)},
            "dust": {"per_frame": (8, 80), "size": (0.0045, 0.012), "opacity": [0.2, 1], "light": (0.1, 0.9),
                     "elongation": (1, 3), "stretch": (0.7, 2)},
            "mottled_grain": {"strength": (0.7, 2), "stretch": (0.7, 3)},
        },
        (),
        (
            Row("dust", "elongation", "dust", "elongation", 1, 1.25),
            Row("dust", "stretch", "dust", "stretch", 1, 1.25),
            Row("grain", "stretch", "mottled_grain", "stretch", 1, 1.25),
        ),
    ),
}  # fmt: skip


def clean_clips(folder: str) -> list[Array]:
    """All clips that are long enough, (T, H, W, 1) uint8."""
    source = open_source(folder)
    chosen = [s for s in source.sequences() if s.frames >= FRAMES]
    return [np.stack([fit(f, HEIGHT, WIDTH, 1) for f in source.read(s, 0, FRAMES)]) for s in chosen]


def drawn(of: Films, film: int) -> dict[str, dict[str, Any]]:
    """The damage of a film: each parameter a number, or a range where it stays one."""
    draw, out = Stream(0, "truth").generator(film), {}
    for op, ranges in of.damage.items():
        values = {}
        for name, span in ranges.items():
            low, high = span if isinstance(span, tuple) else (1, 1)
            value = float(np.exp(draw.uniform(np.log(low), np.log(high))))
            values[name] = round(value, 5) if isinstance(span, tuple) else span
        if film % 2 == 0 or op not in of.skipped:
            out[op] = values
    return out


def measured(of: Films, clips: list[Array], film: int) -> dict[str, Any]:
    """A film's damage, and what was measured of it."""
    damage = drawn(of, film)
    pipeline = Pipeline(ops=[{op: values} for op, values in damage.items()])
    chosen = Stream(0, "truth clips").generator(film).permutation(len(clips))[:CLIPS]
    frames = (pipeline(clips[i], seed=film, clip_id=str(i)).frames for i in chosen)
    return {"drawn": damage, **measure(joined(frames), of.instruments).to_json()}


def value(film: dict[str, Any], instrument: str, quantity: str) -> float | None:
    """What was read."""
    found: float | None = film["readings"][instrument][quantity]["value"]
    return found


def joined(clips: Iterator[Array]) -> Iterator[Array]:
    """The frames of all clips, one after the other: where they are cut is for the instruments to find."""
    for clip in clips:
        yield from clip if clip.dtype == np.uint8 else to_uint8(clip)


def truth_table(of: Films, films: list[dict[str, Any]]) -> str:
    """One row for each parameter."""
    head = [
        "measured",
        "parameter",
        "range",
        "films",
        "read / true: median",
        "middle 80%",
        "off by less than",
        "in",
        "worst",
    ]
    rows = []
    for row in of.rows:
        ratios, missed = [], 0
        for film in films:
            if row.op in film["drawn"]:
                read = value(film, row.instrument, row.quantity)
                missed += not read
                if read:
                    ratios.append(read / (film["drawn"][row.op][row.parameter] * row.scale))
        if not ratios:
            continue
        r = np.array(ratios)
        total = len(ratios) + missed
        good = np.count_nonzero(np.maximum(r, 1 / r) <= row.within) / total
        low, high = of.damage[row.op][row.parameter]
        worst = r[np.argmax(abs(np.log(r)))]
        rows.append([
            f"{row.instrument} {row.quantity}", f"`{row.op}.{row.parameter}`", f"{low:g} – {high:g}",
            f"{total}" + (f" ({missed} not told)" if missed else ""), f"{np.median(r):.2f}",
            "{:.2f} – {:.2f}".format(*np.percentile(r, (10, 90))), f"× {row.within:g}", f"{good:.0%}", f"× {worst:.2f}",
        ])  # fmt: skip
    return table(head, rows)


def absent_table(of: Films, films: list[dict[str, Any]]) -> str:
    """What is read where a damage is absent though all others are there."""
    rows = []
    for op in of.skipped:
        row = next(row for row in of.rows if row.op == op)
        values = [value(film, row.instrument, row.quantity) or 0.0 for film in films if op not in film["drawn"]]
        if values:
            spread = "{:.3g} ({:.3g} – {:.3g})".format(*np.percentile(values, (50, 0, 100)))
            rows.append([f"{row.instrument} {row.quantity}", f"without `{op}`", str(len(values)), spread])
    return table(["measured", "", "films", "read: median (range)"], rows)


def clean_table(of: Films, films: list[dict[str, Any]]) -> str:
    """What the instruments read on clean clips, each by itself."""
    rows = []
    for instrument, quantity in dict.fromkeys((row.instrument, row.quantity) for row in of.rows):
        if quantity in ("memory", "memory_x", "memory_y", "period", "light", "size"):
            continue
        told = [read for film in films if (read := value(film, instrument, quantity)) is not None]
        if not told:
            continue
        spread = "{:.3g} ({:.3g} – {:.3g})".format(*np.percentile(told, (50, 10, 90)))
        unit = films[0]["readings"][instrument][quantity]["unit"]
        rows.append([f"{instrument} {quantity}", unit, f"{len(told)} of {len(films)}", spread])
    return table(["measured", "unit", "clips", "median (middle 80%)"], rows)


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", required=True, help="folder of clean clips of 48 frames and more")
    parser.add_argument("--kept", type=Path, required=True, help="JSON file for all that was drawn and read")
    parser.add_argument("--films", type=int, default=30, help="draws")
    parser.add_argument("--clean", type=int, default=100, help="at most so many clean clips")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/measure.md")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    clips = clean_clips(asked.clips)
    kept: dict[str, Any] = {name: {"films": [], "clean": []} for name in FILMS}
    if asked.kept.exists():
        kept |= json.loads(asked.kept.read_text())
    spread = np.linspace(0, len(clips) - 1, min(asked.clean, len(clips))).round().astype(int)
    for name, of in FILMS.items():
        films, clean = kept[name]["films"], kept[name]["clean"]
        while len(clean) < len(spread) or len(films) < asked.films:
            if len(clean) < len(spread):
                clean.append(measure(iter(clips[spread[len(clean)]]), of.instruments).to_json())
            else:
                films.append(measured(of, clips, len(films)))
            asked.kept.write_text(json.dumps(kept, indent=1))
            print(f"{name}: {len(clean)} clean clips, {len(films)} films", file=sys.stderr, flush=True)
    text = f"{asked.films} films of {CLIPS} clips of {FRAMES} frames, out of {len(clips)} clean ones.\n\n"
    text += "\n".join(truth_table(of, kept[name]["films"]) for name, of in FILMS.items())
    text += "\nWhat is read where all other damage is there, but this is not:\n\n"
    text += "\n".join(absent_table(of, kept[name]["films"]) for name, of in FILMS.items() if of.skipped)
    text += f"\nOn clean clips, {FRAMES} frames of each:\n\n"
    text += "\n".join(clean_table(of, kept[name]["clean"]) for name, of in FILMS.items())
    print(text)
    if asked.write:
        before, _, rest = PAGE.read_text("utf-8").partition(MARKS[0])
        PAGE.write_text(before + MARKS[0] + text + MARKS[1] + rest.partition(MARKS[1])[2], "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
