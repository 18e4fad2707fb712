"""Which variables of a job are secret, and the masker that takes their values out of what it says.

The agent masks what goes through it; what a job tells us directly is masked here.
"""

from collections.abc import Mapping

from django.conf import settings

from executions.models import Execution
from executions.queue import job_token
from executions.variables import known_variables
from peon.protocol.masking import Masker, passwords_in
from projects.types import ResolvedVariable

MASKS_SECRETS = "masks_secrets"
"""What an agent that masks says of itself, among its facts."""


def secret_names(known: Mapping[str, ResolvedVariable]) -> list[str]:
    """Names whose values are masked. A name that is secret once is secret too where an execution sets it itself."""
    if not settings.MASK_SECRETS_IN_LOGS:
        return []
    return sorted(name for name, variable in known.items() if variable.secret)


def masker_of(execution: Execution) -> Masker:
    """For what the job of this attempt tells us past its agent."""
    known = known_variables(execution)
    own = execution.environment_variables
    values = [value for name in secret_names(known) for value in (known[name].value, own.get(name)) if value]
    addresses = [url for item in execution.inputs for url in item["urls"]]
    token = job_token(execution.pk, execution.epoch)
    return Masker([*map(str, values), token, *passwords_in(addresses)])
