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
        super().__init__(
            "There is no environment that you may use in this project. Ask an owner of your organization, or the operator "
            "of the installation, for one."
        )


class EnvironmentNotChangeable(DomainError):
    code = "forbidden"
    http_status = 403

    def __init__(self, environment: object, owner: object) -> None:
        who = f"the owners of {owner}" if owner else "superusers of this installation"
        super().__init__(f"Only {who} may change {environment}. Ask one of them.")


class EnvironmentInUse(DomainError):
    code = "in_use"
    http_status = 409

    def __init__(self, environment: object) -> None:
        super().__init__(
            f"Executions refer to {environment}, so that it cannot be deleted. Disable it instead: no new ones can choose it."
        )


class OwnerRefused(DomainError):
    code = "does_not_exist"
    field = "owner"

    def __init__(self, owner: object) -> None:
        named = (
            f"'{owner}' is no organization that you own"
            if owner
            else "Only superusers may leave out the owner"
        )
        super().__init__(f"{named}. Name an organization that you own.")


class SlugTaken(DomainError):
    code = "unique"
    field = "slug"

    def __init__(self, slug: str) -> None:
        super().__init__(f"There is an environment '{slug}' already. Choose another slug.")


class NamespaceTaken(DomainError):
    """One answer for every name that fits an older organization's namespace, used or not."""

    code = "namespace"

    def __init__(self, field: str) -> None:
        what = "slug" if field == "slug" else "queue"
        super().__init__(
            f"This {what} begins like those of another organization. Choose another one, or ask a superuser of this "
            "installation to create the environment.",
            field=field,
        )


class NameFixed(DomainError):
    code = "fixed"

    def __init__(self, field: str) -> None:
        super().__init__(
            "Slug and queue of an environment stay as they are: projects, steps and workers are set up with them. Create "
            "another environment.",
            field=field,
        )


class QueueTaken(DomainError):
    code = "unique"
    field = "queue_name"

    def __init__(self, queue: str) -> None:
        super().__init__(
            f"The queue '{queue}' cannot be used here: its workers serve another owner. Choose another name for the queue."
        )


class TeamRefused(DomainError):
    code = "does_not_exist"
    field = "team"

    def __init__(self, team: object, owner: object) -> None:
        super().__init__(
            f"{owner or 'Nobody'} has no team '{team}'. Choose a team of the owner of the environment."
        )


class MemberRefused(DomainError):
    code = "not_a_member"
    field = "member"

    def __init__(self, member: object, owner: object) -> None:
        super().__init__(
            f"{member} is not a member of {owner or 'an owner'}. Add them to the organization first."
        )


class EnvironmentNotAvailable(DomainError):
    """It is there, but not for this user in this project; the reason says what to do."""

    code = "not_available"
    field = "environment"

    def __init__(self, slug: str, reason: str) -> None:
        super().__init__(f"The environment '{slug}' cannot be used here. {reason}")


class MachineNotFound(NotFound):
    def __init__(self, reference: object) -> None:
        super().__init__(f"There is no machine {reference} in this environment.")


class MachineLeaves(DomainError):
    code = "machine_leaves"
    http_status = 409

    def __init__(self, machine: object) -> None:
        super().__init__(f"Machine {machine} is about to end, or has ended. Look at the list again.")


class AgentTooOld(DomainError):
    code = "agent_too_old"
    http_status = 409

    def __init__(self, machine: object, version: str) -> None:
        super().__init__(
            f"The agent {version or 'of an earlier version'} on machine {machine} does not know how to do that. Drain the "
            "machine: it ends when it has no job, and the next one has an agent of this version."
        )


class MachinesRun(DomainError):
    code = "in_use"
    http_status = 409

    def __init__(self, environment: object, number: int) -> None:
        super().__init__(
            f"{number} machines of {environment} still run. Set its minimum and maximum to 0 and wait until they are gone."
        )


class ProviderForOperators(DomainError):
    code = "forbidden"
    http_status = 403

    def __init__(self, field: str) -> None:
        super().__init__(
            "Only superusers of this installation say who starts an environment's machines and what they are like, since that "
            "takes the installation's own account at the provider. Ask one of them.",
            field=field,
        )


class NothingToCheck(DomainError):
    code = "no_cloud"
    http_status = 409

    def __init__(self, environment: object) -> None:
        super().__init__(
            f"No cloud starts machines for {environment}: there is nothing to ask. Choose a provider such as aws first."
        )


class RegistryNotFound(NotFound):
    def __init__(self, reference: object) -> None:
        super().__init__(f"There are no registry credentials {reference}.")


class RegistryNotChangeable(DomainError):
    code = "forbidden"
    http_status = 403

    def __init__(self, owner: object) -> None:
        super().__init__(
            f"Only the owners of {owner} see and change its registry credentials. Ask one of them."
        )


class PatternRefused(DomainError):
    """An image pattern that has the wrong form or is taken; the message says which."""

    field = "image_pattern"


class DefaultRefused(DomainError):
    """An environment that cannot be a default; the message says why."""

    field = "default_environment"
