"""The limits of an environment, and how many of its places are taken. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, auto
from uuid import UUID

from environments.types import BLOCKED, TeamQuotas

UserKey = int | None
"""The creator's id; None: the account is gone. All of those share one quota."""
TeamKey = UUID | None
"""The team whose quota counts; None: no team's."""


@dataclass(frozen=True)
class EnvironmentLimits:
    id: UUID
    name: str
    enabled: bool = True
    max_running: int = 0
    """In all; 0: no limit."""
    per_user_quota: int = 0
    """0: no limit."""
    teams: TeamQuotas = field(default_factory=TeamQuotas)


class Limit(Enum):
    """What holds an execution back. Where several do, the first of these counts: it is the one that lasts longest."""

    SWITCHED_OFF = auto()
    TEAM_BLOCKED = auto()
    USER_QUOTA = auto()
    TEAM_QUOTA = auto()
    CAPACITY = auto()


class Quota:
    """Places that count together because of one limit: those of a user, of a team, or all of the environment."""

    __slots__ = ("allowed", "limit", "taken")

    def __init__(self, limit: Limit, allowed: int | None) -> None:
        """`allowed`: None for any number."""
        self.limit = limit
        self.allowed = allowed
        self.taken = 0

    @property
    def is_used(self) -> bool:
        return self.allowed is not None and self.taken >= self.allowed


class UserQuota(Quota):
    """Remembers besides when its user last got a place, as far as known."""

    __slots__ = ("served_at",)

    def __init__(self, allowed: int | None, served_at: datetime) -> None:
        super().__init__(Limit.USER_QUOTA, allowed)
        self.served_at = served_at


_NEVER = datetime.min.replace(tzinfo=UTC)
NOW = datetime.max.replace(tzinfo=UTC)
"""In the plan that is being made: after all that was before."""


class Places:
    """The places of one environment while they are dealt out: an execution that is queued or running takes one."""

    def __init__(
        self,
        limits: EnvironmentLimits,
        taken: Mapping[tuple[UserKey, TeamKey], int],
        served: Mapping[UserKey, datetime],
    ) -> None:
        self.limits = limits
        self.all = Quota(Limit.CAPACITY, _positive(limits.max_running))
        if not limits.enabled:
            self.all = Quota(Limit.SWITCHED_OFF, 0)
        self._served = served
        self._of_user: dict[UserKey, UserQuota] = {}
        self._of_team: dict[TeamKey, Quota] = {}
        for (user, team), number in taken.items():
            for quota in (self.all, self.of_user(user), self.of_team(team)):
                quota.taken += number

    def of_user(self, user: UserKey) -> UserQuota:
        quota = self._of_user.get(user)
        if quota is None:
            allowed = _positive(self.limits.per_user_quota)
            quota = self._of_user[user] = UserQuota(allowed, self._served.get(user, _NEVER))
        return quota

    def of_team(self, team: TeamKey) -> Quota:
        quota = self._of_team.get(team)
        if quota is None:
            allowed = self.limits.teams.of(team)
            limit = Limit.TEAM_BLOCKED if allowed == BLOCKED else Limit.TEAM_QUOTA
            quota = self._of_team[team] = Quota(limit, allowed)
        return quota

    def take(self, user: UserQuota, team: Quota) -> None:
        for quota in (self.all, user, team):
            quota.taken += 1
        user.served_at = NOW


def _positive(number: int) -> int | None:
    return number if number > 0 else None
