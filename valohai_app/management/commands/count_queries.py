"""How many queries an address takes; `-v 2` shows them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User


class Command(BaseCommand):
    help = "Ask for an address as an administrator and count the database queries."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", help="path with query, such as /api/v0/executions/?limit=50")

    def handle(self, *args: Any, **options: Any) -> None:
        client = Client(headers={"host": "localhost"})
        user = User.objects.filter(is_superuser=True).first()
        if user is None:
            raise CommandError("There is no administrator. Run ensure_installation first.")
        client.force_login(user)
        client.get(options["address"])  # session and caches are warm after the first one
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(options["address"])
        if answer.status_code != 200:
            raise CommandError(f"{options['address']} answered {answer.status_code}.")
        if options["verbosity"] > 1:
            for query in captured.captured_queries:
                self.stdout.write(query["sql"])
        self.stdout.write(f"{len(captured)} queries")
