"""A whole installation's worth of tenants: for measurements and for trying the pages at size."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from valohai_app.seeding import FULL, QUICK, Sizes, seed_tenants
from valohai_app.seeding.run import AlreadySeeded


class Command(BaseCommand):
    help = (
        "Fill the database with users, organizations, teams, projects, executions and files. The same seed makes the same "
        "ones. There are no bytes behind them: code cannot be run and files cannot be downloaded."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        for name in Sizes.__dataclass_fields__:
            option = f"--{name.replace('_', '-')}"
            parser.add_argument(option, type=int, help=f"default: {getattr(FULL, name):,}")
        parser.add_argument("--quick", action="store_true", help="a fiftieth of everything, in seconds")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--add", action="store_true", help="although there are projects already")
        parser.add_argument("--password", help="of every user; without it nobody can sign in")

    def handle(self, *args: Any, **options: Any) -> None:
        usual = QUICK if options["quick"] else FULL
        wanted = {name: options[name] for name in Sizes.__dataclass_fields__}
        try:
            sizes = Sizes(**{n: getattr(usual, n) if value is None else value for n, value in wanted.items()})
            made = seed_tenants(
                sizes,
                seed=options["seed"],
                password=options["password"],
                add=options["add"],
                copied=self._copied,
            )
        except (ValueError, AlreadySeeded) as error:
            raise CommandError(str(error)) from error
        if not connection.in_atomic_block:
            with connection.cursor() as cursor:
                cursor.execute("VACUUM (ANALYZE)")  # as the database itself would do it in the next minutes
        self.stdout.write(f"in {made.seconds:.0f} seconds.")
        self.stdout.write(f"Most memberships: {made.most}. Median: {made.median}. None: {made.none}.")

    def _copied(self, table: str, rows: int) -> None:
        """At once: it takes minutes, and whoever waits wants to know how far it is."""
        self.stdout.write(f"{rows:>10,}  {table}")
        self.stdout.flush()
