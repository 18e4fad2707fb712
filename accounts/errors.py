"""What a caller of accounts can run into."""

from common.errors import DomainError, NotFound


class TokenInvalid(DomainError):
    code = "authentication_failed"
    http_status = 401

    def __init__(self) -> None:
        super().__init__("This token is not valid. Create one on the page /auth/tokens/.")


class TokenExpired(DomainError):
    code = "token_expired"
    http_status = 401

    def __init__(self) -> None:
        super().__init__(
            "This token has expired (token_expired). Create a new one on the page /auth/tokens/."
        )


class TokenTooOld(DomainError):
    """It has not expired by itself, but an organization of its user allows no token of this age."""

    code = "token_expired"
    http_status = 401

    def __init__(self, days: int) -> None:
        super().__init__(
            f"This token has expired (token_expired): an organization of yours allows tokens {days} days. "
            "Create a new one on the page /auth/tokens/."
        )


class TokenNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("You have no such token.")


class TokenLifetimeRefused(DomainError):
    code = "lifetime"
    field = "expires_at"


class ReadOnlyToken(DomainError):
    code = "read_only_token"
    http_status = 403

    def __init__(self) -> None:
        super().__init__(
            "This token may only read. Use one with full access; tokens are made on the page /auth/tokens/."
        )


class TokenInAddress(DomainError):
    code = "token_in_url"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The address has a token in it ('{name}'): send it in the header 'Authorization: Token <token>'. "
            "Addresses end up in logs, so revoke that token on the page /auth/tokens/ and create another one."
        )


class NameRefused(DomainError):
    """A name for a user or organization that has the wrong form, is reserved or is taken; the message says which."""

    field = "name"


class EmailRefused(DomainError):
    field = "email"


class EmailNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("You have no such e-mail address.")


class LinkInvalid(DomainError):
    """The link of a letter is forged, too old, used, or meant for somebody else."""

    code = "link_invalid"


class PasswordRefused(DomainError):
    field = "password"


class WrongPassword(DomainError):
    code = "wrong_password"

    def __init__(self, field: str = "password") -> None:
        super().__init__("This is not your password.", field=field)


class WrongCode(DomainError):
    code = "wrong_code"
    field = "code"

    def __init__(self) -> None:
        super().__init__(
            "This code is not right, or was used already. Wait for the next one of your authenticator app, or use a "
            "recovery code."
        )


class LoginFailed(DomainError):
    code = "invalid_credentials"

    def __init__(self) -> None:
        super().__init__("The user name or the password is wrong.")


class SignInExpired(DomainError):
    code = "sign_in_expired"

    def __init__(self) -> None:
        super().__init__("This took too long. Log in again.")


class HasTwoFactor(DomainError):
    """The name and password are right, but only a browser can ask for the second factor."""

    code = "has_2fa"

    def __init__(self) -> None:
        super().__init__(
            "This account has two-factor authentication. Create a token on the page /auth/tokens/ and log in with it."
        )


class TwoFactorState(DomainError):
    """Two-factor authentication is on where it would have to be off, or the other way round."""

    code = "two_factor_state"


class Throttled(DomainError):
    code = "throttled"
    http_status = 429

    def __init__(self, what: str, minutes: int) -> None:
        wait = f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"
        super().__init__(f"Too many {what}. Wait {wait}, then try again.")


class LettersUnavailable(DomainError):
    code = "letters_unavailable"
    http_status = 503

    def __init__(self) -> None:
        super().__init__("Letters cannot be sent at the moment. Try again in a few minutes.")


class SessionNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("You have no such session.")


class NotSuperuser(DomainError):
    code = "forbidden"
    http_status = 403

    def __init__(self) -> None:
        super().__init__("Only a superuser of this installation may do this. Ask one of them.")


class OwnAccount(DomainError):
    code = "own_account"

    def __init__(self) -> None:
        super().__init__("You cannot disable the account that you are using. Ask another superuser.")
