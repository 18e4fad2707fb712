"""What a refusal of the platform means: the attempt is over, or only this one call of it was wrong."""

import uuid

import pytest

from peon.api_client import JobApi
from peon.attempt import Attempt
from peon.errors import JobLost
from peon.http_client import HttpError
from peon.protocol import keys


class Refusing:
    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.body = status, body

    def request(self, method: str, url: str, headers: object, data: object) -> None:
        raise HttpError(self.status, "refused", url, self.body)


@pytest.mark.parametrize(
    ("status", "body", "raised"),
    [
        (401, b'{"code": "unauthorized"}', JobLost),
        (409, b'{"code": "stale"}', JobLost),
        (404, b'{"code": "does_not_exist"}', HttpError),
        (410, b'{"code": "purged"}', HttpError),
        (409, b'{"code": "in_use"}', HttpError),
        (409, b'["stale"]', HttpError),
        (409, b"<html>a proxy says no</html>", HttpError),
        (400, b'{"code": "upload_incomplete"}', HttpError),
    ],
)
def test_only_a_refused_attempt_loses_the_job(status: int, body: bytes, raised: type[Exception]) -> None:
    api = JobApi(
        Refusing(status, body),
        "http://platform",
        Attempt(keys.job_member(str(uuid.uuid4()), 1), "token", "local"),
    )
    with pytest.raises(raised):
        api.finish_upload("datum", [])
