"""What providers last said of the machines that they have."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

from environments.autoscaling.providers.base import ProviderMachine


@dataclass(frozen=True)
class Listing:
    began_at: datetime
    """What happened later it need not show."""
    machines: Sequence[ProviderMachine]

    @cached_property
    def by_machine(self) -> dict[UUID, ProviderMachine]:
        return {machine.machine_id: machine for machine in self.machines if machine.machine_id is not None}


class Listings:
    """One per environment, as long as it is fresh."""

    def __init__(self) -> None:
        self._by_environment: dict[UUID, Listing] = {}
        self._asked_at: dict[UUID, datetime] = {}

    def of(self, environment_id: UUID) -> Listing | None:
        return self._by_environment.get(environment_id)

    def put(self, environment_id: UUID, listing: Listing) -> None:
        self._by_environment[environment_id] = listing

    def forget(self, environment_id: UUID) -> None:
        """The provider does not answer: what it said before counts no longer."""
        self._by_environment.pop(environment_id, None)

    def is_due(self, environment_id: UUID, now: datetime, every_seconds: float) -> bool:
        asked_at = self._asked_at.get(environment_id)
        return asked_at is None or (now - asked_at).total_seconds() >= every_seconds

    def note_asked(self, environment_id: UUID, now: datetime) -> None:
        self._asked_at[environment_id] = now

    def keep(self, environment_ids: set[UUID]) -> None:
        self._by_environment = {
            pk: known for pk, known in self._by_environment.items() if pk in environment_ids
        }
        self._asked_at = {pk: at for pk, at in self._asked_at.items() if pk in environment_ids}

    @property
    def machine_ids(self) -> set[UUID]:
        return {pk for listing in self._by_environment.values() for pk in listing.by_machine}
