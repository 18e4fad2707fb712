"""A sign of life of a process that serves no port: the time of a file, which a container's healthcheck looks at."""

from pathlib import Path

from django.conf import settings


def beat() -> None:
    """A round of the process's work went well."""
    if settings.PULSE_PATH:
        Path(settings.PULSE_PATH).touch()
