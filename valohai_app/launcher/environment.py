"""The environment variables of the platform's processes, and the secrets that are made once."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from common.agent_environment import outside_virtual_environment
from valohai_app.launcher.folders import DataFolder

NOT_FOR_THE_AGENT = (
    "SECRET_KEY", "SECRETS_KEYS", "DATABASE_URL", "AWS_SECRET_ACCESS_KEY", "AZURE_ACCOUNT_KEY",
    "GOOGLE_APPLICATION_CREDENTIALS", "CELERY_BROKER",
)  # fmt: skip
"""Jobs run beside the agent and may read its environment."""


def platform_environment(folder: DataFolder, given: Mapping[str, str], app_url: str = "") -> dict[str, str]:
    """What the launcher adds to the environment that it was started with; whatever the user set stays."""
    defaults = {
        "DJANGO_SETTINGS_MODULE": "valohai_app.settings",
        "DATA_DIR": str(folder.root),
        "ALLOW_LOCAL_REPOSITORIES": "true",
        "AGENT_APP_URL": app_url,
        **_stored_secrets(folder.root / "secrets.json"),
    }
    missing = {
        name: value for name, value in defaults.items() if not (given.get(name) or given.get(f"{name}_FILE"))
    }
    roots = [given.get("LOCAL_REPOSITORY_ROOTS", ""), str(folder.example_repository)]
    return {**missing, "LOCAL_REPOSITORY_ROOTS": ",".join(root for root in roots if root)}


def agent_environment(
    folder: DataFolder, given: Mapping[str, str], *, redis_url: str, app_url: str
) -> dict[str, str]:
    """The agent gets what it needs and none of the server's secrets."""
    own = {
        name: value
        for name, value in given.items()
        if not any(name in (secret, f"{secret}_FILE") for secret in NOT_FOR_THE_AGENT)
    }
    defaults = {"QUEUES": "local", "APP_URL": app_url, "PEON_DIR": str(folder.agent)}
    return {**defaults, **outside_virtual_environment(own), "REDIS_URL": redis_url}


def _stored_secrets(path: Path) -> dict[str, str]:
    """Made at the first start. Whoever loses the file loses the stored secrets of projects and all sessions."""
    try:
        stored: dict[str, str] = json.loads(path.read_text())
    except FileNotFoundError:
        stored = {"SECRET_KEY": secrets.token_urlsafe(48)}
        write_private(path, json.dumps(stored, indent=1))
    return stored


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
