"""valohai.yaml: what is read, and what is said about what is wrong, with its line."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from projects import config
from projects.config import get_step, parse_source, parsed
from projects.errors import ConfigBroken, StepNotFound
from projects.models import Commit
from tests.projects.git_support import YAML
from tests.support.factories import make_commit


def problems_of(text: str) -> list[tuple[int | None, str]]:
    data, problems = parse_source(text)
    assert data is None
    assert problems
    return [(problem["line"], problem["message"]) for problem in problems]


def test_a_valid_file_comes_back_as_a_list() -> None:
    assert parse_source(YAML) == (
        [{"step": {"name": "train", "image": "python:3.11", "command": "python train.py"}}],
        [],
    )


def test_an_empty_file_is_a_configuration_without_steps() -> None:
    assert parse_source("") == ([], [])
    assert parse_source("# nothing yet\n") == ([], [])


def test_anchors_merge_keys_and_definitions_work() -> None:
    data, problems = parse_source(
        "- definitions:\n    base: &base\n      image: python:3.11\n      command: run\n"
        "- step:\n    <<: *base\n    name: one\n- step: {<<: *base, name: two}\n"
    )
    assert problems == []
    assert data is not None
    assert data[1]["step"] == {"image": "python:3.11", "command": "run", "name": "one"}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("- step:\n    name: a\n   image: b\n", 3, "not valid YAML"),
        ("- step:\n    name: [a\n    image: b\n", 3, "not valid YAML"),
        ("- step:\n    name: a\n\timage: b\n", 3, "not valid YAML"),
        ("- step:\n    name: a\n    image: b\n", 2, "'command' is a required property"),
        (YAML + "    colour: red\n", 5, "'colour' was unexpected"),
        (YAML + "    parameters:\n      - name: x\n        type: number\n", 7, "number"),
        (YAML + "- step:\n    name: 5\n    image: b\n    command: c\n", 6, "5 is not of type 'string'"),
        ("step:\n  name: a\n", 1, "is not of type 'array'"),
        ("just text", 1, "is not of type 'array'"),
        ("- step: &a\n    name: *a\n", 1, "An alias stands inside"),
        (
            "- step:\n    name: !!python/object/apply:os.system ['id']\n",
            2,
            "could not determine a constructor",
        ),
        ("- step:\n    name: a\n    image: b\n    command: c\n    x: !!binary aGk=\n", 5, "Binary"),
        ("- step:\n    name: a\n    image: b\n    command: c\n    x: .nan\n", 5, "finite"),
    ],
)
def test_line_and_reason(text: str, line: int, words: str) -> None:
    found = problems_of(text)
    assert found[0][0] == line, found
    assert words in found[0][1]


def test_all_problems_are_told_in_order() -> None:
    found = problems_of("- step:\n    name: a\n- step:\n    image: b\n")
    lines = [line for line, _ in found]
    assert lines == sorted(lines, key=lambda line: line or 0)
    assert {2, 4} <= set(lines)


def test_findings_of_the_linter_do_not_cost_the_configuration() -> None:
    data, problems = parse_source(
        YAML
        + "- pipeline:\n    name: p\n    nodes:\n      - {name: n, type: execution, step: absent}\n    edges: []\n"
    )
    assert data is not None
    assert "absent" in problems[0]["message"]


def test_aliases_that_multiply_are_given_up() -> None:
    bomb = "- a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"- a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
    )
    assert "too large when its aliases are written out" in problems_of(bomb)[0][1]


def test_merge_keys_that_multiply_are_given_up() -> None:
    bomb = "- a0: &a0 {k: v}\n" + "".join(
        f"- a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 40)
    )
    assert "too large when its aliases" in problems_of(bomb)[0][1]


def test_nesting_and_size_are_bounded(settings: Any) -> None:
    assert "nested" in problems_of("[" * 5000 + "]" * 5000)[0][1]
    assert "nested more than" in problems_of("[" * 100 + "]" * 100)[0][1]
    assert "larger than 256 KiB" in problems_of("# " + "x" * settings.YAML_MAX_BYTES)[0][1]


def test_what_the_database_cannot_carry_is_refused() -> None:
    assert (
        "cannot be stored" in problems_of('- step:\n    name: "a\\0"\n    image: b\n    command: c\n')[0][1]
    )
    assert (
        "cannot be stored"
        in problems_of('- step:\n    name: "\\ud800"\n    image: b\n    command: c\n')[0][1]
    )


def test_dates_become_text() -> None:
    data, _ = parse_source("- definitions:\n    day: 2026-01-02\n    time: 2026-01-02T03:04:05Z\n")
    assert data is not None
    assert data[0]["definitions"]["day"] == "2026-01-02"


@given(st.text(max_size=200))
def test_any_text_gives_a_list_or_reasons(text: str) -> None:
    data, problems = parse_source(text)
    assert (data is None) <= bool(problems)
    json.dumps(data, allow_nan=False).encode()
    assert all(problem["message"].encode() for problem in problems)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    )
)
def test_any_value_as_a_step_gives_a_list_or_reasons(value: Any) -> None:
    data, problems = parse_source(yaml.safe_dump([{"step": value}]))
    assert (data is None) <= bool(problems)


@pytest.mark.django_db
def test_a_step_by_name(django_assert_num_queries: Any) -> None:
    commit = make_commit()
    fresh = Commit.objects.defer("config").get(pk=commit.pk)
    with django_assert_num_queries(1):
        assert get_step(fresh, "train").image == "python:3.11"
    again = Commit.objects.defer("config").get(pk=commit.pk)
    with django_assert_num_queries(0):
        assert get_step(again, "train") is get_step(fresh, "train")


@pytest.mark.django_db
def test_an_unknown_step_lists_those_there_are() -> None:
    with pytest.raises(StepNotFound, match=r"no step 'tain'\. Its steps are: 'train'"):
        get_step(make_commit(), "tain")
    with pytest.raises(StepNotFound, match="has no steps"):
        get_step(make_commit(yaml="", config=[]), "train")


@pytest.mark.django_db
def test_a_broken_configuration_says_what_is_broken() -> None:
    broken = make_commit(config=None, config_errors=[{"line": 3, "message": "it is bad"}])
    with pytest.raises(ConfigBroken, match="line 3: it is bad"):
        parsed(broken)


@pytest.mark.django_db
def test_configurations_are_kept_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config.steps, "_KEPT", 3)
    for _ in range(6):
        parsed(make_commit())
    assert len(config.steps._configs) <= 3
