"""What somebody would send to find out about another organization, by the name of the field or query."""

import re
from typing import Any
from uuid import UUID

from tests.access.tenant import Tenant

NO_ID = UUID("01980000-0000-7000-8000-00000000dead")
NO_NUMBER = 987_654_321
NO_COMMIT = "0123456789" * 4


def guesses(name: str, tenant: Tenant) -> list[Any]:
    """Values that name something of `tenant`, for a field or query of this name; some of everything where it says nothing."""
    known = _by_name(tenant)
    fitting = [value for part, values in known.items() if part in name.lower() for value in values]
    return fitting or [known["project"][0], known["organization"][1]]


def _by_name(tenant: Tenant) -> dict[str, list[Any]]:
    owner, project, commit = tenant.owner, tenant.project, tenant.commit
    people = [owner.pk, owner.username]
    commits = [commit.identifier, commit.pk]
    organizations = [tenant.organization.pk, tenant.organization.name]
    texts = [
        tenant.execution.title,
        tenant.execution.tags[0],
        project.name,
        tenant.datum.name,
        commit.identifier,
    ]
    return {
        "project": [project.pk, tenant.shared_project.pk, project.full_name],
        "commit": commits,
        "ref": commits,
        "identifier": commits,
        "from": [tenant.execution.pk],
        "execution": [tenant.execution.pk],
        "ids": [tenant.execution.pk],
        "environment": [tenant.environment.slug, tenant.environment.pk],
        "owner": [*organizations, f"{tenant.organization.name}:{tenant.team.name}"],
        "organization": organizations,
        "team": [tenant.team.pk, tenant.team.name],
        "store": [tenant.store.pk, tenant.store.name],
        "datum": [tenant.datum.pk],
        "input": [
            f"datum://{tenant.datum.pk}",
            f"datum://{tenant.alias.name}",
            f"dataset://{tenant.dataset.name}/latest",
        ],
        "dataset": [tenant.dataset.pk, tenant.dataset.name],
        "version": [tenant.version.pk, f"dataset://{tenant.dataset.name}/{tenant.version.name}"],
        "base": [tenant.version.pk, f"dataset://{tenant.dataset.name}/{tenant.version.name}"],
        "files": [tenant.datum.pk],
        "alias": [tenant.alias.name, tenant.alias.pk],
        "group": [tenant.group.pk, tenant.group.name],
        "repository": [tenant.repository.pk],
        "creator": people,
        "user": people,
        "member": people,
        "actor": people,
        "mail": [owner.email, tenant.invitation.email],
        "name": [*texts, tenant.environment.name],
        "search": texts,
        "text": texts,
        "title": texts,
        "tag": texts,
        "sort": ["creator__email", "-project__owner__user__password"],
        "order": ["creator__email", "-project__owner__user__password"],
    }


def nothing_like(value: Any) -> Any:
    """Something of the same form that names nothing."""
    if isinstance(value, int):
        return NO_NUMBER
    text = str(value)
    if text.isdigit():
        return str(NO_NUMBER)
    if re.fullmatch(r"[0-9a-f]{40}", text):
        return NO_COMMIT
    text, ids = re.subn(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", str(NO_ID), text)
    # Of organization:team, owner/project and datum://alias the last part is what names nothing.
    return text if ids else re.sub(r"[a-z](?=[\w.-]*$)", "q", text, count=1)
