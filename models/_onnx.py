"""The detector of a model, for other programs: an ONNX file."""

import warnings
from pathlib import Path

import torch
from torch import nn

from degrade.core import atomic
from degrade.core.errors import DegradeError, SpecError
from degrade.models.detect_fill import Detector

INPUTS = ("frame", "before", "after", "to_before", "to_after")


def export_detector(model: nn.Module, path: str | Path) -> None:
    """Writes the detector of a model, which takes what `Detector.forward` takes and gives ``mask``.

    Batch, height and width are free; height and width are multiples of 8. Needs the extra ``onnx``.

    Args:
        model: One whose part `detector` is a `Detector`.
        path: Ends in ``.onnx``.

    Raises:
        SpecError: It has none, or another ending.
        DegradeError: onnxscript is not installed.
    """
    detector = getattr(model, "detector", None)
    if not isinstance(detector, Detector):
        raise SpecError(f"{type(model).__name__} has no detector to export", "--model")
    path = Path(path).expanduser()
    if path.suffix != ".onnx":
        raise SpecError(f"must end in .onnx, got {path.name!r}", "--out")
    try:
        import onnxscript  # noqa: F401
    except ImportError:
        raise DegradeError("ONNX files need the extra onnx: pip install 'film-degrade[onnx]'") from None
    batch, height, width = (torch.export.Dim(name) for name in ("batch", "height", "width"))
    # Tensors of their own each: what is given twice would be taken for one input.
    examples = tuple(torch.rand(2, channels, 32, 48) for channels in (1, 1, 1, 2, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            detector.cpu().eval(),
            examples,
            input_names=INPUTS,
            output_names=["mask"],
            dynamic_shapes=[{0: batch, 2: 8 * height, 3: 8 * width}] * len(INPUTS),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    atomic.write(path, program.model_proto.SerializeToString())
