"""The interpolated command: one shell script, built by the official command builder."""

import string
from collections.abc import Mapping
from typing import Any

from valohai_yaml.commands import join_command
from valohai_yaml.objs.parameter import Parameter
from valohai_yaml.objs.step import Step

from executions.spec.faults import Faults

_KNOWN_PLACEHOLDERS = frozenset({"name", "value", "v"})
_LONGEST_FORMAT = 8


def command_text(step: Step, override: str | None) -> str:
    """The command before interpolation, one item a line."""
    if override:
        return override
    return step.command if isinstance(step.command, str) else "\n".join(step.command)


def interpolate_command(
    step: Step, override: str | None, parameters: Mapping[str, Any], faults: Faults
) -> str:
    unusable = [p for p in step.parameters.values() if not _can_format(p)]
    for parameter in unusable:
        faults.add(
            "parameters",
            f"Parameter '{parameter.name}': its pass-as '{parameter.pass_as}' can only use {{name}}, {{value}} and {{v}}.",
        )
    if unusable:
        return ""
    try:
        commands = step.build_command(dict(parameters), override or None)
    except ValueError as error:
        faults.add("parameters", f"The command of step '{step.name}' cannot be built: {error}.")
        return ""
    return str(join_command(commands, "\n"))


def _can_format(parameter: Parameter) -> bool:
    """A template comes from the repository: it may use the three names, and no width that fills the memory."""
    templates = (parameter.pass_as, parameter.pass_true_as, parameter.pass_false_as)
    return all(_is_harmless(template) for template in templates if template)


def _is_harmless(template: str) -> bool:
    try:
        pieces = list(string.Formatter().parse(str(template)))
    except ValueError:
        return False
    return all(
        name is None
        or (name in _KNOWN_PLACEHOLDERS and len(spec or "") <= _LONGEST_FORMAT and _narrow(spec or ""))
        for _, name, spec, _ in pieces
    )


def _narrow(spec: str) -> bool:
    digits = "".join(c if c.isdigit() else " " for c in spec).split()
    return all(int(number) <= 255 for number in digits)
