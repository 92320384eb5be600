"""What the strings below fields say of them.

Pydantic can read them itself, but does so for every class that is imported, which takes most of the time of the import.
"""

import ast
import functools
import inspect
import sys
from itertools import pairwise

from pydantic import BaseModel


def described(model: type[BaseModel]) -> dict[str, str]:
    """What each field of a record is: its description, else the docstring below it, here or where it is inherited from.

    Fields without any are left out; so are all of a class whose source is not at hand.
    """
    texts: dict[str, str] = {}
    for base in reversed(model.__mro__):
        texts |= _below(base.__module__).get(base.__qualname__, {})
    given = {name: field.description for name, field in model.model_fields.items() if field.description}
    return {name: text for name, text in (texts | given).items() if name in model.model_fields}


@functools.lru_cache(maxsize=256)
def _below(module: str) -> dict[str, dict[str, str]]:
    """The docstrings below annotated names of each class of a module, by the class's qualified name."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (KeyError, OSError, TypeError):
        return {}
    found: dict[str, dict[str, str]] = {}
    _collect(tree, "", found)
    return found


def _collect(node: ast.AST, within: str, found: dict[str, dict[str, str]]) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            found[within + child.name] = dict(_documented(child))
            _collect(child, f"{within}{child.name}.", found)
        elif isinstance(child, ast.FunctionDef):
            _collect(child, f"{within}{child.name}.<locals>.", found)
        else:
            _collect(child, within, found)


def _documented(node: ast.ClassDef) -> list[tuple[str, str]]:
    return [
        (field.target.id, inspect.cleandoc(text.value.value))
        for field, text in pairwise(node.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    ]
