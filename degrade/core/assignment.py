"""What a command line sets: ``key=value``."""

from typing import Any

from degrade.core import plain_yaml
from degrade.core.errors import SpecError, shown


def parse_assignment(text: str, option: str = "--set") -> tuple[str, Any]:
    """Key and value of ``key=value``, given by an option; the value is YAML.

    Raises:
        SpecError: Not of that form, or the value is not YAML.
    """
    key, equals, value = text.partition("=")
    if not equals:
        raise SpecError(f"must be key=value, got {shown(text)}", option)
    try:
        return key.strip(), plain_yaml.load(value)
    except SpecError as error:
        raise SpecError(f"{shown(value)} {error.message}", f"{option} {key}") from None
