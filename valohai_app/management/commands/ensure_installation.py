"""The rows without which an installation is of no use: administrator, default store, default environment."""

import json
import secrets
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from accounts.models import User
from accounts.services import create_api_token
from datastores.selectors import get_or_create_default_store
from environments.services import ensure_default_environment
from valohai_app.launcher.environment import write_private

ADMINISTRATOR = "admin"


class Command(BaseCommand):
    help = (
        "Create the first administrator (and print or write the login), the default store and the default environment. "
        "What is there already stays as it is."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", default="", help="the installation's address, for the credentials")
        parser.add_argument(
            "--credentials",
            type=Path,
            help="write the login to this file, readable by its owner only, instead",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            get_or_create_default_store()
            ensure_default_environment()
            created = None if User.objects.filter(is_superuser=True).exists() else _create_administrator()
            if created and options["credentials"]:
                # Inside the transaction: an administrator whose password nobody has would be there for ever.
                _write(options["credentials"], {"url": options["url"], **created})
        if options["credentials"]:
            _update_address(options["credentials"], options["url"])
        elif created:
            self.stdout.write(json.dumps({"url": options["url"], **created}))


def _create_administrator() -> dict[str, str]:
    password = secrets.token_urlsafe(12)
    user = User.objects.create_superuser(ADMINISTRATOR, password=password)
    _, token = create_api_token(user=user, name="first login")
    return {"username": user.username, "password": password, "token": token}


def _update_address(path: Path, url: str) -> None:
    """Another port since the last start. A file that the operator removed stays away."""
    if path.exists():
        credentials = json.loads(path.read_text())
        if credentials["url"] != url:
            _write(path, {**credentials, "url": url})


def _write(path: Path, credentials: dict[str, str]) -> None:
    write_private(path, json.dumps(credentials, indent=1))
