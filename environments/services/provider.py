"""Who starts an environment's machines, what they are like, and what the provider is reached with: for superusers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from accounts.models import User
from audit.services import Secret
from common.configuration import Configuration, Key, checked
from common.crypto import Sealed, SecretUnreadable
from common.errors import Fault, FieldsRefused
from environments import checks
from environments.autoscaling.providers import is_known, provider_named
from environments.autoscaling.providers.base import CloudProvider, Finding, Place
from environments.errors import MachinesRun, NothingToCheck, ProviderForOperators
from environments.models import Environment, Machine

OF_OPERATORS = ("provider", "machine_template")
CREDENTIALS = "provider_credentials"


def settle(
    environment: Environment, actor: User, before: Mapping[str, Any], credentials: Mapping[str, Any] | None
) -> None:
    """Of a row that is about to be saved: what was right when it was chosen hinders no other change.

    Credentials go to the provider that they were meant for and to no other. Raises `ProviderForOperators`,
    `MachinesRun` or `FieldsRefused`.
    """
    environment.provider = environment.provider or None
    none: dict[str, Any] = {"provider": None, "machine_template": {}}
    changed = [name for name in OF_OPERATORS if getattr(environment, name) != (before or none)[name]]
    if not changed and not credentials:
        return
    if not actor.is_superuser:
        raise ProviderForOperators(changed[0] if changed else CREDENTIALS)
    if changed:
        checks.check_machines(environment)
        _leave_no_machines(environment, before)
    if "provider" in changed:
        environment.provider_secrets = ""
    if credentials:
        environment.provider_secrets = _secrets(environment, credentials)


def _leave_no_machines(environment: Environment, before: Mapping[str, Any]) -> None:
    """Each provider is asked for its own machines only as long as it is the environment's, and a cloud only in one place: what
    ran elsewhere would run for ever."""
    others = Machine.objects.filter(environment=environment, ended_at__isnull=True)
    if _place_in_cloud(before) == _place_in_cloud(vars(environment)):
        others = others.exclude(provider=environment.provider) if environment.provider else others.none()
    running = others.count()
    if running:
        raise MachinesRun(environment, running)


def _place_in_cloud(row: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Where its machines are found, of one that has a cloud."""
    name = row.get("provider") or ""
    provider = provider_named(name) if is_known(name) else None
    if not isinstance(provider, CloudProvider):
        return None
    return (name, *(row["machine_template"].get(setting) for setting in provider.location_settings))


def shown_secrets(environment: Environment) -> Secret | str:
    """For the audit log: whether there are some and whether they changed, also of those that cannot be read."""
    raw = environment.__dict__.get("provider_secrets")
    if isinstance(raw, Sealed):
        return Secret(raw.stored)
    return Secret(str(raw)) if raw else ""


@dataclass(frozen=True)
class Check:
    findings: Sequence[Finding]
    policy: str

    @property
    def is_good(self) -> bool:
        return all(finding.is_good for finding in self.findings)


def check_provider(environment: Environment) -> Check:
    """Asks the provider whether machines could be started; starts none. Raises `NothingToCheck`."""
    provider = cloud_of(environment)
    if provider is None:
        raise NothingToCheck(environment)
    place = place_of(environment)
    return Check(provider.check(place), provider.policy(place))


def policy_for(environment: Environment) -> str:
    """The least rights that the provider's account has to give; empty where that means nothing."""
    provider = cloud_of(environment)
    return provider.policy(place_of(environment)) if provider else ""


def cloud_of(environment: Environment) -> CloudProvider | None:
    """The provider that it has, if that is one with accounts."""
    name = environment.provider or ""
    provider = provider_named(name) if is_known(name) else None
    return provider if isinstance(provider, CloudProvider) else None


def keys_of(environment: Environment) -> Sequence[Key]:
    provider = cloud_of(environment)
    return provider.keys if provider else ()


def place_of(environment: Environment) -> Place:
    """As the autoscaler sees it."""
    sealed: Any = Environment.objects.values_list("provider_secrets", flat=True).get(pk=environment.pk)
    return Place(environment.pk, environment.slug, environment.machine_template, sealed)


def _secrets(environment: Environment, given: Mapping[str, Any]) -> str:
    keys = keys_of(environment)
    if not keys:
        fault = "Credentials are for a provider that is reached with some, such as aws. Choose one."
        raise FieldsRefused({CREDENTIALS: [Fault(fault)]})
    try:
        made = checked(keys, given, stored=Configuration.stored({}, _stored(environment)))
    except FieldsRefused as error:
        raise FieldsRefused({CREDENTIALS: [*chain.from_iterable(error.faults.values())]}) from error
    return made.secrets_text


def _stored(environment: Environment) -> str:
    """Those that nobody can read any more are replaced."""
    try:
        return str(environment.provider_secrets)
    except SecretUnreadable:
        return ""
