"""Deformable convolution on the CPU is torchvision's, gradient included."""

import pytest
import torch
from torchvision.ops import deform_conv2d

from degrade.models import _deform
from degrade.models._deform import deform


def picked(offset, factor):
    return lambda some: (offset[:, 18 * some.start : 18 * some.stop], factor[:, 9 * some.start : 9 * some.stop])


@pytest.mark.parametrize("at_once", [1, 1000, 2**16])
@pytest.mark.parametrize("size", [(12, 20), (17, 9)])
def test_equals_torchvision(size, at_once, monkeypatch):
    monkeypatch.setattr(_deform, "AT_ONCE", at_once)
    parts = [torch.randn(2, 32, *size), 4 * torch.randn(2, 288, *size), torch.rand(2, 144, *size)]
    parts += [torch.randn(16, 32, 3, 3), torch.randn(16)]
    x, offset, modulation, weight, bias = parts = [part.double().requires_grad_() for part in parts]
    ours = deform(x, picked(offset, modulation), 16, weight, bias)
    theirs = deform_conv2d(x, offset, weight, bias, padding=1, mask=modulation)
    torch.testing.assert_close(ours, theirs, atol=1e-10, rtol=0)
    ours, theirs = (torch.autograd.grad(made.square().sum(), parts) for made in (ours, theirs))
    torch.testing.assert_close(ours, theirs, atol=1e-8, rtol=0)


def test_half_precision():
    parts = [torch.rand(1, 4, 8, 8), torch.randn(1, 36, 8, 8), torch.rand(1, 18, 8, 8)]
    x, offset, factor, weight, bias = parts = [*parts, torch.rand(2, 4, 3, 3), torch.rand(2)]
    exact = deform(x, picked(offset, factor), 2, weight, bias)
    x, offset, factor, weight, bias = (part.bfloat16() for part in parts)
    half = deform(x, picked(offset, factor), 2, weight, bias)
    assert half.dtype == torch.bfloat16
    assert (half - exact).abs().mean() < 0.05
