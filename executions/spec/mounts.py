"""Mounts as the step of the commit has them. Which of them the environment allows is decided when the job starts."""

from collections.abc import Iterable
from typing import Any

from valohai_yaml.objs.mount import Mount as YamlMount
from valohai_yaml.objs.step import Step

from environments.models import Environment
from environments.mounts import Mount, MountRefused, check_apart, decide, mount_from
from executions.spec.faults import Faults

FIELD = "mounts"


def resolve_mounts(step: Step, environment: Environment, faults: Faults) -> list[dict[str, Any]]:
    """As they are kept with the execution. One that the environment refuses is a fault only where it says that runs need
    all of their mounts."""
    mounts = []
    for wanted in step.mounts:
        try:
            mounts.append(_checked(wanted))
        except MountRefused as refused:
            faults.add(FIELD, str(refused))
    try:
        check_apart(mounts)
    except MountRefused as refused:
        faults.add(FIELD, str(refused))
    if environment.requires_mounts:
        for note in refusals(mounts, environment):
            faults.add(FIELD, note)
    return [mount.as_json() for mount in mounts]


def refusals(mounts: Iterable[Mount], environment: Environment) -> list[str]:
    decisions = decide(mounts, environment.rules_of_mounts, environment.name)
    return [decision.note for decision in decisions if not decision.allowed]


def _checked(wanted: YamlMount) -> Mount:
    return mount_from(
        source=wanted.source,
        destination=wanted.destination,
        readonly=wanted.readonly,
        kind=wanted.type,
        options=wanted.options,
    )
