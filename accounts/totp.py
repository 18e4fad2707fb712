"""One-time codes of authenticator apps (RFC 6238: SHA-1, six digits, 30 seconds) and recovery codes."""

import hashlib
import secrets
from datetime import datetime
from hmac import compare_digest

import pyotp
import segno

STEP_SECONDS = 30
DRIFT_STEPS = 1
"""The clocks of phones are off by some seconds, and typing takes some: the codes before and after count, too."""
RECOVERY_CODES = 10
_RECOVERY_ALPHABET = "abcdefghjkmnpqrstvwxyz23456789"  # none that look alike
_RECOVERY_GROUPS, _GROUP_LENGTH = 4, 4  # 78 bits: a plain hash is enough


def new_seed() -> str:
    return pyotp.random_base32()


def code_at(seed: str, moment: datetime) -> str:
    return pyotp.TOTP(seed).at(moment)


def matching_step(seed: str, code: str, now: datetime) -> int | None:
    """The number of the time step that `code` is for, among those that count now."""
    current = int(now.timestamp()) // STEP_SECONDS
    generator = pyotp.TOTP(seed)
    found = None
    for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1):
        if compare_digest(generator.generate_otp(step).encode(), code.encode()):
            found = step
    return found


def setup_address(seed: str, username: str, issuer: str) -> str:
    """What the QR code says: an `otpauth://` address that authenticator apps understand."""
    return pyotp.TOTP(seed).provisioning_uri(name=username, issuer_name=issuer)


def qr_code(text: str) -> str:
    """An SVG as a `data:` address, dark on white in both colour schemes: cameras need it so."""
    address: str = segno.make(text, error="m").svg_data_uri(scale=5, border=3, dark="#000", light="#fff")
    return address


def new_recovery_codes() -> list[str]:
    """Such as `h7kd-93mx-qqp4-2tza`."""
    return ["-".join(_group() for _ in range(_RECOVERY_GROUPS)) for _ in range(RECOVERY_CODES)]


def recovery_digest(code: str) -> str:
    """The same whatever case, blanks and dashes it was typed with."""
    plain = "".join(character for character in code.lower() if character.isalnum())
    return hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()


def _group() -> str:
    return "".join(secrets.choice(_RECOVERY_ALPHABET) for _ in range(_GROUP_LENGTH))
