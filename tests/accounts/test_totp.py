"""One-time codes as RFC 6238 defines them, and recovery codes as people type them."""

import base64
from datetime import UTC, datetime

import pytest

from accounts import totp

SEED = base64.b32encode(b"12345678901234567890").decode()


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(
    ("seconds", "code"),  # appendix B of the RFC, the last six of its eight digits
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_vectors_of_the_rfc(seconds: int, code: str) -> None:
    assert totp.code_at(SEED, at(seconds)) == code
    assert totp.matching_step(SEED, code, at(seconds)) == seconds // 30


def test_the_step_is_that_of_the_code_not_of_the_clock() -> None:
    step = 1234567890 // 30
    for seconds in (1234567890 - 30, 1234567890, 1234567890 + 30):
        assert totp.matching_step(SEED, "005924", at(seconds)) == step
    assert totp.matching_step(SEED, "005924", at(1234567890 + 60)) is None


def test_seeds_are_long_and_differ() -> None:
    seeds = {totp.new_seed() for _ in range(20)}
    assert len(seeds) == 20
    assert all(len(base64.b32decode(seed)) >= 20 for seed in seeds)


def test_what_the_app_scans() -> None:
    address = totp.setup_address(SEED, "alice", "ML & Ops")
    assert address.startswith("otpauth://totp/ML%20%26%20Ops:alice?")
    assert f"secret={SEED}" in address
    picture = totp.qr_code(address)
    assert picture.startswith("data:image/svg+xml")
    assert "style=" not in picture


def test_recovery_codes_may_be_typed_in_any_way() -> None:
    codes = totp.new_recovery_codes()
    assert len(set(codes)) == totp.RECOVERY_CODES
    code = codes[0]
    for typed in (code.upper(), code.replace("-", ""), code.replace("-", " "), f" {code} "):
        assert totp.recovery_digest(typed) == totp.recovery_digest(code)
    assert totp.recovery_digest(codes[1]) != totp.recovery_digest(code)
