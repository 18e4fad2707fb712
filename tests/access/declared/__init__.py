"""The table of the access matrix: every route of the installation, a module per app."""

from tests.access.declared import (
    accounts,
    common,
    datastores,
    environments,
    executions,
    organizations,
    projects,
)
from tests.access.declared.route import Route

TABLE: dict[str, Route] = {
    **accounts.ROUTES,
    **common.ROUTES,
    **organizations.ROUTES,
    **projects.ROUTES,
    **environments.ROUTES,
    **datastores.ROUTES,
    **executions.ROUTES,
}
