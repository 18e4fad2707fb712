"""Two organizations with everything in them, and everybody who has anything or nothing to do with the first one."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection

from accounts.models import ApiToken, TotpDevice, User
from accounts.services import create_api_token
from common import clock
from executions.queue import job_token
from organizations import services
from organizations.models import OrganizationMembership, TeamMembership
from tests.access.actors import Actor
from tests.access.declared.route import Level
from tests.access.guesses import nothing_like
from tests.access.tenant import Tenant, build_tenant, with_project
from tests.support import factories

if TYPE_CHECKING:
    from tests.access.declared.route import Route

FIRST_NUMBER = 7_354_000
NUMBERED = (
    "accounts_owner",
    "datastores_adoptionresult",
    "datastores_datasetfile",
    "datastores_datasetversionaliasmove",
    "datastores_datumaliasmove",
)
Role = OrganizationMembership.Role


@dataclass(repr=False)
class Elsewhere:
    """Another kind of project than the team's, in the first organization or of one of its members."""

    name: str
    tenant: Tenant
    levels: Mapping[str, Level]
    """Of those actors who have more or less there than in the team's project, and of some who have the same."""

    def named(self, route: "Route") -> "Route":
        """Bodies name things of the team's project; here their names begin with another word."""
        text = json.dumps(route.body).replace('"secret-', f'"{self.tenant.word}-')
        return replace(route, body=json.loads(text))


@dataclass(repr=False)
class World:
    secret: Tenant
    rival: Tenant
    actors: list[Actor]
    elsewhere: list[Elsewhere]

    def __getitem__(self, name: str) -> Actor:
        return next(actor for actor in self.actors if actor.name == name)

    @property
    def words(self) -> list[str]:
        """Texts that nobody outside may ever read."""
        return self.secret.words

    def path(self, route: str, tenant: Tenant | None = None, without: frozenset[str] = frozenset()) -> str:
        """An address for the route text, its parameters filled in with what the organization has, the first one unless said
        otherwise; those in `without` name nothing."""

        def value(found: re.Match[str]) -> str:
            name = found.group(2) or found.group(3)
            known = self._value(name, route, tenant or self.secret)
            return nothing_like(known) if name in without else known

        text = re.sub(r"<(?:(\w+):)?(\w+)>|\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", value, route)
        return "/" + re.sub(r"[\^$\\]|\?$", "", text)

    def filled(self, route: "Route", tenant: Tenant | None = None) -> "Route":
        """The route with `{project}` and the like in its body replaced by ids of the organization's things."""
        text = json.dumps(route.body)
        for name, row in (tenant or self.secret).rows.items():
            text = text.replace("{" + name + "}", str(row.pk))
        return replace(route, body=json.loads(text))

    def _value(self, name: str, route: str, has: Tenant) -> str:
        route_is_of_project = "settings/stores" in route or route.endswith("/adopt/")
        by_name = {
            "project_id": has.project.pk,
            "owner": has.project.owner.name,
            "organization": has.organization.name,
            "project": has.project.name,
            "identifier": has.commit.identifier,
            "ref": has.execution.pk,
            "execution_id": has.execution.pk,
            "datum_id": has.datum.pk,
            "adoption_id": has.adoption.pk,
            "alias_id": (has.version_alias if "dataset" in route else has.alias).pk,
            "rule_id": has.rule.pk,
            "dataset_id": has.dataset.pk,
            "version_id": has.version.pk,
            "store_id": (has.project_store if route_is_of_project else has.store).pk,
            "environment_id": has.environment.pk,
            "epoch": has.execution.epoch,
            "tab": "general",
            "user_id": has.collaborator.user_id if "collaborators" in route else has.member.pk,
            "invitation_id": (has.project_invitation if "collaborators" in route else has.invitation).pk,
            "email_id": has.email.pk,
            "session_id": has.session.pk,
            "environment": has.environment.slug,
            "registry_id": has.registry.pk,
            "machine_id": has.machine.pk,
            "group_id": has.group.pk,
            "kind": "docker" if "registries" in route else "s3",
            "secret": "forged",
            "token": "forged",
            "token_id": (has.enrolment_token if "environment" in route else has.token).pk,
            "credential_id": has.credential.pk,
            "organization_id": has.organization.pk,
            "team_id": has.team.pk,
            "reference": has.environment.slug,
            "filename": "file.txt",
        }
        if name in by_name:
            return str(by_name[name])
        raise LookupError(
            f"The access matrix knows no value for <{name}> in {route!r}: add one to World._value."
        )


def build_world() -> World:
    _number_rows_from(FIRST_NUMBER)
    alice, carl, mallory = (factories.make_user(name) for name in ("alice", "carl", "mallory"))
    secret = build_tenant("secret", owner=alice, collaborator=carl)
    rival = build_tenant("rival", owner=mallory, collaborator=factories.make_user("ronja"))
    actors = [
        Actor("anonymous"),
        _person("stranger", factories.make_user("charlie")),
        _person("owner of another organization", mallory),
        _person("viewer", _member("vera", secret, Role.VIEWER), Level.NOTHING, Level.LOOK),
        _person("member outside the team", _member("olaf", secret), Level.NOTHING, Level.WORK),
        _person("read-only member of the team", _in_team("rita", secret, is_read_only=True), Level.LOOK, Level.WORK),
        _person("member of the team", _in_team("bob", secret), Level.WORK, Level.WORK),
        _person(
            "project administrator", _in_team("paula", secret, allow_project_administration=True),
            Level.ADMINISTER, Level.WORK,
        ),
        _person("collaborator", carl, Level.WORK),
        _person("read-only collaborator", _read_only_collaborator(secret), Level.LOOK),
        _person("organization owner", alice, Level.ADMINISTER, Level.ADMINISTER),
        _person(
            "superuser", factories.make_user("root", is_staff=True, is_superuser=True),
            Level.ADMINISTER, Level.ADMINISTER,
        ),
        _person("removed member", _removed(secret)),
        _disabled(secret),
        _read_only_token(alice),
        _expired_token(alice),
        _job("job", secret),
        _job("job of another organization", rival),
    ]  # fmt: skip
    _require_second_factors(secret)
    actors.append(_person("member without a second factor", _in_team("nina", secret)))
    return World(secret, rival, actors, _elsewhere(secret, actors))


def _elsewhere(secret: Tenant, actors: list[Actor]) -> list[Elsewhere]:
    users = {actor.name: actor.user for actor in actors if actor.user is not None}
    bob, carl, reader = (
        users[name] for name in ("member of the team", "collaborator", "read-only collaborator")
    )
    personal = factories.make_project(bob, "secret-personal-project", description="secret plan")
    factories.make_collaborator(personal, reader, is_read_only=True)
    guest = factories.make_user("greta")
    return [
        Elsewhere(
            "project of no team",
            with_project(
                secret, "secret-shared", secret.shared_project, owner=secret.owner, collaborator=guest
            ),
            {
                "stranger": Level.NOTHING,
                "collaborator": Level.NOTHING,
                "viewer": Level.LOOK,
                "read-only member of the team": Level.WORK,
                "member outside the team": Level.WORK,
                "project administrator": Level.WORK,
                "organization owner": Level.ADMINISTER,
                "member without a second factor": Level.NOTHING,
            },
        ),
        Elsewhere(
            "personal project of a member",
            with_project(secret, "secret-personal", personal, owner=bob, collaborator=carl),
            {
                "stranger": Level.NOTHING,
                "organization owner": Level.NOTHING,
                "project administrator": Level.NOTHING,
                "read-only collaborator": Level.LOOK,
                "collaborator": Level.WORK,
                "member of the team": Level.ADMINISTER,
            },
        ),
    ]


def _number_rows_from(first: int) -> None:
    """So that the number of a user, an organization or a row is not found in an answer by chance."""
    with connection.cursor() as cursor:
        for table in NUMBERED:
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [table, first])


def _person(
    name: str, user: User, in_project: Level = Level.NOTHING, in_organization: Level = Level.NOTHING
) -> Actor:
    _, secret = create_api_token(user=user, name="matrix")
    return Actor(name, user, in_project, in_organization, f"Token {secret}", browses=True)


def _member(username: str, tenant: Tenant, role: str = Role.MEMBER) -> User:
    user = factories.make_user(username)
    OrganizationMembership.objects.create(organization=tenant.organization, user=user, role=role)
    return user


def _in_team(username: str, tenant: Tenant, **rights: bool) -> User:
    user = _member(username, tenant)
    TeamMembership.objects.create(team=tenant.team, user=user, **rights)
    return user


def _read_only_collaborator(tenant: Tenant) -> User:
    user = factories.make_user("rory")
    factories.make_collaborator(tenant.project, user, is_read_only=True)
    return user


def _removed(tenant: Tenant) -> User:
    user = _in_team("rob", tenant)
    services.remove_member(organization=tenant.organization, actor=tenant.owner, user=user)
    return user


def _disabled(tenant: Tenant) -> Actor:
    """Was signed in, with a token, when it happened."""
    actor = _person("disabled member", _in_team("dan", tenant))
    User.objects.filter(username="dan").update(is_active=False)
    actor.browses = actor.accepted = False
    return actor


def _read_only_token(owner: User) -> Actor:
    token, secret = create_api_token(user=owner, name="matrix")
    ApiToken.objects.filter(pk=token.pk).update(access_scope=ApiToken.AccessScope.READ_ONLY)
    levels = (Level.ADMINISTER, Level.ADMINISTER)
    return Actor("read-only token of the owner", owner, *levels, f"Token {secret}", read_only=True)


def _expired_token(owner: User) -> Actor:
    past = clock.now() - timedelta(minutes=1)
    _, secret = create_api_token(user=owner, name="matrix", expires_at=past)
    return Actor("expired token of the owner", owner, authorization=f"Token {secret}", accepted=False)


def _job(name: str, tenant: Tenant) -> Actor:
    token = job_token(tenant.execution.pk, tenant.execution.epoch)
    return Actor(name, authorization=f"Job {token}", accepted=False)


def _require_second_factors(tenant: Tenant) -> None:
    """From now on; whoever was there before has one."""
    now = clock.now()
    TotpDevice.objects.bulk_create(
        TotpDevice(user=user, seed="seed", confirmed_at=now) for user in User.objects.all()
    )
    tenant.organization.require_2fa = True
    tenant.organization.save()
