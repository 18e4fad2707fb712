"""Any viewer at any time sees everything once: chunks, storage objects and what waits in Redis, joined on the line."""

import random
import threading

import pytest
from django.core.files.storage import default_storage
from django.db import connection

from common.redis import client
from executions.logs import chunks, reader, sealing, stream
from executions.logs.background import seal_log
from executions.logs.decoded import LogUnavailable
from executions.logs.ingest import close_abandoned, fold_events
from executions.logs.search import Query, search
from executions.logs.segments import Segment
from executions.models import Execution, LogChunk
from peon.protocol import events, keys
from tests.logs.agent import Agent


def lines_of(segments: list[Segment]) -> list[tuple[int, str]]:
    return [(s.first_line + i, line) for s in segments for i, line in enumerate(s.text.split("\n"))]


def everything(execution: Execution) -> list[tuple[int, str]]:
    return lines_of(reader.read_segments(execution, 0, 10**9, max_bytes=10**9))


def numbered(count: int) -> list[tuple[int, str]]:
    return [(number, f"line {number}") for number in range(count)]


def say_numbered(agent: Agent, count: int) -> None:
    agent.say(*(f"line {agent.next_line + i}" for i in range(count)))


@pytest.mark.django_db
class TestJoin:
    def test_lines_only_in_redis_are_seen(self, execution: Execution, agent: Agent) -> None:
        say_numbered(agent, 5)
        assert everything(execution) == numbered(5)
        assert reader.line_count(execution) == 5

    def test_chunks_and_tail_join_without_doubling(self, execution: Execution, agent: Agent) -> None:
        say_numbered(agent, 5)
        fold_events(execution.pk)
        say_numbered(agent, 5)
        assert client().xlen(keys.events(str(execution.pk))) == 2  # the folded entry is still there
        assert everything(execution) == numbered(10)

    @pytest.mark.parametrize(("first", "count"), [(0, 3), (3, 4), (7, 100), (9, 1), (10, 5), (500, 5)])
    def test_windows_cut_across_every_border(
        self, execution: Execution, agent: Agent, first: int, count: int
    ) -> None:
        say_numbered(agent, 4)
        fold_events(execution.pk)
        say_numbered(agent, 3)
        fold_events(execution.pk)
        say_numbered(agent, 3)
        assert lines_of(reader.read_segments(execution, first, count)) == numbered(10)[first : first + count]

    def test_bytes_bound_a_read_but_never_to_nothing(self, execution: Execution, agent: Agent) -> None:
        agent.say("x" * 60_000, "y" * 60_000)
        fold_events(execution.pk)
        assert len(lines_of(reader.read_segments(execution, 0, 100, max_bytes=10))) == 1

    def test_without_redis_what_is_stored_is_seen(
        self, execution: Execution, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import redis

        say_numbered(agent, 4)
        fold_events(execution.pk)
        away = redis.Redis(port=1)
        monkeypatch.setattr(stream, "client", lambda: away)
        assert everything(execution) == numbered(4)
        assert reader.line_count(execution) == 4

    def test_last_lines(self, execution: Execution, agent: Agent) -> None:
        say_numbered(agent, 7)
        fold_events(execution.pk)
        say_numbered(agent, 3)
        assert lines_of(reader.last_lines(execution, 4)) == numbered(10)[-4:]
        assert lines_of(reader.last_lines(execution, 400)) == numbered(10)

    def test_first_and_last_lines_of_some_streams(self, execution: Execution, agent: Agent) -> None:
        for number in range(6):
            agent.say(f"status {number}", kind=events.STATUS)
            agent.say(*(f"out {number}.{i}" for i in range(2000)))
            if number < 5:
                fold_events(execution.pk)
        wanted = {events.STATUS}
        assert [t for _, t in lines_of(reader.first_lines(execution, 2, wanted))] == ["status 0", "status 1"]
        assert [t for _, t in lines_of(reader.last_lines(execution, 2, wanted))] == ["status 4", "status 5"]
        assert len(lines_of(reader.last_lines(execution, 99, wanted))) == 6

    def test_status_lines_are_found_without_reading_other_chunks(
        self, execution: Execution, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        agent.say("starting", kind=events.STATUS)
        for _ in range(20):
            agent.say(*("x" * 100 for _ in range(1500)))
        agent.finish()
        fold_events(execution.pk)
        sealing.seal(execution.pk)
        for _ in range(2):
            loaded = []
            real = reader.decoded.load
            monkeypatch.setattr(
                reader.decoded, "load", lambda info, real=real, seen=loaded: seen.append(info) or real(info)
            )
            assert [t for _, t in lines_of(reader.first_lines(execution, 100, {events.STATUS}))] == [
                "starting"
            ]
            assert all(info.status_line_count for info in loaded)

    def test_text_has_times_when_asked_for(self, execution: Execution, agent: Agent) -> None:
        agent.say("one")
        agent.say("two", kind=events.STDERR)
        assert "".join(reader.iter_text(execution)) == "one\ntwo\n"
        stamped = "".join(reader.iter_text(execution, timestamps=True)).split("\n")
        assert stamped[0] == "2027-01-15T08:00:00.000000 stdout one"
        assert stamped[1] == "2027-01-15T08:00:00.000001 stderr two"
        assert "".join(reader.iter_text(execution, streams={"e"})) == "two\n"


@pytest.mark.django_db
class TestSealing:
    def fill(self, agent: Agent, batches: int = 50, lines: int = 2000) -> int:
        for _ in range(batches):
            start = agent.next_line
            agent.say(*(f"line {start + i} {'x' * 90}" for i in range(lines)))
        return batches * lines

    def read(self, execution: Execution) -> list[int]:
        return [int(text.split()[1]) for _, text in everything(execution)]

    def test_ended_log_is_in_storage_and_gone_from_redis(self, execution: Execution, agent: Agent) -> None:
        count = self.fill(agent)
        agent.finish()
        fold_events(execution.pk)
        assert seal_log(str(execution.pk)) >= 2
        execution.refresh_from_db()
        assert execution.log_sealed_at is not None
        assert not LogChunk.objects.filter(data__isnull=False).exists()
        assert client().exists(keys.events(str(execution.pk)), keys.events_head(str(execution.pk))) == 0
        assert self.read(execution) == list(range(count))
        assert lines_of(reader.read_segments(execution, 77_777, 1))[0][0] == 77_777

    def test_doing_it_again_changes_nothing(self, execution: Execution, agent: Agent) -> None:
        self.fill(agent, 3)
        agent.finish()
        fold_events(execution.pk)
        sealing.seal(execution.pk)
        before = list(LogChunk.objects.values())
        assert sealing.seal(execution.pk) == 0
        assert list(LogChunk.objects.values()) == before

    def test_running_log_is_sealed_up_to_the_chunk_that_still_grows(
        self, execution: Execution, agent: Agent
    ) -> None:
        count = self.fill(agent)
        fold_events(execution.pk)
        assert sealing.seal(execution.pk) >= 2
        assert LogChunk.objects.filter(data__isnull=False).count() == 1
        count += self.fill(agent, 3)
        fold_events(execution.pk)
        assert self.read(execution) == list(range(count))
        execution.refresh_from_db()
        assert execution.log_sealed_at is None

    def test_sealing_that_lost_the_race_leaves_rows_and_no_object(
        self, execution: Execution, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.fill(agent, 3)
        agent.finish()
        fold_events(execution.pk)
        real = sealing._switch
        monkeypatch.setattr(sealing, "_switch", lambda *a: sealing_first(a) and real(*a))

        def sealing_first(arguments: tuple[object, ...]) -> bool:
            monkeypatch.setattr(sealing, "_switch", real)
            sealing.seal(execution.pk)
            return True

        sealing.seal(execution.pk)
        assert LogChunk.objects.count() == 1
        assert len(default_storage.listdir(f"logs/{execution.pk}")[1]) == 1
        assert self.read(execution) == list(range(6000))

    def test_chunks_around_a_sealed_middle_become_objects_of_their_own(
        self, execution: Execution, agent: Agent
    ) -> None:
        self.fill(agent, 12)
        agent.finish()
        fold_events(execution.pk)
        rows = list(LogChunk.objects.order_by("first_line").values_list("pk", flat=True))
        sealing._seal_run(execution.pk, rows[2:4])
        sealing.seal(execution.pk)
        assert LogChunk.objects.count() == 3
        assert self.read(execution) == list(range(24_000))

    def test_empty_log_is_sealed_too(self, execution: Execution, agent: Agent) -> None:
        agent.finish()
        fold_events(execution.pk)
        assert sealing.seal(execution.pk) == 0
        execution.refresh_from_db()
        assert execution.log_sealed_at is not None

    def test_lost_object_is_told_by_name(self, execution: Execution, agent: Agent) -> None:
        self.fill(agent, 2)
        agent.finish()
        fold_events(execution.pk)
        sealing.seal(execution.pk)
        name = LogChunk.objects.get().storage_key
        default_storage.delete(name)
        with pytest.raises(LogUnavailable, match=name):
            everything(execution)

    def test_log_of_a_lost_worker_is_sealed_with_its_last_line(
        self, execution: Execution, agent: Agent
    ) -> None:
        agent.say("line 0")
        close_abandoned(execution_id=execution.pk, epoch=1, message="Lost.")
        sealing.seal(execution.pk)
        assert everything(execution) == [(0, "line 0"), (1, "Lost.")]


@pytest.mark.django_db
class TestSearch:
    @pytest.fixture(autouse=True)
    def log(self, execution: Execution, agent: Agent) -> None:
        for number in range(300):
            agent.say(f"Epoch {number} loss", f"noise {number}")
            if number == 150:
                fold_events(execution.pk)
        agent.say("EPOCH failed", kind=events.STDERR)

    def test_case_does_not_matter_and_both_filters_hold(self, execution: Execution) -> None:
        page = search(execution, Query(include="epoch 29", exclude="295"))
        assert [line.message for line in page.lines] == [
            "Epoch 29 loss", *(f"Epoch {n} loss" for n in range(290, 300) if n != 295),
        ]  # fmt: skip
        assert page.is_finished

    def test_pages_go_on_where_the_last_one_ended(self, execution: Execution) -> None:
        found, after = [], -1
        while True:
            page = search(execution, Query(include="loss"), after_line=after, limit=70)
            found += page.lines
            after = page.next_after
            if page.is_finished:
                break
        assert [line.number for line in found] == [2 * n for n in range(300)]

    def test_stream_is_chosen(self, execution: Execution) -> None:
        page = search(execution, Query(include="epoch", streams={"e"}))
        assert [(line.number, line.message) for line in page.lines] == [(600, "EPOCH failed")]

    def test_budget_ends_a_page_early(self, execution: Execution) -> None:
        ticks = iter(range(10_000))
        page = search(
            execution, Query(include="absent"), budget_seconds=1, monotonic=lambda: float(next(ticks))
        )
        assert not page.is_finished
        assert page.next_after >= 0


@pytest.mark.django_db(transaction=True)
def test_readers_lose_and_double_nothing_while_ingest_and_sealing_work(
    execution: Execution, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writer, ingest, sealing and readers at the same time."""
    total, done = 30_000, threading.Event()
    monkeypatch.setattr(sealing, "OBJECT_BYTES", 30_000)
    monkeypatch.setattr(sealing, "LEAST_RUNNING_BYTES", 10_000)
    monkeypatch.setattr(chunks, "MERGE_BELOW_BYTES", 4000)
    monkeypatch.setattr(chunks, "FRESH_CHUNK_BYTES", 8000)

    def ingest() -> None:
        try:
            while not done.is_set():
                fold_events(execution.pk)
            fold_events(execution.pk)
        finally:
            connection.close()

    def seal() -> None:
        try:
            while not done.is_set():
                sealing.seal(execution.pk)
        finally:
            connection.close()

    workers = [
        threading.Thread(target=ingest),
        threading.Thread(target=ingest),
        threading.Thread(target=seal),
    ]
    for worker in workers:
        worker.start()
    try:
        dice = random.Random(4)
        while agent.next_line < total:
            before = agent.next_line
            agent.say(*(f"line {before + i}" for i in range(dice.choice([1, 10, 500]))))
            first = dice.randrange(agent.next_line)
            wanted = agent.next_line - first
            seen = lines_of(reader.read_segments(execution, first, wanted, max_bytes=10**9))
            assert seen == [(n, f"line {n}") for n in range(first, agent.next_line)]
    finally:
        done.set()
        for worker in workers:
            worker.join()
    assert everything(execution) == numbered(agent.next_line)
