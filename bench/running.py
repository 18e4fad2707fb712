"""A throwaway installation for measurements, and a REST client for it."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.live import LivePlatform, data_folder, make_platform
from tests.support.rest import Rest


@contextmanager
def running_platform(**environment: str) -> Iterator[LivePlatform]:
    with data_folder() as folder:
        platform = make_platform(folder, **environment)
        try:
            yield platform.start()
        finally:
            if platform.process is not None and platform.process.poll() is None:
                platform.stop()


def rest_of(platform: LivePlatform) -> Rest:
    return Rest(platform.url, platform.token)


def project_with(rest: Rest, name: str, files: dict[str, str]) -> tuple[str, str]:
    """A project and the ad-hoc commit of `files` in it."""
    project_id = rest.create_project(name)
    return project_id, rest.import_package(project_id, files)
