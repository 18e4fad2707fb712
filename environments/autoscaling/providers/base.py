"""What a provider of machines is to the autoscaler. Every one passes tests/environments/autoscaling/provider_contract.py.

Calls run in threads, outside of any transaction and without the database, and may be repeated at any time: a machine is known
by the id of our row, which the provider keeps as a tag.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

from common.configuration import Key
from common.crypto import Sealed, decrypt


@dataclass(frozen=True)
class Place:
    """The environment that machines are for."""

    environment_id: UUID
    slug: str
    template: Mapping[str, Any] = field(default_factory=dict)
    sealed: Sealed | str = field(default="", repr=False)
    """What the provider is reached with, as it is stored; empty: nothing is."""

    def secrets(self) -> Mapping[str, str]:
        """By the names of the provider's keys. Raises `common.crypto.SecretUnreadable`."""
        opened = json.loads(decrypt(self.sealed.stored)) if isinstance(self.sealed, Sealed) else {}
        return {str(name): str(value) for name, value in opened.items()}


@dataclass(frozen=True)
class LaunchOrder:
    machine_id: UUID
    place: Place
    agent_settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Lines of the agent's configuration; some are secret."""


@dataclass(frozen=True)
class ProviderMachine:
    provider_id: str
    machine_id: UUID | None
    """From its tag; None: the tag says no machine of ours."""
    is_running: bool = True
    """Also while it starts. False: it has ended, or is about to."""
    end_reason: str = ""
    zone: str = ""
    is_spot: bool = False
    price_per_hour_usd: Decimal | None = None
    interrupted_at: datetime | None = None
    """When the provider takes it back, once it has said so."""


class ErrorKind(StrEnum):
    QUOTA = "quota"
    CAPACITY = "capacity"
    CREDENTIALS = "credentials"
    TEMPLATE = "template"
    """It names something that is not there."""
    LATER = "later"
    """Not now, or nobody knows: the same request again is right, and finds what the first one did."""
    OTHER = "other"


class ProviderError(Exception):
    """The provider says no. The message is for people: what it refuses, and what to do."""

    def __init__(self, message: str, kind: ErrorKind = ErrorKind.OTHER) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind


class Provider(Protocol):
    name: str
    label: str
    template_help: str
    """What may stand in the template, for the form."""
    list_seconds: float
    """How old a list may be while nothing happens."""
    absence_seconds: float
    """How long a machine that it has may be missing in its lists."""

    def problems(self, template: Mapping[str, Any]) -> Sequence[str]:
        """What is wrong with a template, in words; looks at the template alone."""

    def launch(self, order: LaunchOrder) -> ProviderMachine:
        """Start a machine; one that has the tag already is answered instead. Raises `ProviderError`."""

    def terminate(self, place: Place, machine_id: UUID | None, provider_id: str) -> None:
        """End a machine, known by its tag or by the provider's own id; one that it does not have is ended. Raises
        `ProviderError`."""

    def list(self, place: Place) -> Sequence[ProviderMachine]:
        """Every machine with the environment's tag. Raises `ProviderError`."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    is_good: bool
    text: str


@runtime_checkable
class CloudProvider(Provider, Protocol):
    """One with accounts: it is reached with secrets, can be asked without starting anything, and needs rights."""

    keys: Sequence[Key]
    """Its secrets."""
    location_settings: Sequence[str]
    """Of the template: what says where machines are, so that it stays while some run."""

    def check(self, place: Place) -> Sequence[Finding]:
        """Whether machines could be started now, as far as the provider says without starting one. Never raises for what the
        provider refuses."""

    def policy(self, place: Place) -> str:
        """The least rights that do, as a document to copy."""
