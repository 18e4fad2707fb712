"""Who calls the API: by token, or by the browser's session."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.authentication import SessionAuthentication as BaseSessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.errors import TokenExpired, TokenInAddress, TokenInvalid, TokenTooOld
from accounts.models import ApiToken, User
from accounts.services import token_of
from audit.origin import note_token

IN_NO_ADDRESS = {"token", "api_key", "access_token", "authorization"}


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Token <token>`, the scheme in any case. `request.auth` is the token."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        refuse_token_in_address(request)
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != b"token":
            return None
        if len(parts) != 2:
            raise AuthenticationFailed("Send the header as 'Authorization: Token <token>'.")
        try:
            token = token_of(parts[1].decode("latin-1"))
        except (TokenInvalid, TokenExpired, TokenTooOld) as error:
            raise AuthenticationFailed(error.message, error.code) from error
        note_token(token.hint)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Token"


def refuse_token_in_address(request: Request) -> None:
    """Raise `TokenInAddress` for `?token=...` and the like, whatever the header says: addresses are logged on their way."""
    for name in request.query_params:
        if name.lower() in IN_NO_ADDRESS:
            raise TokenInAddress(name)


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
