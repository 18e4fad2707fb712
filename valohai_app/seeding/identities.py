"""Ids by number, and moments: what a row is called needs no table of what was made before."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

DAY_MS = 86_400_000
_80_BITS = 2**80


class Kind(IntEnum):
    """Keeps the ids of different tables apart."""

    MEMBERSHIP = 1
    TEAM = 2
    TEAM_MEMBERSHIP = 3
    EMAIL_ADDRESS = 4
    ENVIRONMENT = 5
    PROJECT = 6
    COLLABORATION = 7
    COMMIT = 8
    EXECUTION = 9
    STORE = 10
    DATUM = 11
    ALIAS = 12
    AUDIT_EVENT = 13
    TEAM_PLACE = 14


@dataclass(frozen=True)
class Ids:
    """Owners have numbers one after the other; everything else has an id in time order, as those of `common.ids`."""

    first_owner: int
    users: int
    seed: int

    def user(self, number: int) -> int:
        return self.first_owner + number

    def organization(self, number: int) -> int:
        return self.first_owner + self.users + number

    def of(self, kind: Kind, number: int, created_ms: int) -> str:
        """The text of a UUID."""
        # An odd factor keeps different numbers different and spreads them over all bits.
        salt = self.seed * 0x9E3779B97F4A7C15 + self.first_owner * 0xBF58476D1CE4E5B9
        spread = ((kind << 60 | number) + salt) * 0xD1342543DE82EF95A3B1 % _80_BITS
        text = f"{created_ms << 80 | spread:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def moment(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
