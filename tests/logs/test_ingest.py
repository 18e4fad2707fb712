"""From the stream to the rows: nothing lost, nothing twice, whatever breaks on the way."""

import json
from datetime import UTC, datetime

import pytest
from django.core.files.storage import default_storage

from common.redis import client
from executions.logs import chunks, reader, stream
from executions.logs.ingest import close_abandoned, fold_events
from executions.logs.ingest_loop import Ingest
from executions.metadata import store
from executions.models import Execution, LogChunk, MetadataChunk, ResourceSample
from executions.types import Status
from peon.protocol import events, keys
from tests.logs.agent import START, Agent
from tests.support import factories

pytestmark = pytest.mark.django_db


def text_of(execution: Execution) -> list[str]:
    return "".join(reader.iter_text(execution)).split("\n")[:-1]


def head_of(execution: Execution) -> dict[bytes, bytes]:
    return client().hgetall(keys.events_head(str(execution.pk)))  # type: ignore[return-value]


def test_lines_arrive_in_order_and_are_acknowledged(execution: Execution, agent: Agent) -> None:
    agent.say("one", "two")
    agent.say("oops", kind=events.STDERR)
    fold_events(execution.pk)
    agent.say("three")
    fold_events(execution.pk)
    execution.refresh_from_db()
    assert text_of(execution) == ["one", "two", "oops", "three"]
    assert (execution.next_seq, execution.log_line_count) == (4, 4)
    assert head_of(execution)[b"acked_seq"] == b"4"


def test_folding_again_changes_nothing(execution: Execution, agent: Agent) -> None:
    agent.say("one", '{"loss": 1}')
    fold_events(execution.pk)
    before = list(LogChunk.objects.values()), list(MetadataChunk.objects.values())
    fold_events(execution.pk)
    assert (list(LogChunk.objects.values()), list(MetadataChunk.objects.values())) == before


def test_crash_between_commit_and_acknowledgement_doubles_nothing(
    execution: Execution, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent.say("one", "two")
    with monkeypatch.context() as broken:
        broken.setattr(stream, "acknowledge", lambda *_: (_ for _ in ()).throw(ConnectionError()))
        with pytest.raises(ConnectionError):
            fold_events(execution.pk)
    assert head_of(execution)[b"acked_seq"] == b"0"
    agent.say("three")
    fold_events(execution.pk)
    assert text_of(execution) == ["one", "two", "three"]
    assert head_of(execution)[b"acked_seq"] == b"3"


def test_redis_flushed_in_the_middle_loses_nothing(execution: Execution, agent: Agent) -> None:
    agent.say("stored")
    fold_events(execution.pk)
    agent.say("only in Redis", "and this")
    client().flushdb()
    agent.next_seq, agent.next_line = 3, 3
    assert agent.append(3, 3, [{"k": "o", "t": 1, "p": "x"}]) == [b"unknown"]
    execution.refresh_from_db()
    agent.resend(execution.next_seq, execution.log_line_count)
    agent.say("after")
    fold_events(execution.pk)
    assert text_of(execution) == ["stored", "only in Redis", "and this", "after"]


def test_whole_spool_sent_again_is_cut_at_what_is_stored(execution: Execution, agent: Agent) -> None:
    agent.say("one", "two")
    agent.say("three")
    fold_events(execution.pk)
    client().flushdb()
    agent.resend(0, 0)
    agent.say("four")
    fold_events(execution.pk)
    assert text_of(execution) == ["one", "two", "three", "four"]


def test_gap_is_refused_and_the_agent_sends_again(execution: Execution, agent: Agent) -> None:
    agent.say("one")
    fold_events(execution.pk)
    agent.say("two")
    client().delete(keys.events(str(execution.pk)))  # a part of the stream is lost, its head is not
    agent.say("three")
    assert fold_events(execution.pk).has_gap
    assert head_of(execution)[b"next_seq"] == b"1"
    assert agent.append(3, 3, [{"k": "o", "t": 1, "p": "x"}]) == [b"seq", b"1"]
    for seq, line, segments in agent.spool[1:]:
        agent.append(seq, line, segments)
    fold_events(execution.pk)
    assert text_of(execution) == ["one", "two", "three"]


def test_head_behind_the_database_is_brought_up(execution: Execution, agent: Agent) -> None:
    agent.say("one", "two")
    fold_events(execution.pk)
    client().hset(
        keys.events_head(str(execution.pk)), mapping={"next_seq": 0, "next_line": 0, "acked_seq": 0}
    )
    Ingest().turn(wait=False)
    assert head_of(execution)[b"next_seq"] == b"2"
    assert head_of(execution)[b"next_line"] == b"2"


def test_older_attempt_is_refused(execution: Execution, agent: Agent) -> None:
    Execution.objects.filter(pk=execution.pk).update(epoch=2)
    agent.say("zombie")
    assert fold_events(execution.pk).is_over
    assert LogChunk.objects.count() == 0


def test_finish_ends_the_execution_after_everything_before_it(
    execution: Execution, agent: Agent, sealing_asked_for: list[str]
) -> None:
    agent.clock = int(datetime.now(UTC).timestamp() * 1_000_000)
    agent.say("last words")
    agent.finish("error", 3, "The command failed with exit code 3.")
    assert fold_events(execution.pk).is_finished
    execution.refresh_from_db()
    assert (execution.status, execution.exit_code) == (Status.ERROR, 3)
    assert execution.error_text == "The command failed with exit code 3."
    assert execution.log_line_count == 1
    assert sealing_asked_for == [str(execution.pk)]


def test_stop_that_was_asked_for_wins(execution: Execution, agent: Agent) -> None:
    Execution.objects.filter(pk=execution.pk).update(status=Status.STOPPING)
    agent.finish("complete", 0)
    fold_events(execution.pk)
    execution.refresh_from_db()
    assert execution.status == Status.STOPPED


@pytest.mark.parametrize("code", [None, "0", 2**40, True])
def test_strange_end_is_still_an_end(execution: Execution, agent: Agent, code: object) -> None:
    agent.report(events.FINISH, status="exploded", exit_code=code, reason={"no": "text"})
    fold_events(execution.pk)
    execution.refresh_from_db()
    assert execution.status == Status.CRASHED
    assert "exploded" in execution.error_text
    assert execution.exit_code is None


def test_end_before_the_start_by_the_workers_clock_is_corrected(execution: Execution, agent: Agent) -> None:
    agent.clock = 1_000_000
    agent.finish()
    fold_events(execution.pk)
    execution.refresh_from_db()
    assert execution.started_at is not None
    assert execution.ended_at is not None
    assert execution.ended_at >= execution.started_at


def test_damaged_batch_is_set_aside_and_stops_nobody(execution: Execution, agent: Agent) -> None:
    agent.say("before")
    agent.append_raw(1, 3, 1, 2, b"\x00\xff{{{")
    agent.next_seq, agent.next_line = 4, 3
    agent.say("after")
    fold_events(execution.pk)
    text = text_of(execution)
    assert text[0] == "before"
    assert "2 log lines arrived damaged" in text[1]
    assert text[3] == "after"
    folder, (name,) = (
        f"logs/{execution.pk}/set-aside",
        default_storage.listdir(f"logs/{execution.pk}/set-aside")[1],
    )
    assert default_storage.open(f"{folder}/{name}").read() == b"\x00\xff{{{"


def test_batch_that_cannot_be_stored_is_found_and_set_aside(
    execution: Execution, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = chunks.append

    def refuse_bad(execution_id: object, segments: list[chunks.Segment]) -> int:
        if any("bad" in segment.text for segment in segments):
            raise ValueError("cannot be stored")
        return real(execution_id, segments)  # type: ignore[arg-type]

    monkeypatch.setattr(chunks, "append", refuse_bad)
    for text in ("good", "bad", "good again"):
        agent.say(text)
    fold_events(execution.pk)
    text = text_of(execution)
    assert [text[0], text[2]] == ["good", "good again"]
    assert "damaged" in text[1]


def test_statistics_are_kept_by_interval_with_extremes(execution: Execution, agent: Agent) -> None:
    for cpu in (0.5, 1.5, 1.0):
        agent.report(events.STATS, values={"cpu_usage": cpu, "nonsense": "text", "bad": float("nan")})
    agent.clock += 120_000_000
    agent.report(events.STATS, values={"cpu_usage": 3.0})
    fold_events(execution.pk)
    first, second = ResourceSample.objects.order_by("started_at")
    assert first.values == {"cpu_usage": {"min": 0.5, "avg": 1.0, "max": 1.5}}
    assert (first.sample_count, second.sample_count) == (3, 1)
    execution.refresh_from_db()
    assert execution.latest_stats == {"cpu_usage": 3.0, "time": START + 120_000_000}


def test_output_becomes_a_stored_datum(execution: Execution, agent: Agent) -> None:
    datum = factories.make_datum(execution.project, output_execution_id=execution.pk, stored_at=None)
    agent.report(events.OUTPUT, datum_id=str(datum.pk), name="model.bin", size=5, md5="0" * 32, metadata={})
    fold_events(execution.pk)
    datum.refresh_from_db()
    execution.refresh_from_db()
    assert datum.stored_at is not None
    assert execution.output_count == 1


def test_output_of_another_execution_is_refused_and_said_so_at_the_end(
    execution: Execution, agent: Agent
) -> None:
    foreign = factories.make_datum(stored_at=None)
    agent.report(events.OUTPUT, datum_id=str(foreign.pk), name="stolen.bin", size=5, metadata={})
    agent.report(events.OUTPUT, datum_id="not an id", name="odd.bin", metadata=[])
    agent.say("goes on")
    agent.finish()
    fold_events(execution.pk)
    foreign.refresh_from_db()
    assert foreign.stored_at is None
    text = text_of(execution)
    assert text[0] == "goes on"
    assert "stolen.bin" in text[1]
    assert "odd.bin" in text[2]


def test_run_facts_are_merged_and_bounded(execution: Execution, agent: Agent) -> None:
    agent.report(events.INFO, values={"runtime": "process", "host": "h\0ost"})
    agent.report(events.INFO, values={"image_digest": "sha256:1"})
    fold_events(execution.pk)
    execution.refresh_from_db()
    assert execution.runtime_facts == {"runtime": "process", "host": "h\ufffdost", "image_digest": "sha256:1"}


def test_alerts_are_kept_within_bounds(execution: Execution, agent: Agent) -> None:
    alert = {"k": events.ALERT, "t": agent.clock, "kind": "input_changed", "text": "again"}
    agent.send([dict(alert, text="The content has changed.\0" + "x" * 5000)])
    agent.report(events.INFO, values={"alerts": "a worker's", "host": "node"})
    agent.send([dict(alert, kind=None, text=None)])
    fold_events(execution.pk)
    execution.refresh_from_db()
    first, second = execution.runtime_facts["alerts"]
    assert first["kind"] == "input_changed"
    assert first["text"].startswith("The content has changed.")
    assert len(first["text"]) <= 2000
    assert first["time"]
    assert (second["kind"], second["text"]) == ("other", "")
    for _ in range(150):
        agent.send([alert])
    fold_events(execution.pk)
    execution.refresh_from_db()
    assert len(execution.runtime_facts["alerts"]) == 100


def test_lost_worker_keeps_everything_it_reported(
    execution: Execution, agent: Agent, sealing_asked_for: list[str]
) -> None:
    agent.say("one")
    fold_events(execution.pk)
    agent.say("reported, not folded yet", '{"loss": 0.5}')
    assert close_abandoned(execution_id=execution.pk, epoch=1, message="Lost contact with the worker.")
    execution.refresh_from_db()
    assert text_of(execution) == [
        "one",
        "reported, not folded yet",
        '{"loss": 0.5}',
        "Lost contact with the worker.",
    ]
    assert (execution.status, execution.error_text) == (Status.CRASHED, "Lost contact with the worker.")
    assert execution.cumulative_metadata == {"loss": 0.5}
    assert sealing_asked_for == [str(execution.pk)]
    assert agent.say("zombie")[0] == b"fenced"


def test_lost_worker_that_had_reported_its_end_has_ended(execution: Execution, agent: Agent) -> None:
    agent.say("all done")
    agent.finish("complete", 0)
    assert not close_abandoned(execution_id=execution.pk, epoch=1, message="Lost.")
    execution.refresh_from_db()
    assert execution.status == Status.COMPLETE
    assert text_of(execution) == ["all done"]


def test_closing_is_refused_for_another_attempt(execution: Execution) -> None:
    assert not close_abandoned(execution_id=execution.pk, epoch=7, message="Lost.")
    execution.refresh_from_db()
    assert execution.status == Status.STARTED


def test_slow_job_does_not_leave_a_row_per_line(execution: Execution, agent: Agent) -> None:
    for number in range(40):
        agent.say(f"line {number}")
        fold_events(execution.pk)
    assert LogChunk.objects.count() == 1
    assert text_of(execution) == [f"line {number}" for number in range(40)]


def test_large_output_is_cut_into_chunks(execution: Execution, agent: Agent) -> None:
    for start in range(0, 40_000, 2000):
        agent.say(*(f"line {number} {'x' * 80}" for number in range(start, start + 2000)))
    fold_events(execution.pk)
    sizes = LogChunk.objects.values_list("raw_size_bytes", flat=True)
    assert len(sizes) > 5
    assert max(sizes) < 2 * chunks.FRESH_CHUNK_BYTES
    assert [line.split()[1] for line in text_of(execution)] == [str(n) for n in range(40_000)]


def test_stream_keeps_room_for_an_agent_of_small_batches(execution: Execution, agent: Agent) -> None:
    for number in range(600):
        if agent.say(f"line {number}")[0] == b"full":
            agent.spool.pop()
            agent.next_seq -= 1
            agent.next_line -= 1
            fold_events(execution.pk)
            assert client().xlen(keys.events(str(execution.pk))) <= stream.KEPT_ENTRIES
            agent.say(f"line {number}")
    fold_events(execution.pk)
    assert text_of(execution) == [f"line {number}" for number in range(600)]


def test_keys_beyond_the_limit_stay_in_the_log_and_are_told(execution: Execution, agent: Agent) -> None:
    for start in range(0, 100_000, 1000):
        agent.say(json.dumps({f"key{n}": n for n in range(start, start + 1000)}))
    agent.say('{"key0": "still works"}')
    agent.finish()
    fold_events(execution.pk)
    execution.refresh_from_db()
    assert len(execution.cumulative_metadata) == store.MAX_KEYS
    assert execution.cumulative_metadata["key0"] == "still works"
    text = text_of(execution)
    assert len(text) == 102
    assert text[-1] == store.KEYS_REFUSED


def test_hostile_metadata_is_stored_harmlessly(execution: Execution, agent: Agent) -> None:
    agent.say(
        '{"nul": "a\\u0000b", "nul\\u0000key": 1, "half": "\\ud800", "nan": NaN, "inf": -Infinity, "over": 1e999}',
        '{"huge": 1' + "0" * 400 + ', "wide": 123456789012345678901234567890}',
        '{"endless": 1' + "0" * 5000 + "}",
        '{"deep": ' + "[" * 30_000 + "]" * 30_000 + "}",
        '{"nested": ' + "[" * 40 + "1" + "]" * 40 + "}",
        '{"' + "k" * 1000 + '": "' + "v" * 40_000 + '"}',
    )
    fold_events(execution.pk)
    execution.refresh_from_db()
    latest = execution.cumulative_metadata
    assert latest["nul"] == "a\ufffdb"
    assert latest["half"] == "?"
    assert (latest["nan"], latest["inf"], latest["over"]) == ("NaN", "-Infinity", "Infinity")
    assert latest["huge"] == "Infinity"
    assert latest["wide"] == pytest.approx(1.2345e29, rel=1e-3)
    assert "endless" not in latest
    assert "deep" not in latest
    assert len(text_of(execution)) == 6
    json.dumps(store.last_events(execution, 10), allow_nan=False)
