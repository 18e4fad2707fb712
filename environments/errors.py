"""What a caller of environments can run into."""

from common.errors import DomainError, NotFound


class EnvironmentNotFound(DomainError):
    """A reference in a request that names no environment the user may use."""

    code = "does_not_exist"
    field = "environment"

    def __init__(self, reference: str) -> None:
        super().__init__(f"Object with slug or primary key {reference} does not exist.")


class EnvironmentMissing(NotFound):
    """The environment addressed by a URL."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"Environment {reference} does not exist.")


class NoEnvironment(DomainError):
    code = "no_environment"
    field = "environment"

    def __init__(self) -> None:
        super().__init__("There is no environment that you may use. Ask the operator to enable one.")


class EnvironmentNotChangeable(DomainError):
    code = "forbidden"
    http_status = 403

    def __init__(self, environment: object) -> None:
        super().__init__(f"Only a superuser of this installation may change {environment}. Ask one of them.")
