"""How the jobs of a queue are dealt out to the environments whose machines serve it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

SILENT_SECONDS = 60
"""A worker that was not heard for so long is not counted on."""


@dataclass(frozen=True)
class Party:
    environment_id: UUID
    room: int
    """Machines that it may have beside its busy ones."""
    free: int
    """Machines that it has, without a job or starting."""
    price: Decimal = Decimal(0)


def share(waiting: int, parties: Sequence[Party]) -> dict[UUID, int]:
    """Jobs go to machines that are there, then to where machines are cheapest; what nobody has room for, to everybody's last.

    Each environment's share is what it should have machines for.
    """
    shares = dict.fromkeys((party.environment_id for party in parties), 0)
    left = waiting
    ordered = sorted(parties, key=lambda party: (party.price, party.environment_id))
    for party in ordered:
        taken = min(left, max(0, min(party.free, party.room)))
        shares[party.environment_id] += taken
        left -= taken
    for party in ordered:
        taken = min(left, max(0, party.room - shares[party.environment_id]))
        shares[party.environment_id] += taken
        left -= taken
    if ordered:
        shares[ordered[-1].environment_id] += left
    return shares
