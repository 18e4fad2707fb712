from datetime import timedelta

import pytest

from common.templatetags import ui


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "\u2013"),
        (0.42, "0.4 s"),
        (59.9, "59 s"),
        (65, "1m 05s"),
        (7620, "2h 07m"),
        (4 * 86400 + 3 * 3600, "4d 03h"),
    ],
)
def test_duration_has_two_units(seconds: float | None, text: str) -> None:
    assert ui.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (3, "just now"),
        (50, "1 minute ago"),
        (3600, "1 hour ago"),
        (-7200, "in 2 hours"),
        (90 * 86400, "3 months ago"),
    ],
)
def test_age_in_words(seconds: int, text: str) -> None:
    assert ui.ago(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (True, "true"), (0.123456789, "0.12346"), (12, "12"), (["a", 0.5], "a, 0.5"), ("x", "x")],
)
def test_metric_is_short(value: object, text: str) -> None:
    assert ui.metric(value) == text


def test_badge_escapes_what_jobs_say() -> None:
    badge = ui.status_badge("error", '"><script>')
    assert "<script>" not in badge
    assert 'data-status="error"' in badge
