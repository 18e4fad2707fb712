"""What outputs of an execution say of versions: `valohai.dataset-versions`, read, put together and brought into order.

No Django. A *wish* is the JSON that a datum keeps until its execution ends:
`{"uri", "from", "exclude", "aliases", "packaging", "projects", "tags", "metadata"}`.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from common.errors import DomainError
from datastores.datasets.names import Address, checked_alias_name, parse_address, parse_new_version
from datastores.names import is_tag

WISHES_KEY = "valohai.dataset-versions"
_TRUE = (True, "true", "True", 1)


@dataclass
class WantedVersion:
    """One version that an execution is to make: what its files say of it together."""

    address: Address
    datum_ids: list[UUID] = field(default_factory=list)
    names: dict[str, UUID] = field(default_factory=dict)
    bases: dict[tuple[str, str], Address] = field(default_factory=dict)
    exclude: dict[str, None] = field(default_factory=dict)
    aliases: dict[str, None] = field(default_factory=dict)
    project_ids: dict[str, None] = field(default_factory=dict)
    tags: dict[str, None] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    packaging: bool = False
    problems: list[str] = field(default_factory=list)
    """Why it cannot be made, as far as its files alone say it."""

    @property
    def base(self) -> Address | None:
        return next(iter(self.bases.values()), None)

    def add(self, datum_id: UUID, name: str, wish: Mapping[str, Any]) -> None:
        self.datum_ids.append(datum_id)
        self.names[name] = datum_id
        if wish.get("from"):
            self._begin_with(wish["from"])
        self.exclude.update(dict.fromkeys(wish.get("exclude", ())))
        self.aliases.update(dict.fromkeys(wish.get("aliases", ())))
        self.project_ids.update(dict.fromkeys(wish.get("projects", ())))
        self.tags.update(dict.fromkeys(wish.get("tags", ())))
        self.metadata.update(wish.get("metadata", {}))
        self.packaging = self.packaging or bool(wish.get("packaging"))

    def _begin_with(self, uri: str) -> None:
        try:
            base = parse_address(uri)
        except DomainError as error:
            self.problems = list(dict.fromkeys([*self.problems, f"'from': {error.message}"]))
        else:
            self.bases[base.key] = base


def read_wishes(value: Any, complaints: list[str]) -> list[dict[str, Any]]:
    """The wishes of one file. What has the wrong shape becomes a complaint, not an exception, and the rest of the wish stays."""
    if value is None:
        return []
    given = value if isinstance(value, list) else [value]
    found: list[str] = []
    wishes = [wish for item in given if (wish := _wish(item, found))]
    complaints += [f"{WISHES_KEY}: {complaint}" for complaint in found]
    return wishes


def _wish(item: Any, complaints: list[str]) -> dict[str, Any]:
    if isinstance(item, str):
        item = {"uri": item}
    uri = item.get("uri") if isinstance(item, dict) else None
    if not isinstance(uri, str):
        complaints.append(f"an entry must be an address or an object with 'uri', not {_shown(item)}.")
        return {}
    try:
        wish: dict[str, Any] = {"uri": str(parse_new_version(uri))}
    except DomainError as error:
        complaints.append(error.message)
        return {}
    base = item.get("from")
    if base and item.get("start_fresh") not in _TRUE:
        wish["from"] = base if isinstance(base, str) else _shown(base)
    wish |= {
        "exclude": _texts(item, "exclude", complaints),
        "aliases": _checked(_texts(item, "targeting_aliases", complaints), checked_alias_name, complaints),
        "packaging": item.get("packaging") in _TRUE,
        "projects": _checked(_texts(item, "associated_project_ids", complaints), _project_id, complaints),
        "tags": _checked(
            [*_texts(item, "valohai.tags", complaints), *_texts(item, "tags", complaints)], _tag, complaints
        ),
        "metadata": _object(item, "metadata", complaints),
    }
    return {name: value for name, value in wish.items() if value}


def _texts(item: Mapping[str, Any], name: str, complaints: list[str]) -> list[str]:
    value = item.get(name)
    given = value if isinstance(value, list) else [] if value is None else [value]
    texts = [one for one in given if isinstance(one, str) and one.strip()]
    if len(texts) != len(given):
        complaints.append(f"'{name}' must be a list of texts, not {_shown(value)}.")
    return list(dict.fromkeys(texts))


def _checked(texts: list[str], check: Callable[[str], str], complaints: list[str]) -> list[str]:
    kept = []
    for text in texts:
        try:
            kept.append(check(text))
        except DomainError as error:
            complaints.append(error.message)
        except ValueError as error:
            complaints.append(str(error))
    return kept


def _project_id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise ValueError(f"'associated_project_ids' must be ids of projects, not {_shown(text)}.") from None


def _tag(text: str) -> str:
    if not is_tag(text):
        raise ValueError(f"{_shown(text)} cannot be a tag.")
    return text.strip()


def _object(item: Mapping[str, Any], name: str, complaints: list[str]) -> dict[str, Any]:
    value = item.get(name)
    if value is None or isinstance(value, dict):
        return value or {}
    complaints.append(f"'{name}' must be an object, not {_shown(value)}.")
    return {}


def _shown(value: Any) -> str:
    return json.dumps(value, default=str)[:100]


def gathered(rows: Iterable[tuple[UUID, str, list[dict[str, Any]]]]) -> list[WantedVersion]:
    """The versions that files ask for: rows are id, name and wishes of each file, the oldest first.

    Of files with the same name the last one stays. Versions that begin with another one of them come after it; those that
    go round in a circle come last, in the order in which they were named.
    """
    wanted: dict[tuple[str, str], WantedVersion] = {}
    for datum_id, name, wishes in rows:
        for wish in wishes:
            address = parse_address(wish["uri"])
            wanted.setdefault(address.key, WantedVersion(address)).add(datum_id, name, wish)
    ordered: dict[tuple[str, str], WantedVersion] = {}
    waiting = dict(wanted)
    while ready := [k for k, v in waiting.items() if v.base is None or v.base.key not in waiting]:
        for key in ready:
            ordered[key] = waiting.pop(key)
    return [*ordered.values(), *waiting.values()]


def circle_of(version: WantedVersion, others: Iterable[WantedVersion]) -> list[Address]:
    """The way by which a version would contain itself: from itself through what each begins with, back to itself. Empty when
    it does not."""
    by_key = {other.address.key: other for other in others}
    way = [version.address]
    current: WantedVersion | None = version
    while current is not None and current.base is not None and len(way) <= len(by_key):
        way.append(current.base)
        if current.base.key == version.address.key:
            return way
        current = by_key.get(current.base.key)
    return []
