"""The disk spool: what it holds survives its process, and every number is given once."""

import json
import os

import pytest

from peon import spool as spool_module
from peon.protocol import events
from peon.spool import Spool


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path / "spool")


def drain(spool):
    """Everything unsent, as the sender would take it."""
    batches = []
    batch = spool.next_batch(0)
    while batch is not None:
        batches.append(batch)
        spool.resume_at(batch.first_seq + batch.events)
        batch = spool.next_batch(0)
    return batches


def segments(batches):
    return [segment for batch in batches for segment in json.loads(batch.body)]


def test_events_and_lines_are_numbered_without_gaps(folder):
    spool = Spool(folder)
    spool.add_lines("s", "hello")
    spool.add_lines("o", "a\nb\nc")
    spool.add_fact({"k": "finish", "status": "complete"})
    (batch,) = drain(spool)
    assert (batch.first_seq, batch.events, batch.first_line, batch.lines) == (0, 5, 0, 4)
    assert spool.has_finish


def test_times_strictly_increase_line_by_line(folder):
    spool = Spool(folder)
    for _ in range(50):
        spool.add_lines("o", "x\n" * 99 + "x")
    last = 0
    for segment in segments(drain(spool)):
        assert segment["t"] > last
        last = segment["t"] + segment["p"].count("\n")


def test_batches_stay_within_the_protocols_size(folder):
    spool = Spool(folder)
    for _ in range(20):
        spool.add_lines("o", "\n".join(["\x01" * 100] * 600))
    assert all(len(batch.body) <= events.MAX_BATCH_BYTES for batch in drain(spool))
    assert spool.next_line == 12_000


def test_acknowledged_files_leave_the_disk(folder, monkeypatch):
    monkeypatch.setattr(spool_module, "FILE_BYTES", 1000)
    spool = Spool(folder)
    for number in range(100):
        spool.add_lines("o", "line {} {}".format(number, "x" * 100))
    assert len(os.listdir(folder)) > 5
    drain(spool)
    spool.acknowledge(99)
    assert len(os.listdir(folder)) == 1
    assert not spool.is_empty()
    spool.acknowledge(100)
    assert spool.is_empty()


def test_going_back_sends_the_same_again(folder):
    spool = Spool(folder)
    for number in range(10):
        spool.add_lines("o", str(number))
    first = segments(drain(spool))
    spool.acknowledge(4)
    assert spool.resume_at(4)
    assert segments(drain(spool)) == first[4:]
    assert not spool.resume_at(2), "events before 4 are gone"


def test_reopened_spool_has_what_was_not_acknowledged(folder, monkeypatch):
    monkeypatch.setattr(spool_module, "FILE_BYTES", 500)
    spool = Spool(folder)
    for number in range(50):
        spool.add_lines("o", f"line {number}")
    sent = segments(drain(spool))
    spool.acknowledge(30)
    again = Spool.reopen(folder)
    assert (again.next_seq, again.next_line) == (50, 50)
    assert not again.has_finish
    kept = segments(drain(again))
    assert kept == sent[-len(kept) :]
    assert len(kept) >= 20
    again.add_lines("s", "later")
    assert segments(drain(again))[0]["t"] > sent[-1]["t"]


def test_torn_last_record_is_ignored(folder):
    spool = Spool(folder)
    spool.add_lines("o", "whole")
    spool.add_lines("o", "torn")
    (name,) = os.listdir(folder)
    path = os.path.join(folder, name)
    os.truncate(path, os.path.getsize(path) - 3)
    again = Spool.reopen(folder)
    assert [segment["p"] for segment in segments(drain(again))] == ["whole"]
    again.add_lines("s", "next")
    assert [s["p"] for s in segments(drain(Spool.reopen(folder)))] == ["whole", "next"]


def test_full_disk_does_not_lose_events(folder, monkeypatch):
    spool = Spool(folder)

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    spool.add_lines("o", "kept in memory")
    assert segments(drain(spool))[0]["p"] == "kept in memory"
