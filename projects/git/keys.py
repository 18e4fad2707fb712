"""Deploy keys for ssh."""

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from common.errors import DomainError

_Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
_LONGEST = 32 * 1024


class KeyRefused(DomainError):
    field = "private_key"
    code = "key_refused"


def new_key() -> tuple[str, str]:
    """A fresh Ed25519 key: private half in OpenSSH format, public half as one line."""
    return _both_halves(ed25519.Ed25519PrivateKey.generate())


def read_key(text: str) -> tuple[str, str]:
    """A pasted private key (OpenSSH or PEM), brought into OpenSSH format, and its public half."""
    return _both_halves(_load(text))


def _both_halves(key: _Key) -> tuple[str, str]:
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return private, public


def _load(text: str) -> _Key:
    data = (text.strip().replace("\r\n", "\n") + "\n").encode(errors="replace")
    if b"PRIVATE KEY-----" not in data or len(data) > _LONGEST:
        raise KeyRefused(
            "This is not a private key. Paste the whole file, from '-----BEGIN' to 'PRIVATE KEY-----' at its end."
        )
    key: object
    try:
        if b"BEGIN OPENSSH" in data:
            key = serialization.load_ssh_private_key(data, password=None)
        else:
            key = serialization.load_pem_private_key(data, password=None)
    except TypeError as error:
        raise KeyRefused(_passphrase_text()) from error
    except Exception as error:  # the library raises many kinds, for text that a user pasted wrongly
        if "encrypted" in str(error).lower() or "password" in str(error).lower():
            raise KeyRefused(_passphrase_text()) from error
        raise KeyRefused(
            "The private key cannot be read: the text is damaged or incomplete. Paste the whole file."
        ) from error
    if not isinstance(key, _Key):
        raise KeyRefused("This kind of key is not supported. Use Ed25519, ECDSA or RSA.")
    return key


def _passphrase_text() -> str:
    return (
        "The private key is protected by a passphrase, which nobody could enter during a fetch. "
        "Use a key without one, or let a deploy key be generated."
    )
