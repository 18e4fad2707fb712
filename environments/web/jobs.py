"""What runs on machines belongs to a higher app, which says where its pages are."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from accounts.models import User


@dataclass(frozen=True)
class JobLink:
    label: str
    url: str


job_links: list[Callable[[User, Collection[str]], dict[str, JobLink]]] = []
"""Given ids of jobs, those that the user may see."""


def links_of(user: User, jobs: Collection[str]) -> dict[str, JobLink]:
    found: dict[str, JobLink] = {}
    for links in job_links:
        found |= links(user, jobs)
    return found
