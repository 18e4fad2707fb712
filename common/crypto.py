"""Encryption of secrets at rest.

Values are encrypted with Fernet under a key derived from `settings.SECRETS_KEYS`: the first key encrypts, every key
decrypts, so that a key is rotated by putting a new one in front and writing every value again (`common.rotation`).
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models
from django.db.models.query_utils import DeferredAttribute

from common.errors import DomainError


class SecretUnreadable(DomainError):
    code = "secret_unreadable"
    http_status = 409

    def __init__(self) -> None:
        super().__init__(
            "A stored secret cannot be decrypted with the configured keys. Add the key it was written with to "
            "SECRETS_KEYS, behind the newest one; `manage.py rotate_secrets --check` lists what cannot be read."
        )


@lru_cache
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    derived = [base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()) for key in keys]
    return MultiFernet([Fernet(key) for key in derived])


def encrypt(text: str) -> str:
    return _cipher(tuple(settings.SECRETS_KEYS)).encrypt(text.encode()).decode()


def decrypt(stored: str) -> str:
    try:
        return _cipher(tuple(settings.SECRETS_KEYS)).decrypt(stored.encode()).decode()
    except InvalidToken as error:
        raise SecretUnreadable from error


def is_current(stored: str) -> bool:
    """Whether the newest key wrote it."""
    try:
        _cipher(tuple(settings.SECRETS_KEYS[:1])).decrypt(stored.encode())
    except InvalidToken:
        return False
    return True


def fingerprint(text: str) -> str:
    """Short, and the same for the same text as long as the newest key stays. It tells nothing to whoever has no key."""
    return _fingerprint(settings.SECRETS_KEYS[0], text)


def is_fingerprint_of(written: str, text: str) -> bool | None:
    """None: the key it was made with is gone, so nobody can say."""
    for key in settings.SECRETS_KEYS:
        made = _fingerprint(key, text)
        if made.partition(":")[0] == written.partition(":")[0]:
            return hmac.compare_digest(made, written)
    return None


def _fingerprint(key: str, text: str) -> str:
    """The name of the key, and a digest that takes the key: common values could be guessed from a plain one."""
    secret = hashlib.sha256(b"fingerprints of values:" + key.encode()).digest()
    name = hmac.digest(secret, b"name of the key", "sha256").hex()[:8]
    return f"{name}:{hmac.digest(secret, text.encode(), 'sha256').hex()[:32]}"


@dataclass(frozen=True)
class Sealed:
    """What stands in the database for a secret that nobody has read yet."""

    stored: str = field(repr=False)


class _Opening(DeferredAttribute):
    """The attribute of a secret: it is decrypted when it is read for the first time."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        if isinstance(value, Sealed):
            value = instance.__dict__[self.field.attname] = decrypt(value.stored)
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Text that is encrypted in the database and plain in Python. It cannot be searched.

    Rows are loaded by the hundred and few secrets are read, so that only reading one decrypts it; only that raises
    `SecretUnreadable`. A query that asks for the column alone gets `Sealed` values.
    """

    descriptor_class = _Opening

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, Sealed):
            return value.stored
        return encrypt(value) if value else value

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return Sealed(value) if value else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Written by the newest key; what cannot be read stays as it is, as the rest of the row may be changed."""
        try:
            return super().pre_save(model_instance, add)
        except SecretUnreadable:
            return model_instance.__dict__[self.attname]
