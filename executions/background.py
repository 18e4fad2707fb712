"""Celery tasks of executions; Celery looks for them here."""

from executions.logs.background import seal_log

__all__ = ["seal_log"]
