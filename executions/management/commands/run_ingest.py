"""The ingest process."""

import signal
from typing import Any

from django.core.management.base import BaseCommand

from executions.logs.ingest_loop import Ingest


class Command(BaseCommand):
    help = "Writes what workers report (logs, metadata, outputs, ends) into the database. Several may run."

    def handle(self, *args: Any, **options: Any) -> None:
        ingest = Ingest()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ingest.stop())
        ingest.run()
