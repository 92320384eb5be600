"""The one module for authors: what it offers, and that the guides use nothing else."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from degrade import extend

DOCS = Path(__file__).resolve().parents[1] / "docs"
GUIDES = ("extending.md", "models.md", "ops.md")


def test_everything_named_is_there() -> None:
    pytest.importorskip("torch", reason="models need PyTorch")
    assert extend.__all__ == sorted(extend.__all__, key=lambda name: (not name[0].isupper(), name))
    for name in extend.__all__:
        assert getattr(extend, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Dust'"):
        _ = extend.Dust
    public = {name for name, value in vars(extend).items() if name[0] != "_" and not inspect.ismodule(value)}
    assert public - {"Any", "TYPE_CHECKING"} <= set(extend.__all__)


def test_it_imports_no_torch() -> None:
    code = "import sys, degrade.extend; degrade.extend.FrameMetric; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("guide", GUIDES)
def test_examples_of_the_guides_import_no_private_module(guide: str) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / guide).read_text("utf-8"), re.S)
    classes = [block for block in blocks if re.search(r"^class ", block, re.M)]
    assert classes
    for block in classes:
        nodes = [node for node in ast.walk(ast.parse(block)) if isinstance(node, ast.ImportFrom)]
        assert {node.module for node in nodes if str(node.module).startswith("degrade")} == {"degrade.extend"}
