"""E-mail addresses as users type them."""

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts.errors import EmailRefused

LONGEST = 254


def checked_email(text: str) -> str:
    """The address without blanks around it, its domain in lower case. Raises `EmailRefused`.

    Only ASCII: letters that look alike, or become equal when their case is changed, would name two mailboxes at once.
    """
    address = text.strip()
    local, _, domain = address.rpartition("@")
    try:
        validate_email(address)
    except ValidationError as error:
        raise EmailRefused("This is not an e-mail address. It has the form name@example.com.") from error
    if not address.isascii():
        raise EmailRefused(
            "Use only ASCII letters in the address; domains with other letters have a form that begins with xn--."
        )
    if len(address) > LONGEST:
        raise EmailRefused(f"The address is longer than {LONGEST} characters.", code="max_length")
    return f"{local}@{domain.lower()}"
