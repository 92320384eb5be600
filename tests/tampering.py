"""Datasets as someone hostile would write them: changed, and with hashes that agree with the change."""

import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from degrade.dataset.records import record_hash

ODD = [
    0, -1, 1, 2, 3, 10**9, 2**31, 2**63, 10**25, 0.5, 1e308, float("nan"), float("inf"), True, False, None,
    "", ".", "..", "../..", "/etc/passwd", "../outside", "a/../../b", "a\\b", "x" * 300, "\0", "\n", "a\nb", "é",
    "\ud800", "1_0", " 3", "٣", "-0", "1e3", "0x10", "9" * 5000, [], {}, [[]], [1, 2], {"a": 1}, "lq", "train", '"',
]  # fmt: skip
"""Values that have no place in a dataset's files, or only in some."""


def reseal(folder: Path) -> None:
    """Makes a dataset's record agree with its manifest and itself."""
    path = folder / "dataset.json"
    record = json.loads(path.read_bytes())
    record["manifest_sha256"] = hashlib.sha256((folder / "manifest.csv").read_bytes()).hexdigest()
    record["record_sha256"] = record_hash(record)
    path.write_text(json.dumps(record))


def damaged(data: bytes, draw: random.Random) -> bytes:
    """The bytes with some flipped, cut out, doubled, or replaced."""
    out = bytearray(data)
    for _ in range(draw.randint(1, 3)):
        start = draw.randrange(len(out) + 1)
        stop = min(len(out), start + draw.choice((0, 1, 1, 2, 10, 200)))
        piece = draw.choice(
            (b"", bytes([draw.randrange(256)]), bytes(out[start:stop]) * 2, b"\0", b'"', b",", b"\n", b"-")
        )
        out[start:stop] = piece
    return bytes(out)


def changed(content: Any, draw: random.Random) -> Any:
    """JSON content with one value, anywhere in it, replaced, left out or doubled."""
    places = list(_places(content))
    if not places:
        return draw.choice(ODD)
    holder, key = draw.choice(places)
    way = draw.random()
    if way < 0.15:
        del holder[key]
    elif way < 0.25 and isinstance(holder, list):
        holder.append(holder[key])
    elif way < 0.35 and isinstance(holder, dict):
        holder[str(draw.choice(ODD))] = draw.choice(ODD)
    else:
        holder[key] = draw.choice(ODD)
    return content


def _places(content: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(content) if isinstance(content, dict) else range(len(content)) if isinstance(content, list) else ()
    for key in keys:
        yield content, key
        yield from _places(content[key])
