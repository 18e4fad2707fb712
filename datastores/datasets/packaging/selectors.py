"""How far the packages of a version are."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from datastores.datasets.models import DatasetPackage, DatasetVersion


class PackagingState(StrEnum):
    NONE = "none"
    """Nobody has asked for packages."""
    WAITING = "waiting"
    BUILDING = "building"
    READY = "ready"
    FAILED = "failed"
    NOTHING = "nothing"
    """There are no two small files that could be packed."""


@dataclass(frozen=True)
class Packaging:
    state: PackagingState
    packages: Sequence[DatasetPackage]

    @property
    def ready(self) -> list[DatasetPackage]:
        return [package for package in self.packages if package.status == DatasetPackage.Status.READY]

    @property
    def file_count(self) -> int:
        """Files that jobs get in packages now."""
        return sum(package.file_count for package in self.ready)

    @property
    def size_bytes(self) -> int:
        return sum(package.size_bytes for package in self.ready)

    @property
    def problem(self) -> str:
        return next((package.problem for package in self.packages if package.problem), "")

    @property
    def is_under_way(self) -> bool:
        return self.state in (PackagingState.WAITING, PackagingState.BUILDING)


def packaging_of(version: DatasetVersion) -> Packaging:
    alive = version.packages.exclude(status=DatasetPackage.Status.DROPPED)
    packages = list(alive.select_related("store").order_by("first_file_id", "pk"))
    return Packaging(_state(version, {package.status for package in packages}), packages)


def _state(version: DatasetVersion, statuses: set[str]) -> PackagingState:
    if not version.wants_package:
        return PackagingState.NONE
    if version.packages_planned_at is None:
        return PackagingState.WAITING
    for state in (
        PackagingState.FAILED,
        PackagingState.BUILDING,
        PackagingState.WAITING,
        PackagingState.READY,
    ):
        if state in statuses:
            return state
    return PackagingState.NOTHING
