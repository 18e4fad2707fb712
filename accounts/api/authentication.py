"""Who calls the API: by token, or by the browser's session."""

from rest_framework.authentication import SessionAuthentication as BaseSessionAuthentication
from rest_framework.authentication import TokenAuthentication as BaseTokenAuthentication


class TokenAuthentication(BaseTokenAuthentication):
    """`Authorization: Token <token>`."""


class SessionAuthentication(BaseSessionAuthentication):
    """The browser's session, with CSRF protection."""
