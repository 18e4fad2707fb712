"""The members of a plain tar: where each lies in the file. Nothing is unpacked here, and names are only looked up."""

import os

_BLOCK = 512
_READ_BYTES = 1 << 20
_REGULAR = (b"0", b"\0")


class NotReadable(Exception):
    """What should be a tar is none, or ends too early."""


class TarMembers:
    """Of the regular files in the tar at `path`; what else it holds, links for example, is nothing that is found.

    The file is open until nobody has the object any more. Several threads may read at once.
    """

    def __init__(self, path):
        self._file = open(path, "rb", buffering=0)
        self._places = dict(_members(self._file.fileno()))

    def __len__(self):
        return len(self._places)

    def read(self, name, size):
        """The content of the member `name`; None when there is no such one of `size` bytes. Raises NotReadable."""
        offset, length = self._places.get(name, (0, None))
        if length is None or length != size:
            return None
        content = os.pread(self._file.fileno(), length, offset)
        if len(content) != length:
            raise NotReadable("it ends within '{}'".format(name))
        return content


def _members(descriptor):
    """(name, (offset, size)) of each regular file."""
    total, position = os.fstat(descriptor).st_size, 0
    headers = _Headers(descriptor)
    while True:
        if position + _BLOCK > total:
            raise NotReadable("it ends where a file should begin, after {} bytes".format(position))
        header = headers.at(position)
        if header.count(b"\0") == _BLOCK:
            return
        size = _size(header, position)
        position += _BLOCK
        if position + size > total:
            raise NotReadable("it ends within a file, after {} bytes".format(total))
        if header[156:157] in _REGULAR:
            yield header[:100].split(b"\0", 1)[0].decode("utf-8", "replace"), (position, size)
        position += size + -size % _BLOCK


def _size(header, position):
    if header[257:262] != b"ustar":
        raise NotReadable("there is no file's header at byte {}".format(position))
    try:
        size = int(header[124:136].split(b"\0", 1)[0].decode("ascii").strip() or "0", 8)
    except ValueError:
        size = -1
    if size < 0:
        raise NotReadable("the header at byte {} has no size".format(position))
    return size


class _Headers:
    """Small files lie close together: many headers are read at once."""

    def __init__(self, descriptor):
        self._descriptor = descriptor
        self._begin = 0
        self._block = b""

    def at(self, position):
        begin = position - self._begin
        if begin < 0 or begin + _BLOCK > len(self._block):
            self._begin, begin = position, 0
            self._block = os.pread(self._descriptor, _READ_BYTES, position)
        return self._block[begin : begin + _BLOCK]
