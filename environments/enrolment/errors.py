"""What can be wrong with tokens and identities, each with what to do about it."""

from common.errors import DomainError, NotFound

_NEW_TOKEN = "Get a new command on the page of the environment."  # noqa: S105


class TokenNotFound(NotFound):
    def __init__(self, reference: object) -> None:
        super().__init__(f"The environment has no enrolment token {reference}.")


class WorkerNotFound(NotFound):
    def __init__(self, reference: object) -> None:
        super().__init__(f"The environment has no enrolled worker {reference}.")


class TokenWishRefused(DomainError):
    """What somebody asked of a new token."""


class EnrolmentRefused(DomainError):
    http_status = 403


class TokenUnknown(EnrolmentRefused):
    code = "token_unknown"
    http_status = 401

    def __init__(self) -> None:
        super().__init__(f"This installation knows no such enrolment token. {_NEW_TOKEN}")


class TokenRevoked(EnrolmentRefused):
    code = "token_revoked"

    def __init__(self) -> None:
        super().__init__(f"This enrolment token was revoked. {_NEW_TOKEN}")


class TokenExpired(EnrolmentRefused):
    code = "token_expired"

    def __init__(self, when: str) -> None:
        super().__init__(f"This enrolment token expired at {when}. {_NEW_TOKEN}")


class TokenUsed(EnrolmentRefused):
    code = "token_used"
    http_status = 409

    def __init__(self, uses: int) -> None:
        times = "once" if uses == 1 else f"{uses} times"
        super().__init__(f"This enrolment token was good {times} and has been used. {_NEW_TOKEN}")


class TokenForeign(EnrolmentRefused):
    code = "token_foreign"

    def __init__(self, queue: str, wanted: list[str]) -> None:
        super().__init__(
            f"This enrolment token is for the queue '{queue}', and the agent is set up for {', '.join(wanted)}. "
            "Change QUEUES, or get the command on the page of the other environment."
        )


class WorkerRefused(DomainError):
    """The agent is not who it says, or may not do this. It gives up and says why."""

    code = "worker_refused"
    http_status = 401


class CredentialUnknown(WorkerRefused):
    def __init__(self) -> None:
        super().__init__(
            "The worker's identity or secret is not known to this installation. Enrol the machine again."
        )


class CredentialRevoked(WorkerRefused):
    code = "worker_revoked"

    def __init__(self, identity: str) -> None:
        super().__init__(
            f"The worker {identity} was revoked. Uninstall its agent, or enrol it anew with a new token."
        )


class NotEnrolled(WorkerRefused):
    code = "not_enrolled"

    def __init__(self, environment: str, identity: str) -> None:
        super().__init__(
            f"The environment '{environment}' takes enrolled workers only, and {identity} is none. Enrol the machine with "
            "the command on the environment's page."
        )


class IdentityTaken(WorkerRefused):
    code = "identity_taken"

    def __init__(self, identity: str) -> None:
        super().__init__(
            f"{identity} is the identity of an enrolled worker: it is only used together with its secret."
        )


class WrongQueue(WorkerRefused):
    code = "wrong_queue"

    def __init__(self, identity: str, queue: str) -> None:
        super().__init__(f"The worker {identity} is enrolled for the queue '{queue}', not for this job's.")


class WorkerCloned(DomainError):
    """Two agents under one identity; the one that was there first goes on."""

    code = "worker_cloned"
    http_status = 409

    def __init__(self, identity: str, host: str) -> None:
        super().__init__(
            f"Another agent works under the identity {identity}, on the host {host}. A copied disk has copied the "
            "identity: uninstall the agent on one of the two machines and enrol it with a new token."
        )
