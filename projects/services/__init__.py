"""Writes of projects. Every function takes keywords and the actor, and refuses what the actor may not do."""

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
    "create_project",
    "delete_project",
    "delete_variable",
    "fetch_repository",
    "forget_known_hosts",
    "generate_deploy_key",
    "import_package",
    "next_counter",
    "set_repository",
    "set_variable",
    "update_project",
]
