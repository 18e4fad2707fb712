"""The three checksums that the platform keeps of a file, made in one pass."""

import hashlib

NAMES = ("md5", "sha1", "sha256")


class Checksums:
    def __init__(self):
        self._hashes = [hashlib.new(name) for name in NAMES]
        self.size = 0

    def update(self, block):
        for one in self._hashes:
            one.update(block)
        self.size += len(block)

    def values(self):
        """{"md5", "sha1", "sha256"} as hexadecimal text."""
        return {name: one.hexdigest() for name, one in zip(NAMES, self._hashes)}


def difference(expected, found):
    """In words, the first checksum or size in which `found` differs from what is known; None when none does."""
    for name in ("size",) + NAMES:
        if expected.get(name) not in (None, "") and expected[name] != found.get(name):
            return "{} is {}, expected {}".format(name, found.get(name), expected[name])
    return None
