"""What the access matrix knows of a route, and the small table of who gets what from each kind of route."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

PUBLIC = "public"  # anybody, signed in or not
SIGNED_IN = "signed in"  # anybody with an account; shows nothing of others
PROJECT = "project"  # whoever sees the project looks, whoever works in it changes
PROJECT_WORK = "work in a project"  # to look, too, one has to work in the project
PROJECT_ADMINISTRATION = "administration of a project"  # whoever sees it looks, its administrators change
PROJECT_SETTINGS = "settings of a project"  # its administrators only
IN_BODY = "in body"  # as `PROJECT`, but the thing is named in the request's body or query
READ_IN_BODY = "read in body"  # the same, and it changes nothing, whatever the method
ALIAS = "alias"  # as `PROJECT`, named by an alias
ORGANIZATION = "organization"  # its members look, its owners change
USABLE = "usable"  # an environment: whoever runs something there looks, the owners of the organization change
USABLE_ADMINISTERED = "administered, usable"  # what only its owners see and change of an environment
ADMINISTERED = (
    "administered"  # a thing of an organization that its owners manage: members get 403, strangers 404
)
OWN = "own"  # a thing of one user, whatever their roles
TOKEN = "token"  # its own credential in the request: a job token or a signed address


class Level(IntEnum):
    """How much somebody may do with a thing. Nothing: it does not exist for them."""

    NOTHING = 0
    LOOK = 1
    WORK = 2
    ADMINISTER = 3


# Kind of route -> what one needs to look, and what to change. Who sees the thing but has less than that gets 403.
NEEDED = {
    PROJECT: (Level.LOOK, Level.WORK),
    PROJECT_WORK: (Level.WORK, Level.WORK),
    PROJECT_ADMINISTRATION: (Level.LOOK, Level.ADMINISTER),
    PROJECT_SETTINGS: (Level.ADMINISTER, Level.ADMINISTER),
    IN_BODY: (Level.LOOK, Level.WORK),
    READ_IN_BODY: (Level.LOOK, Level.LOOK),
    ALIAS: (Level.LOOK, Level.WORK),
    ORGANIZATION: (Level.LOOK, Level.ADMINISTER),
    ADMINISTERED: (Level.ADMINISTER, Level.ADMINISTER),
}
OF_PROJECT = frozenset(
    {PROJECT, PROJECT_WORK, PROJECT_ADMINISTRATION, PROJECT_SETTINGS, IN_BODY, READ_IN_BODY, ALIAS}
)
OF_ORGANIZATION = frozenset({ORGANIZATION, USABLE, USABLE_ADMINISTERED, ADMINISTERED})
SAFE = frozenset({"get", "head", "options"})


@dataclass(frozen=True)
class Route:
    kind: str
    methods: tuple[str, ...] = ("get",)
    body: dict[str, Any] = field(default_factory=dict)
    page: bool = False  # an HTML page sends the anonymous to the login page instead of answering 401
    multipart: bool = False
    full_access: bool = False  # a token that may only read is refused, though the method is a safe one

    @property
    def names_something(self) -> bool:
        """Whether it is about a thing that is not there for everybody."""
        return self.kind in OF_PROJECT | OF_ORGANIZATION | {OWN}


def page(kind: str, *methods: str, **body: Any) -> Route:
    return Route(kind, methods or ("get",), body, page=True)


def api(kind: str, *methods: str, **body: Any) -> Route:
    return Route(kind, methods or ("get",), body)


P = "p/<str:owner>/<str:project>/"
JOB = "api/agent/v1/jobs/<uuid:execution_id>/<int:epoch>/"
V0 = "api/v0/"
