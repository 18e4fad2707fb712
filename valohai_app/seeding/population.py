"""Who belongs where. Few have much and many have little, as in real installations: sizes of organizations, memberships and
the use of projects follow power laws. Things are numbered from 0; the first user has the most memberships, the last has none."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random

OWNER, MEMBER, VIEWER = "owner", "member", "viewer"

_SHARE_WITHOUT_ANYTHING = 0.03
_SHARE_PERSONAL = 0.15
_SHARE_IN_TEAMS = 0.4
_MEMBERS_PER_TEAM = 6
_ROLES = (OWNER, MEMBER, VIEWER)
_ROLE_WEIGHTS = (4, 84, 12)


@dataclass(frozen=True)
class Sizes:
    organizations: int
    users: int
    projects: int
    executions: int
    datums: int = 0
    audit_events: int = 0

    def __post_init__(self) -> None:
        if self.organizations < 1 or self.users < 3 or self.projects < 1:
            raise ValueError("There have to be at least 1 organization, 3 users and 1 project.")
        if min(self.executions, self.datums, self.audit_events) < 0:
            raise ValueError("Numbers cannot be negative.")


FULL = Sizes(
    organizations=1_000, users=20_000, projects=100_000, executions=1_000_000, datums=300_000, audit_events=300_000
)  # fmt: skip
QUICK = Sizes(
    organizations=20, users=400, projects=2_000, executions=20_000, datums=6_000, audit_events=6_000
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Membership:
    organization: int
    user: int
    role: str


@dataclass(frozen=True, slots=True)
class TeamMembership:
    team: int
    user: int
    administers: bool
    reads_only: bool


@dataclass(frozen=True, slots=True)
class Holding:
    """Where a project belongs: to a user, or to an organization and perhaps to a team of it."""

    user: int | None
    organization: int | None
    team: int | None
    creator: int


@dataclass(frozen=True, slots=True)
class Collaboration:
    project: int
    user: int
    reads_only: bool


@dataclass
class Population:
    sizes: Sizes
    strict: frozenset[int]
    """Organizations that require two factors."""
    with_2fa: frozenset[int]
    """Users who have a second factor."""
    memberships: list[Membership] = field(default_factory=list)
    organization_of_team: list[int] = field(default_factory=list)
    team_memberships: list[TeamMembership] = field(default_factory=list)
    holdings: list[Holding] = field(default_factory=list)
    collaborations: list[Collaboration] = field(default_factory=list)

    @property
    def most(self) -> int:
        return 0

    @property
    def none(self) -> int:
        return self.sizes.users - 1

    def median(self) -> int:
        """The user who sees as many projects as half of those who see any at all."""
        reach = self._reach()
        seeing = sorted((seen, user) for user, seen in enumerate(reach) if seen)
        return seeing[len(seeing) // 2][1]

    def _reach(self) -> list[int]:
        """About how many projects each user sees; what they see twice is counted twice."""
        shared = [0] * self.sizes.organizations
        whole = [0] * self.sizes.organizations
        of_team = [0] * len(self.organization_of_team)
        reach = [0] * self.sizes.users
        for holding in self.holdings:
            if holding.user is not None:
                reach[holding.user] += 1
            if holding.organization is not None:
                whole[holding.organization] += 1
                shared[holding.organization] += holding.team is None
            if holding.team is not None:
                of_team[holding.team] += 1
        for member in self.memberships:
            if member.organization not in self.strict or member.user in self.with_2fa:
                reach[member.user] += (whole if member.role == OWNER else shared)[member.organization]
        for teammate in self.team_memberships:
            reach[teammate.user] += of_team[teammate.team]
        for collaboration in self.collaborations:
            reach[collaboration.user] += 1
        return reach


def populate(sizes: Sizes, seed: int) -> Population:
    rng = Random(f"population {seed}")  # noqa: S311  (the same seed makes the same tenants)
    population = Population(
        sizes,
        strict=frozenset(number for number in range(sizes.organizations) if rng.random() < 0.05),
        with_2fa=frozenset(number for number in range(1, sizes.users) if rng.random() < 0.1),
    )
    attraction = list(accumulate((number + 1) ** -0.7 for number in range(sizes.organizations)))
    population.memberships = _memberships(sizes, attraction, rng)
    members = _by_organization(population.memberships, sizes.organizations)
    population.organization_of_team = [
        organization for organization, people in enumerate(members) for _ in range(len(people) // _MEMBERS_PER_TEAM + 1)
    ]  # fmt: skip
    population.team_memberships = _team_memberships(population, rng)
    population.holdings = _holdings(population, members, attraction, rng)
    population.collaborations = _collaborations(sizes, rng)
    return population


def _with_anything(sizes: Sizes) -> int:
    """How many users belong anywhere; the last ones do not."""
    return sizes.users - max(1, int(sizes.users * _SHARE_WITHOUT_ANYTHING))


def _memberships(sizes: Sizes, attraction: Sequence[float], rng: Random) -> list[Membership]:
    """The first user is in a fifth of the organizations, most are in one; large organizations attract more."""
    organizations = range(sizes.organizations)
    members: list[list[int]] = [[] for _ in organizations]
    for user in range(_with_anything(sizes)):
        wanted = min(sizes.organizations, max(1, round(sizes.organizations / 5 / (user + 1) ** 0.6)))
        chosen: set[int] = set()
        if wanted >= sizes.organizations / 50:
            chosen.update(rng.sample(organizations, wanted))
        while len(chosen) < wanted:
            chosen.update(rng.choices(organizations, cum_weights=attraction, k=wanted - len(chosen)))
        for organization in chosen:
            members[organization].append(user)
    return [
        Membership(organization, user, role)
        for organization in organizations
        for user, role in _with_roles(members[organization], sizes, rng)
    ]


def _with_roles(members: Sequence[int], sizes: Sizes, rng: Random) -> list[tuple[int, str]]:
    """Somebody owns the organization, and it is not always the first one."""
    people = list(members) or [rng.randrange(1, _with_anything(sizes))]
    first_owner = rng.randrange(len(people))
    roles = rng.choices(_ROLES, _ROLE_WEIGHTS, k=len(people))
    return [(user, OWNER if place == first_owner else roles[place]) for place, user in enumerate(people)]


def _by_organization(memberships: Sequence[Membership], organizations: int) -> list[list[int]]:
    members: list[list[int]] = [[] for _ in range(organizations)]
    for membership in memberships:
        members[membership.organization].append(membership.user)
    return members


def _teams_by_organization(population: Population) -> list[list[int]]:
    teams: list[list[int]] = [[] for _ in range(population.sizes.organizations)]
    for team, organization in enumerate(population.organization_of_team):
        teams[organization].append(team)
    return teams


def _team_memberships(population: Population, rng: Random) -> list[TeamMembership]:
    """Members are in none, one or a few teams of their organization; the first user is in two to three of each."""
    teams = _teams_by_organization(population)
    found = []
    for membership in population.memberships:
        there = teams[membership.organization]
        wanted = rng.choices((0, 1, 2, 3), (40, 40, 15, 5))[0]
        if membership.user == population.most:
            wanted = rng.choices((2, 3), (50, 50))[0]
        for team in rng.sample(there, min(wanted, len(there))):
            administers, reads_only = rng.random() < 0.1, rng.random() < 0.1
            found.append(TeamMembership(team, membership.user, administers, reads_only))
    return found


def _holdings(
    population: Population, members: list[list[int]], attraction: Sequence[float], rng: Random
) -> list[Holding]:
    sizes = population.sizes
    teams = _teams_by_organization(population)
    diligence = list(accumulate((user + 1) ** -0.5 for user in range(_with_anything(sizes))))
    found: list[Holding] = []
    for _ in range(sizes.projects):
        if rng.random() < _SHARE_PERSONAL:
            user = rng.choices(range(len(diligence)), cum_weights=diligence)[0]
            found.append(Holding(user, None, None, creator=user))
            continue
        organization = rng.choices(range(sizes.organizations), cum_weights=attraction)[0]
        team: int | None = None
        if rng.random() < _SHARE_IN_TEAMS:
            team = rng.choice(teams[organization])
        found.append(Holding(None, organization, team, creator=rng.choice(members[organization])))
    return found


def _collaborations(sizes: Sizes, rng: Random) -> list[Collaboration]:
    """One for every twelve projects; the first user has a few tens of them."""
    users = _with_anything(sizes)
    diligence = list(accumulate((user + 1) ** -0.5 for user in range(users)))
    chosen: set[tuple[int, int]] = set()
    for project in rng.sample(range(sizes.projects), max(1, sizes.projects // 2000)):
        chosen.add((project, 0))
    for _ in range(sizes.projects // 12):
        chosen.add((rng.randrange(sizes.projects), rng.choices(range(users), cum_weights=diligence)[0]))
    return [Collaboration(project, user, rng.random() < 0.3) for project, user in sorted(chosen)]
