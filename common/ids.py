"""Identifiers: time-ordered 128-bit values (ULIDs) written as UUID text, and random tokens."""

import secrets
import time
import uuid


def new_id() -> uuid.UUID:
    """A ULID in UUID form: 48 bits of Unix milliseconds, then 80 random bits. Not RFC 4122 versioned."""
    milliseconds = time.time_ns() // 1_000_000
    return uuid.UUID(int=(milliseconds << 80) | secrets.randbits(80))


def new_token() -> str:
    """An opaque secret of 40 hexadecimal characters."""
    return secrets.token_hex(20)
