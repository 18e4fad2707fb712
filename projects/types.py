"""The vocabulary of projects; no Django."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from projects.models import Commit


class ConfigProblem(TypedDict):
    """Something that is wrong in valohai.yaml; `line` counts from 1, None when no line can be named."""

    line: int | None
    message: str


@dataclass(frozen=True)
class FetchResult:
    """What a fetch brought: commits that are new, newest first, and what went wrong, in words.

    `older_remain` says that more commits of the same references wait to be stored; a background task does that.
    """

    commits: "list[Commit]"
    errors: list[str]
    older_remain: bool = False


class SourceKind(StrEnum):
    """Where executions inherit a variable from, the weakest first."""

    ORGANIZATION = "organization"
    GROUP = "group"
    PROJECT = "project"


@dataclass(frozen=True)
class VariableSource:
    kind: SourceKind
    name: str = ""
    """Of the organization or the group."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" if self.name else str(self.kind)


@dataclass(frozen=True)
class ResolvedVariable:
    """A variable that an execution gets, and where it is from. The value of a secret stays between us and its job."""

    value: str = field(repr=False)
    secret: bool
    source: VariableSource
