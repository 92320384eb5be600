"""What a command line sets: ``key=value``."""

from typing import Any

import yaml

from degrade.core.errors import SpecError


def parse_assignment(text: str) -> tuple[str, Any]:
    """Key and value of ``key=value``; the value is YAML.

    Raises:
        SpecError: Not of that form, or the value is not YAML.
    """
    key, equals, value = text.partition("=")
    if not equals:
        raise SpecError(f"must be key=value, got {text!r}", "--set")
    try:
        return key.strip(), yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise SpecError(f"{value!r} is not YAML", f"--set {key}") from error
