"""Golden tests of the interpolated command: what the shell gets for what was asked."""

from typing import Any

import pytest
from valohai_yaml.objs.step import Step

from common.errors import FieldsRefused
from executions.spec.command import interpolate_command
from executions.spec.faults import Faults
from executions.spec.parameters import resolve_parameters


def step(*parameters: dict[str, Any], command: str | list[str] = "run {parameters}", **extra: Any) -> Step:
    return Step.parse(
        {"name": "train", "image": "i", "command": command, "parameters": list(parameters), **extra}
    )


def built(a_step: Step, given: dict[str, Any] | None = None, override: str | None = None) -> str:
    faults = Faults()
    values = resolve_parameters(a_step, given, faults)
    command = interpolate_command(a_step, override, values, faults)
    faults.raise_if_any()
    return command


def refusal(a_step: Step, given: dict[str, Any] | None = None) -> str:
    with pytest.raises(FieldsRefused) as caught:
        built(a_step, given)
    return caught.value.faults["parameters"][0].message


EPOCHS = {"name": "epochs", "type": "integer", "default": 5}
RATE = {"name": "rate", "type": "float", "default": 0.1}
NAME = {"name": "name", "type": "string", "optional": True}
NAMES = {"name": "names", "type": "string", "optional": True, "multiple": "repeat"}
LIST = {
    "name": "list",
    "type": "integer",
    "optional": True,
    "multiple": "separate",
    "multiple-separator": ":",
}
FLAG = {"name": "fast", "type": "flag"}


@pytest.mark.parametrize(
    ("parameters", "given", "command"),
    [
        ([EPOCHS, RATE], None, "run --epochs=5 --rate=0.1"),
        ([EPOCHS], {"epochs": "9"}, "run --epochs=9"),
        ([EPOCHS], {"epochs": 9.0}, "run --epochs=9"),
        ([EPOCHS], {"epochs": None}, "run --epochs=5"),
        ([EPOCHS], {}, "run --epochs=5"),
        ([RATE], {"rate": 1e-07}, "run --rate=1e-07"),
        ([RATE], {"rate": 2}, "run --rate=2.0"),
        ([NAME], None, "run"),
        ([NAME], {"name": None}, "run"),
        ([NAME], {"name": ""}, "run --name="),
        ([NAME], {"name": "a b'c; rm -rf /"}, "run '--name=a b'\"'\"'c; rm -rf /'"),
        ([NAME], {"name": 7}, "run --name=7"),
        ([NAME], {"name": "{parameters}"}, "run '--name={parameters}'"),
        ([NAMES], {"names": ["z", "y y"]}, "run --names=z '--names=y y'"),
        ([NAMES], {"names": "alone"}, "run --names=alone"),
        ([NAMES], {"names": []}, "run"),
        ([LIST], {"list": [1, "2"]}, "run --list=1:2"),
        ([LIST], {"list": []}, "run"),
        ([{**LIST, "default": [1, 2]}], {}, "run --list=1:2"),
        ([{**LIST, "default": [1, 2]}], {"list": []}, "run"),
        ([FLAG], {"fast": True}, "run --fast"),
        ([FLAG], {"fast": False}, "run"),
        ([FLAG], {"fast": "true"}, "run --fast"),
        ([FLAG], {}, "run"),
        ([{**FLAG, "default": True}], None, "run --fast"),
        ([{**FLAG, "default": True}], {}, "run"),
        ([{**FLAG, "pass-true-as": "-F", "pass-false-as": "--slow"}], {"fast": False}, "run --slow"),
        ([{**FLAG, "pass-true-as": "-F", "pass-false-as": "--slow"}], {"fast": True}, "run -F"),
        ([{**EPOCHS, "pass-as": "-e {v}"}], None, "run -e 5"),
        ([{**EPOCHS, "pass-as": "{name}:{value}"}], None, "run epochs:5"),
        ([{**RATE, "pass-as": "--rate={v:.3f}"}], None, "run --rate=0.100"),
    ],
)
def test_parameters_are_passed(parameters: list[dict], given: dict | None, command: str):
    assert built(step(*parameters), given) == command


@pytest.mark.parametrize(
    ("command", "result"),
    [
        ("a {params}", "a --epochs=5"),
        ("a {parameter:epochs} b", "a --epochs=5 b"),
        ("a {parameter-value:epochs}", "a 5"),
        ("a {parameter:name} b", "a  b"),
        ("a {parameter-value:name}", "a {parameter-value:name}"),
        ("a {parameter:unknown}", "a {parameter:unknown}"),
        ("echo ${HOME} {x}", "echo ${HOME} {x}"),
        ("awk '{print $1}'", "awk '{print $1}'"),
        (["cd x", "  run {parameters}  ", "ls"], "cd x\nrun --epochs=5\nls"),
        (["#!/bin/sh\nset -e", "run"], "#!/bin/sh\nset -e\nrun"),
        ("python {source-path}", "python 'my train.py'"),
    ],
)
def test_placeholders(command: str | list[str], result: str):
    assert built(step(EPOCHS, NAME, command=command, **{"source-path": "my train.py"})) == result


def test_an_overriding_command_is_interpolated_too():
    assert built(step(EPOCHS), override="one {parameters}\ntwo") == "one --epochs=5\ntwo"


def test_values_are_typed_and_unset_ones_absent():
    faults = Faults()
    values = resolve_parameters(
        step(EPOCHS, RATE, NAME, NAMES, LIST, FLAG), {"epochs": "7", "list": ["3"]}, faults
    )
    assert values == {"epochs": 7, "rate": 0.1, "list": [3]}
    assert not faults


@pytest.mark.parametrize(
    ("parameter", "value", "words"),
    [
        (EPOCHS, "many", "many is not an integer"),
        (EPOCHS, 1.5, "1.5 is not an integer"),
        (EPOCHS, True, "true is not a number"),
        (EPOCHS, {"a": 1}, "must be a single value"),
        (EPOCHS, [1, 2], "must be a single value"),
        (RATE, "nan", "must be a finite number"),
        (RATE, "inf", "must be a finite number"),
        ({**EPOCHS, "min": 1, "max": 10}, 0, "less than the minimum"),
        ({**EPOCHS, "min": 1, "max": 10}, 11, "greater than the maximum"),
        ({**NAME, "choices": ["a", "b"]}, "c", "not among the choices"),
        ({**NAME, "choices": [1, 2]}, "3", "not among the choices"),
        (NAME, "a\x00b", "NUL"),
        (NAME, "\ud800", "valid Unicode"),
        (FLAG, "perhaps", "neither true nor false"),
        ({"name": "needed", "type": "string"}, None, "needs a value"),
        ({"name": "needed", "type": "string", "multiple": "repeat"}, [], "needs a value"),
        ({"name": "needed", "type": "integer"}, "", "No value supplied"),
    ],
)
def test_values_that_do_not_fit_are_refused_by_name(parameter: dict, value: object, words: str):
    message = refusal(step(parameter), {parameter["name"]: value})
    assert words in message
    assert f"Parameter '{parameter['name']}'" in message


def test_choices_that_yaml_reads_as_numbers_match_text():
    assert built(step({**NAME, "choices": [1, 2]}), {"name": "2"}) == "run --name=2"


def test_undeclared_parameters_are_refused_with_what_there_is():
    message = refusal(step(EPOCHS, RATE), {"epoch": 1})
    assert message == "Step 'train' has no parameter 'epoch'. It has: epochs, rate."


def test_all_faults_are_told_at_once():
    with pytest.raises(FieldsRefused) as caught:
        built(step(EPOCHS, RATE), {"epochs": "x", "rate": "y", "z": 1})
    assert len(caught.value.faults["parameters"]) == 3


@pytest.mark.parametrize(
    "template", ["{v:>1000000000}", "{value.__class__}", "{v[0]}", "{other}", "{", "{0}"]
)
def test_pass_as_that_could_harm_the_server_is_refused(template: str):
    assert "can only use {name}, {value} and {v}" in refusal(
        step({**NAME, "pass-as": template}), {"name": "x"}
    )
