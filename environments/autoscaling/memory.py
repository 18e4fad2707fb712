"""What the autoscaler remembers from one round to the next. A new leader begins without it, and only waits a little longer."""

from datetime import datetime
from uuid import UUID


class Memory:
    def __init__(self) -> None:
        self.terminated_at: dict[UUID, datetime] = {}
        """When the provider answered that it ends a machine."""
        self.held: dict[UUID, str] = {}
        """Environment -> what was last said to hold it back."""
        self.heard_since: datetime | None = None
        """Since when Redis answers without a break."""
        self._since: dict[tuple[str, UUID], datetime] = {}

    def since(self, what: str, machine_id: UUID, holds: bool, now: datetime) -> datetime | None:
        """Since when it has held at every look; None: it does not hold now."""
        key = (what, machine_id)
        if not holds:
            self._since.pop(key, None)
            return None
        return self._since.setdefault(key, now)

    def keep_machines(self, living: set[UUID]) -> None:
        """Forget the others."""
        self._since = {key: at for key, at in self._since.items() if key[1] in living}
        self.terminated_at = {pk: at for pk, at in self.terminated_at.items() if pk in living}

    def is_news(self, environment_id: UUID, held: str) -> bool:
        """Whether that was not said last time."""
        before = self.held.get(environment_id, "")
        if held:
            self.held[environment_id] = held
        else:
            self.held.pop(environment_id, None)
        return bool(held) and held != before
