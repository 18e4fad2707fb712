"""What can be wrong with rules of retention, in words."""

from common.errors import DomainError, NotFound


class RuleNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("There is no such rule in this project.")


class RuleRefused(DomainError):
    """A rule cannot be like this; the message says why."""

    def __init__(self, field: str, message: str, code: str = "invalid") -> None:
        super().__init__(message, field=field, code=code)


class RuleUntried(DomainError):
    code = "dry_run_needed"
    http_status = 409

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The rule '{name}' was not tried since it was made or changed. Make a dry run, look at what would go, then enable it."
        )
