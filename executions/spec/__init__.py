"""From what was asked to what will run: checked against the step, completed with defaults, interpolated."""

from executions.spec.draft import draft_execution

__all__ = ["draft_execution"]
