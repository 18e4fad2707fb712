"""What the access matrix knows of a route."""

from dataclasses import dataclass, field
from typing import Any

PUBLIC = "public"  # anybody, signed in or not
SIGNED_IN = "signed in"  # anybody with an account; shows nothing of others
PROJECT = "project"  # a stranger gets 404, a read-only collaborator may look, changes need more
PROJECT_SETTINGS = "settings of a project"  # its administrators only
IN_BODY = "in body"  # as `PROJECT`, but the thing is named in the request's body or query
ALIAS = "alias"  # as `PROJECT`, named by an alias
ORGANIZATION = "organization"  # only members find it
ADMINISTERED = (
    "administered"  # a thing of an organization that its owners manage: members get 403, strangers 404
)
OWN = "own"  # a thing of one user, whatever their roles
TOKEN = "token"  # its own credential in the request: a job token or a signed address


@dataclass(frozen=True)
class Route:
    kind: str
    methods: tuple[str, ...] = ("get",)
    body: dict[str, Any] = field(default_factory=dict)
    page: bool = False  # an HTML page sends the anonymous to the login page instead of answering 401
    multipart: bool = False


def page(kind: str, *methods: str) -> Route:
    return Route(kind, methods or ("get",), page=True)


def api(kind: str, *methods: str, **body: Any) -> Route:
    return Route(kind, methods or ("get",), body)


P = "p/<str:owner>/<str:project>/"
JOB = "api/agent/v1/jobs/<uuid:execution_id>/<int:epoch>/"
V0 = "api/v0/"
