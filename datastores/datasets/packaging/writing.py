"""Writes one large object part by part as its bytes come, with one part in memory."""

import hashlib
from collections.abc import Callable

from common.objectstores import ObjectStore, Part


class PartsWriter:
    """`write` all bytes, then `finish`. `on_part` is called when a part is in the store, with the id of the upload, and once
    before the first; it raises to end the work. `abandon` leaves nothing behind."""

    def __init__(self, store: ObjectStore, key: str, part_bytes: int, on_part: Callable[[str], None]) -> None:
        self._store = store
        self._key = key
        self._part_bytes = part_bytes
        self._on_part = on_part
        self._buffer = bytearray()
        self._parts: list[Part] = []
        self._digest = hashlib.sha256()
        self._upload_id = ""
        self.size_bytes = 0

    def write(self, block: bytes) -> None:
        self._digest.update(block)
        self.size_bytes += len(block)
        self._buffer += block
        while len(self._buffer) > self._part_bytes:
            self._send(self._part_bytes)

    def finish(self) -> str:
        """The SHA-256 of all that was written."""
        if not self._upload_id:
            self._store.write(self._key, bytes(self._buffer))
        else:
            self._send(len(self._buffer))
            self._on_part(self._upload_id)
            self._store.finish_upload(self._key, upload_id=self._upload_id, parts=self._parts)
        return self._digest.hexdigest()

    def abandon(self) -> None:
        if self._upload_id:
            self._store.abandon_upload(self._key, upload_id=self._upload_id, part_count=len(self._parts) + 1)
        self._store.delete(self._key)

    def _send(self, size_bytes: int) -> None:
        if not self._upload_id:
            self._upload_id = self._store.start_upload(self._key)
            self._on_part(self._upload_id)
        offset = sum(part.size_bytes for part in self._parts)
        content = bytes(memoryview(self._buffer)[:size_bytes])
        number = len(self._parts) + 1
        part = self._store.write_part(
            self._key, upload_id=self._upload_id, number=number, offset=offset, content=content
        )
        del self._buffer[:size_bytes]
        self._parts.append(part)
        self._on_part(self._upload_id)
