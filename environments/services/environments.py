"""Creating, changing and deleting environments. Owners of an organization decide about its own, superusers about all."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError, Value
from django.db.models.functions import Concat, Lower, Replace

from accounts.models import Owner, User
from audit.services import record, record_change, snapshot
from common import notices
from environments import checks
from environments.access import administers, require_management
from environments.enrolment import redis_users
from environments.errors import (
    EnvironmentInUse,
    MachinesRun,
    MemberRefused,
    NameFixed,
    NamespaceTaken,
    OwnerRefused,
    QueueTaken,
    SlugTaken,
    TeamRefused,
)
from environments.models import Environment, Machine
from environments.selectors import LOCAL_SLUG
from environments.services import provider
from organizations.models import Organization, OrganizationMembership

SETTINGS = (
    "name", "description", "enabled", "team", "member", "restricted_to_teams", "allow_personal_usage", "has_gpu", "gpu_spec",
    "supports_priority", "per_hour_price_usd", "per_user_queue_quota", "max_running", "log_lines_per_second",
    "default_image", "mount_rules", "requires_mounts", "scale_min", "scale_max", "scale_down_grace_period", "kind", "provider",
    "dispatch", "machine_template",
    "requires_enrolled_workers", "agents_update",
)  # fmt: skip
"""What whoever manages an environment may change."""

FIXED = frozenset({"slug", "queue_name"})
"""Projects, steps and workers are set up with them."""

_QUEUES_LOCK = 0x76685F7175657565  # "vh_queue": two environments do not take one queue at the same time


def ensure_default_environment() -> Environment:
    """The environment that every installation has; made at the first start, left as it is later."""
    environment, _ = Environment.objects.get_or_create(
        slug=LOCAL_SLUG,
        defaults={
            "name": "Local machine",
            "description": "The workers that come with this installation.",
            "queue_name": LOCAL_SLUG,
        },
    )
    return environment


@transaction.atomic
def create_environment(
    *,
    actor: User,
    owner: Owner | None,
    slug: str,
    name: str,
    queue_name: str = "",
    provider_credentials: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Environment:
    """A new kind of machine that belongs to `owner`; None: to everybody, which superusers decide.

    Raises `OwnerRefused`, `NamespaceTaken`, `SlugTaken`, `QueueTaken`, or `FieldsRefused` with everything else that is wrong.
    """
    _only_settings(settings)
    if not administers(actor, owner):
        raise OwnerRefused(owner)
    environment = Environment(owner=owner, slug=slug, queue_name=queue_name or slug, name=name, **settings)
    namespace = "" if actor.is_superuser else checks.namespace_of(owner)
    checks.check_names(environment, namespace=namespace)
    if namespace:
        _keep_namespaces_apart(environment)
    checks.check_settings(environment)
    provider.settle(environment, actor, {}, provider_credentials)
    _check_belongings(environment)
    _keep_queues_apart(environment, actor)
    try:
        with transaction.atomic():
            environment.save(force_insert=True)
    except IntegrityError as error:
        if "slug" not in str(error):
            raise
        raise SlugTaken(slug) from error
    record("environment.created", actor=actor, target=environment, after=_shown(environment))
    return environment


@transaction.atomic
def update_environment(
    *,
    environment: Environment,
    actor: User,
    provider_credentials: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Environment:
    """Change some of `SETTINGS`; a superuser may also change `owner`. Works at once, also for what waits. Credentials that are
    not given stay, as long as the provider does.

    Raises `EnvironmentNotChangeable`, `NameFixed`, `OwnerRefused`, `TeamRefused`, `MemberRefused`, `ProviderForOperators` or
    `FieldsRefused`.
    """
    row = (
        Environment.objects.select_for_update(no_key=True, of=("self",))
        .select_related("owner__organization", "team", "member")
        .get(pk=environment.pk)
    )
    require_management(actor, row)
    for name in FIXED & changes.keys():
        if changes.pop(name) != getattr(row, name):
            raise NameFixed(name)
    if "owner" in changes and not actor.is_superuser and changes["owner"] != row.owner:
        raise OwnerRefused(changes["owner"])
    _only_settings({name: value for name, value in changes.items() if name != "owner"})
    before = _shown(row)
    held = {name: getattr(row, name) for name in ("owner_id", "team_id", "member_id")}
    of_operators = {name: getattr(row, name) for name in provider.OF_OPERATORS}
    for name, value in changes.items():
        setattr(row, name, value)
    checks.check_settings(row)
    provider.settle(row, actor, of_operators, provider_credentials)
    if any(getattr(row, name) != held[name] for name in held):
        # What was allowed when it was chosen may have ended since: that hinders no other change.
        _check_belongings(row)
    row.save(update_fields=[*changes, "provider_secrets", "updated_at"])
    if row.owner_id != held["owner_id"]:
        row.team_places.exclude(team__organization_id=row.owner_id).delete()
    concerned = [held["owner_id"]] if held["owner_id"] else []
    record_change(
        "environment.changed",
        actor=actor,
        target=row,
        before=before,
        after=_shown(row),
        also_for=concerned,
    )
    notices.publish_on_commit("autoscaler", "wake")
    return row


def set_enabled(*, environment: Environment, actor: User, enabled: bool) -> None:
    """Whether new executions may choose it; those that wait or run go on."""
    update_environment(environment=environment, actor=actor, enabled=enabled)


@transaction.atomic
def delete_environment(*, environment: Environment, actor: User) -> None:
    """Raises `EnvironmentInUse` when executions refer to it: they say for ever where they ran; `MachinesRun`."""
    require_management(actor, environment)
    running = Machine.objects.filter(environment=environment, ended_at__isnull=True).count()
    if running:
        raise MachinesRun(environment, running)
    record("environment.deleted", actor=actor, target=environment, before=_shown(environment))
    workers = list(environment.worker_credentials.values_list("worker__identity", flat=True))
    transaction.on_commit(partial(redis_users.forbid, workers))
    try:
        Environment.objects.filter(pk=environment.pk).delete()
    except ProtectedError as error:
        raise EnvironmentInUse(environment) from error


def end_assignments(organization: Organization, user: User, actor: User) -> None:
    """What was kept for somebody who is no longer a member is nobody's, and switched off until an owner has decided."""
    assigned = Environment.objects.select_for_update(no_key=True, of=("self",)).filter(
        owner_id=organization.pk, member=user
    )
    for environment in assigned.select_related("owner", "team", "member").order_by("pk"):
        before = _shown(environment)
        environment.member, environment.enabled = None, False
        environment.save(update_fields=["member", "enabled", "updated_at"])
        after = _shown(environment)
        record_change("environment.changed", actor=actor, target=environment, before=before, after=after)


def _check_belongings(environment: Environment) -> None:
    team, member = environment.team, environment.member
    if team is not None and team.organization_id != environment.owner_id:
        raise TeamRefused(team, environment.owner)
    if member is not None and not _belongs(member, environment.owner):
        raise MemberRefused(member, environment.owner)


def _belongs(member: User, owner: Owner | None) -> bool:
    return (
        owner is not None
        and OrganizationMembership.objects.filter(user=member, organization_id=owner.pk).exists()
    )


def _keep_namespaces_apart(environment: Environment) -> None:
    """Of organizations whose namespaces a name fits, the oldest has it, whether or not it uses it: a refusal tells nothing."""
    older = Organization.objects.filter(pk__lt=environment.owner_id).annotate(
        namespace=Concat(Replace(Lower("owner__name"), Value("."), Value("-")), Value("-"))
    )
    for field in ("slug", "queue_name"):
        fitting = checks.namespaces_around(getattr(environment, field))
        if older.filter(namespace__in=fitting).exists():
            raise NamespaceTaken(field)


def _keep_queues_apart(environment: Environment, actor: User) -> None:
    """A worker takes whatever waits in its queue: a queue of another owner's would hand their jobs to this one's workers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_QUEUES_LOCK])
    others = Environment.objects.filter(queue_name=environment.queue_name)
    if not actor.is_superuser and any(other.owner_id != environment.owner_id for other in others):
        raise QueueTaken(environment.queue_name)


def _only_settings(given: dict[str, Any]) -> None:
    unknown = given.keys() - set(SETTINGS)
    if unknown:
        raise TypeError(f"Not a setting of environments: {', '.join(sorted(unknown))}")


def _shown(environment: Environment) -> dict[str, Any]:
    shown = snapshot(environment, ("slug", "queue_name", "owner", *SETTINGS))
    return shown | {provider.CREDENTIALS: provider.shown_secrets(environment)}
