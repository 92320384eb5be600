"""The detector as an ONNX file says what it says in PyTorch."""

import pytest
import torch

from degrade.core.errors import SpecError
from degrade.models import build
from degrade.models._onnx import INPUTS, export_detector

pytest.importorskip("onnxscript", reason="needs the extra onnx")
ort = pytest.importorskip("onnxruntime", reason="runs ONNX files")


def test_the_exported_detector_gives_the_same_masks_at_any_size(tmp_path):
    torch.manual_seed(0)
    model = build("detect_fill", widths=(8, 16)).eval()
    with torch.no_grad():
        for parameter in model.detector.net.last.parameters():
            parameter.normal_(0, 0.1)
    export_detector(model, tmp_path / "detector.onnx")
    session = ort.InferenceSession(str(tmp_path / "detector.onnx"))
    for shape in ((1, 40, 64), (3, 24, 32)):
        batch, *size = shape
        given = [torch.rand(batch, 1, *size) for _ in range(3)] + [2 * torch.randn(batch, 2, *size) for _ in range(2)]
        with torch.no_grad():
            expected = model.detector(*given)
        (found,) = session.run(None, {name: part.numpy() for name, part in zip(INPUTS, given, strict=True)})
        torch.testing.assert_close(torch.from_numpy(found), expected, atol=1e-3, rtol=0)
        assert expected.std() > 0.05


def test_models_without_a_detector_are_refused(tmp_path):
    with pytest.raises(SpecError, match="RTN has no detector"):
        export_detector(build("rtn", groups=1, dim=32), tmp_path / "detector.onnx")
    with pytest.raises(SpecError, match=r"must end in \.onnx"):
        export_detector(build("detect_fill"), tmp_path / "detector.pt")
