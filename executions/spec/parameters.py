"""Parameter values: typed by the step, checked, completed with its defaults."""

import copy
import math
from collections.abc import Mapping
from typing import Any

from valohai_yaml.excs import InvalidType, ValidationErrors
from valohai_yaml.objs.parameter import Parameter
from valohai_yaml.objs.step import Step

from common.storable import unstorable
from executions.spec.faults import Faults

FIELD = "parameters"
_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off", ""})


class ParameterRefused(ValueError):
    """The value does not fit the parameter; the text says why."""


def resolve_parameters(step: Step, given: Mapping[str, Any] | None, faults: Faults) -> dict[str, Any]:
    """Name -> typed value in the step's order; parameters without a value are absent.

    A given null is no value, so that the default applies. Defaults of flags apply only when no parameters were given
    at all: a client that sends parameters leaves out the flags that are off.
    """
    _refuse_undeclared(step, given or {}, faults)
    resolved: dict[str, Any] = {}
    for name, parameter in step.parameters.items():
        value = _chosen(parameter, given)
        try:
            if _is_absent(parameter, value):
                _require_optional(step, parameter)
            else:
                resolved[name] = typed(parameter, value)
        except ParameterRefused as error:
            faults.add(FIELD, f"Parameter '{name}': {error}.")
    return resolved


def typed(parameter: Parameter, value: Any) -> Any:
    """`value` as the parameter's type. Raises `ParameterRefused`."""
    why = unstorable(value)
    if why:
        raise ParameterRefused(f"the value {why}")
    if isinstance(value, list) and parameter.multiple:
        cast = [_cast(parameter, item) for item in value]
    else:
        cast = _cast(parameter, value)
    return _validated(_with_text_choices(parameter), cast)


def _refuse_undeclared(step: Step, given: Mapping[str, Any], faults: Faults) -> None:
    for name in given:
        if name not in step.parameters:
            known = ", ".join(step.parameters) or "none"
            faults.add(FIELD, f"Step '{step.name}' has no parameter '{name}'. It has: {known}.", "unknown")


def _chosen(parameter: Parameter, given: Mapping[str, Any] | None) -> Any:
    if given is not None:
        value = given.get(parameter.name)
        if value is not None or parameter.type == "flag":
            return value
    return parameter.default


def _is_absent(parameter: Parameter, value: Any) -> bool:
    # An empty list takes the place of a default; without one it is how clients say "no value".
    return value is None or (value == [] and not (parameter.default and parameter.optional))


def _require_optional(step: Step, parameter: Parameter) -> None:
    if not parameter.optional:
        raise ParameterRefused(f"step '{step.name}' needs a value")


def _cast(parameter: Parameter, value: Any) -> Any:
    if isinstance(value, dict | list):
        raise ParameterRefused("must be a single value")
    if parameter.type == "flag":
        return _as_flag(value)
    if isinstance(value, bool) and parameter.type in {"integer", "float"}:
        raise ParameterRefused(f"{str(value).lower()} is not a number")
    if parameter.type == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    if parameter.type == "string":
        return str(value).lower() if isinstance(value, bool) else str(value)
    return value


def _as_flag(value: Any) -> bool:
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ParameterRefused(f"{value!r} is neither true nor false")


def _with_text_choices(parameter: Parameter) -> Parameter:
    """YAML reads the choice `1` of a string parameter as a number; values arrive as text."""
    if parameter.type != "string" or not parameter.choices:
        return parameter
    twin = copy.copy(parameter)
    twin.choices = [str(choice) for choice in parameter.choices]
    return twin


def _validated(parameter: Parameter, value: Any) -> Any:
    try:
        result = parameter.validate(value)
    except ValidationErrors as error:
        raise ParameterRefused("; ".join(str(item).rstrip(".") for item in error)) from error
    except InvalidType as error:
        raise ParameterRefused(str(error)) from error
    numbers = result if isinstance(result, list) else [result]
    if any(isinstance(number, float) and not math.isfinite(number) for number in numbers):
        raise ParameterRefused("must be a finite number")
    return result
