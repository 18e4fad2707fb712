"""A store of each kind, and the platform's own server of files."""

import os

import pytest
from django.core.files.storage import FileSystemStorage, storages

from common.objectstores import ObjectStore
from common.objectstores.filesystem import FilesystemStore
from common.objectstores.opening import open_store
from tests.support.stores import Emulators

KINDS = ("filesystem", "s3", "google", "azure", "azure-sas", "swift")


@pytest.fixture(params=[pytest.param(kind, marks=pytest.mark.emulator) for kind in KINDS])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store(kind: str, all_emulators: Emulators) -> ObjectStore:
    if kind == "filesystem":
        storage = storages["default"]
        assert isinstance(storage, FileSystemStorage)
        return FilesystemStore(storage)
    emulator = all_emulators.get(kind)
    return open_store(emulator.kind, emulator.settings)


@pytest.fixture
def key() -> str:
    """A place that no other test uses."""
    return f"tests/{os.urandom(8).hex()}/object"
