"""Specs by chance: each loads, and then draws and renders, or is refused in one short line, in time."""

import copy
import math
import random
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
import yaml

from degrade import DegradeError, presets
from degrade.core.errors import LONGEST
from degrade.dataset.pairs import render_pairs
from degrade.dataset.plan import plan
from degrade.sources import open_source
from degrade.spec import json_schema, load_spec

SECONDS = 5
"""Of the processor, for one spec; the slowest takes a tenth of it."""
SCHEMA = json_schema()["$defs"]
OPS = sorted(key[3:] for key in SCHEMA if key.startswith("op-") and key != "op-albumentation")
COMPOSITIONS = ("pipeline", "shuffle", "one_of", "at_scale")
FOOTAGE = "builtin:stills?count=2&frames=6&height=48&width=64"
JUNK: list[Any] = [
    None, True, False, 0, 1, -1, 2**31, 2**64, 10**30, -(10**30), 1e308, -1e308, 5e-324, math.inf, -math.inf, math.nan,
    0.5, 1.0, 1.5, "", " ", "0.5", "true", "no", "2026-11-25", "é☃\u202e", "a/b", "../x", "/etc", "~nobody/x",
    "a" * 5000, "a\nb", "x\0", [], {}, [[]], [None], [1], [1, 2, 3], [2, 1], [0, 0], ["a", "b"], {"a": 1},
    [math.nan, 1], [0, math.inf], ["0.1", "0.2"], [True, False], [1, [2, 3]], [0] * 1000,
    {str(i): i for i in range(200)}, "dataset.json",
]  # fmt: skip
TOP = ("name", "seed", "source", "clips", "color", "target", "alignment", "severity", "splits", "output", "pipeline",
       "preset", "override")  # fmt: skip
BOMB = ", ".join(["&b0 [x,x,x,x,x,x,x,x,x]"] + [f"&b{i} [{','.join([f'*b{i - 1}'] * 9)}]" for i in range(1, 9)])
TEXTS = [
    "\nseed: 5\nseed: 6\n", "\nseed: 2001-99-99\n", "\nseed: 12:30:45\n", "\nseed: 0x1F\n", f"\nseed: {'9' * 5000}\n",
    "\nseed: 1e400\n", "\nseed: !!int x\n", "\nseed: !!int ''\n", "\nseed: !!bool x\n", "\nseed: !!timestamp x\n",
    "\nseed: !!float x\n", "\nname: !!binary '@@@'\n", "\nname: !!python/object/apply:os.getcwd []\n",
    "\nname: !foo bar\n", "\nname: !!set {a}\n", "\n? [a, b]\n: 1\n", "\n<<: {seed: 3}\n", "\n<<: 3\n",
    "\nname: !!omap [a: 1]\n", "\non: 3\n", "\nclips: {on: 3}\n", "\noutput: {1: 2}\n", f"\nseed: [{BOMB}]\n",
    f"\npreset: [{BOMB}]\n", "\nseed: &r [*r]\n", "\nclips: &r {a: *r}\n", "\nname: \"\\ud800\"\n",
    "\nname: \"\\0\"\n", "\n--- \nseed: 1\n", "\npipeline:\n- &a\n pipeline: {ops: [*a]}\n",
    "\nsource: " + "a" * 5000 + "\n", "\n- a\n", "\n\tx: 1\n", "\nseed: *x\n",
    *("\npipeline: " + "[" * n + "]" * n + "\n" for n in (50, 500, 5000)),
    *("\npipeline: " + "{a: " * n + "1" + "}" * n + "\n" for n in (50, 500, 5000)),
    "\npipeline:\n- &b0 {shuffle: {ops: [noise, noise, noise]}}\n"
    + "".join(f"- &b{i} {{shuffle: {{ops: [*b{i - 1}, *b{i - 1}, *b{i - 1}]}}}}\n" for i in range(1, 9)),
    "\npipeline:\n" + "- dust\n" * 600,
]  # fmt: skip
CHANGES = [
    "clips.length=3", "seed=x", "pipeline.dust.per_frame=[1,4]", "pipeline.noise.sigma=.nan", "pipeline=3", "a=b=c",
    "=", "x", "pipeline.dust=1", "splits.train=1", "clips=3", "clips.length.x=3", "pipeline.0.dust=1", "source.x=1",
    "seed=[", "severity=!!python/name:os.system", "..=1", "pipeline..p=1", "pipeline.dust/x.p=1", "override.dust.p=1",
    "preset=vhs", "seed=2001-99-99", "seed=!!int x", f"seed={'9' * 5000}", f"clips=[{BOMB}]", "name=a: b",
    "pipeline.dust.p=true",
]  # fmt: skip


class TooLong(BaseException):
    """Not an `Exception`, so that nothing catches it."""


@pytest.fixture
def clock() -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise TooLong

    before = signal.signal(signal.SIGPROF, ring)
    yield
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, before)


def number(r: random.Random, schema: dict[str, Any]) -> float:
    low, high = schema.get("minimum", schema.get("exclusiveMinimum", 0)), schema.get("maximum")
    high = max(low, 1) * r.choice([1, 2, 10, 1000, 1e6]) if high is None else high
    found = r.choice(
        [low, high, r.uniform(low, high), low + (high - low) * 10 ** r.uniform(-6, 0), math.nextafter(low, 9)]
    )
    return int(found) if schema.get("type") == "integer" else found


def value(r: random.Random, schema: dict[str, Any], depth: int = 0) -> Any:
    """A value that the schema allows, or nearly."""
    if name := schema.get("$ref", "").rpartition("/")[2]:
        return op(r, depth + 1) if name == "op" else value(r, SCHEMA[name], depth)
    if "enum" in schema:
        return r.choice(schema["enum"])
    if "anyOf" in schema:
        return value(r, r.choice(schema["anyOf"]), depth)
    match schema.get("type"):
        case "number" | "integer":
            return number(r, schema)
        case "boolean":
            return r.random() < 0.5
        case "string":
            return r.choice(["a", "b1", "x.y", "dust", "mask", "trace", "lq", "a-b"])
        case "array":
            items = schema.get("prefixItems") or [schema.get("items", {"type": "number", "maximum": 1})] * r.choice(
                [schema.get("minItems", 0), schema.get("maxItems", 2), 1]
            )
            found = [value(r, item, depth) for item in items]
            return sorted(found) if len(found) == 2 and all(isinstance(n, int | float) for n in found) else found
        case "object":
            return {key: value(r, one, depth) for key, one in schema.get("properties", {}).items() if r.random() < 0.3}
    return None if schema.get("type") == "null" else r.choice(JUNK)


def op(r: random.Random, depth: int = 0) -> Any:
    name = r.choice(OPS)
    if depth > 2 and name in COMPOSITIONS:
        name = "dust"
    share = {"id": 0.1, "p": 0.15, "ops": 0.9}
    often = r.choice([0.15, 0.4, 0.8])
    given: dict[str, Any] = {}
    for key, schema in SCHEMA[f"op-{name}"]["anyOf"][0]["properties"].items():
        if r.random() < share.get(key, often):
            given[key] = [op(r, depth + 1) for _ in range(r.randint(0, 3))] if key == "ops" else value(r, schema, depth)
    return {name: given or None}


def spec(r: random.Random) -> dict[str, Any]:
    pipeline = presets.read(r.choice(presets.names())) if r.random() < 0.3 else [op(r) for _ in range(r.randint(0, 4))]
    options = {
        "clips": [
            {"length": 3},
            {"length": 2, "stride": 1},
            {"size": [48, 64]},
            {"length": 3, "size": [5, 100], "limit": 1},
        ],
        "color": ["grey", "rgb"],
        "target": ["clean", "sharpened"],
        "alignment": ["aligned", "original"],
        "severity": [0, 1, 0.5, 1e-9],
        "splits": [{"train": 1}, {"train": 0.5, "val": 0.5}, {"a": ["0*"]}, {"train": 0.7, "val": 0.3001}],
        "output": [{"masks": "layers"}, {"frames": "webdataset"}],
        "seed": [0, 7, 2**64, 10**40],
    }
    chosen = {key: r.choice(values) for key, values in options.items() if r.random() < 0.4}
    damage = {"preset": r.choice(presets.names())} if r.random() < 0.1 else {"pipeline": pipeline}
    return copy.deepcopy({"source": FOOTAGE, **damage, **chosen})


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
        yield (*path, key)
        yield from places(node[key], (*path, key))


def mutate(r: random.Random, content: dict[str, Any]) -> None:
    *outer, key = r.choice(list(places(content)))
    parent: Any = content
    for step in outer:
        parent = parent[step]
    old, junk = parent[key], copy.deepcopy(r.choice(JUNK))
    kind = r.randrange(9)
    if kind == 0 and isinstance(old, int | float):
        parent[key] = r.choice(
            [-old, old * 1e6, old * 1e300, str(old), bool(old), [old], [old, old], {"v": old}, float(old)]
        )
    elif kind == 1:
        del parent[key]
    elif kind == 2 and isinstance(parent, dict):
        parent[
            r.choice(["unknown", "P", "", "é", "ops", "preset", "override", "x" * 300, "on", 1, None, True, 1.5])
        ] = junk
    elif kind == 3 and isinstance(parent, list):
        parent.insert(key, r.choice([old, junk]))
    elif kind == 4 and isinstance(old, list):
        parent[key] = old[::-1] * r.choice([1, 2, 10, 60])
    elif kind == 5:
        content[r.choice(TOP)] = junk
    elif kind == 6:
        for _ in range(r.choice([2, 5, 10, 35])):
            old = {r.choice(COMPOSITIONS): {"ops": [old]}} if r.random() < 0.7 else [old]
        parent[key] = old
    else:
        parent[key] = junk


def text(r: random.Random, content: dict[str, Any]) -> bytes:
    """The spec as YAML, now and then with bytes that are wrong, missing or too many."""
    plain = yaml.safe_dump(content, allow_unicode=True, sort_keys=False).encode("utf-8", "surrogatepass")
    kind = r.randrange(30)
    at, to = sorted((r.randint(0, len(plain)), r.randint(0, len(plain))))
    if kind == 0:
        return plain[:at] + plain[to:]
    if kind == 1:
        return plain[:at] + r.randbytes(r.randint(1, 8)) + plain[at:]
    if kind == 2:
        return r.choice(
            [b"", b"null", b"[]", b"3", b"\xef\xbb\xbf" + plain, plain.decode().encode("utf-16"), b"\0" * 99]
        )
    if kind < 6:
        added = r.choice(TEXTS)
        if r.random() < 0.8:  # in place of what is given
            content = {key: one for key, one in content.items() if f"\n{key}:" not in added}
            plain = yaml.safe_dump(content, allow_unicode=True, sort_keys=False).encode("utf-8", "surrogatepass")
        return plain + added.encode("utf-8", "surrogatepass")
    return plain


def attempt(r: random.Random, path: Path, rendered: bool) -> str:
    """What becomes of one spec."""
    content = spec(r)
    for _ in range(r.choice([0, 0, 0, 1, 1, 2])):
        mutate(r, content)
    path.write_bytes(text(r, content))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        loaded = load_spec(path, changes=[r.choice(CHANGES)] if r.random() < 0.1 else [])
        loaded.digest()
        source = open_source(loaded.source)
        clips = plan(loaded, source)
        if clips and rendered:
            clip = clips[0].model_copy(update={"height": min(clips[0].height, 48), "width": min(clips[0].width, 64)})
            loaded.dry_run(clip.info())
            params = loaded.damage().draw(clip.info(), loaded.seed)
            pair = next(iter(render_pairs(clip, loaded, source, params, 0, 1)))
            assert np.isfinite(pair.damaged).all()
            assert pair.damaged.min() >= 0
            assert pair.damaged.max() <= 1
    except DegradeError as error:
        line = str(error)
        return "refused" if len(line) <= LONGEST and len(line.splitlines()) == 1 else f"message of {len(line)} letters"
    except TooLong:
        return f"more than {SECONDS} s"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return "loaded"


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="nothing to stop what hangs")
@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_specs_load_or_are_refused_in_one_line(tmp_path: Path, clock: None, count: int) -> None:
    outcomes: Counter[str] = Counter()
    failed: dict[int, str] = {}
    for seed in range(count):
        outcome = attempt(random.Random(seed), tmp_path / "spec.yaml", rendered=seed % 4 == 0)
        outcomes[outcome if outcome in ("loaded", "refused") else "failed"] += 1
        if outcome not in ("loaded", "refused"):
            failed[seed] = outcome[:300]
    print(dict(outcomes))
    assert not failed
    assert min(outcomes["loaded"], outcomes["refused"]) > count / 5


@pytest.mark.parametrize("added", TEXTS)
def test_hostile_texts_are_refused_in_one_line(tmp_path: Path, added: str) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(
        ("" if "\npipeline:" in added else "pipeline: [dust]").encode() + added.encode("utf-8", "surrogatepass")
    )
    if added in ("\nseed: 0x1F\n", "\n<<: {seed: 3}\n", "\npipeline:\n" + "- dust\n" * 600):
        assert load_spec(path).pipeline
    else:
        with pytest.raises(DegradeError) as refused:
            open_source(load_spec(path).source)
        assert len(str(refused.value)) <= LONGEST
        assert len(str(refused.value).splitlines()) == 1
