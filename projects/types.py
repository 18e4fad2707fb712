"""The vocabulary of projects; no Django."""

from dataclasses import dataclass
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
