"""Parts of an upload into the file system storage, when they come late or twice."""

from pathlib import Path

import pytest
from django.core.files.storage import storages

from common.files.parts import PartTooLate
from common.files.receiving import Receiving, TooLarge, receive
from common.files.requests import FileRequest, incoming_folder
from common.files.tokens import FileToken
from common.ids import new_token
from common.objectstores import Part
from common.objectstores.filesystem import FilesystemStore

CONTENT = b"hello world"


@pytest.fixture
def store() -> FilesystemStore:
    return FilesystemStore(storages["default"])  # type: ignore[arg-type]


@pytest.fixture
def key() -> str:
    return f"tests/parts/{new_token()}"


def sending(key: str, upload_id: str, content: bytes = CONTENT) -> Receiving:
    token = FileToken("PUT", key, 0, size_bytes=len(CONTENT), upload_id=upload_id, part_number=1)
    return receive(FileRequest(token, "a", Path("unused"), {"content-length": str(len(content))}))


def finished(store: FilesystemStore, key: str, upload_id: str) -> bytes:
    store.finish_upload(key, upload_id=upload_id, parts=[Part(1, len(CONTENT))])
    return b"".join(store.read(key))


def test_a_part_that_is_still_coming_when_the_upload_is_finished_changes_nothing(
    store: FilesystemStore, key: str
) -> None:
    upload_id = store.start_upload(key)
    late = sending(key, upload_id)
    late.write(b"hello")
    sending_again = sending(key, upload_id)
    sending_again.write(CONTENT)
    sending_again.store()
    assert finished(store, key, upload_id) == CONTENT
    late.write(b" EVIL!")
    late.abandon()
    assert b"".join(store.read(key)) == CONTENT
    assert not (incoming_folder() / f"upload-{upload_id}").exists()


def test_the_file_is_not_copied_when_nobody_writes_any_more(store: FilesystemStore, key: str) -> None:
    upload_id = store.start_upload(key)
    only = sending(key, upload_id)
    only.write(CONTENT)
    only.store()
    inode = (incoming_folder() / f"upload-{upload_id}" / "content").stat().st_ino
    assert finished(store, key, upload_id) == CONTENT
    assert Path(storages["default"].path(key)).stat().st_ino == inode


def test_a_part_that_begins_while_the_upload_is_finished_is_too_late(
    store: FilesystemStore, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = store.start_upload(key)
    only = sending(key, upload_id)
    only.write(CONTENT)
    only.store()
    refused = []

    def place_while_somebody_sends(content: Path, target: Path) -> None:
        with pytest.raises(PartTooLate) as late:
            sending(key, upload_id)
        refused.append(late.value.code)

    monkeypatch.setattr("common.objectstores.filesystem.place", place_while_somebody_sends)
    store.finish_upload(key, upload_id=upload_id, parts=[Part(1, len(CONTENT))])
    assert refused == ["already_stored"]


def test_a_part_that_is_longer_than_announced_is_refused(store: FilesystemStore, key: str) -> None:
    with pytest.raises(TooLarge):
        sending(key, store.start_upload(key), CONTENT + b"!")
