"""Small made-up worlds for the oracle, and their rows in the database."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from hypothesis import strategies as st

from accounts.models import Owner, TotpDevice, User
from common import clock
from datastores.models import DataStore, Datum, DatumAlias
from environments.models import Environment, RegistryCredentials, TeamPlace
from executions.models import Execution
from organizations.models import Organization, OrganizationMembership, Team, TeamMembership
from projects.models import Commit, Project, ProjectCollaborator
from tests.access.oracle import Company, Crew, Facts, Flags, Machine, Person, Store, Work

PEOPLE, COMPANIES, CREWS, WORKS, STORES, MACHINES = 5, 2, 3, 5, 5, 6
Mode = DataStore.AccessMode
MODES = {
    "everybody": Mode.PUBLIC,
    "project": Mode.SINGLE_PROJECT,
    "company": Mode.OWNER_ORGANIZATION,
    "crews": Mode.TEAMS,
}


@st.composite
def worlds(draw: st.DrawFn) -> Facts:
    """As the product's services leave them: teams have members of their organization, and give what is the organization's."""
    people = [draw(_person(number)) for number in range(PEOPLE)]
    companies = [draw(_company(number, people)) for number in range(COMPANIES)]
    crews = [draw(_crew(number, companies[number % COMPANIES])) for number in range(CREWS)]
    works = [draw(_work(number, people, companies, crews)) for number in range(WORKS)]
    stores = [draw(_store(number, people, companies, crews, works)) for number in range(STORES)]
    machines = [draw(_machine(number, people, companies, crews)) for number in range(MACHINES)]
    return Facts(people, companies, crews, works, stores, machines)


@st.composite
def _person(draw: st.DrawFn, number: int) -> Person:
    """The first is an ordinary user."""
    kind = draw(st.sampled_from(["plain", "plain", "plain", "superuser", "disabled"])) if number else "plain"
    return Person(f"person{number}", kind != "disabled", kind == "superuser", draw(st.booleans()))


@st.composite
def _company(draw: st.DrawFn, number: int, people: list[Person]) -> Company:
    roles = {
        person: draw(st.sampled_from(["", "", "member", "member", "viewer", "owner"])) for person in people
    }
    return Company(
        f"company{number}",
        draw(st.booleans()),
        draw(st.booleans()),
        {person: role for person, role in roles.items() if role},
    )


@st.composite
def _crew(draw: st.DrawFn, number: int, company: Company) -> Crew:
    flags = st.none() | st.builds(Flags, st.booleans(), st.booleans())
    drawn = {person: draw(flags) for person in company.roles}
    return Crew(f"crew{number}", company, {person: its for person, its in drawn.items() if its is not None})


@st.composite
def _work(
    draw: st.DrawFn, number: int, people: list[Person], companies: list[Company], crews: list[Crew]
) -> Work:
    owner = draw(st.sampled_from([*people, *companies, *companies, *crews, *crews]))
    collaborators = {person: draw(st.sampled_from([None, None, True, False])) for person in people}
    return Work(
        f"work{number}",
        owner.company if isinstance(owner, Crew) else owner,
        owner if isinstance(owner, Crew) else None,
        draw(st.none() | st.sampled_from(people)),
        {person: looks for person, looks in collaborators.items() if looks is not None},
    )


@st.composite
def _store(
    draw: st.DrawFn,
    number: int,
    people: list[Person],
    companies: list[Company],
    crews: list[Crew],
    works: list[Work],
) -> Store:
    name, reach = (
        f"store{number}",
        draw(st.sampled_from(["everybody", "project", "project", "company", "crews"])),
    )
    anybody = st.sampled_from([*people, *companies])
    if reach == "project":
        # The owner is whoever owned the project when the store came; it may have gone to somebody else since.
        return Store(name, reach, draw(anybody), draw(st.sampled_from(works)))
    if reach == "crews":
        company = draw(st.sampled_from(companies))
        own = [crew for crew in crews if crew.company is company]
        return Store(name, reach, company, crews=draw(st.frozensets(st.sampled_from(own))))
    return Store(name, reach, draw(anybody))


@st.composite
def _machine(
    draw: st.DrawFn, number: int, people: list[Person], companies: list[Company], crews: list[Crew]
) -> Machine:
    owner = draw(st.none() | st.sampled_from([*companies, *companies, *people]))
    machine = Machine(
        f"machine{number}", owner, draw(st.sampled_from([True, True, True, False])), draw(st.booleans())
    )
    if isinstance(owner, Company):
        own = [crew for crew in crews if crew.company is owner]
        members = [person for person in people if person in owner.roles]
        closed = draw(st.sampled_from(["", "", "crew", "member"]))
        machine.only_crew = draw(st.sampled_from(own)) if closed == "crew" else None
        machine.only_member = draw(st.sampled_from(members)) if closed == "member" and members else None
        machine.needs_place = draw(st.booleans())
        for crew in own:
            if draw(st.booleans()):
                machine.places[crew] = draw(st.sampled_from([None, 0, 2]))
    return machine


@dataclass
class Rows:
    """By what they stand for."""

    users: dict[Person, User]
    organizations: dict[Company, Organization]
    teams: dict[Crew, Team]
    projects: dict[Work, Project]
    inside: dict[type[Model], dict[Any, Work]]
    """Of each model whose rows are in projects: id -> project. One row in each."""
    stores: dict[Store, DataStore]
    environments: dict[Machine, Environment]
    registries: dict[Company, RegistryCredentials]


def rows_of(facts: Facts) -> Rows:
    """In few statements: there are many worlds."""
    owners = _owners(facts)
    users = _users(facts, owners)
    organizations = _organizations(facts, owners, users)
    teams = _teams(facts, organizations, users)
    projects = _projects(facts, owners, teams, users)
    stores = _stores(facts, owners, projects, teams)
    environments = _environments(facts, owners, teams, users)
    registries = _made(
        RegistryCredentials,
        {
            c: {"owner": owners[c], "kind": "docker", "image_pattern": "docker.io/acme/*"}
            for c in facts.companies
        },
    )
    inside = _in_projects(projects, next(iter(stores.values())), next(iter(environments.values())))
    return Rows(users, organizations, teams, projects, inside, stores, environments, registries)


def _made(model: type[Any], wanted: Mapping[Any, Mapping[str, Any]]) -> dict[Any, Any]:
    made = model.objects.bulk_create(model(**fields) for fields in wanted.values())
    return dict(zip(wanted, made, strict=True))


def _owners(facts: Facts) -> dict[Person | Company | None, Owner]:
    kinds = {Person: Owner.Kind.USER, Company: Owner.Kind.ORGANIZATION}
    everybody: list[Person | Company] = [*facts.people, *facts.companies]
    return _made(Owner, {owner: {"name": owner.name, "kind": kinds[type(owner)]} for owner in everybody})


def _users(facts: Facts, owners: Mapping[Any, Owner]) -> dict[Person, User]:
    users: dict[Person, User] = _made(
        User,
        {
            person: {
                "owner": owners[person],
                "username": person.name,
                "password": "!",
                "is_active": person.active,
                "is_superuser": person.superuser,
            }
            for person in facts.people
        },
    )
    # Whoever has none began to set one up, which counts for nothing.
    TotpDevice.objects.bulk_create(
        TotpDevice(user=user, seed="seed", confirmed_at=clock.now() if person.second_factor else None)
        for person, user in users.items()
    )
    return users


def _organizations(
    facts: Facts, owners: Mapping[Any, Owner], users: Mapping[Person, User]
) -> dict[Company, Organization]:
    organizations: dict[Company, Organization] = _made(
        Organization,
        {
            company: {
                "owner": owners[company],
                "require_2fa": company.wants_second_factor,
                "forbid_public_stores": company.forbids_public_stores,
            }
            for company in facts.companies
        },
    )
    OrganizationMembership.objects.bulk_create(
        OrganizationMembership(organization=organization, user=users[person], role=role)
        for company, organization in organizations.items()
        for person, role in company.roles.items()
    )
    return organizations


def _teams(
    facts: Facts, organizations: Mapping[Company, Organization], users: Mapping[Person, User]
) -> dict[Crew, Team]:
    wanted = {crew: {"organization": organizations[crew.company], "name": crew.name} for crew in facts.crews}
    teams: dict[Crew, Team] = _made(Team, wanted)
    TeamMembership.objects.bulk_create(
        TeamMembership(
            team=team,
            user=users[person],
            allow_project_administration=flags.administers,
            is_read_only=flags.reads_only,
        )
        for crew, team in teams.items()
        for person, flags in crew.members.items()
    )
    return teams


def _projects(
    facts: Facts, owners: Mapping[Any, Owner], teams: Mapping[Crew, Team], users: Mapping[Person, User]
) -> dict[Work, Project]:
    projects: dict[Work, Project] = _made(
        Project,
        {
            work: {
                "name": work.name,
                "owner": owners[work.owner],
                "team": teams[work.crew] if work.crew else None,
                "creator": users[work.maker] if work.maker else None,
            }
            for work in facts.works
        },
    )
    ProjectCollaborator.objects.bulk_create(
        ProjectCollaborator(project=project, user=users[person], is_read_only=looks)
        for work, project in projects.items()
        for person, looks in work.collaborators.items()
    )
    return projects


def _stores(
    facts: Facts,
    owners: Mapping[Any, Owner],
    projects: Mapping[Work, Project],
    teams: Mapping[Crew, Team],
) -> dict[Store, DataStore]:
    stores: dict[Store, DataStore] = _made(
        DataStore,
        {
            store: {
                "name": store.name,
                "kind": DataStore.Kind.S3,
                "access_mode": MODES[store.reach],
                "owner": owners[store.owner] if store.owner else None,
                "project": projects[store.project] if store.project else None,
            }
            for store in facts.stores
        },
    )
    through = DataStore.teams.through
    through.objects.bulk_create(
        through(datastore=row, team=teams[crew]) for store, row in stores.items() for crew in store.crews
    )
    return stores


def _environments(
    facts: Facts, owners: Mapping[Any, Owner], teams: Mapping[Crew, Team], users: Mapping[Person, User]
) -> dict[Machine, Environment]:
    environments: dict[Machine, Environment] = _made(
        Environment,
        {
            machine: {
                "slug": machine.name,
                "name": machine.name,
                "queue_name": machine.name,
                "owner": owners[machine.owner] if machine.owner else None,
                "enabled": machine.enabled,
                "allow_personal_usage": machine.personal,
                "team": teams[machine.only_crew] if machine.only_crew else None,
                "member": users[machine.only_member] if machine.only_member else None,
                "restricted_to_teams": machine.needs_place,
            }
            for machine in facts.machines
        },
    )
    TeamPlace.objects.bulk_create(
        TeamPlace(environment=environment, team=teams[crew], max_running=quota)
        for machine, environment in environments.items()
        for crew, quota in machine.places.items()
    )
    return environments


def _in_projects(
    projects: Mapping[Work, Project], store: DataStore, environment: Environment
) -> dict[type[Model], dict[Any, Work]]:
    """A commit, an execution, a file and an alias in each."""
    now = clock.now()
    shared = {work: {"project": project} for work, project in projects.items()}
    archive = {"archive_key": "code", "archive_sha256": "0" * 64, "archive_size_bytes": 1}
    commits = _made(
        Commit,
        {
            w: {**f, "identifier": "1" * 40, "ref": "main", "committed_at": now, **archive}
            for w, f in shared.items()
        },
    )
    run = {"counter": 1, "environment": environment, "step": "train", "image": "image", "command": "command"}
    executions = _made(Execution, {w: {**f, **run, "commit": commits[w]} for w, f in shared.items()})
    file = {"store": store, "name": "file", "key": "key", "stored_at": now}
    datums = _made(Datum, {w: {**f, **file} for w, f in shared.items()})
    aliases = _made(DatumAlias, {w: {**f, "name": "best", "datum": datums[w]} for w, f in shared.items()})
    return {
        model: {row.pk: work for work, row in made.items()}
        for model, made in (
            (Commit, commits),
            (Execution, executions),
            (Datum, datums),
            (DatumAlias, aliases),
        )
    }
