"""Writes of environments, registries and workers. Every function takes keywords and, where somebody acts, the actor."""

from environments.services.environments import (
    create_environment,
    delete_environment,
    ensure_default_environment,
    set_enabled,
    update_environment,
)
from environments.services.provider import check_provider
from environments.services.quotas import set_team_quota, set_team_quotas
from environments.services.registries import create_registry, delete_registry, update_registry
from environments.services.workers import record_worker

__all__ = [
    "check_provider",
    "create_environment",
    "create_registry",
    "delete_environment",
    "delete_registry",
    "ensure_default_environment",
    "record_worker",
    "set_enabled",
    "set_team_quota",
    "set_team_quotas",
    "update_environment",
    "update_registry",
]
