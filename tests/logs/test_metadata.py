"""Metadata: which lines are, how they are packed, and series that keep their extremes."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executions.logs.ingest import fold_events
from executions.logs.segments import make_segment
from executions.metadata import store
from executions.metadata.columns import Columns, pack, split, unpack
from executions.metadata.lines import MAX_DEPTH, MetadataEvent, clean, metadata_in, parse
from executions.metadata.series import downsample, series
from executions.metadata.tables import csv_of_execution
from executions.models import Execution, MetadataChunk
from peon.protocol import events
from tests.logs.agent import START, Agent


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ('{"loss": 0.5, "epoch": 1}', {"loss": 0.5, "epoch": 1}),
        ('  {"loss": 1}\r', {"loss": 1}),
        ('{"vh_metadata": {"accuracy": 1}}', {"accuracy": 1}),
        ('{"vh_metadata": "text"}', {"vh_metadata": "text"}),
        ('{"nested": {"a": [1, {"b": null}]}}', {"nested": {"a": [1, {"b": None}]}}),
        ('{"yes": true, "word": "a"}', {"yes": True, "word": "a"}),
        ('[{"loss": 1}]', None),
        ('{"loss": 1} trailing', None),
        ('{"loss": 1}{"loss": 2}', None),
        ("{'loss': 1}", None),
        ("{}", {}),
        ("plain", None),
    ],
)
def test_a_line_that_is_a_json_object_is_metadata(line: str, values: dict[str, Any] | None) -> None:
    assert parse(line) == values


def test_lines_are_found_with_their_number_and_time() -> None:
    text = 'plain\n{"a": 1}\nx {"b": 2}\n\n  {"c": 3}\n{}\n{"d": 4}'
    assert list(metadata_in(make_segment(10, "o", 1000, text))) == [
        MetadataEvent(11, 1001, {"a": 1}),
        MetadataEvent(14, 1004, {"c": 3}),
        MetadataEvent(16, 1006, {"d": 4}),
    ]


any_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None, exclude_categories=())),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(any_json)
def test_cleaned_values_are_fit_for_every_reader(value: Any) -> None:
    text = json.dumps(clean(value), allow_nan=False, ensure_ascii=False)
    assert b"\\u0000" not in text.encode("utf-8")


def test_nesting_is_bounded() -> None:
    value: Any = 1
    for _ in range(MAX_DEPTH + 5):
        value = [value]
    assert json.dumps(clean(value)).count("[") == MAX_DEPTH


event_lists = st.lists(
    st.dictionaries(st.sampled_from("abcde"), st.one_of(st.integers(), st.text(max_size=3)), min_size=1),
    max_size=40,
)


@given(event_lists)
def test_packing_by_column_loses_nothing(values: list[dict[str, Any]]) -> None:
    logged = [MetadataEvent(i, i * 10, v) for i, v in enumerate(values)]
    assert [e for c in split(logged) for e in unpack(pack(c)).events()] == logged


@given(event_lists, event_lists)
def test_going_on_in_a_chunk_loses_nothing(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> None:
    logged = [MetadataEvent(i, i * 10, v) for i, v in enumerate([*first, *second])]
    onto = next(split(logged[: len(first)]), Columns())
    assert [e for c in split(logged[len(first) :], unpack(pack(onto.padded()))) for e in c.events()] == logged


def test_last_value_wins_and_null_says_nothing() -> None:
    logged = [{"a": 1, "b": 1}, {"a": None, "b": 2}, {"c": None}]
    assert store.latest_values([MetadataEvent(0, 0, v) for v in logged]) == {"a": 1, "b": 2}


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=500), st.integers(10, 50))
def test_reduction_keeps_ends_and_extremes(ys: list[float], points: int) -> None:
    xs = [float(i) for i in range(len(ys))]
    kept_x, kept_y = downsample(xs, ys, points)
    assert len(kept_x) == len(kept_y) <= max(points, 4)
    assert (kept_x[0], kept_x[-1]) == (xs[0], xs[-1])
    assert (min(kept_y), max(kept_y)) == (min(ys), max(ys))
    assert kept_x == sorted(kept_x)


@pytest.mark.django_db
class TestStored:
    def test_only_stdout_counts_and_the_line_stays(self, execution: Execution, agent: Agent) -> None:
        agent.say('{"loss": 1}')
        agent.say('{"loss": 2}', kind=events.STDERR)
        agent.say('{"loss": 3}', kind=events.STATUS)
        fold_events(execution.pk)
        execution.refresh_from_db()
        assert (execution.metadata_count, execution.log_line_count) == (1, 3)
        assert execution.cumulative_metadata == {"loss": 1}

    def test_events_have_their_time_without_zone_and_with_six_digits(
        self, execution: Execution, agent: Agent
    ) -> None:
        agent.say('{"loss": 1}')
        fold_events(execution.pk)
        execution.refresh_from_db()
        assert store.last_events(execution, 5) == [{"loss": 1, "_time": "2027-01-15T08:00:00.000000"}]

    def test_slow_job_does_not_leave_a_row_per_event(self, execution: Execution, agent: Agent) -> None:
        for step in range(50):
            agent.say(json.dumps({"step": step}))
            fold_events(execution.pk)
        assert MetadataChunk.objects.count() == 1
        assert [e.values["step"] for e in store.read(execution.pk)] == list(range(50))

    @pytest.mark.parametrize(("first", "limit"), [(0, 3), (5, 5), (2995, 100), (1500, 2), (3000, 1)])
    def test_ranges(self, execution: Execution, agent: Agent, first: int, limit: int) -> None:
        for start in range(0, 3000, 500):
            agent.say(*(json.dumps({"step": n}) for n in range(start, start + 500)))
            fold_events(execution.pk)
        steps = [e.values["step"] for e in store.read(execution.pk, first, limit)]
        assert steps == list(range(3000))[first : first + limit]

    def test_series_over_time_index_and_key(self, execution: Execution, agent: Agent) -> None:
        agent.say(
            '{"step": 3, "loss": 30}',
            '{"step": 1, "loss": 10, "word": "x"}',
            '{"loss": "NaN"}',
            '{"step": 2, "loss": true}',
        )
        fold_events(execution.pk)
        found = series(execution, ["loss", "absent"], "step")
        assert (found["loss"].x, found["loss"].y) == ([1, 2, 3], [10, 1, 30])
        assert found["absent"].count == 0
        assert series(execution, ["loss"], "_index")["loss"].x == [0, 1, 3]
        assert series(execution, ["loss"])["loss"].x == [START, START + 1, START + 3]

    def test_a_spike_in_many_events_is_still_drawn(self, execution: Execution, agent: Agent) -> None:
        for start in range(0, 20_000, 1000):
            agent.say(
                *(json.dumps({"v": 1000 if n == 12_345 else n % 7}) for n in range(start, start + 1000))
            )
        fold_events(execution.pk)
        found = series(execution, ["v"], "_index", 500)["v"]
        assert found.count == 20_000
        assert len(found.x) <= 500
        assert (12_345, 1000) in zip(found.x, found.y, strict=True)

    def test_csv_has_a_row_per_event_and_a_column_per_key(self, execution: Execution, agent: Agent) -> None:
        agent.say('{"b": 1, "a": "x,y"}', '{"c": [1, 2]}', '{"_time": "mine"}')
        fold_events(execution.pk)
        execution.refresh_from_db()
        rows = "".join(csv_of_execution(execution)).split("\r\n")
        assert rows[0] == "_time,a,b,c"
        assert rows[1] == '2027-01-15T08:00:00.000000,"x,y",1,'
        assert rows[2] == '2027-01-15T08:00:00.000001,,,"[1, 2]"'
        assert len(rows) == 5

    def test_series_of_very_many_events(self, execution: Execution) -> None:
        total, batch = 200_000, 10_000
        for start in range(0, total, batch):
            logged = [
                MetadataEvent(n, START + n, {"step": n, "loss": 1 / (n + 1)})
                for n in range(start, start + batch)
            ]
            store.append(execution.pk, start, logged)
        assert MetadataChunk.objects.count() <= total // 1000
        began = time.monotonic()
        found = series(execution, ["loss"], "step", 1000)["loss"]
        assert time.monotonic() - began < 5
        assert found.count == total
