"""Every event of a job, on disk from the moment it happens until the server has stored it.

Files `<first seq>-<first line>.events` hold records in order: a header (events, lines, length) and one segment as JSON.
A record is written with one system call, so that a killed agent leaves at most one torn record at the very end.
"""

import collections
import json
import os
import struct
import threading
import time

from peon.protocol import events

FILE_BYTES = 8 << 20
MOST_UNSENT_BYTES = 2 << 30
_HEADER = struct.Struct(">III")
_SUFFIX = ".events"
_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Record:
    __slots__ = ("first_seq", "first_line", "events", "lines", "file", "offset", "length", "body")

    def __init__(self, first_seq, first_line, events_, lines, file, offset, length, body=None):
        self.first_seq = first_seq
        self.first_line = first_line
        self.events = events_
        self.lines = lines
        self.file = file
        self.offset = offset
        self.length = length
        self.body = body  # only when the disk would not take it

    @property
    def end_seq(self):
        return self.first_seq + self.events


class Batch:
    """Consecutive records as one message."""

    def __init__(self, records, body):
        self.first_seq = records[0].first_seq
        self.first_line = records[0].first_line
        self.events = sum(record.events for record in records)
        self.lines = sum(record.lines for record in records)
        self.body = body


class Spool:
    """Numbered events waiting to be sent (`unsent`) or to be acknowledged (`sent`). Thread-safe."""

    def __init__(self, folder, first_seq=0, first_line=0):
        self._folder = folder
        os.makedirs(folder, exist_ok=True)
        self._changed = threading.Condition()
        self._unsent = collections.deque()
        self._sent = collections.deque()
        self._unsent_bytes = 0
        self._file = None
        self._last_time = 0
        self._discarded = False
        self.next_seq = first_seq
        self.next_line = first_line
        self.has_finish = False

    @classmethod
    def reopen(cls, folder):
        """The spool that an ended agent left; everything in it counts as unsent."""
        spool = cls(folder)
        names = sorted(name for name in os.listdir(folder) if name.endswith(_SUFFIX))
        for name in names:
            seq, line = (int(number) for number in name[: -len(_SUFFIX)].split("-"))
            if name == names[0]:
                spool.next_seq, spool.next_line = seq, line
            spool._load(_EventFile(os.path.join(folder, name)))
        return spool

    def add_lines(self, stream, text):
        """Log lines of one stream, joined by newlines."""
        self._wait_for_room()
        with self._changed:
            self._add_lines(stream, text, text.count("\n") + 1)
            self._changed.notify_all()

    def add_fact(self, fact):
        """An event that is no line; `t` is set here."""
        with self._changed:
            stamped = dict(fact, t=self._take_time(1))
            self._write(_to_json(stamped).encode("utf-8", "replace"), 1, 0)
            self.has_finish = self.has_finish or fact["k"] == events.FINISH
            self._changed.notify_all()

    def next_batch(self, seconds):
        """The oldest unsent events as a `Batch`, after waiting up to `seconds` for some; else None."""
        with self._changed:
            if not self._unsent:
                self._changed.wait(seconds)
            records, size = [], 2
            for record in self._unsent:
                size += record.length + 1
                if records and size > events.MAX_BATCH_BYTES:
                    break
                records.append(record)
            if not records:
                return None
            return Batch(records, b"[" + b",".join(_body(record) for record in records) + b"]")

    def resume_at(self, seq):
        """Say that everything before `seq` was taken. False when events before the oldest kept one are asked for."""
        with self._changed:
            while self._sent and self._sent[-1].first_seq >= seq:
                record = self._sent.pop()
                self._unsent.appendleft(record)
                self._unsent_bytes += record.length
            while self._unsent and self._unsent[0].end_seq <= seq:
                record = self._unsent.popleft()
                self._unsent_bytes -= record.length
                self._sent.append(record)
            self._changed.notify_all()
            return (self._unsent[0].first_seq if self._unsent else self.next_seq) == seq

    def acknowledge(self, seq):
        """Everything before `seq` is stored by the server: forget it."""
        with self._changed:
            for records in (self._sent, self._unsent):
                while records and records[0].end_seq <= seq:
                    record = records.popleft()
                    if records is self._unsent:
                        self._unsent_bytes -= record.length
                    self._forget(record)
            self._changed.notify_all()

    def discard(self):
        """Nobody wants these events any more; later ones are dropped as they come."""
        with self._changed:
            self._discarded = True
        self.acknowledge(float("inf"))

    def is_empty(self):
        """Everything is acknowledged."""
        with self._changed:
            return not self._unsent and not self._sent

    def has_unsent(self):
        with self._changed:
            return bool(self._unsent)

    def renumber(self, seq, line):
        """Go on after what the server has; for a spool that lost its own events."""
        with self._changed:
            self.next_seq, self.next_line = seq, line

    def wake(self):
        """Let a waiting `next_batch` return."""
        with self._changed:
            self._changed.notify_all()

    def _wait_for_room(self):
        """The disk is large, not endless: with this much unsent, the job waits for its readers."""
        with self._changed:
            while self._unsent_bytes > MOST_UNSENT_BYTES and not self._discarded:
                self._changed.wait(1)

    def _add_lines(self, stream, text, count):
        head = '{"k":"' + stream + '","t":' + str(self._take_time(count)) + ',"p":'
        body = (head + _to_json(text) + "}").encode("utf-8", "replace")
        if len(body) > events.MAX_BATCH_BYTES - 2 and count > 1:
            lines = text.split("\n")
            for half in (lines[: count // 2], lines[count // 2 :]):
                self._add_lines(stream, "\n".join(half), len(half))
        else:
            self._write(body, count, count)

    def _take_time(self, count):
        """Strictly increasing microseconds, `count` of them."""
        first = max(int(time.time() * 1000000), self._last_time + 1)
        self._last_time = first + count - 1
        return first

    def _write(self, body, event_count, line_count):
        if self._discarded:
            return
        record = Record(self.next_seq, self.next_line, event_count, line_count, None, 0, len(body))
        self.next_seq += event_count
        self.next_line += line_count
        try:
            file = self._current_file(record)
            record.offset = (
                file.append(_HEADER.pack(event_count, line_count, len(body)) + body) + _HEADER.size
            )
            record.file = file
            file.records += 1
        except OSError:
            # The disk is full: events are few or the job is about to end, memory will have to do.
            record.body = body
        self._unsent.append(record)
        self._unsent_bytes += record.length

    def _current_file(self, record):
        if self._file is None or self._file.size >= FILE_BYTES:
            name = "{:020d}-{:020d}{}".format(record.first_seq, record.first_line, _SUFFIX)
            previous, self._file = self._file, _EventFile(os.path.join(self._folder, name))
            if previous is not None and not previous.records:
                previous.remove()
        return self._file

    def _forget(self, record):
        if record.file is None:
            return
        record.file.records -= 1
        if not record.file.records and record.file is not self._file:
            record.file.remove()

    def _load(self, file):
        offset = 0
        while offset + _HEADER.size <= file.size:
            event_count, line_count, length = _HEADER.unpack(file.read(offset, _HEADER.size))
            start = offset + _HEADER.size
            if start + length > file.size:
                break
            record = Record(self.next_seq, self.next_line, event_count, line_count, file, start, length)
            self._unsent.append(record)
            self._unsent_bytes += length
            file.records += 1
            self.next_seq += event_count
            self.next_line += line_count
            self._note(record)
            offset = start + length

    def _note(self, record):
        """What a reopened spool must know of an event: the newest time, and whether the job had ended."""
        if record is not None and record.length < events.MAX_BATCH_BYTES * 2:
            segment = json.loads(_body(record).decode("utf-8"))
            self._last_time = max(self._last_time, segment["t"] + max(record.lines, 1) - 1)
            self.has_finish = self.has_finish or segment["k"] == events.FINISH


class _EventFile:
    def __init__(self, path):
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.size = os.fstat(self._descriptor).st_size
        self.records = 0

    def append(self, data):
        """Write at the end, whole or not at all; returns where it starts."""
        start = self.size
        written = 0
        try:
            while written < len(data):
                written += os.pwrite(self._descriptor, data[written:] if written else data, start + written)
        except OSError:
            os.ftruncate(self._descriptor, start)
            raise
        self.size = start + len(data)
        return start

    def read(self, offset, length):
        return os.pread(self._descriptor, length, offset)

    def remove(self):
        os.close(self._descriptor)
        try:
            os.unlink(self._path)
        except FileNotFoundError:
            pass


def _body(record):
    return record.body if record.body is not None else record.file.read(record.offset, record.length)
