"""The environment variables of an execution beside its own: inherited ones, and those of the groups that it asks for."""

from collections.abc import Iterable, Mapping

from executions.models import Execution
from projects.selectors import VariableLayers, effective_variables, layers_of_each
from projects.types import ResolvedVariable


def variables_beside(execution: Execution) -> dict[str, ResolvedVariable]:
    """As they are now: what changed since it was created counts when its worker asks."""
    return effective_variables(
        execution.project,
        execution.environment_variable_groups,
        inherit=execution.inherit_environment_variables,
    )


def known_variables(execution: Execution) -> Mapping[str, ResolvedVariable]:
    """Every variable that the execution may get from elsewhere, whether it inherits them or not."""
    read: VariableLayers | None = getattr(execution, "variable_layers", None)
    groups = execution.environment_variable_groups
    return effective_variables(execution.project, groups, inherit=True, known=read)


def read_known_variables(executions: Iterable[Execution]) -> None:
    """What `known_variables` of each will look at, for all of a list at once."""
    rows = list(executions)
    of_projects = layers_of_each(row.project for row in rows)
    for row in rows:
        row.variable_layers = of_projects[row.project_id]


def shown_variables(execution: Execution) -> dict[str, str]:
    """Its own variables as everybody who sees it may read them: a name that is a secret elsewhere is one here too, and empty."""
    own: dict[str, str] = execution.environment_variables
    known = known_variables(execution) if own else {}
    return {name: "" if name in known and known[name].secret else value for name, value in own.items()}
