"""A round of the scheduler for 10,000 waiting jobs: the plan alone, and the whole turn on a real PostgreSQL and Redis."""

import json
import os
import random
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.figures import Figure, Reference, percentile, print_line
from environments.types import TeamQuotas
from executions.scheduling.limits import EnvironmentLimits, TeamKey, UserKey
from executions.scheduling.lines import WaitingExecution, age
from executions.scheduling.planner import Facts, plan

JOBS, USERS, ENVIRONMENTS, TEAMS, ADMITTED = 10_000, 500, 50, 40, 2_000
REPETITIONS = 9
TURNS = 5
START = datetime(2026, 1, 1, tzinfo=UTC)


def measure() -> Iterator[Figure]:
    facts = busy_facts(random.Random(0))  # noqa: S311
    sorting = median_ms(lambda: sorted(facts.waiting, key=age))
    yield Figure(
        f"plan for {JOBS:,} jobs, {USERS} users, {ENVIRONMENTS} environments, team quotas, p50",
        median_ms(lambda: plan(facts)), "ms", 300, references=(Reference("sorting the same jobs once", sorting),),
    )  # fmt: skip
    for name, took in json.loads(in_installation("--turns")).items():
        yield Figure(f"scheduler's turn for {JOBS:,} jobs: {name}, p50", took, "ms")


def busy_facts(chance: random.Random) -> Facts:
    """Some environments are full, some limit users, some have no limit; every user has jobs for teams and for none."""

    def new_id() -> uuid.UUID:
        return uuid.UUID(int=chance.getrandbits(128))

    environments = [new_id() for _ in range(ENVIRONMENTS)]
    teams = [new_id() for _ in range(TEAMS)]
    teams_of_users = [[None, *chance.sample(teams, 2)] for _ in range(USERS)]

    def quotas() -> TeamQuotas:
        return TeamQuotas(
            {team: chance.choice((None, 0, 2, 10)) for team in chance.sample(teams, TEAMS // 2)}
        )

    def job() -> WaitingExecution:
        user = chance.randrange(USERS)
        return WaitingExecution(
            id=new_id(),
            environment_id=chance.choice(environments),
            user=user,
            priority=chance.choice((0, 0, 0, 1, 5)),
            created_at=START + timedelta(seconds=chance.randrange(100_000)),
            team=chance.choice(teams_of_users[user]),
        )

    limits = {
        pk: EnvironmentLimits(
            pk, f"env-{pk}", True, chance.choice((0, 5, 20, 100)), chance.choice((0, 2, 5)), quotas()
        )
        for pk in environments
    }
    admitted: dict[tuple[uuid.UUID, UserKey, TeamKey], int] = {
        (chance.choice(environments), chance.randrange(USERS), chance.choice(teams)): 1
        for _ in range(ADMITTED)
    }
    return Facts(tuple(job() for _ in range(JOBS)), limits, admitted)


def median_ms(work: Callable[[], Any]) -> float:
    return round(percentile([timed(work)[0] for _ in range(REPETITIONS)], 50), 1)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds, and what it returned."""
    began = time.perf_counter()
    result = work()
    return (time.perf_counter() - began) * 1000, result


def in_installation(argument: str, module: str = "bench.planner") -> str:
    """What the module says when it is run beside a throwaway PostgreSQL and Redis."""
    from tests.support import services

    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "valohai_app.settings",
        "SECRET_KEY": "for-measuring",
    }
    environment |= {"DATABASE_URL": services.start_postgres(), "REDIS_URL": services.start_redis()}
    environment["DATA_DIR"] = str(services.throwaway_folder("data"))
    command = [sys.executable, "-m", module, argument]
    return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def measure_turns() -> dict[str, float]:
    """Turn, or part of one -> its median."""
    from django.db import connection

    from common.redis import client
    from executions.models import Execution
    from executions.scheduling.apply import apply_decisions
    from executions.scheduling.facts import load_unfinished, planning_facts

    took: dict[str, list[float]] = {}

    def note(part: str, work: Callable[[], Any]) -> Any:
        milliseconds, result = timed(work)
        took.setdefault(part, []).append(milliseconds)
        return result

    def read() -> tuple[Any, Facts]:
        unfinished = load_unfinished()
        return unfinished, planning_facts(unfinished, {})

    def turn(kind: str) -> None:
        unfinished, facts = note(f"{kind}, reading", read)
        decisions = note(f"{kind}, planning", lambda: plan(facts))
        note(f"{kind}, carrying out", lambda: apply_decisions(decisions, unfinished))

    seed(busy_facts(random.Random(0)))  # noqa: S311
    for _ in range(TURNS):
        client().flushdb()
        Execution.objects.exclude(status="started").update(
            status="created", queued_at=None, waiting_reason=""
        )
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE executions_execution")
        note("all is new", lambda: turn("all is new"))
        note("nothing has changed", lambda: turn("nothing has changed"))
    return {part: round(percentile(values, 50), 1) for part, values in took.items()}


def seed(facts: Facts) -> None:
    """The same situation as rows."""
    from django.core.management import call_command

    from accounts.models import Owner, User
    from environments.models import Environment, TeamPlace
    from executions.models import Execution
    from executions.types import Status
    from organizations.models import Team
    from tests.support import factories

    call_command("migrate", verbosity=0)
    house = factories.make_organization("house")
    project = factories.make_project(house)
    owners = Owner.objects.bulk_create(Owner(name=f"user-{n}", kind=Owner.Kind.USER) for n in range(USERS))
    users = User.objects.bulk_create(User(owner=owner, username=owner.name) for owner in owners)
    teams = {team for limits in facts.environments.values() for team in limits.teams.given}
    Team.objects.bulk_create(Team(pk=team, organization=house, name=str(team)) for team in teams)
    Environment.objects.bulk_create(
        Environment(
            pk=pk, slug=str(pk), name=limits.name, queue_name=str(pk),
            max_running=limits.max_running, per_user_queue_quota=limits.per_user_quota,
        )
        for pk, limits in facts.environments.items()
    )  # fmt: skip
    TeamPlace.objects.bulk_create(
        TeamPlace(environment_id=pk, team_id=team, max_running=quota)
        for pk, limits in facts.environments.items()
        for team, quota in limits.teams.given.items()
    )
    waiting = [(e.environment_id, e.user, e.team, e.priority, Status.CREATED) for e in facts.waiting]
    started = [(where, user, team, 0, Status.STARTED) for where, user, team in facts.admitted]
    Execution.objects.bulk_create(
        Execution(
            project=project, counter=counter, environment_id=environment_id, creator=users[user or 0], quota_team_id=team,
            priority=priority, status=status, step="train", image="python:3.11", command="x", interpolated_command="x",
        )
        for counter, (environment_id, user, team, priority, status) in enumerate(waiting + started, start=1)
    )  # fmt: skip


def main() -> None:
    if "--turns" in sys.argv:
        from bench.event_stream import set_up_django

        set_up_django()
        print(json.dumps(measure_turns()))
        return
    for figure in measure():
        print_line(figure)


if __name__ == "__main__":
    main()
