"""Reading request bodies by a serializer."""

from typing import Any

from rest_framework.request import Request
from rest_framework.serializers import Serializer


def validated(shape: type[Serializer[Any]], request: Request, *, partial: bool = False) -> dict[str, Any]:
    """What the body says, checked. With `partial`, fields that are not there are not asked for."""
    body = shape(data=request.data, partial=partial)
    body.is_valid(raise_exception=True)
    given: dict[str, Any] = body.validated_data
    return given
