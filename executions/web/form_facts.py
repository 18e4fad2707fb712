"""The facts that the create form is drawn from: what can be chosen, what the step says, what is prefilled."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from valohai_yaml.objs import Step
from valohai_yaml.objs.environment_variable import EnvironmentVariable
from valohai_yaml.objs.input import Input
from valohai_yaml.objs.parameter import Parameter

from environments.selectors import EnvironmentChoice
from projects.models import Commit, VariableGroup
from projects.types import ResolvedVariable


def step_facts(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "description": step.description or "",
        "category": step.category or "",
        "image": step.image or "",
        "command": step.command if isinstance(step.command, str) else "\n".join(step.command),
        "environment": step.environment or "",
        "time_limit": seconds(step.time_limit),
        "no_output_timeout": seconds(step.no_output_timeout),
        "inputs": [input_facts(item) for item in step.inputs.values()],
        "parameters": [parameter_facts(item) for item in step.parameters.values()],
        "variables": [variable_facts(item) for item in step.environment_variables.values()],
        "groups": list(step.environment_variable_groups),
    }


def input_facts(declared: Input) -> dict[str, Any]:
    default = declared.default or []
    return {
        "name": declared.name,
        "description": declared.description or "",
        "optional": declared.optional,
        "default": [default] if isinstance(default, str) else [str(url) for url in default],
        "keep_directories": str(declared.keep_directories.value),
        "filename": declared.filename or "",
    }


def parameter_facts(declared: Parameter) -> dict[str, Any]:
    return {
        "name": declared.name,
        "type": declared.type,
        "description": declared.description or "",
        "category": declared.category or "",
        "optional": declared.optional,
        "default": declared.default,
        "choices": declared.choices if declared.type != "flag" else None,
        "min": declared.min,
        "max": declared.max,
        "multiple": bool(declared.multiple),
        "widget": declared.widget.type if declared.widget else "",
    }


def variable_facts(declared: EnvironmentVariable) -> dict[str, Any]:
    return {
        "name": declared.name,
        "description": declared.description or "",
        "optional": declared.optional,
        "default": declared.default if declared.default is None else str(declared.default),
    }


def seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()


def commit_facts(commit: Commit) -> dict[str, Any]:
    return {
        "identifier": commit.identifier,
        "short": commit.short_identifier,
        "refs": list(dict.fromkeys([*commit.ref_names, *([commit.ref] if commit.ref else [])])),
        "description": commit.description.strip().split("\n", 1)[0][:100],
        "committed_at": commit.committed_at.isoformat(),
        "adhoc": commit.adhoc,
    }


def environment_facts(choice: EnvironmentChoice) -> list[dict[str, Any]]:
    """What can be chosen, then what cannot, with the reason in `unavailable`."""
    reasons = [(environment, "") for environment in choice.usable]
    reasons += [(unusable.environment, unusable.reason) for unusable in choice.unusable]
    return [
        {
            "slug": environment.slug,
            "name": environment.name,
            "description": environment.description,
            "gpu": environment.gpu_spec if environment.has_gpu else "",
            "price": float(environment.per_hour_price_usd),
            "supports_priority": environment.supports_priority,
            "unavailable": reason,
        }
        for environment, reason in reasons
    ]


def inherited_facts(variables: Mapping[str, ResolvedVariable]) -> list[dict[str, Any]]:
    """What executions inherit, by name; the value of a secret never leaves the server."""
    return [
        {
            "name": name,
            "secret": variable.secret,
            "value": None if variable.secret else variable.value,
            "source": str(variable.source),
        }
        for name, variable in sorted(variables.items())
    ]


def group_facts(groups: Iterable[VariableGroup]) -> list[dict[str, Any]]:
    """What an execution may ask for."""
    return [
        {
            "id": str(group.pk),
            "name": group.name,
            "variables": sorted(variable.name for variable in group.variables.all()),
        }
        for group in groups
    ]


def branches_of(commits: Sequence[dict[str, Any]]) -> list[str]:
    return sorted({ref for commit in commits if not commit["adhoc"] for ref in commit["refs"]})
