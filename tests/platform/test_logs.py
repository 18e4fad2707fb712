"""The server's own log."""

import json
import logging

from valohai_app.logs import JsonFormatter


def test_arguments_of_background_work_are_left_out() -> None:
    """They are letters, among others, and those have secret links in them."""
    record = logging.LogRecord("celery.app.trace", logging.INFO, "", 1, "Task %(name)s succeeded", (), None)
    record.args = {"name": "deliver_mail"}
    record.data = {"name": "deliver_mail", "args": "['https://x/reset/secret']", "kwargs": "{'a': 'secret'}"}
    line = JsonFormatter().format(record)
    assert "secret" not in line
    assert json.loads(line)["data"] == {"name": "deliver_mail"}
    assert json.loads(line)["event"] == "Task deliver_mail succeeded"


def test_requests_to_swift_are_not_written_down() -> None:
    """At INFO its client logs requests with the beginning of their token."""
    assert not logging.getLogger("swiftclient").isEnabledFor(logging.INFO)
    assert logging.getLogger("swiftclient").isEnabledFor(logging.WARNING)
