"""What a caller of executions can run into."""

from common.errors import DomainError, NotFound


class ExecutionNotFound(NotFound):
    def __init__(self, reference: object) -> None:
        super().__init__(f"Execution {reference} does not exist.")


class ExecutionUnfinished(DomainError):
    """It has to end before this can be done."""

    code = "unfinished"
    http_status = 409

    def __init__(self, counter: int, status: str) -> None:
        super().__init__(f"Execution #{counter} is {status}. Stop it first, then delete it.")


class AttemptRefused(DomainError):
    """A worker speaks for an attempt that is not, or no longer, the current one."""

    code = "stale"
    http_status = 409

    def __init__(self) -> None:
        super().__init__("This attempt is over or was handed to another worker. Drop the job.")


class TokenRefused(DomainError):
    code = "unauthorized"
    http_status = 401

    def __init__(self) -> None:
        super().__init__("The job token is missing or does not belong to this attempt.")


class InputRefused(DomainError):
    """The files of an input cannot be had, and asking again is of no use."""

    code = "input_refused"
    http_status = 422


class InputUnavailable(DomainError):
    """A store does not answer, or not as it should; it may a little later."""

    code = "input_unavailable"
    http_status = 503
    is_transient = True
    retry_after_seconds = 10


class FileNeeded(DomainError):
    """A file cannot go while a job needs it."""

    code = "in_use"
    http_status = 409

    def __init__(self, name: str, counter: int, status: str) -> None:
        super().__init__(
            f"'{name}' is an input of execution #{counter}, which is {status}. Wait until it has ended or stop it, then purge "
            "the file."
        )
