"""The environment variables of an execution beside its own: inherited ones, and those of the groups that it asks for."""

from executions.models import Execution
from projects.selectors import effective_variables
from projects.types import ResolvedVariable


def variables_beside(execution: Execution) -> dict[str, ResolvedVariable]:
    """As they are now: what changed since it was created counts when its worker asks."""
    return effective_variables(
        execution.project,
        execution.environment_variable_groups,
        inherit=execution.inherit_environment_variables,
    )
