"""Stores that do not answer: who asks next is told at once, and pages wait for none."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from common import clock
from common.errors import DomainError
from common.network import HostUnknown
from common.objectstores.types import Problem, StoreProblem
from datastores import away, opening
from datastores.away import StoreAway
from datastores.models import DataStore
from datastores.opening import answering, object_store
from datastores.trials import steps_of
from datastores.web import origins
from tests.datastores.data_api import DATA
from tests.support import factories

pytestmark = pytest.mark.django_db

SECRETS = '{"access_key_id": "AKIA", "secret_access_key": "s", "password": "p", "temp_url_key": "t"}'
SWIFT = {"auth_url": "http://127.0.0.1:9/v3", "username": "u", "container": "c", "auth_version": "1"}


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    cache.clear()


def made(kind: str, project: Any, **configuration: Any) -> DataStore:
    return factories.make_store(
        name="far away", kind=kind, is_default=False, access_mode="single_project", project=project,
        configuration=configuration, credentials=SECRETS,
    )  # fmt: skip


class Silent:
    """What opening a store does while it is away, and how often it was tried."""

    def __init__(self, error: DomainError) -> None:
        self.error = error
        self.tried = 0

    def __call__(self, *_: Any) -> Any:
        self.tried += 1
        raise self.error


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Silent:
    found = Silent(StoreProblem(Problem.UNREACHABLE, "It does not answer."))
    monkeypatch.setattr(opening, "open_store", found)
    return found


class TestOpening:
    def test_is_not_tried_again_at_once(self, project: Any, silent: Silent) -> None:
        store = made("s3", project, bucket="b")
        with pytest.raises(StoreProblem, match="It does not answer"):
            object_store(store)
        with pytest.raises(StoreAway) as told:
            object_store(store)
        assert silent.tried == 1
        now = clock.now()
        assert f"The data store 'far away' did not answer at {now:%H:}" in told.value.message
        assert told.value.message.endswith("It is tried again in 20 seconds.")
        assert told.value.code == "store_unreachable"
        assert told.value.is_transient

    def test_is_tried_again_after_a_while(self, project: Any, silent: Silent) -> None:
        store = made("s3", project, bucket="b")
        away.remember(store, silent.error)
        cache.touch(away._key(store), 0)  # the time is over
        with pytest.raises(StoreProblem, match="It does not answer"):
            object_store(store)

    def test_another_configuration_is_another_store(self, project: Any, silent: Silent) -> None:
        store = made("s3", project, bucket="b")
        away.remember(store, silent.error)
        store.save()
        with pytest.raises(StoreProblem, match="It does not answer"):
            object_store(store)

    def test_somebody_who_tests_it_is_not_put_off(self, project: Any, silent: Silent) -> None:
        store = made("s3", project, bucket="b")
        away.remember(store, silent.error)
        [step] = steps_of(store, base_url="http://x")
        assert (silent.tried, step.problem) == (1, "It does not answer.")

    @pytest.mark.parametrize(
        ("error", "is_remembered"),
        [
            (HostUnknown("nowhere.example"), True),
            (StoreProblem(Problem.CREDENTIALS, "Wrong key."), False),
            (StoreProblem(Problem.FAILED, "Once."), False),
        ],
    )
    def test_only_silence_is_remembered(self, project: Any, error: DomainError, is_remembered: bool) -> None:
        store = made("s3", project, bucket="b")
        away.remember(store, error)
        if is_remembered:
            with pytest.raises(StoreAway):
                away.require_not_away(store)
        else:
            away.require_not_away(store)

    def test_the_seconds_that_are_left(self, project: Any, silent: Silent, monkeypatch: Any) -> None:
        store = made("s3", project, bucket="b")
        away.remember(store, silent.error)
        then = clock.now() + timedelta(seconds=19)
        monkeypatch.setattr(away.clock, "now", lambda: then)
        with pytest.raises(StoreAway, match="tried again in 1 second\\."):
            away.require_not_away(store)


class TestPages:
    def test_a_preview_says_so_at_once(self, api: Any, project: Any) -> None:
        store = made("swift", project, **SWIFT)
        datum = factories.make_datum(project, store=store)
        first, second = (api.get(f"{DATA}{datum.pk}/preview/") for _ in range(2))
        assert (first.status_code, second.status_code) == (502, 502)
        assert "tried again in" not in first.content.decode()
        assert "far away" in second.content.decode()
        assert "tried again in" in second.content.decode()

    def test_a_page_of_files_asks_a_silent_store_once(
        self, alice_browser: Client, project: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made("swift", project, **SWIFT)
        asked = []
        learned = origins._address_in
        monkeypatch.setattr(origins, "_address_in", lambda store: asked.append(1) or learned(store))
        alice_browser.get(f"/p/alice/{project.name}/data/")
        store = DataStore.objects.get(name="far away")
        with pytest.raises(StoreAway), answering(store):
            pass
        assert alice_browser.get(f"/p/alice/{project.name}/data/").status_code == 200


class TestOrigins:
    @pytest.fixture(autouse=True)
    def nobody_is_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def asked(*_: Any, **__: Any) -> Any:
            raise AssertionError("a page contacted a store")

        monkeypatch.setattr("urllib3.connection.HTTPConnection.connect", asked)
        monkeypatch.setattr("botocore.httpsession.URLLib3Session.send", asked)

    @pytest.mark.parametrize(
        ("configuration", "origin"),
        [
            ({"bucket": "ours", "region": "eu-west-1"}, "https://ours.s3.eu-west-1.amazonaws.com"),
            (
                {"bucket": "ours", "region": "eu-west-1", "role_arn": "arn:aws:iam::1:role/r"},
                "https://ours.s3.eu-west-1.amazonaws.com",
            ),
            ({"bucket": "ours", "endpoint_url": "http://127.0.0.1:9000"}, "http://127.0.0.1:9000"),
        ],
    )
    def test_follow_from_the_configuration(
        self, alice_browser: Client, project: Any, configuration: dict[str, str], origin: str
    ) -> None:
        made("s3", project, **configuration)
        page = alice_browser.get(f"/p/alice/{project.name}/data/")
        assert origin in page["Content-Security-Policy"]

    def test_are_learned_once(
        self, alice_browser: Client, project: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made("s3", project, bucket="ours", region="eu-west-1")
        alice_browser.get(f"/p/alice/{project.name}/data/")
        monkeypatch.setattr(origins, "open_store", Silent(StoreProblem(Problem.UNREACHABLE, "away")))
        page = alice_browser.get(f"/p/alice/{project.name}/data/")
        assert "https://ours.s3.eu-west-1.amazonaws.com" in page["Content-Security-Policy"]
