"""Where executions are shown, for pages of lower apps that only know their ids."""

from collections.abc import Collection

from django.urls import reverse

from accounts.models import User
from environments.web.jobs import JobLink
from executions.models import Execution
from organizations.access import visible_to


def links_of_jobs(user: User, jobs: Collection[str]) -> dict[str, JobLink]:
    """Of those that the user may see; one query."""
    if not jobs:
        return {}
    rows = Execution.objects.filter(visible_to(user, via="project"), pk__in=jobs, deleted_at__isnull=True)
    found = rows.select_related("project__owner").only("counter", "project__name", "project__owner__name")
    return {
        str(execution.pk): JobLink(
            f"{execution.project.owner.name}/{execution.project.name} #{execution.counter}",
            reverse("execution", args=[execution.project.owner.name, execution.project.name, execution.pk]),
        )
        for execution in found
    }
