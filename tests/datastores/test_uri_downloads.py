"""Downloads by the address of what lies in a store: for people, where the store lets them."""

from typing import Any

import pytest

from common.objectstores import Grant
from datastores import objects
from datastores.opening import object_store
from tests.conftest import api_of
from tests.datastores.test_stores_in_use import connect
from tests.support import factories
from tests.support.emulators import send
from tests.support.stores import Emulators

pytestmark = [pytest.mark.django_db, pytest.mark.emulator]

DOWNLOAD = "/api/v0/stores/download/"


@pytest.fixture
def store(all_emulators: Emulators, project: Any) -> Any:
    store = connect(all_emulators.get("s3"), project)
    store.allow_uri_download = True
    store.save()
    object_store(store).write("raw/Bilder ä.csv", b"a,b\n")
    return store


def asked(api: Any, project: Any, store: Any, key: str = "raw/Bilder ä.csv") -> Any:
    uri = object_store(store).uri(key)
    return api.post(DOWNLOAD, {"project": str(project.pk), "uri": uri})


def test_an_address_gives_the_bytes_and_makes_no_file(api: Any, project: Any, store: Any) -> None:
    answer = asked(api, project, store)
    assert answer.status_code == 200, answer.content
    got = send(Grant("GET", answer.json()["url"], answer.json()["headers"]))
    assert got.content == b"a,b\n"
    assert project.datums.count() == 0


def test_is_forbidden_until_the_store_allows_it(api: Any, project: Any, store: Any) -> None:
    store.allow_uri_download = False
    store.save()
    answer = asked(api, project, store)
    assert answer.status_code == 403
    assert "does not let people download by address" in answer.content.decode()
    assert "url" not in answer.json()


def test_reading_has_to_be_allowed_as_well(api: Any, project: Any, store: Any) -> None:
    store.allow_read = False
    store.save()
    assert asked(api, project, store).status_code == 400


def test_is_for_those_who_work_in_a_project_that_reads_the_store(
    viewer_api: Any, charlie_api: Any, project: Any, store: Any
) -> None:
    assert asked(viewer_api, project, store).status_code == 403
    assert asked(charlie_api, project, store).status_code == 404
    carla = factories.make_user("carla")
    own = factories.make_project(carla)
    answer = asked(api_of(carla), own, store)
    assert answer.status_code == 400
    assert "No data store that this project may read" in answer.content.decode()


def test_what_the_platform_wrote_has_no_address(api: Any, project: Any, store: Any) -> None:
    other = factories.make_datum()
    key = objects.key_of(other.project_id, other.pk)
    object_store(store).write(key, b"of somebody else")
    assert asked(api, project, store, key).status_code == 404


@pytest.mark.parametrize("key", ["raw/nowhere.csv", "raw/*", "raw/**"])
def test_what_is_not_one_file_is_not_found(api: Any, project: Any, store: Any, key: str) -> None:
    assert asked(api, project, store, key).status_code == 404


@pytest.mark.parametrize("uri", ["", "raw/a.csv", "http://127.0.0.1/x", "s3://", "s3://another/raw/a.csv"])
def test_an_address_of_no_store(api: Any, project: Any, store: Any, uri: str) -> None:
    answer = api.post(DOWNLOAD, {"project": str(project.pk), "uri": uri})
    assert answer.status_code == 400
