"""What a token may do, whatever its user may."""

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.errors import ReadOnlyToken
from accounts.models import ApiToken

if TYPE_CHECKING:  # the views themselves read the setting that names this class
    from rest_framework.views import APIView


class TokenScope(BasePermission):
    """A read-only token only reads.

    The method tells, unless the view says otherwise: `get_changes = True` where a GET gives a right away,
    `post_reads = True` where a POST is a question that is too long for an address.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if _may_only_read(request.auth) and not _only_reads(request.method or "", view):
            raise ReadOnlyToken
        return True


def _may_only_read(token: object) -> bool:
    return isinstance(token, ApiToken) and token.access_scope == ApiToken.AccessScope.READ_ONLY


def _only_reads(method: str, view: "APIView") -> bool:
    if method == "POST":
        return getattr(view, "post_reads", False) is True
    return method in SAFE_METHODS and getattr(view, "get_changes", False) is False
