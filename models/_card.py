"""Model cards, which can be listed without importing torch."""

import ast
import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """Facts about a model. Written with literals only, in the body of its class: `card = ModelCard(...)`.

    Args:
        summary: What it does, in one line.
        source: The paper or method that it follows.
        kind: ``restoration`` or ``colorization``.
        weights_licence: Licence of weights that others released for it; empty: there are none.
        code_licence: Licence of this implementation.
        parameters: Trainable parameters of the default configuration; 0: nothing to learn.
        multiple: Height and width are padded to a multiple of this many pixels.
        min_size: Smallest height and width, pixels.
        channels: Numbers of channels that it takes: 1 grey, 3 RGB.
        window: Frames restored at once in a film that is longer.
        overlap: Frames shared by neighbouring windows, at most half of one; multiples of 4 blend evenly.
        flow: Uses optical flow, and takes the caller's.
        masks: Can return where it sees damage.
        fills: Fills what masks of the caller mark.
        luma: Its networks see luma alone, so that weights of grey film restore colour, too.
        key_frames: Colours by references whose place in time is known.
        pictures: Colours by references that have no place in time.
        carries: Carries colours from frame to frame, and in a long film from window to window.
    """

    summary: str
    source: str
    kind: Literal["restoration", "colorization"] = "restoration"
    weights_licence: str = ""
    code_licence: str = "Apache-2.0"
    parameters: int = 0
    multiple: int = 1
    min_size: int = 16
    channels: tuple[int, ...] = (1, 3)
    window: int = 1
    overlap: int = 0
    flow: bool = False
    masks: bool = False
    fills: bool = False
    luma: bool = False
    key_frames: bool = False
    pictures: bool = False
    carries: bool = False


def read_card(path: Path) -> ModelCard | None:
    """The card in a model's file, read without running the file; None where none is written in literals."""
    fields = {field.name for field in dataclasses.fields(ModelCard)}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ModelCard":
            try:
                values = {k.arg: ast.literal_eval(k.value) for k in node.keywords if k.arg in fields}
                return ModelCard(**values)
            except (ValueError, TypeError):
                return None
    return None
