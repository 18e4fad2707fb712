"""What the values of an environment may be. Pure: it looks at the object alone and tells all that is wrong at once."""

import re
from collections.abc import Iterable
from decimal import Decimal
from uuid import UUID

from accounts.models import Owner
from common.errors import Fault, FieldsRefused
from environments.models import Environment
from environments.mounts import MountRefused, rules_from_json

_SLUG = re.compile(r"\A[a-z0-9](?:[a-z0-9_-]{0,126}[a-z0-9])?\Z")
_QUEUE = re.compile(r"\A[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,126}[A-Za-z0-9])?\Z")
_LARGEST = 1_000_000
_HIGHEST_PRICE = Decimal(1_000_000)
_LONGEST = {
    "name": 128,
    "gpu_spec": 128,
    "default_image": 255,
    "kind": 16,
    "provider": 32,
    "description": 4000,
}

RESERVED_SLUGS = frozenset({"create", "default"})
"""Addresses of pages where a slug would stand."""

LABELS = {
    "per_hour_price_usd": "price per hour",
    "per_user_queue_quota": "quota per user",
    "max_running": "most executions at once",
    "log_lines_per_second": "limit of log lines",
    "scale_min": "minimum scale",
    "scale_max": "maximum scale",
    "scale_down_grace_period": "grace period",
}
_NUMBERS = tuple(name for name in LABELS if name != "per_hour_price_usd")


def namespace_of(owner: Owner | None) -> str:
    """How slugs and queues of an organization begin. Where several fit a name, the oldest one's counts (decision 0245)."""
    return f"{owner.name.lower().replace('.', '-')}-" if owner else ""


def namespaces_around(name: str) -> list[str]:
    """Every namespace that a slug or queue would fit."""
    return [name[: end + 1] for end, character in enumerate(name) if character == "-"]


def check_names(environment: Environment, *, namespace: str) -> None:
    """`namespace`: how slug and queue have to begin. Raises `FieldsRefused`."""
    slug, queue = environment.slug, environment.queue_name
    faults: dict[str, list[str]] = {"slug": [], "queue_name": []}
    if slug in RESERVED_SLUGS:
        faults["slug"].append(f"'{slug}' is a word of the platform. Choose another slug.")
    elif not _SLUG.match(slug) or _is_uuid(slug):
        faults["slug"].append(
            "Use 1 to 128 lower-case letters, digits, '-' and '_', beginning and ending with a letter or digit; an id is "
            "no slug."
        )
    elif not slug.startswith(namespace):
        faults["slug"].append(
            f"Slugs of this organization begin with '{namespace}', such as '{namespace}gpu'."
        )
    if queue == slug:
        pass  # what is wrong with it was said
    elif not _QUEUE.match(queue):
        faults["queue_name"].append("Use 1 to 128 letters, digits, '-', '_' and '.' for the queue.")
    elif not queue.startswith(namespace):
        faults["queue_name"].append(f"Queues of this organization begin with '{namespace}'.")
    _raise(faults)


def check_settings(environment: Environment) -> None:
    """Raises `FieldsRefused` with everything that is wrong."""
    faults: dict[str, list[str]] = {}
    for name, longest in _LONGEST.items():
        text = getattr(environment, name) or ""
        if len(text) > longest or "\0" in text:
            faults[name] = [f"Use at most {longest} characters, without NUL."]
    if not environment.name.strip():
        faults["name"] = ["Give the environment a name."]
    if any(character.isspace() for character in environment.default_image):
        faults["default_image"] = ["The name of an image has no spaces."]
    for name in _NUMBERS:
        faults[name] = list(_number_faults(LABELS[name], getattr(environment, name)))
    price = environment.per_hour_price_usd
    if not price.is_finite() or not 0 <= price < _HIGHEST_PRICE:
        faults["per_hour_price_usd"] = [f"The price per hour is between 0 and {_HIGHEST_PRICE}."]
    if not faults["scale_min"] + faults["scale_max"] and environment.scale_max < environment.scale_min:
        faults["scale_max"] = [f"The maximum scale cannot be below the minimum of {environment.scale_min}."]
    try:
        rules_from_json(environment.mount_rules)
    except MountRefused as refused:
        faults["mount_rules"] = [str(refused)]
    if environment.team_id and environment.member_id:
        faults["member"] = ["An environment belongs to a team or to a member, not to both."]
    _raise(faults)


def check_quota(quota: int | None) -> None:
    """A team's: None without a limit, 0 blocks. Raises `FieldsRefused`."""
    if quota is not None:
        _raise({"max_running": list(_number_faults("quota of a team", quota))})


def _number_faults(label: str, value: int) -> Iterable[str]:
    if value < 0:
        yield f"The {label} cannot be negative."
    elif value > _LARGEST:
        yield f"The {label} cannot be above {_LARGEST:,}."


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _raise(faults: dict[str, list[str]]) -> None:
    found = {name: [Fault(message) for message in messages] for name, messages in faults.items() if messages}
    if found:
        raise FieldsRefused(found)
