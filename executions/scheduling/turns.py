"""Fairness inside a queue: users alternate, so that a new one does not wait for all that another has queued."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from executions.queue import Job
from executions.scheduling.facts import UnfinishedExecution


def with_turns(in_queue: Iterable[UnfinishedExecution]) -> list[Job]:
    """The jobs of those that are in the queues or shall be, given oldest first, each with its user's turn."""
    standing: Counter[tuple[object, ...]] = Counter()
    jobs = []
    for execution in in_queue:
        line = execution.queue_name, execution.priority, execution.user
        jobs.append(replace(execution.job, turn=standing[line]))
        standing[line] += 1
    return jobs
