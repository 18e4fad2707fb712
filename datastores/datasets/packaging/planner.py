"""Which files of a version go into one package: a pure decision."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from datastores.datasets.packaging.archive import TRAILER, member_bytes

SMALL_BELOW_BYTES = 10_000_000
"""Larger files stay single: they gain nothing."""
PACKAGE_BYTES = 1_000_000_000
PACKAGE_FILES = 50_000
LEAST_FILES = 2


@dataclass(frozen=True)
class SmallFile:
    file_id: int
    store_id: UUID
    size_bytes: int


@dataclass
class Group:
    """Files of one store, in the order of their ids, that make one package."""

    store_id: UUID
    first_file_id: int
    last_file_id: int
    file_count: int = 0
    size_bytes: int = len(TRAILER)

    def has_room_for(self, file: SmallFile) -> bool:
        size = self.size_bytes + member_bytes(file.size_bytes)
        return self.file_count < PACKAGE_FILES and size <= PACKAGE_BYTES

    def add(self, file: SmallFile) -> None:
        self.last_file_id = file.file_id
        self.file_count += 1
        self.size_bytes += member_bytes(file.size_bytes)


def groups(files: Iterable[SmallFile]) -> Iterator[Group]:
    """Each as large as it may be; a file that would be alone in its package stays single. `files` come in the order of their
    ids. Files of different stores are never in one package: bytes stay where their owner has put them."""
    open_groups: dict[UUID, Group] = {}
    for file in files:
        group = open_groups.get(file.store_id)
        if group is not None and not group.has_room_for(file):
            yield from _worthwhile(group)
            group = None
        if group is None:
            group = open_groups[file.store_id] = Group(file.store_id, file.file_id, file.file_id)
        group.add(file)
    for group in open_groups.values():
        yield from _worthwhile(group)


def _worthwhile(group: Group) -> Iterator[Group]:
    if group.file_count >= LEAST_FILES:
        yield group
