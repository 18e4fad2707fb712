"""The fold over a stream gives the same whatever the batches, repetitions and replays."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from executions.logs.batches import Batch, read_batch
from executions.logs.fold import Folded, Position, fold
from executions.logs.segments import (
    Segment,
    clip,
    make_segment,
    pack,
    unpack,
    within_bytes,
    without_first,
)
from peon.protocol import events

texts = st.lists(
    st.sampled_from(["", "plain", '{"a": 1}', '{"b": [1, 2]}', "käse", "{not json"]), min_size=1, max_size=6
)
line_segments = st.builds(
    lambda kind, lines: {"k": kind, "p": "\n".join(lines)}, st.sampled_from("oes"), texts
)
facts = st.sampled_from(
    [{"k": "stats", "values": {"cpu_usage": 1.5}}, {"k": "info", "values": {"host": "h"}}]
)
streams = st.lists(st.one_of(line_segments, facts), min_size=1, max_size=12)


def timed(stream: list[dict[str, Any]]) -> list[dict[str, Any]]:
    time, result = 1_000_000, []
    for segment in stream:
        result.append({**segment, "t": time})
        time += events.event_count(segment)
    return result


def pieces(stream: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each event on its own."""
    found = []
    for segment in stream:
        if events.is_line_segment(segment):
            found += [
                {"k": segment["k"], "t": segment["t"] + i, "p": line}
                for i, line in enumerate(segment["p"].split("\n"))
            ]
        else:
            found.append(segment)
    return found


def batch_of(stream: list[dict[str, Any]], start: int, end: int) -> Batch:
    """Events start..end of the stream, one segment an event."""
    single = pieces(stream)
    before, inside = single[:start], single[start:end]
    fields = {
        b"s": str(start).encode(),
        b"n": str(len(inside)).encode(),
        b"l": str(sum(map(events.line_count, before))).encode(),
        b"m": str(sum(map(events.line_count, inside))).encode(),
        b"b": events.encode_body(inside),
    }
    return read_batch(b"1-%d" % start, fields)


def lines_of(folded: Folded) -> list[tuple[int, int, str, str]]:
    return [
        (s.first_line + i, s.time + i, s.kind, line)
        for s in folded.segments
        for i, line in enumerate(s.text.split("\n"))
    ]


def essence(folded: Folded) -> tuple[Any, ...]:
    return lines_of(folded), folded.metadata, folded.stats, folded.info, folded.position


@given(streams, st.data())
def test_any_split_with_any_repetition_gives_the_same(
    stream: list[dict[str, Any]], data: st.DataObject
) -> None:
    stream = timed(stream)
    total = len(pieces(stream))
    whole = fold(Position(0, 0), [batch_of(stream, 0, total)])
    batches, reached = [], 0
    while reached < total:
        start = data.draw(st.integers(0, reached))  # at or before the end: overlaps, never a gap
        end = data.draw(st.integers(reached + 1, total))
        batches.append(batch_of(stream, start, end))
        if data.draw(st.booleans()):
            batches.append(data.draw(st.sampled_from(batches)))  # an old one once more
        reached = end
    assert essence(fold(Position(0, 0), batches)) == essence(whole)
    assert [line for line, *_ in lines_of(whole)] == list(range(whole.position.line))


@given(streams, st.data())
def test_stopping_anywhere_and_going_on_gives_the_same(
    stream: list[dict[str, Any]], data: st.DataObject
) -> None:
    stream = timed(stream)
    total = len(pieces(stream))
    stop = data.draw(st.integers(1, total))
    first = fold(Position(0, 0), [batch_of(stream, 0, stop)])
    second = fold(first.position, [batch_of(stream, 0, total)])
    whole = fold(Position(0, 0), [batch_of(stream, 0, total)])
    assert lines_of(first) + lines_of(second) == lines_of(whole)
    assert first.metadata + second.metadata == whole.metadata
    assert second.position == whole.position


@given(streams, st.data())
def test_overlapping_segments_of_several_lines_are_cut(
    stream: list[dict[str, Any]], data: st.DataObject
) -> None:
    stream = timed(stream)
    total = len(pieces(stream))
    fields = {
        b"s": b"0", b"n": str(total).encode(), b"l": b"0",
        b"m": str(sum(map(events.line_count, stream))).encode(), b"b": events.encode_body(stream),
    }  # fmt: skip
    batch = read_batch(b"1-0", fields)
    assert batch.body is None
    stop = data.draw(st.integers(0, total))
    first = fold(Position(0, 0), [batch_of(stream, 0, stop)] if stop else [])
    second = fold(first.position, [batch])
    assert lines_of(first) + lines_of(second) == lines_of(fold(Position(0, 0), [batch]))


def test_gap_is_refused_with_everything_after_it() -> None:
    stream = timed([{"k": "o", "p": "a\nb\nc\nd"}])
    folded = fold(Position(0, 0), [batch_of(stream, 0, 1), batch_of(stream, 2, 3), batch_of(stream, 1, 2)])
    assert [text for *_, text in lines_of(folded)] == ["a"]
    assert folded.gap_before is not None
    assert folded.gap_before.first_seq == 2


def test_bridged_gap_keeps_numbers_and_says_so() -> None:
    stream = timed([{"k": "o", "p": "a\nb\nc\nd"}])
    folded = fold(Position(0, 0), [batch_of(stream, 0, 1), batch_of(stream, 3, 4)], bridge_gaps=True)
    assert [text for *_, text in lines_of(folded)] == ["a", "2 log lines were lost here.", "(lost)", "d"]
    assert folded.position == Position(4, 4)


def test_nothing_is_folded_behind_the_end() -> None:
    stream = timed([{"k": "o", "p": "a"}, {"k": "finish", "status": "complete"}, {"k": "o", "p": "late"}])
    folded = fold(Position(0, 0), [batch_of(stream, 0, 3), batch_of(stream, 2, 3)])
    assert [text for *_, text in lines_of(folded)] == ["a"]
    assert folded.position == Position(2, 1)


def test_damaged_body_keeps_its_place() -> None:
    fields = {b"s": b"0", b"n": b"4", b"l": b"0", b"m": b"3", b"b": b"\xff not json"}
    batch = read_batch(b"1700000000000-0", fields)
    folded = fold(Position(0, 0), [batch])
    assert batch.body == b"\xff not json"
    assert folded.position == Position(4, 3)
    assert "3 log lines arrived damaged" in folded.segments[0].text


def test_body_with_other_counts_than_promised_is_damaged() -> None:
    body = events.encode_body([{"k": "o", "t": 1, "p": "one\ntwo"}])
    assert read_batch(b"1-0", {b"s": b"0", b"n": b"1", b"l": b"0", b"m": b"1", b"b": body}).body == body


def test_entry_without_numbers_is_empty() -> None:
    assert read_batch(b"1-0", {b"b": b"[]"}).event_count == 0
    assert (
        read_batch(
            b"1-0", {b"s": b"0", b"n": b"99999999999", b"l": b"0", b"m": b"0", b"b": b"[]"}
        ).event_count
        == 0
    )


def test_half_unicode_characters_are_mended() -> None:
    body = json.dumps([{"k": "o", "t": 1, "p": "half \ud800 pair"}]).encode()
    batch = read_batch(b"1-0", {b"s": b"0", b"n": b"1", b"l": b"0", b"m": b"1", b"b": body})
    assert pack(fold(Position(0, 0), [batch]).segments).data
    assert batch.body is None


segment_lists = st.lists(st.tuples(st.sampled_from("oes"), texts), min_size=1, max_size=8)


def build(parts: list[tuple[str, list[str]]]) -> list[Segment]:
    segments: list[Segment] = []
    for kind, lines in parts:
        first = segments[-1].end_line if segments else 7
        segments.append(make_segment(first, kind, first * 10, "\n".join(lines)))
    return segments


def flat(segments: list[Segment]) -> list[tuple[int, str]]:
    return [(s.first_line + i, line) for s in segments for i, line in enumerate(s.text.split("\n"))]


@given(segment_lists, st.integers(0, 60), st.integers(0, 60))
def test_clip_keeps_exactly_the_lines_asked_for(
    parts: list[tuple[str, list[str]]], first: int, end: int
) -> None:
    segments = build(parts)
    expected = [(number, line) for number, line in flat(segments) if first <= number < end]
    assert flat(clip(segments, first, end)) == expected


@given(segment_lists, st.integers(0, 500))
def test_within_bytes_keeps_a_start_and_at_least_a_line(
    parts: list[tuple[str, list[str]]], size: int
) -> None:
    segments = build(parts)
    kept = flat(within_bytes(segments, size))
    assert kept
    assert kept == flat(segments)[: len(kept)]


@given(segment_lists)
def test_packing_loses_nothing(parts: list[tuple[str, list[str]]]) -> None:
    segments = build(parts)
    assert unpack(pack(segments).data, 7) == segments


def test_without_first_moves_number_and_time() -> None:
    segment = without_first(make_segment(5, "o", 100, "a\nb\nc"), 2)
    assert segment == Segment(7, 1, "o", 102, "c")
