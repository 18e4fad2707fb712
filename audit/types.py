"""What an audit row says: who did what to which thing, where, and from where."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
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


@dataclass(frozen=True)
class Wanted:
    """Which rows somebody asks for; an empty field asks for nothing. `since` <= time < `until`."""

    since: datetime | None = None
    until: datetime | None = None
    kind: str = ""
    """A whole kind (`project.renamed`) or what stands before its dot (`project`)."""
    actor: str = ""
    """Name or id of a user."""
    project: str = ""
    """Id, `owner/name` or name of a project, as it was called then."""
    text: str = ""


@dataclass(frozen=True)
class Position:
    """A place in the log, of the row that was read last: the next ones are older."""

    created_at: datetime
    id: UUID

    def __str__(self) -> str:
        return f"{self.created_at.isoformat()}_{self.id}"

    @classmethod
    def parse(cls, text: str) -> "Position | None":
        """None when the text is none that `__str__` made."""
        moment, _, identity = text.partition("_")
        try:
            parsed = cls(datetime.fromisoformat(moment), UUID(identity))
        except ValueError:
            return None
        return parsed if parsed.created_at.tzinfo else None
