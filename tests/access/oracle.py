"""Who may see and do what, written down a second time: plain Python over plain facts, from the issue's words.

Nothing here knows the product or the database. One question is answered at a time, for one person and one thing, with no thought for
speed; `test_oracle` compares that with what the product's filters keep, for every person and thing of small made-up worlds.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

VIEW, RUN, EDIT, ADMINISTER = "view", "run", "edit", "administer"
NOTHING: frozenset[str] = frozenset()
LOOKING = frozenset({VIEW})
WORKING = frozenset({VIEW, RUN, EDIT})
EVERYTHING = frozenset({VIEW, RUN, EDIT, ADMINISTER})


class Named:
    """A thing that others name; what it is itself, `Facts` shows."""

    name: str

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False, repr=False)
class Person(Named):
    name: str
    active: bool = True
    superuser: bool = False
    second_factor: bool = False


@dataclass(eq=False, repr=False)
class Company(Named):
    """An organization."""

    name: str
    wants_second_factor: bool = False
    forbids_public_stores: bool = False
    roles: dict[Person, str] = field(default_factory=dict)
    """"owner", "member" or "viewer"."""


@dataclass(frozen=True)
class Flags:
    administers: bool = False
    reads_only: bool = False


@dataclass(eq=False, repr=False)
class Crew(Named):
    """A team."""

    name: str
    company: Company
    members: dict[Person, Flags] = field(default_factory=dict)


@dataclass(eq=False, repr=False)
class Work(Named):
    """A project; `crew` is one of the company that owns it."""

    name: str
    owner: Person | Company
    crew: Crew | None = None
    maker: Person | None = None
    collaborators: dict[Person, bool] = field(default_factory=dict)
    """True: may only look."""


@dataclass(eq=False, repr=False)
class Store(Named):
    name: str
    reach: str
    """"everybody", "project", "company" or "crews"."""
    owner: Person | Company | None = None
    project: Work | None = None
    crews: frozenset[Crew] = frozenset()


@dataclass(eq=False, repr=False)
class Machine(Named):
    """An environment."""

    name: str
    owner: Person | Company | None = None
    enabled: bool = True
    personal: bool = True
    only_crew: Crew | None = None
    only_member: Person | None = None
    needs_place: bool = False
    places: dict[Crew, int | None] = field(default_factory=dict)
    """How many runs at once; None: as many as they like."""


@dataclass(repr=False)
class Facts:
    people: list[Person]
    companies: list[Company]
    crews: list[Crew]
    works: list[Work]
    stores: list[Store]
    machines: list[Machine]

    def __repr__(self) -> str:
        return "\n".join(str(vars(thing)) for things in vars(self).values() for thing in things)


def role_of(person: Person, company: Company) -> str | None:
    """The role, unless the company's rule of the second factor shuts it."""
    return company.roles.get(person) if is_let_in(person, company) else None


def flags_of(person: Person, crew: Crew) -> Flags | None:
    return crew.members.get(person) if is_let_in(person, crew.company) else None


def is_let_in(person: Person, owner: Person | Company) -> bool:
    if not person.active:
        return False
    return isinstance(owner, Person) or not owner.wants_second_factor or person.second_factor


def rights(person: Person, work: Work) -> frozenset[str]:
    """In a project. Rights add up."""
    if not person.active:
        return NOTHING
    if person.superuser or work.owner is person:
        return EVERYTHING
    everything: frozenset[str] = NOTHING.union(*grants(person, work))
    is_member = isinstance(work.owner, Company) and role_of(person, work.owner) is not None
    return EVERYTHING if is_member and work.maker is person and RUN in everything else everything


def grants(person: Person, work: Work) -> Iterator[frozenset[str]]:
    if not is_let_in(person, work.owner):
        return
    if person in work.collaborators:
        yield LOOKING if work.collaborators[person] else WORKING
    if isinstance(work.owner, Person):
        return
    role = role_of(person, work.owner)
    if role == "owner":
        yield EVERYTHING
    if work.crew is None:
        yield {"member": WORKING, "viewer": LOOKING}.get(role or "", NOTHING)
        return
    flags = flags_of(person, work.crew)
    if flags is not None:
        yield EVERYTHING if flags.administers else LOOKING if flags.reads_only else WORKING


def rights_in(person: Person, company: Company) -> frozenset[str]:
    """In the organization itself."""
    if person.active and person.superuser:
        return EVERYTHING
    role = role_of(person, company)
    return {"owner": EVERYTHING, "member": WORKING, "viewer": LOOKING}.get(role or "", NOTHING)


def sees_store(person: Person, store: Store) -> bool:
    """A project's store is the project's, whoever owned that before."""
    if not person.active:
        return False
    if person.superuser or store.reach == "everybody":
        return True
    if store.project is not None:
        return VIEW in rights(person, store.project)
    if isinstance(store.owner, Person):
        return store.owner is person
    if store.owner is None:
        return False
    if role_of(person, store.owner) == "owner":
        return True
    if store.reach == "crews":
        return any(flags_of(person, crew) is not None for crew in store.crews)
    return role_of(person, store.owner) is not None


def reads_store(work: Work, store: Store) -> bool:
    """Whether the runs of a project may use files of the store."""
    if store.reach == "everybody":
        return isinstance(work.owner, Person) or not work.owner.forbids_public_stores
    if store.project is not None:
        return store.project is work
    if store.reach == "crews":
        return work.crew in store.crews
    return store.owner is work.owner


def runs_on(person: Person, work: Work, machine: Machine) -> bool:
    """Whether somebody who may run in the project may do so there."""
    if not machine.enabled:
        return False
    is_personal = isinstance(work.owner, Person)
    if machine.owner is None and is_personal and not machine.personal:
        return False
    if isinstance(machine.owner, Person) and machine.owner not in (person, work.owner):
        return False
    if isinstance(machine.owner, Company) and machine.owner is not work.owner:
        works_there = role_of(person, machine.owner) in ("owner", "member")
        if not (is_personal and machine.personal and works_there):
            return False
    if machine.only_member not in (None, person):
        return False
    if machine.only_crew is not None and not counts(person, work, machine.only_crew):
        return False
    quotas = [quota for crew, quota in machine.places.items() if counts(person, work, crew)]
    if machine.needs_place and machine.only_crew is None and not quotas:
        return False
    return not quotas or any(quota != 0 for quota in quotas)


def counts(person: Person, work: Work, crew: Crew) -> bool:
    """Whether a run of the person in the project is one of the team: of the project's team, whoever runs; where the project
    has none, of each of the person's own, of the owner's teams if that is an organization."""
    if work.crew is not None:
        return crew is work.crew
    if isinstance(work.owner, Company) and crew.company is not work.owner:
        return False
    return flags_of(person, crew) is not None


def may_ever_run_on(person: Person, machine: Machine, works: list[Work]) -> bool:
    """Whether there is anything that leads the person to the environment: it is for everybody, theirs, of an organization where
    they have any role that counts, or of the owner of a project where they may run."""
    if not person.active:
        return False
    if person.superuser or machine.owner is None or machine.owner is person:
        return True
    if isinstance(machine.owner, Company) and role_of(person, machine.owner) is not None:
        return True
    return any(work.owner is machine.owner and RUN in rights(person, work) for work in works)
