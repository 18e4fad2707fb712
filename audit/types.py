"""What an audit row says: who did what to which thing, where, and from where."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID


@dataclass(frozen=True)
class Scope:
    """Who may read the row later: the owners with these ids (users or organizations), and the project's administrators."""

    owner_ids: tuple[int, ...] = ()
    project_id: UUID | None = None
    project_name: str = ""


@dataclass(frozen=True)
class Target:
    """The thing that was changed, as it was called then: rows outlive what they speak of."""

    kind: str
    id: str
    name: str
    scope: Scope


class Auditable(Protocol):
    """A model that audit rows may speak of. `audit_target` is read before the thing is deleted."""

    @property
    def audit_target(self) -> Target: ...


class Actor(Protocol):
    """A user. Audit lies below the accounts and knows no more of them."""

    @property
    def pk(self) -> Any: ...

    @property
    def username(self) -> str: ...


@dataclass(frozen=True)
class Origin:
    """Where a request comes from."""

    ip_address: str = ""
    user_agent: str = ""
    channel: str = "system"
    """How it came: `page`, `api`, `admin`, `agent`, or `system` for what no request asked for."""
    token_hint: str = ""
    """The first characters of the API token that was used."""


Values = Mapping[str, Any]
