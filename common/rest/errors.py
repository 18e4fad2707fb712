"""The one error shape of the API.

A refused field:  {"<field>": [{"message": "...", "code": "..."}]}, or under "non_field_errors".
Anything else:    {"message": "...", "detail": "...", "code": "..."}; the official clients read either of the first two.
"""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler as default_handler

from common.errors import DomainError, FieldsRefused


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    if isinstance(error, DomainError):
        return _domain_response(error)
    response = default_handler(error, context)
    if response is None:
        return None
    if isinstance(error, exceptions.ValidationError):
        response.data = _validation_body(error.get_full_details())
    else:
        response.data = _plain_body(error)
    return response


def _domain_response(error: DomainError) -> Response:
    return Response(domain_body(error), status=error.http_status)


def domain_body(error: DomainError) -> dict[str, Any]:
    if isinstance(error, FieldsRefused):
        return {
            field: [{"message": fault.message, "code": fault.code} for fault in found]
            for field, found in error.faults.items()
        }
    if error.field and error.http_status == 400:
        return {error.field: [{"message": error.message, "code": error.code}]}
    return plain_body(error.message, error.code)


def plain_body(message: str, code: str | None) -> dict[str, Any]:
    return {"message": message, "detail": message, "code": code}


def _plain_body(error: Exception) -> dict[str, Any]:
    if isinstance(error, Http404):
        return plain_body("Not found.", "not_found")
    if isinstance(error, PermissionDenied):
        return plain_body("You may not do this.", "forbidden")
    if isinstance(error, exceptions.APIException):
        details = error.get_full_details()
        if isinstance(details, dict) and "message" in details:
            return plain_body(str(details["message"]), str(details["code"]))
    return plain_body(str(error), None)


def _validation_body(details: Any) -> dict[str, Any]:
    if isinstance(details, list):
        return {"non_field_errors": [_item(item) for item in details]}
    if "message" in details and "code" in details:
        return {"non_field_errors": [_item(details)]}
    return {field: _items(value) for field, value in details.items()}


def _items(value: Any) -> Any:
    if isinstance(value, list):
        return [_item(item) for item in value]
    return _item(value)


def _item(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"message", "code"}:
        return {"message": str(value["message"]), "code": str(value["code"])}
    if isinstance(value, dict):
        return {key: _items(inner) for key, inner in value.items()}
    return value
