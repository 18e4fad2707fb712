"""Plain values of environments, for pure code."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

SLURM = "slurm"
DISPATCHED_KINDS = frozenset({SLURM})
"""Kinds of environment whose jobs a dispatcher hands to a cluster, instead of agents that wait for them."""

BLOCKED = 0
"""The quota of a team that may not run anything in the environment."""


@dataclass(frozen=True)
class TeamQuotas:
    """How many executions at once teams may have in one environment."""

    given: Mapping[UUID, int | None] = field(default_factory=dict)
    """Team -> quota; None: no limit of its own."""
    only_given: bool = False
    """Other teams may not run in it; else they have no limit."""

    def of(self, team: UUID | None) -> int | None:
        """None: no limit. What runs for no team has no team's limit: who may do that was decided when it was created."""
        if team is None:
            return None
        return self.given.get(team, BLOCKED if self.only_given else None)
