"""Reads what agents send for their enrolment."""

from typing import Any

from common.rest.plain import BodyRefused
from common.storable import unstorable
from environments.enrolment.types import Presence

_LONGEST_HOST = 255
_LONGEST_ID = 64
_LAST_TURN = 2**62


def enrolment_from(body: dict[str, Any]) -> dict[str, Any]:
    """What `services.enrol` takes."""
    token, host, agents, queues = (body.get(name) for name in ("token", "host", "agents", "queues"))
    if not isinstance(token, str) or not token:
        raise BodyRefused("Send the enrolment token.", field="token")
    facts = host if isinstance(host, dict) else {}
    agents = 1 if agents is None else agents
    if not isinstance(agents, int) or isinstance(agents, bool):
        raise BodyRefused("The number of agents must be a whole number.", field="agents")
    if not isinstance(queues or [], list) or unstorable(queues or []):
        raise BodyRefused("Send the queues as a list of names.", field="queues")
    return {
        "token": token.strip(),
        "host": _text(facts.get("name"), "host.name", _LONGEST_HOST) or "worker",
        "agents": agents,
        "queues": [str(name) for name in queues or []],
    }


def presence_from(body: dict[str, Any], host: str) -> Presence:
    given = body.get("presence")
    if not isinstance(given, dict):
        raise BodyRefused("Say who speaks: presence is missing.", field="presence")
    turn = given.get("turn")
    if not isinstance(turn, int) or isinstance(turn, bool) or not 0 < turn <= _LAST_TURN:
        raise BodyRefused("presence.turn counts from 1.", field="presence")
    instance = _text(given.get("instance"), "presence.instance", _LONGEST_ID)
    if not instance:
        raise BodyRefused("presence.instance is missing.", field="presence")
    return Presence(instance, _text(given.get("boot_id"), "presence.boot_id", _LONGEST_ID), turn, host)


def instance_from(body: dict[str, Any]) -> str:
    return _text(body.get("instance"), "instance", _LONGEST_ID)


def _text(value: Any, name: str, longest: int) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or unstorable(value):
        raise BodyRefused(f"{name} must be text without NUL.", field=name.partition(".")[0])
    return value[:longest]
