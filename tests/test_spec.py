"""Specs: what they say, what they refuse, and in which words."""

import json
from pathlib import Path

import hypothesis.strategies as st
import pytest
import yaml
from hypothesis import given

from degrade import DegradeError, SpecError, open_source, presets
from degrade.core.composition import labels, parse_op
from degrade.ops import Noise, registry
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
    assert presets.about(name).endswith(".")  # the whole of a sentence


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
    ("content", "message"),
    [
        ("seed: 1\nseed: 2", "spec.yaml:2: 'seed' is given twice"),
        ({"seed": True}, "seed: should be a valid integer, got True"),
        ({"seed": "7"}, "seed: should be a valid integer, got '7'"),
        ({"clips": {"length": True}}, "clips.length: should be a valid integer, got True"),
        ({"clips": {1: 3}}, "a key must be a word, got 1"),
        ({"severity": "0.5"}, "severity: should be a valid number, got '0.5'"),
        ({"pipeline": [{"jpeg": {"p": True}}]}, "pipeline[0].jpeg.p: should be a valid number, got True"),
        ({"pipeline": [{"dust": {"per_frame": [True, 2]}}]}, "dust.per_frame[0]: should be a valid number, got True"),
        ({"pipeline": [{"dust": {"per_frame": ["1", "2"]}}]}, "dust.per_frame[0]: should be a valid number, got '1'"),
        ({"splits": {"train": "*"}}, "splits.train: must be a share of the sequences, above 0 and up to 1, or a list"),
        ({"splits": {"train": 1.0, "val": 0}}, "splits.val: must be a share of the sequences, above 0"),
        ({"splits": {"..": 1.0}}, "splits: String should match pattern"),
        ({"splits": {"a/b": 1.0}}, "splits: String should match pattern"),
        ({"splits": {".generating": 1.0}}, "splits: String should match pattern"),
        ({"splits": {"dataset.json": 1.0}}, "splits: 'dataset.json' is the name of a file; a split is a folder"),
        ({"splits": {"Manifest.CSV": 1.0}}, "splits: 'Manifest.CSV' is the name of a file"),
        ({"splits": {"train": 1.0, "Train": ["x"]}}, "splits: 'Train' and 'train' are one folder where disks take"),
        ({"source": "a" * 5000}, "source: String should have at most 4096 characters, got 'aaa"),
        ({"name": "a" * 5000}, "name: String should have at most 100 characters"),
        ({"pipeline": [{"a" * 5000: {}}]}, "pipeline[0]: unknown op 'aaa"),
        ({"pipeline": [{"jpeg": {"a" * 5000: 1}}]}, "pipeline[0].jpeg: unknown key 'aaa"),
        ({"pipeline": ["dust"] * 1001}, "pipeline: more than 1,000 ops"),
        ({"pipeline": [{"shuffle": {"ops": ["dust"] * 600}}] * 2}, "pipeline[1].shuffle.ops: more than 1,000 ops"),
        ({"pipeline": [{"pipeline": {"id": "a", "ops": [{"dust": {"id": "b"}}]}}, {"dirt": {"id": "a.b"}}]},
         "pipeline: the masks of 'a/b' and 'a.b' would be one folder; change an id"),
        ({"pipeline": [{"dirt": {"id": "A"}}, {"dirt": {"id": "a"}}]}, "the masks of 'A' and 'a' would be one folder"),
        ({"pipeline": [{"dirt": {"per_frame": 1000, "size": 4}}]},
         "dirt.per_frame: up to 1000 of such a size cover 2000 square frame heights of a frame; at most 100"),
        ({"pipeline": [{"short_scratch": {"per_frame": 10_000}}]}, "must lie within 0 to 1000 strokes"),
        ({"pipeline": [{"short_scratch": {"per_frame": 900, "length": 2}}]}, "short_scratch.per_frame: up to 900 of"),
        ({"pipeline": [{"scratch": {"per_frame": 900, "width": 0.1}}]}, "scratch.per_frame: up to 900 of such"),
        ({"pipeline": [{"splice": {"count": 8264}}]}, "splice.count: (8264, 8264) must lie within 0 to 100 splices"),
        ({"pipeline": [{"at_scale": {"scales": [[1, 4]], "ops": [{"at_scale": {"scales": [[2, 3]]}}]}}]},
         "pipeline: at_scale within at_scale enlarges 12 times; at most 4"),
    ],
)  # fmt: skip
def test_what_would_go_wrong_later_is_refused_at_once(tmp_path: Path, content: object, message: str) -> None:
    with pytest.raises(SpecError) as error:
        load_spec(write(tmp_path, {**MINIMAL, **content} if isinstance(content, dict) else content))
    assert message in str(error.value)
    assert len(str(error.value)) <= 1000


def test_compositions_nest_to_a_bound() -> None:
    inner: object = "dust"
    for _ in range(40):
        inner = {"pipeline": {"ops": [inner]}}
    with pytest.raises(SpecError, match="compositions within compositions, more than 16 deep"):
        parse({"pipeline": [inner]})


def test_labels_of_repeats_are_numbered() -> None:
    ops = [
        parse_op(op) for op in ("noise", "jpeg", {"noise": {"id": "a"}}, "noise", {"noise": {"id": "jpeg2"}}, "noise")
    ]
    assert labels(ops) == ["noise", "jpeg", "a", "noise#2", "jpeg2", "noise#3"]


@pytest.mark.parametrize("source", ["a" * 400, "~nobody-of-that-name/x", "builtin:stills?count=" + "1" * 5000])
def test_footage_that_cannot_be_is_one_line(source: str) -> None:
    with pytest.raises(DegradeError) as error:
        open_source(source)
    assert len(str(error.value)) <= 1000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("seed", "--set: must be key=value"),
        ("seed.deep=1", "seed: holds a value, not keys"),
        ("pipeline.dusk.p=1", "unknown op 'dusk'"),
        ("pipeline.gaussian_blur=1", "name a parameter of the op as well"),
        ("seed=[1", "is not YAML"),
        ("seed=2001-99-99", "seed: should be a valid integer, got '2001-99-99'"),
        ("seed=!!int x", "--set seed: '!!int x' has the tag '!!int', which is not known or does not fit"),
        (f"seed={'9' * 5000}", "is a number of more than 100 digits"),
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


def test_a_name_is_no_pattern_where_a_sequence_has_it() -> None:
    spec = parse({**MINIMAL, "splits": {"val": ["reel [1920]"], "train": 1.0}})
    assert spec.split_of(["reel [1920]", "reel 1"]) == {"reel [1920]": "val", "reel 1": "train"}


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


def test_changes_leave_what_was_given() -> None:
    pipeline, clips = [{"dust": {"per_frame": [1, 2]}}, {"scratch": {}}, Noise(sigma=3)], {"length": 4}
    asked = {"name": "a", "source": "builtin:stills", "pipeline": pipeline, "clips": clips}
    changes = ["pipeline.dust.per_frame=7", "pipeline.scratch.opacity=1", "pipeline.noise.sigma=9", "clips.stride=2"]
    changed = load_spec(changes=changes, **asked)
    assert changed.pipeline[0].changed() == {"per_frame": (7, 7)}
    assert changed.pipeline[2].sigma == (9, 9)
    assert load_spec(**asked).pipeline == parse(asked).pipeline
    assert clips == {"length": 4}
