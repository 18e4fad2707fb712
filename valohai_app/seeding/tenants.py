"""Rows of users, organizations, teams, environments, stores and projects: what is there before anything runs."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from accounts.models import EmailAddress, Owner, TotpDevice, User
from common.crypto import encrypt
from datastores.models import DataStore
from environments.models import Environment, TeamPlace
from organizations.models import Organization, OrganizationMembership, Team, TeamMembership
from projects.models import Commit, Project, ProjectCollaborator, ProjectCounter, Repository
from valohai_app.seeding.activity import Summary
from valohai_app.seeding.copying import Copied, Table, copy_all
from valohai_app.seeding.identities import DAY_MS, Ids, Kind, moment
from valohai_app.seeding.population import Holding, Population

Rows = Iterator[tuple[Any, ...]]

STEPS = ("train", "preprocess", "evaluate", "export", "tune")
OPEN_ENVIRONMENTS = 3
_ONE_ENVIRONMENT_IN = 10
_ONE_RESTRICTED_IN = 3
_ONE_STORE_IN = 20
_ONE_PROJECT_STORE_IN = 500
_ONE_REPOSITORY_IN = 4
_RUNS_PER_COMMIT = 25
_MOST_COMMITS = 40
_MANY_YEARS_MS = 3 * 365 * DAY_MS

YAML = "".join(
    f"- step:\n    name: {step}\n    image: python:3.11\n    command: python {step}.py {{parameters}}\n"
    "    parameters:\n      - {name: epochs, type: integer, default: 3}\n"
    for step in STEPS
)
_CONFIG = json.dumps(
    [
        {
            "step": {
                "name": step,
                "image": "python:3.11",
                "command": [f"python {step}.py {{parameters}}"],
                "parameters": [{"name": "epochs", "type": "integer", "default": 3, "optional": False}],
            }
        }
        for step in STEPS
    ]
)


@dataclass(frozen=True)
class Tenants:
    population: Population
    summary: Summary
    ids: Ids
    end_ms: int
    password: str
    """Of every user, as the database keeps it."""

    @property
    def start_ms(self) -> int:
        return self.end_ms - _MANY_YEARS_MS

    def username(self, number: int) -> str:
        return f"user-{self.ids.user(number)}"

    def copy(self, copied: Copied) -> dict[str, int]:
        """Every table in the order of its foreign keys; how many rows each got."""
        base = ("id", "created_at", "updated_at")
        tables = [
            (Table(Owner, "id", "name", "kind"), self.owners()),
            (Table(User, "owner_id", "username", "email", "password", "created_at"), self.users()),
            (Table(EmailAddress, *base, "user_id", "email", "verified_at", "is_primary"), self.addresses()),
            (Table(TotpDevice, "user_id", "seed", "confirmed_at"), self.devices()),
            (Table(Organization, "owner_id", "created_at", "require_2fa"), self.organizations()),
            (Table(OrganizationMembership, *base, "organization_id", "user_id", "role"), self.memberships()),
            (Table(Team, *base, "organization_id", "name"), self.teams()),
            (
                Table(TeamMembership, *base, "team_id", "user_id", "allow_project_administration", "is_read_only"),
                self.team_memberships(),
            ),
            (
                Table(Environment, *base, "slug", "name", "queue_name", "owner_id", "restricted_to_teams"),
                self.environments(),
            ),
            (Table(TeamPlace, *base, "environment_id", "team_id"), self.places()),
            (
                Table(
                    Project, *base, "name", "description", "owner_id", "team_id", "creator_id",
                    "last_execution_at",
                ),
                self.projects(),
            ),
            (Table(ProjectCounter, "project_id", "kind", "last_value"), self.counters()),
            (Table(ProjectCollaborator, *base, "project_id", "user_id", "is_read_only"), self.collaborators()),
            (Table(Repository, "project_id", "url"), self.repositories()),
            (
                Table(
                    Commit, *base, "project_id", "identifier", "ref", "ref_names", "committed_at", "description",
                    "author", "yaml_source", "config", "archive_key", "archive_sha256", "archive_size_bytes",
                ),
                self.commits(),
            ),
            (Table(DataStore, *base, "name", "kind", "access_mode", "owner_id", "project_id"), self.stores()),
        ]  # fmt: skip
        return copy_all(tables, copied)

    def owners(self) -> Rows:
        for number in range(self.population.sizes.users):
            yield self.ids.user(number), self.username(number), Owner.Kind.USER.value
        for number in range(self.population.sizes.organizations):
            identity = self.ids.organization(number)
            yield identity, f"organization-{identity}", Owner.Kind.ORGANIZATION.value

    def users(self) -> Rows:
        for number in range(self.population.sizes.users):
            name = self.username(number)
            yield self.ids.user(number), name, f"{name}@example.com", self.password, moment(self.start_ms)

    def addresses(self) -> Rows:
        when = moment(self.start_ms)
        for number in range(self.population.sizes.users):
            identity = self.ids.of(Kind.EMAIL_ADDRESS, number, self.start_ms)
            email = f"{self.username(number)}@example.com"
            yield identity, when, when, self.ids.user(number), email, when, True

    def devices(self) -> Rows:
        seed = encrypt("JBSWY3DPEHPK3PXP" * 2)  # nobody signs in with it
        for user in sorted(self.population.with_2fa):
            yield self.ids.user(user), seed, moment(self.start_ms)

    def organizations(self) -> Rows:
        for number in range(self.population.sizes.organizations):
            yield self.ids.organization(number), moment(self.start_ms), number in self.population.strict

    def memberships(self) -> Rows:
        for number, membership in enumerate(self.population.memberships):
            organization = self.ids.organization(membership.organization)
            base = self._base(Kind.MEMBERSHIP, number)
            yield *base, organization, self.ids.user(membership.user), membership.role

    def teams(self) -> Rows:
        for number, organization in enumerate(self.population.organization_of_team):
            base = self._base(Kind.TEAM, number)
            yield *base, self.ids.organization(organization), f"team-{number}"

    def team_memberships(self) -> Rows:
        for number, membership in enumerate(self.population.team_memberships):
            base = self._base(Kind.TEAM_MEMBERSHIP, number)
            team, user = self._team(membership.team), self.ids.user(membership.user)
            yield *base, team, user, membership.administers, membership.reads_only

    def environments(self) -> Rows:
        """A few for everybody, and one for some of the organizations, a third of these for their teams only."""
        for number in range(OPEN_ENVIRONMENTS):
            yield *self._environment(number, f"open-{self.ids.first_owner}-{number}"), None, False
        for organization in self._organizations_with_environment():
            owner = self.ids.organization(organization)
            restricted = self._is_restricted(organization)
            number = self._environment_number(organization)
            yield *self._environment(number, f"organization-{owner}"), owner, restricted

    def _environment(self, number: int, slug: str) -> tuple[Any, ...]:
        return *self._base(Kind.ENVIRONMENT, number), slug, slug, slug

    def environment_of(self, holding: Holding, run: int) -> str:
        """Where the run of a project is: its organization's own environment, where there is one, else an open one."""
        organization = holding.organization
        if organization is not None and run % 2 and organization % _ONE_ENVIRONMENT_IN == 0:
            return self.ids.of(Kind.ENVIRONMENT, self._environment_number(organization), self.start_ms)
        return self.ids.of(Kind.ENVIRONMENT, (run // 2) % OPEN_ENVIRONMENTS, self.start_ms)

    def _organizations_with_environment(self) -> range:
        return range(0, self.population.sizes.organizations, _ONE_ENVIRONMENT_IN)

    def _environment_number(self, organization: int) -> int:
        return OPEN_ENVIRONMENTS + organization // _ONE_ENVIRONMENT_IN

    def _is_restricted(self, organization: int) -> bool:
        return self._environment_number(organization) % _ONE_RESTRICTED_IN == 0

    def places(self) -> Rows:
        """Every second team of an organization may use what is for its teams only."""
        restricted = {o for o in self._organizations_with_environment() if self._is_restricted(o)}
        for team, organization in enumerate(self.population.organization_of_team):
            if organization in restricted and team % 2 == 0:
                number = self._environment_number(organization)
                environment = self.ids.of(Kind.ENVIRONMENT, number, self.start_ms)
                yield *self._base(Kind.TEAM_PLACE, team), environment, self._team(team)

    def projects(self) -> Rows:
        for number, holding in enumerate(self.population.holdings):
            created = moment(self.project_created_ms(number))
            last = self.summary.last_ms[number]
            yield (
                self.project(number), created, created, f"project-{number}", f"Seeded project {number}",
                self.owner(holding), None if holding.team is None else self._team(holding.team),
                self.ids.user(holding.creator), moment(last) if last else None,
            )  # fmt: skip

    def project(self, number: int) -> str:
        return self.ids.of(Kind.PROJECT, number, self.project_created_ms(number))

    def project_created_ms(self, number: int) -> int:
        """Some days before its first run."""
        return (self.summary.first_ms[number] or self.end_ms) - DAY_MS * (1 + number % 60)

    def owner(self, holding: Holding) -> int:
        if holding.organization is not None:
            return self.ids.organization(holding.organization)
        return self.ids.user(holding.creator)

    def counters(self) -> Rows:
        for number, runs in enumerate(self.summary.runs):
            if runs:
                yield self.project(number), "execution", runs

    def collaborators(self) -> Rows:
        for number, collaboration in enumerate(self.population.collaborations):
            project = self.project(collaboration.project)
            base = self._base(Kind.COLLABORATION, number)
            yield *base, project, self.ids.user(collaboration.user), collaboration.reads_only

    def repositories(self) -> Rows:
        for number in range(0, self.population.sizes.projects, _ONE_REPOSITORY_IN):
            yield self.project(number), f"https://git.example.com/seeded/project-{number}.git"

    def commit_count(self, project: int) -> int:
        return min(_MOST_COMMITS, 1 + self.summary.runs[project] // _RUNS_PER_COMMIT)

    def commit(self, project: int, number: int) -> str:
        return self.ids.of(Kind.COMMIT, project * _MOST_COMMITS + number, self._commit_ms(project, number))

    def _commit_ms(self, project: int, number: int) -> int:
        created = self.project_created_ms(project)
        last = self.summary.last_ms[project] or created
        return created + (last - created) * number // self.commit_count(project)

    def commits(self) -> Rows:
        for project, holding in enumerate(self.population.holdings):
            author = self.username(holding.creator)
            for number in range(self.commit_count(project)):
                when = moment(self._commit_ms(project, number))
                identifier = hashlib.sha1(f"{project} {number}".encode(), usedforsecurity=False).hexdigest()
                is_tip = number == self.commit_count(project) - 1
                yield (
                    self.commit(project, number), when, when, self.project(project), identifier, "main",
                    '["main"]' if is_tip else "[]", when, f"Change {number}", author, YAML, _CONFIG,
                    f"code/seeded/{project}/{identifier}.tar.gz", "0" * 64, 1000,
                )  # fmt: skip

    def stores(self) -> Rows:
        """The first is open to everybody and holds every file; some organizations and projects have one of their own."""
        yield self._store(0, DataStore.AccessMode.PUBLIC, None, None)
        for organization in range(0, self.population.sizes.organizations, _ONE_STORE_IN):
            owner = self.ids.organization(organization)
            yield self._store(1 + organization, DataStore.AccessMode.OWNER_ORGANIZATION, owner, None)
        offset = 1 + self.population.sizes.organizations
        for project in range(0, self.population.sizes.projects, _ONE_PROJECT_STORE_IN):
            owner = self.owner(self.population.holdings[project])
            mode = DataStore.AccessMode.SINGLE_PROJECT
            yield self._store(offset + project, mode, owner, self.project(project))

    def _store(self, number: int, mode: str, owner: int | None, project: str | None) -> tuple[Any, ...]:
        base = self._base(Kind.STORE, number)
        return *base, f"store-{number}", DataStore.Kind.PLATFORM.value, str(mode), owner, project

    @property
    def open_store(self) -> str:
        return self.ids.of(Kind.STORE, 0, self.start_ms)

    def _team(self, number: int) -> str:
        return self.ids.of(Kind.TEAM, number, self.start_ms)

    def _base(self, kind: Kind, number: int) -> tuple[Any, ...]:
        """Id and times of a row that is there from the start."""
        when = moment(self.start_ms)
        return self.ids.of(kind, number, self.start_ms), when, when
