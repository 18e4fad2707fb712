"""Which names users and organizations may have."""

from django.core.exceptions import ValidationError

from accounts.errors import NameRefused
from accounts.models import OWNER_NAME


def checked_owner_name(name: str) -> str:
    """The name as it is stored. Raises `NameRefused`."""
    try:
        OWNER_NAME(name)
    except ValidationError as error:
        raise NameRefused(error.messages[0]) from error
    return name
