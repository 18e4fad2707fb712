"""What `manage.py check` says about workers' access to Redis."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import redis
from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Warning

from environments.enrolment import redis_users


def register() -> None:
    for check in (check_redis_makes_users, check_workers_reach_redis):
        checks.register(check, "platform", deploy=True)


def check_redis_makes_users(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Asks Redis, so that it is one of the checks for `manage.py check --deploy`."""
    try:
        if redis_users.are_possible():
            return []
    except redis.RedisError:
        return []  # /readyz says that it is away
    return [
        Warning(
            "Redis lets the platform make no users: enrolled workers share the platform's own address and password, and one "
            "queue's worker could read another queue's jobs.",
            hint="Give the platform's user of Redis the right to ACL SETUSER, DELUSER and USERS; see docs/operations/workers.md.",
            id="environments.W001",
        )
    ]


def check_workers_reach_redis(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if urlsplit(settings.WORKER_REDIS_URL).scheme != "unix":
        return []
    return [
        Warning(
            "Redis listens on a socket of this machine: workers on other machines cannot reach it.",
            hint="Use a Redis of your own (REDIS_URL), and set WORKER_REDIS_URL where its address is another one for workers.",
            id="environments.W002",
        )
    ]
