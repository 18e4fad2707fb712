"""How much of a machine an execution asks for: cores, memory, devices.

In a request they stand where the official clients put them, whatever kind of cluster the environment is:
`runtime_config.kubernetes.containers.workload.resources`. A step's `resources` count where the request says nothing.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from valohai_yaml.objs.step import Step

from executions.spec.faults import Faults

_PATH = ("kubernetes", "containers", "workload", "resources")
_MOST = 10**9
FIELD = "runtime_config"


@dataclass(frozen=True)
class Resources:
    """What is not said is None. `devices` of {} means: none, whatever the environment's default is."""

    cpus: float | None = None
    memory_mb: int | None = None
    devices: Mapping[str, int] | None = None

    def as_json(self) -> dict[str, Any]:
        devices = None if self.devices is None else dict(self.devices)
        return {"cpus": self.cpus, "memory_mb": self.memory_mb, "devices": devices}


def resources_of(config: Mapping[str, Any]) -> Resources:
    """Where a range is given the most counts: a scheduler that reserves also limits. What does not make sense is not said."""
    found = _at_path(config)
    if not isinstance(found, Mapping):
        return Resources()
    memory = _most(found.get("memory"))
    devices = found.get("devices")
    return Resources(
        cpus=_most(found.get("cpu")),
        memory_mb=math.ceil(memory) if memory else None,
        devices=dict(devices) if isinstance(devices, Mapping) and not _device_fault(devices) else None,
    )


def with_resources_of_step(config: dict[str, Any], step: Step) -> dict[str, Any]:
    """The configuration, with the step's resources unless it says something of them itself."""
    own = step.resources.get_data() if step.resources else None
    if not own or _at_path(config) is not None:
        return config
    completed = dict(config)
    inner = completed
    for name in _PATH[:-1]:
        given = inner.get(name)
        inner[name] = dict(given) if isinstance(given, Mapping) else {}
        inner = inner[name]
    inner[_PATH[-1]] = own
    return completed


def check_resources(config: Mapping[str, Any], faults: Faults) -> None:
    found = _at_path(config)
    if found is None:
        return
    if not isinstance(found, Mapping):
        faults.add(FIELD, "resources must be an object with cpu, memory and devices.")
        return
    for name in ("cpu", "memory"):
        given = found.get(name)
        if given is not None and not (isinstance(given, Mapping) and all(map(_fits, given.values()))):
            faults.add(FIELD, f"resources: {name} is an object with min and max, numbers above 0.")
    fault = _device_fault(found.get("devices"))
    if fault:
        faults.add(FIELD, fault)


def _device_fault(devices: Any) -> str | None:
    if devices is None:
        return None
    fits = isinstance(devices, Mapping) and all(
        type(count) is int and 1 <= count <= 1024 for count in devices.values()
    )
    return None if fits else "resources: devices is an object of names and numbers of 1 to 1024."


def _most(span: Any) -> float | None:
    if not isinstance(span, Mapping):
        return None
    given = [value for name in ("max", "min") if _fits(value := span.get(name)) and value is not None]
    return given[0] if given else None


def _fits(value: Any) -> bool:
    number = type(value) in {int, float} and math.isfinite(value) and 0 < value <= _MOST
    return value is None or number


def _at_path(config: Mapping[str, Any]) -> Any:
    found: Any = config
    for name in _PATH:
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found
