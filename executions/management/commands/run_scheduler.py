"""The scheduler process."""

import signal
from typing import Any

from django.core.management.base import BaseCommand

from executions.scheduling.loop import Scheduler


class Command(BaseCommand):
    help = "Decides what runs next and notices lost workers. Several may run: one leads, the others stand by."

    def handle(self, *args: Any, **options: Any) -> None:
        scheduler = Scheduler()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: scheduler.stopping.set())
        scheduler.run()
