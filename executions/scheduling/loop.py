"""The endless loop of the scheduler: look, decide, act; then wait for a call or for the next look.

A call (somebody created, stopped or finished an execution) leads to a *quick* look that only plans. Every
ROUND_SECONDS comes a *thorough* one, which also compares with Redis. Either alone would still be correct; the calls
make it fast, the looks make it certain.
"""

import logging
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import redis
from django.db import InterfaceError, OperationalError

from common import clock, pulse
from common.leadership import Leadership
from common.wakes import Wakes
from environments.autoscaling.selectors import waiting_words
from environments.enrolment import redis_users
from environments.models import Environment, redis_queue
from executions import queue
from executions.scheduling import housekeeping, watchdog, workers
from executions.scheduling.apply import apply_decisions, write_reasons
from executions.scheduling.facts import UnfinishedExecution, load_unfinished, planning_facts
from executions.scheduling.limits import UserKey
from executions.scheduling.planner import plan, served_after

logger = logging.getLogger(__name__)

LOCK_KEY = 0x76685F7363686564  # "vh_sched"
ROUND_SECONDS = 2.0
SWEEP_SECONDS = 30.0


class Scheduler:
    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._leadership = Leadership(LOCK_KEY)
        self._wakes = Wakes("scheduler")
        self._suspects: Mapping[str, float] = {}
        # Only kept in memory: another leader begins without it and lets a long line win its ties once.
        self._served: Mapping[tuple[UUID, UserKey], datetime] = {}
        self._due = dict.fromkeys(("thorough", "sweep", "minute", "hour"), 0.0)
        self._redis_run_id = ""  # of the Redis whose users of workers were made
        self._database_is_away = False

    def run(self) -> None:
        """Until `stopping` is set."""
        while not self.stopping.is_set():
            began = time.monotonic()
            if self._look():
                self._pause(time.monotonic() - began)
            else:
                self.stopping.wait(ROUND_SECONDS)
        self._wakes.close()
        self._leadership.drop()

    def _look(self) -> bool:
        """One turn; False when this process does not lead or the database is away."""
        try:
            leads = self._leadership.held()
            if leads:
                self.turn()
        except (OperationalError, InterfaceError):
            self._lose_database()
            return False
        self._note_database()
        pulse.beat()
        return leads

    def turn(self) -> None:
        now = time.monotonic()
        unfinished = load_unfinished()
        facts = planning_facts(unfinished, self._served)
        decisions = plan(facts)
        self._served = served_after(facts, decisions, clock.now())
        try:
            apply_decisions(decisions, unfinished)
            if self._is_due("thorough", now, ROUND_SECONDS):
                self._compare_with_redis(unfinished, now)
        except redis.RedisError:
            # What a living worker said meanwhile is unknown: start counting again when Redis is back.
            self._suspects = {}
            self._wakes.close()
        if self._is_due("minute", now, 60):
            housekeeping.every_minute()
        if self._is_due("hour", now, 3600):
            housekeeping.every_hour()

    def _compare_with_redis(self, unfinished: list[UnfinishedExecution], now: float) -> None:
        evidence = queue.read_evidence([execution.job for execution in unfinished])
        if evidence.run_id != self._redis_run_id:
            redis_users.sync(renew=True)
            self._redis_run_id = evidence.run_id
        findings = watchdog.examine(
            unfinished, evidence, self._suspects, now=now, patience=watchdog.Patience.from_settings()
        )
        self._suspects = findings.suspects
        if self._is_due("sweep", now, SWEEP_SECONDS):
            # Before the findings are carried out: they add entries that `unfinished` does not know.
            names = Environment.objects.order_by().values_list("kind", "queue_name").distinct()
            watchdog.sweep(unfinished, evidence, sorted({redis_queue(*name) for name in names}))
            redis_users.sync(renew=False)
        watchdog.carry_out(findings)
        moment = clock.now()
        waiting_long = [e for e in unfinished if workers.waits_long(e, moment)]
        if waiting_long:
            machines = waiting_words({e.environment_id for e in waiting_long})
            served = workers.served_queues(moment, {e.queue_name for e in waiting_long})
            told = workers.reasons(waiting_long, served, machines)
            write_reasons(told, waiting_long)

    def _is_due(self, what: str, now: float, every_seconds: float) -> bool:
        if now < self._due[what]:
            return False
        self._due[what] = now + every_seconds
        return True

    def _pause(self, turn_seconds: float) -> None:
        """Wait for a call or the next look; after an expensive turn at least as long as it took."""
        if turn_seconds > 0.1:
            self.stopping.wait(min(turn_seconds, ROUND_SECONDS))
        remaining = max(0.05, self._due["thorough"] - time.monotonic())
        self._wakes.wait(remaining)

    def _lose_database(self) -> None:
        if not self._database_is_away:
            logger.warning("PostgreSQL is away; the scheduler goes on when it is back")
            self._database_is_away = True
        self._leadership.drop()

    def _note_database(self) -> None:
        if self._database_is_away:
            logger.warning("PostgreSQL is back")
            self._database_is_away = False
