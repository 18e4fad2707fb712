"""Changing the key of the secrets in the database, see docs/secrets.md."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common.rotation import Tally, tallies


class Command(BaseCommand):
    help = (
        "Encrypts every stored secret with the first key of SECRETS_KEYS. Safe while the platform runs; can be stopped and "
        "started again. Exit code 1 when a secret still needs another key, or no key reads it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="only say what still needs an older key")

    def handle(self, *args: Any, **options: Any) -> None:
        found = []
        for tally in tallies(rewrite=not options["check"]):
            self.stdout.write(_in_words(tally))
            for pk in tally.unreadable:
                self.stderr.write(f"{tally.name} of {pk} cannot be read with any of the keys")
            found.append(tally)
        unreadable = sum(len(tally.unreadable) for tally in found)
        old = sum(tally.old + tally.overtaken for tally in found)
        if unreadable:
            raise CommandError(
                f"{unreadable} secrets cannot be read: put the key they were written with into SECRETS_KEYS, behind the "
                "newest one, and run this again."
            )
        if old:
            raise CommandError(f"{old} secrets may still need an older key: run rotate_secrets again.")
        self.stdout.write("Every secret is encrypted with the newest key; older ones can be removed.")


def _in_words(tally: Tally) -> str:
    counts = {
        "with the newest key": tally.current,
        "rewritten": tally.rewritten,
        "with an older key": tally.old,
        "changed by somebody else meanwhile": tally.overtaken,
        "unreadable": len(tally.unreadable),
    }
    told = ", ".join(f"{number} {what}" for what, number in counts.items() if number)
    return f"{tally.name}: {told or 'none'}"
