"""The autoscaler process."""

import signal
from typing import Any

from django.core.management.base import BaseCommand

from environments.autoscaling.loop import Autoscaler


class Command(BaseCommand):
    help = "Starts and ends machines of environments that have a provider. Several may run: one leads, the others stand by."

    def handle(self, *args: Any, **options: Any) -> None:
        autoscaler = Autoscaler()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: autoscaler.stopping.set())
        autoscaler.run()
