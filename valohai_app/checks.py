"""Checks of the settings, run by `manage.py check` and before every command: what is wrong, and what to do.

`platform.E...` stops the process, `platform.W...` is printed.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Warning

SHORTEST_SECRET_KEY = 32


def register() -> None:
    for check in (
        check_secret_key,
        check_redis_url,
        check_url_base,
        check_storage,
        check_leases,
        check_debug,
        check_organization_creation,
        check_automatic_acceptance,
        check_secrets_keys,
        check_address_in_letters,
    ):
        checks.register(check, "platform")


def check_secret_key(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if len(settings.SECRET_KEY) >= SHORTEST_SECRET_KEY:
        return []
    return [
        Warning(
            f"SECRET_KEY is shorter than {SHORTEST_SECRET_KEY} characters; sessions and job tokens can be guessed.",
            hint="Set it to a long random text, for example the output of `openssl rand -base64 48`. "
            "Keep the old one in SECRETS_KEYS, behind the new one, so that stored secrets stay readable.",
            id="platform.W001",
        )
    ]


def check_redis_url(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if urlsplit(settings.REDIS_URL).scheme in {"redis", "rediss", "unix"}:
        return []
    return [
        Error(
            "REDIS_URL does not name a Redis server.",
            hint="Set it to redis://host:6379/0, rediss://... for TLS or unix:///path/to/socket. "
            "To run with an embedded one, start the platform with script/server.",
            id="platform.E002",
        )
    ]


def check_url_base(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    parts = urlsplit(settings.URL_BASE)
    if not settings.URL_BASE or (parts.scheme in {"http", "https"} and parts.netloc and not parts.path):
        return []
    return [
        Error(
            f"URL_BASE is {settings.URL_BASE!r}, which is not the origin of a web site.",
            hint="Give scheme and host and nothing behind them, for example https://mlops.example.com.",
            id="platform.E003",
        )
    ]


def check_storage(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    options = settings.STORAGES["default"].get("OPTIONS", {})
    if "location" in options:
        return _check_folder(Path(options["location"]))
    for option, variable in _BUCKETS.items():
        if option in options and not options[option]:
            return [
                Error(
                    f"MAIN_STORAGE_TYPE asks for object storage, but {variable} is empty.",
                    hint=f"Set {variable} to the name of the bucket or container.",
                    id="platform.E004",
                )
            ]
    return []


_BUCKETS = {
    "bucket_name": "AWS_S3_BUCKET_NAME or GS_BUCKET_NAME",
    "azure_container": "AZURE_CONTAINER",
}


def _check_folder(folder: Path) -> list[CheckMessage]:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return []
    return [
        Error(
            f"The storage folder {folder} cannot be written.",
            hint=f"Give this process's account the right to write in {existing}, "
            "or name another folder in STORAGE_DIR or DATA_DIR.",
            id="platform.E005",
        )
    ]


def check_leases(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if settings.LEASE_SECONDS >= 3 * settings.HEARTBEAT_SECONDS > 0:
        return []
    return [
        Error(
            f"LEASE_SECONDS is {settings.LEASE_SECONDS} with HEARTBEAT_SECONDS {settings.HEARTBEAT_SECONDS}: "
            "one late heartbeat would end healthy jobs.",
            hint="Make LEASE_SECONDS at least three times HEARTBEAT_SECONDS.",
            id="platform.E006",
        )
    ]


def check_debug(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if not settings.DEBUG:
        return []
    return [
        Warning(
            "DEBUG is on: error pages show settings and code to whoever causes an error.",
            hint="Unset DEBUG on every installation that others can reach.",
            id="platform.W007",
        )
    ]


def check_organization_creation(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if settings.ORGANIZATION_CREATION in {"everyone", "superusers"}:
        return []
    return [
        Error(
            f"ORGANIZATION_CREATION is {settings.ORGANIZATION_CREATION!r}.",
            hint="Use everyone, or superusers to let only them create organizations.",
            id="platform.E020",
        )
    ]


def check_automatic_acceptance(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if settings.AUTOMATIC_ACCEPTANCE in {"owners", "superusers"}:
        return []
    return [
        Error(
            f"AUTOMATIC_ACCEPTANCE is {settings.AUTOMATIC_ACCEPTANCE!r}.",
            hint="Use owners, or superusers to let only them switch automatic acceptance of invitations on.",
            id="platform.E023",
        )
    ]


def check_secrets_keys(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Only where others reach the installation: to try it, one key is enough."""
    if not settings.URL_BASE.startswith("https://") or settings.SECRET_KEY not in settings.SECRETS_KEYS[:1]:
        return []
    return [
        Warning(
            "Secrets in the database are encrypted with SECRET_KEY, which also signs sessions and addresses: neither can be "
            "changed without the other.",
            hint="Put a key of their own in front: SECRETS_KEYS=<new key>,<SECRET_KEY>. Then run `manage.py rotate_secrets`.",
            id="platform.W008",
        )
    ]


def check_address_in_letters(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if settings.URL_BASE or "*" not in settings.ALLOWED_HOSTS or "smtp" not in settings.EMAIL_BACKEND:
        return []
    return [
        Warning(
            "Letters are sent by a mail server, but the platform does not know its own address: letters with links are refused.",
            hint="Set URL_BASE to the public origin, for example https://mlops.example.com.",
            id="platform.W009",
        )
    ]
