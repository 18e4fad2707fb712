"""Statuses: every interleaving of what users, workers and the watchdog do ends as documented, and stays so."""

import threading
from datetime import timedelta

import pytest
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from common import clock
from executions import lifecycle
from executions.models import Execution
from executions.types import FINAL, INCOMPLETE, TRANSITIONS, Status, sources_of
from tests.support.factories import make_environment, make_execution, make_project

REPORTS = st.sampled_from([Status.COMPLETE, Status.ERROR, Status.CRASHED, Status.STOPPED])


def finish(execution: Execution, status: Status = Status.COMPLETE, **fields: object) -> bool:
    facts = {"epoch": execution.epoch, "exit_code": 0, "reason": "because", "ended_at": clock.now(), **fields}
    return lifecycle.mark_finished(execution_id=execution.pk, status=status, **facts)


def test_table_names_every_status_and_final_ones_lead_nowhere():
    assert set(TRANSITIONS) == set(Status)
    assert all(not TRANSITIONS[status] for status in FINAL)
    assert all(TRANSITIONS[status] for status in INCOMPLETE)
    assert sources_of(Status.STARTED) == {Status.QUEUED}


@pytest.mark.django_db
def test_queueing_stamps_the_time_and_leaves_others_alone():
    created, started = make_execution(), make_execution(status=Status.STARTED)
    assert lifecycle.mark_queued(execution_ids=[created.pk, started.pk]) == {created.pk}
    created.refresh_from_db()
    started.refresh_from_db()
    assert (created.status, started.status) == (Status.QUEUED, Status.STARTED)
    assert created.queued_at is not None


@pytest.mark.django_db
def test_start_needs_the_current_epoch():
    execution = make_execution(status=Status.QUEUED, epoch=3)
    assert not lifecycle.mark_started(execution_id=execution.pk, epoch=2, worker_identity="old")
    assert lifecycle.mark_started(execution_id=execution.pk, epoch=3, worker_identity="new")
    execution.refresh_from_db()
    assert (execution.status, execution.worker_identity) == (Status.STARTED, "new")


@pytest.mark.django_db
def test_finish_of_an_old_epoch_is_refused():
    execution = make_execution(status=Status.STARTED, epoch=2)
    assert not finish(execution, epoch=1)
    execution.refresh_from_db()
    assert execution.status == Status.STARTED


@pytest.mark.django_db
@pytest.mark.parametrize("reported", [Status.COMPLETE, Status.ERROR, Status.CRASHED, Status.STOPPED])
def test_stop_before_the_finish_makes_it_stopped(reported: Status):
    execution = make_execution(status=Status.STARTED)
    assert lifecycle.mark_stopping(execution_id=execution.pk)
    assert finish(execution, reported, exit_code=7)
    execution.refresh_from_db()
    assert (execution.status, execution.exit_code, execution.error_text) == (Status.STOPPED, 7, "")


@pytest.mark.django_db
@pytest.mark.parametrize("reported", [Status.COMPLETE, Status.ERROR, Status.CRASHED])
def test_stop_after_the_finish_changes_nothing(reported: Status):
    execution = make_execution(status=Status.STARTED)
    assert finish(execution, reported)
    assert not lifecycle.mark_stopping(execution_id=execution.pk)
    assert not lifecycle.mark_kill_requested(execution_id=execution.pk)
    execution.refresh_from_db()
    assert execution.status == reported
    assert execution.error_text == ("" if reported == Status.COMPLETE else "because")


@pytest.mark.django_db
def test_what_waits_is_stopped_at_once_and_cannot_be_started():
    execution = make_execution(status=Status.QUEUED)
    assert lifecycle.mark_stopped_before_start(execution_id=execution.pk)
    assert not lifecycle.mark_started(
        execution_id=execution.pk, epoch=execution.epoch, worker_identity="late"
    )
    execution.refresh_from_db()
    assert execution.status == Status.STOPPED
    assert execution.ended_at is not None


@pytest.mark.django_db
def test_a_status_that_is_not_final_cannot_be_reported_as_an_end():
    with pytest.raises(ValueError, match="not a final status"):
        finish(make_execution(status=Status.STARTED), Status.QUEUED)


@pytest.mark.django_db
def test_next_epoch_only_while_queued():
    queued, started = make_execution(status=Status.QUEUED), make_execution(status=Status.STARTED)
    assert lifecycle.begin_next_epoch(execution_id=queued.pk, epoch=queued.epoch)
    assert not lifecycle.begin_next_epoch(execution_id=queued.pk, epoch=queued.epoch)
    assert not lifecycle.begin_next_epoch(execution_id=started.pk, epoch=started.epoch)


@pytest.mark.django_db(transaction=True)
def test_of_many_racing_workers_exactly_one_starts_it():
    execution = make_execution(status=Status.QUEUED)
    won: list[str] = []
    barrier = threading.Barrier(6)

    def race(name: str) -> None:
        barrier.wait()
        if lifecycle.mark_started(execution_id=execution.pk, epoch=execution.epoch, worker_identity=name):
            won.append(name)
        close_old_connections()
        from django.db import connection

        connection.close()

    threads = [threading.Thread(target=race, args=(f"worker-{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    execution.refresh_from_db()
    assert won == [execution.worker_identity]


class ExecutionLife(RuleBasedStateMachine):
    """Users, two workers, the scheduler and the watchdog, in any order. A model beside it says what must come out."""

    def __init__(self) -> None:
        super().__init__()
        self.execution = make_execution(self.project, environment=self.environment)
        self.model = Status.CREATED
        self.epoch = 0
        self.history = [Status.CREATED]

    project = None
    environment = None

    @rule()
    def scheduler_queues(self) -> None:
        changed = lifecycle.mark_queued(execution_ids=[self.execution.pk])
        self.expect(bool(changed), Status.QUEUED, when={Status.CREATED})

    @rule(epoch_behind=st.integers(0, 2))
    def worker_claims(self, epoch_behind: int) -> None:
        epoch = self.epoch - epoch_behind
        changed = lifecycle.mark_started(execution_id=self.execution.pk, epoch=epoch, worker_identity="w")
        self.expect(changed, Status.STARTED, when={Status.QUEUED} if not epoch_behind else set())

    @rule()
    def watchdog_gives_it_to_the_next_worker(self) -> None:
        changed = lifecycle.begin_next_epoch(execution_id=self.execution.pk, epoch=self.epoch)
        assert changed == (self.model == Status.QUEUED)
        self.epoch += changed

    @rule()
    def user_stops(self) -> None:
        before_start = lifecycle.mark_stopped_before_start(execution_id=self.execution.pk)
        self.expect(before_start, Status.STOPPED, when={Status.CREATED, Status.QUEUED})
        if not before_start:
            changed = lifecycle.mark_stopping(execution_id=self.execution.pk)
            self.expect(changed, Status.STOPPING, when={Status.STARTED})

    @rule()
    def user_kills(self) -> None:
        changed = lifecycle.mark_kill_requested(execution_id=self.execution.pk)
        assert not changed or self.model == Status.STOPPING

    @rule(reported=REPORTS, epoch_behind=st.integers(0, 2))
    def worker_or_watchdog_reports_the_end(self, reported: Status, epoch_behind: int) -> None:
        self.execution.epoch = self.epoch
        changed = finish(self.execution, reported, epoch=self.epoch - epoch_behind)
        running = {Status.STARTED, Status.STOPPING} if not epoch_behind else set()
        self.expect(changed, Status.STOPPED if self.model == Status.STOPPING else reported, when=running)

    @precondition(lambda self: self.model == Status.QUEUED)
    @rule()
    def job_cannot_be_put_together(self) -> None:
        changed = lifecycle.mark_refused(execution_id=self.execution.pk, epoch=self.epoch, reason="gone")
        self.expect(changed, Status.ERROR, when={Status.QUEUED})

    def expect(self, changed: bool, target: Status, *, when: set[Status]) -> None:
        assert changed == (self.model in when)
        if changed:
            assert target in TRANSITIONS[self.model]
            self.model = target
            self.history.append(target)

    @invariant()
    def row_agrees_with_the_model(self) -> None:
        row = Execution.objects.get(pk=self.execution.pk)
        assert row.status == self.model
        assert row.epoch == self.epoch
        assert (row.ended_at is not None) == (self.model in FINAL)
        assert sum(status in FINAL for status in self.history) <= 1


@pytest.mark.django_db
def test_every_interleaving_ends_as_the_model_says():
    ExecutionLife.project = make_project()
    ExecutionLife.environment = make_environment()
    run_state_machine_as_test(
        ExecutionLife,
        settings=settings(
            max_examples=60,
            stateful_step_count=12,
            deadline=timedelta(seconds=5),
            suppress_health_check=list(HealthCheck),
        ),
    )
