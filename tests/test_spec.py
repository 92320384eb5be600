"""Specs: what they say, what they refuse, and in which words."""

import json
from pathlib import Path

import hypothesis.strategies as st
import pytest
import yaml
from hypothesis import given

from degrade import SpecError, presets
from degrade.ops import registry
from degrade.spec import Spec, json_schema, load_spec, parse

MINIMAL = {"pipeline": ["gaussian_blur"]}


def write(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "spec.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def test_resolved_spec_is_the_same_spec() -> None:
    spec = parse({**MINIMAL, "seed": 3, "clips": {"length": 4, "size": [32, 48]}})
    again = parse(json.loads(json.dumps(spec.resolved())))
    assert again == spec
    assert again.digest() == spec.digest()


def test_digest_depends_on_damage_but_not_on_where_footage_lies() -> None:
    digest = parse(MINIMAL).digest()
    assert parse({**MINIMAL, "source": "elsewhere", "name": "other"}).digest() == digest
    assert parse({**MINIMAL, "seed": 1}).digest() != digest
    assert parse({"pipeline": [{"gaussian_blur": {"sigma": 0.001}}]}).digest() != digest


@pytest.mark.parametrize("name", presets.names())
def test_every_preset_loads_and_says_what_it_is(name: str) -> None:
    assert load_spec(preset=name).pipeline
    assert presets.text(name).startswith("# ")


def test_preset_is_overridden_key_by_key(tmp_path: Path) -> None:
    path = write(tmp_path, {"preset": "film-medium", "override": {"dust": {"per_frame": [1, 2]}}})
    plain = {op.id or type(op).__name__: op for op in load_spec(preset="film-medium").pipeline}
    changed = {op.id or type(op).__name__: op for op in load_spec(path).pipeline}
    assert changed["Dust"].per_frame == (1, 2)
    assert {k: v for k, v in changed.items() if k != "Dust"} == {k: v for k, v in plain.items() if k != "Dust"}


def test_set_reaches_fields_and_inner_ops() -> None:
    changes = ["clips.length=5", "pipeline.one_of/gaussian_blur.sigma=[0.001, 0.002]", "seed=9"]
    fields = {"pipeline": [{"one_of": {"ops": ["gaussian_blur"]}}]}
    spec = load_spec(changes=changes, **fields)
    assert (spec.clips.length, spec.seed) == (5, 9)
    assert spec.pipeline[0].ops[0].sigma == (0.001, 0.002)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("- a\n- b", "must be a mapping of keys to values, got list"),
        ("a: [1", "is not YAML"),
        ({}, "pipeline: give a pipeline or a preset"),
        ({**MINIMAL, "preset": "film-light"}, "preset: give either a preset or a pipeline"),
        ({"preset": "film-lihgt"}, "did you mean 'film-light'?"),
        ({**MINIMAL, "sead": 1}, "unknown key 'sead'; did you mean 'seed'?"),
        ({**MINIMAL, "seed": -1}, "seed: should be greater than or equal to 0, got -1"),
        ({**MINIMAL, "seed": "x"}, "seed: should be a valid integer"),
        ({**MINIMAL, "name": "../up"}, "name: "),
        ({**MINIMAL, "splits": {"../train": 1.0}}, "splits"),
        ({**MINIMAL, "splits": {"train": 0.5}}, "splits: shares must add up to 1"),
        ({**MINIMAL, "clips": {"length": 0}}, "clips.length: should be greater than or equal to 1, got 0"),
        ({**MINIMAL, "clips": {"stride": 2}}, "clips.stride: needs clips.length"),
        ({"pipeline": "dust"}, "pipeline: must be a list of ops"),
        (
            {"pipeline": ["gaussian_blurr"]},
            "pipeline[0]: unknown op 'gaussian_blurr'; did you mean 'gaussian_blur'?",
        ),
        (
            {"pipeline": ["jpeg", {"gaussian_blur": {"sigma": [9, 3]}}]},
            "pipeline[1].gaussian_blur.sigma: (9, 3) must be increasing",
        ),
        (
            {"pipeline": [{"shuffle": {"ops": ["jpeg", {"gaussian_blur": {"sigma": -1}}]}}]},
            "pipeline[0].shuffle.ops[1].gaussian_blur.sigma: (-1, -1) must lie within 0 to 50",
        ),
        ({"pipeline": [{"jpeg": {"id": "../x"}}]}, "pipeline[0].jpeg.id"),
        ({"pipeline": [{"jpeg": {"id": "a"}}, {"noise": {"id": "a"}}]}, "pipeline: two ops have the id 'a'"),
        ({"pipeline": [{"jpeg": {}, "noise": {}}]}, "pipeline[0]: an op is a name or `name: {parameters}`"),
        ({"preset": "film-light", "override": {"dusk": {"p": 1}}}, "did you mean 'dust'?"),
        (
            {"preset": "film-light", "override": {"dust": {"p": 3}}},
            "dust.p: should be less than or equal to 1, got 3",
        ),
    ],
)
def test_bad_specs_give_one_line_that_names_the_place(tmp_path: Path, content: object, message: str) -> None:
    with pytest.raises(SpecError) as error:
        load_spec(write(tmp_path, content))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("seed", "--set: must be key=value"),
        ("seed.deep=1", "seed: holds a value, not keys"),
        ("pipeline.dusk.p=1", "unknown op 'dusk'"),
        ("pipeline.gaussian_blur=1", "name a parameter of the op as well"),
        ("seed=[1", "is not YAML"),
    ],
)
def test_bad_set_gives_one_line(change: str, message: str) -> None:
    with pytest.raises(SpecError) as error:
        load_spec(changes=[change], pipeline=["gaussian_blur"], seed=1)
    assert message in str(error.value)


def test_shares_hold_on_average() -> None:
    shares = {"train": 0.7, "val": 0.2, "test": 0.1}
    names = [f"s{i}" for i in range(2000)]
    split_of = parse({**MINIMAL, "splits": shares}).split_of(names)
    assert sorted(split_of) == sorted(names)
    for split, share in shares.items():
        assert abs(list(split_of.values()).count(split) / 2000 - share) < 4 * (share * (1 - share) / 2000) ** 0.5


@given(
    st.permutations(["train", "val", "test"]), st.sets(st.text("abc", min_size=1, max_size=3), min_size=2), st.data()
)
def test_neither_order_nor_more_sequences_move_one(order: list[str], names: set[str], data: st.DataObject) -> None:
    shares = {"train": 0.5, "val": 0.25, "test": 0.25}
    whole = parse({**MINIMAL, "splits": shares}).split_of(names)
    some = data.draw(st.sets(st.sampled_from(sorted(names)), min_size=1))
    again = parse({**MINIMAL, "splits": {split: shares[split] for split in order}})
    assert again.split_of(some) == {name: whole[name] for name in some}
    assert parse(again.resolved()).split_of(names) == whole


def test_splits_by_pattern_come_first() -> None:
    spec = parse({**MINIMAL, "splits": {"val": ["v/*", "b"], "train": 1.0}})
    assert spec.split_of(["a", "b", "v/1"]) == {"a": "train", "b": "val", "v/1": "val"}
    with pytest.raises(SpecError, match="matches no sequence"):
        spec.split_of(["a", "b"])
    assert parse({**MINIMAL, "splits": {"val": ["b"]}}).split_of(["a", "b"]) == {"b": "val"}


@pytest.mark.parametrize("splits", [{"val": ["b"], "train": ["*"]}, {"train": ["*"], "val": ["b"]}])
def test_a_sequence_that_two_splits_name_is_refused(splits: dict[str, object]) -> None:
    with pytest.raises(SpecError, match=r"matches 'b', which '(train|val)' has"):
        parse({**MINIMAL, "splits": splits}).split_of(["a", "b"])


def test_schema_describes_every_op_and_field() -> None:
    content = json_schema()
    assert {f"op-{name}" for name in registry.names()} <= set(content["$defs"])
    assert set(Spec.model_fields) <= set(content["properties"])
    described = content["$defs"]["op-gaussian_blur"]["anyOf"][0]["properties"]["sigma"]["description"]
    assert "Standard deviation" in described
