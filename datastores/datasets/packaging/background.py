"""Celery tasks of packaging. Each looks again, and may run twice."""

from uuid import UUID

from celery import shared_task
from django.core.cache import cache

from common import clock
from datastores.background import erase_package
from datastores.datasets.packaging import building, planning

_DAY_SECONDS = 24 * 3600


@shared_task
def plan_packages(version_id: str) -> None:
    if planning.plan(UUID(version_id)):
        build_next.apply_async(retry=False)


@shared_task
def build_next() -> None:
    """Build the package that has waited for longest, and let the next one have a task of its own, so that others get their
    turn between."""
    package_id = planning.next_package(clock.now())
    if package_id is not None and building.build(package_id):
        build_next.apply_async(retry=False)


@shared_task
def continue_packaging() -> None:
    """Every minute, kicked by the scheduler: what the broker has lost, whose time has come, or whose builder was killed."""
    for version_id in planning.unplanned_versions():
        plan_packages.apply_async([str(version_id)], retry=False)
    planning.replace_stalled(clock.now())
    build_next.apply_async(retry=False)


@shared_task
def clean_packages() -> None:
    """Every hour, kicked by the scheduler; once a day it looks at what every package holds."""
    for package_id in planning.erasable():
        erase_package.apply_async([str(package_id)], retry=False)
    if cache.add("datastores:packages-checked", 1, _DAY_SECONDS):
        planning.drop_what_lost_files()
