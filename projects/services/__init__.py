"""Writes of projects. Every function takes keywords and the actor, and refuses what the actor may not do."""

from projects.services.groups import (
    create_group,
    delete_group,
    delete_group_variable,
    set_group_variable,
    update_group,
)
from projects.services.organization_variables import delete_organization_variable, set_organization_variable
from projects.services.packages import import_package
from projects.services.projects import create_project, delete_project, next_counter, update_project
from projects.services.repositories import (
    fetch_repository,
    forget_known_hosts,
    generate_deploy_key,
    set_repository,
)
from projects.services.variables import delete_variable, set_variable

__all__ = [
    "create_group",
    "create_project",
    "delete_group",
    "delete_group_variable",
    "delete_organization_variable",
    "delete_project",
    "delete_variable",
    "fetch_repository",
    "forget_known_hosts",
    "generate_deploy_key",
    "import_package",
    "next_counter",
    "set_group_variable",
    "set_organization_variable",
    "set_repository",
    "set_variable",
    "update_group",
    "update_project",
]
