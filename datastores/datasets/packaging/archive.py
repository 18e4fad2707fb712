"""The container of a package: a plain tar (POSIX ustar) of regular files, each behind one header of 512 bytes.

Members are named by ids, so that no name is too long for the one header, and nothing that a user wrote is the name of
anything where a package is unpacked.
"""

import tarfile

BLOCK_BYTES = 512
TRAILER = bytes(2 * BLOCK_BYTES)


def header(name: str, size_bytes: int) -> bytes:
    """Without times and owners: the same files are the same bytes."""
    member = tarfile.TarInfo(name)
    member.size = size_bytes
    member.mode = 0o444
    return member.tobuf(tarfile.USTAR_FORMAT)


def padding(size_bytes: int) -> bytes:
    return bytes(-size_bytes % BLOCK_BYTES)


def member_bytes(size_bytes: int) -> int:
    """What a file takes in a package, header and padding included."""
    return BLOCK_BYTES + size_bytes + -size_bytes % BLOCK_BYTES
