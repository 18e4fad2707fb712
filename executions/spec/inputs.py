"""Inputs: every declared one in the step's order, addresses interpolated and resolved to concrete data."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from valohai_yaml.objs.input import Input
from valohai_yaml.objs.parameter import Parameter
from valohai_yaml.objs.step import Step

from common.errors import DomainError
from common.storable import unstorable
from datastores.inputs import Inputs
from executions.spec.faults import Faults
from projects.models import Project

FIELD = "inputs"
MAX_URL_LENGTH = 4096
_PLACEHOLDER = re.compile(r"\{parameter(?:-value)?:([^{}]+)\}")


class InputRefused(ValueError):
    """An address cannot be used; the text says why."""


def resolve_inputs(
    step: Step,
    given: Mapping[str, Sequence[str] | str] | None,
    parameters: Mapping[str, Any],
    project: Project,
    faults: Faults,
) -> list[dict[str, Any]]:
    """What `Execution.inputs` holds. A given input replaces the default of the step, also by an empty list."""
    for name in given or {}:
        if name not in step.inputs:
            known = ", ".join(step.inputs) or "none"
            faults.add(FIELD, f"Step '{step.name}' has no input '{name}'. It has: {known}.", "unknown")
    raw = {
        declared.name: [item for item in _chosen(declared, given) if item != ""]
        for declared in step.inputs.values()
    }
    for declared in step.inputs.values():
        _check_number(step, declared, len(raw[declared.name]), faults)
    wanted = [
        (declared, uri)
        for declared in step.inputs.values()
        for uri in _addresses(raw[declared.name], declared, step, parameters, faults)
    ]
    urls = _resolved(wanted, project, faults)
    return [_entry(declared, urls.get(declared.name, [])) for declared in step.inputs.values()]


def _chosen(declared: Input, given: Mapping[str, Sequence[str] | str] | None) -> Sequence[Any]:
    value = declared.default if given is None or given.get(declared.name) is None else given[declared.name]
    if value is None:
        return []
    return [value] if isinstance(value, str) else value


def _addresses(
    raw: Sequence[Any], declared: Input, step: Step, parameters: Mapping[str, Any], faults: Faults
) -> list[str]:
    addresses: list[str] = []
    for item in raw:
        try:
            addresses.append(_interpolated(_as_text(item), step, parameters))
        except InputRefused as error:
            faults.add(FIELD, f"Input '{declared.name}': {error}.")
    return addresses


def _resolved(wanted: Sequence[tuple[Input, str]], project: Project, faults: Faults) -> dict[str, list[str]]:
    """Name of an input -> its addresses. All are looked up together: there may be thousands."""
    inputs = Inputs(project, [uri for _, uri in wanted])
    resolved: dict[str, list[str]] = {}
    for declared, uri in wanted:
        try:
            resolved.setdefault(declared.name, []).append(inputs.resolve(uri))
        except DomainError as error:
            faults.add(FIELD, f"Input '{declared.name}': {error.message}", error.code)
    return resolved


def _as_text(item: Any) -> str:
    if not isinstance(item, str):
        raise InputRefused(f"an address must be text, not {item!r}")
    why = unstorable(item)
    if why:
        raise InputRefused(f"an address {why}")
    if len(item) > MAX_URL_LENGTH:
        raise InputRefused(f"an address must not be longer than {MAX_URL_LENGTH} characters")
    return item.strip()


def _interpolated(text: str, step: Step, parameters: Mapping[str, Any]) -> str:
    def value_of(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in parameters:
            raise InputRefused(f"'{text}' uses parameter '{name}', which has no value")
        return _plain(step.parameters[name], parameters[name])

    return _PLACEHOLDER.sub(value_of, text)


def _plain(parameter: Parameter, value: Any) -> str:
    if isinstance(value, list):
        return str(parameter.multiple_separator).join(str(item) for item in value)
    return str(value)


def _check_number(step: Step, declared: Input, number: int, faults: Faults) -> None:
    if not number and not declared.optional:
        faults.add(FIELD, f"Step '{step.name}' needs a file for input '{declared.name}'.", "required")
    if declared.filename and number > 1:
        faults.add(
            FIELD,
            f"Input '{declared.name}' has the file name '{declared.filename}', so it takes one file, not {number}.",
        )


def _entry(declared: Input, urls: list[str]) -> dict[str, Any]:
    return {
        "name": declared.name,
        "urls": urls,
        "keep_directories": declared.keep_directories.value,
        "filename": declared.filename,
        "download": declared.download.value,
        "optional": declared.optional,
    }
