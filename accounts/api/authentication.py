"""Who calls the API: by token, or by the browser's session."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.authentication import SessionAuthentication as BaseSessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import User
from accounts.services import TokenExpired, TokenInvalid, authenticate_token


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Token <token>`, the scheme in any case."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != b"token":
            return None
        if len(parts) != 2:
            raise AuthenticationFailed("Send the header as 'Authorization: Token <token>'.")
        try:
            return authenticate_token(parts[1].decode("latin-1")), None
        except (TokenInvalid, TokenExpired) as error:
            raise AuthenticationFailed(error.message, error.code) from error

    def authenticate_header(self, request: Request) -> str:
        return "Token"


class SessionAuthentication(BaseSessionAuthentication):
    """The browser's session, with CSRF protection."""


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token <token>`; create one on the page /auth/tokens/.",
        }


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = SessionAuthentication
    name = "session"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
