"""Base of the read serializers."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from common.rest.params import names


class ShapedSerializer(serializers.Serializer[Any]):
    """Honours `?exclude=a,b` and, for fields listed in `Meta.on_request`, `?include=a,b`. Unknown names are ignored.

    A field that is not wanted is not computed.
    """

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        request = self.context.get("request")
        on_request = set(getattr(getattr(self, "Meta", None), "on_request", ()))
        if isinstance(request, Request):
            unwanted = (on_request - names(request, "include")) | names(request, "exclude")
        else:
            unwanted = on_request
        return {name: field for name, field in fields.items() if name not in unwanted}
