"""The runtime configuration: what was given, completed with what only the YAML says."""

from collections.abc import Mapping
from typing import Any

from valohai_yaml.objs.step import Step

from common.storable import unstorable
from executions.spec.faults import Faults
from executions.spec.resources import check_resources, with_resources_of_step
from executions.types import ExecutionSpec

FIELD = "runtime_config"
_PORTS = range(1024, 65536)


def resolve_runtime_config(
    step: Step, spec: ExecutionSpec, no_output_timeout_seconds: int | None, faults: Faults
) -> dict[str, Any]:
    config = with_resources_of_step(dict(spec.runtime_config), step)
    why = unstorable(config)
    if why:
        faults.add(FIELD, f"The runtime configuration {why}.")
        return {}
    _check_debugging(config.get("remote_debug"), faults)
    check_resources(config, faults)
    if config.get("autorestart") is None:
        config["autorestart"] = step.autorestart
    config["autorestart"] = bool(config["autorestart"])
    config["no_output_timeout"] = no_output_timeout_seconds or 0
    _complete(config, "preset", spec.runtime_config_preset or step.runtime_config_preset)
    stop_expression = step.stop_condition if spec.stop_expression is None else spec.stop_expression
    _complete(config, "stop_expression", stop_expression)
    return config


def _complete(config: dict[str, Any], key: str, value: Any) -> None:
    if value:
        config.setdefault(key, value)


def _check_debugging(wanted: Any, faults: Faults) -> None:
    if wanted is None:
        return
    if not isinstance(wanted, Mapping):
        faults.add(FIELD, "remote_debug must be an object with debug_port and debug_key.")
        return
    if wanted.get("debug_port") not in _PORTS:
        faults.add(FIELD, "remote_debug: use a debug_port of 1024 to 65535.")
    if not str(wanted.get("debug_key", "")).startswith("ssh-"):
        faults.add(
            FIELD,
            "remote_debug: debug_key must be one line of an OpenSSH public key, such as 'ssh-ed25519 …'.",
        )
