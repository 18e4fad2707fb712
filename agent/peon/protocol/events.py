"""Shapes of the events that a worker reports of a job.

A batch is one entry of the execution's stream: fields `s` (sequence number of its first event), `n` (events), `l`
(number of its first log line), `m` (log lines) and `b`, the body: UTF-8 JSON, a list of segments in order.

A *line segment* carries log lines of one stream that arrived together:
    {"k": "o" | "e" | "s", "t": microseconds, "p": "first line\\nsecond line"}
Line i of the segment has time t + i microseconds; times of an execution strictly increase, so that two equal lines can
be told apart. A line never contains a newline or NUL, is valid Unicode, and has at most MAX_LINE_BYTES bytes.
Every line counts as one event and one line.

Any other segment counts as one event and no line:
    {"k": "stats", "t": us, "values": {"num_cpus", "cpu_usage", "memory_usage_kb", "memory_total_kb", ...}}
    {"k": "info", "t": us, "values": {...}}      facts about the run: runtime, image_digest, host
    {"k": "output", "t": us, "datum_id", "name", "size", "md5", "sha1", "sha256", "file_mtime": us | null,
     "metadata": {...}}                          the store has a file, whole; md5 and sha1 unless it went in parts
    {"k": "alert", "t": us, "kind": text, "text": text}      something that whoever looks at the run should know
    {"k": "finish", "t": us, "status": "complete" | "error" | "stopped" | "crashed", "exit_code": int | null,
     "reason": text}                             always the last event
"""

import json

STDOUT = "o"
STDERR = "e"
STATUS = "s"
STREAM_NAMES = {STDOUT: "stdout", STDERR: "stderr", STATUS: "status"}

STATS = "stats"
INFO = "info"
OUTPUT = "output"
ALERT = "alert"
FINISH = "finish"

MAX_LINE_BYTES = 65536
MAX_BATCH_BYTES = 262144
MAX_STREAM_ENTRIES = 512  # what an execution may hold in Redis before its agent waits for ingest


def is_line_segment(segment):
    return segment["k"] in STREAM_NAMES


def line_count(segment):
    """How many log lines a segment carries."""
    return segment["p"].count("\n") + 1 if is_line_segment(segment) else 0


def event_count(segment):
    """How many sequence numbers a segment takes."""
    return line_count(segment) or 1


def encode_body(segments):
    """The bytes of a batch's body."""
    return json.dumps(segments, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def decode_body(body):
    """The segments of a batch's body. Raises ValueError when it is not a list of segments."""
    segments = json.loads(body.decode("utf-8"))
    if not isinstance(segments, list) or not all(isinstance(s, dict) and "k" in s for s in segments):
        raise ValueError("an event batch must be a JSON list of segments")
    return segments
