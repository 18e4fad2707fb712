"""Fields of request bodies that several apps have."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


@extend_schema_field(OpenApiTypes.STR)
class ReferenceField(serializers.Field[str, Any, str, Any]):
    """An id or a name, as text: clients send ids as numbers, as digits, or a name. null and "" mean nothing."""

    default_error_messages = {"invalid": "Give an id or a name."}

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_null": True, "required": False, **options})

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, bool) or not isinstance(data, int | str) or len(str(data)) > 128:
            self.fail("invalid")
        return str(data).strip()

    def to_representation(self, value: str) -> str:
        return value
