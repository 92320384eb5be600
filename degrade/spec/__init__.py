"""Specs: what a dataset is made of, how a spec is read, and its JSON schema."""

from degrade.spec.load import load_spec, mapping, parse, read_yaml, set_value
from degrade.spec.model import Clips, Output, Positive, Slug, Spec, canonical
from degrade.spec.schema import json_schema

__all__ = [
    "Clips",
    "Output",
    "Positive",
    "Slug",
    "Spec",
    "canonical",
    "json_schema",
    "load_spec",
    "mapping",
    "parse",
    "read_yaml",
    "set_value",
]
