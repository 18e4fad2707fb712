"""A store whose credentials nobody can decrypt any more troubles whoever uses it, and nobody else."""

from typing import Any

import pytest
from django.test import override_settings

from common.crypto import SecretUnreadable
from datastores.inputs import input_files, resolve_input_uri
from datastores.models import DataStore, DatumAlias
from datastores.opening import object_store
from datastores.selectors import datums_for
from tests.support import factories

pytestmark = pytest.mark.django_db


def make_s3(project: Any, name: str) -> DataStore:
    return factories.make_store(
        name=name,
        kind=DataStore.Kind.S3,
        is_default=False,
        project=project,
        access_mode=DataStore.AccessMode.SINGLE_PROJECT,
        configuration={"bucket": name},
        credentials='{"access_key_id": "key", "secret_access_key": "secret"}',
    )


@pytest.fixture
def lost(project: Any) -> DataStore:
    with override_settings(SECRETS_KEYS=["a key that is gone"]):
        return make_s3(project, "lost")


def test_only_whoever_opens_it_is_refused(project: Any, lost: DataStore) -> None:
    with pytest.raises(SecretUnreadable):
        object_store(DataStore.objects.get(pk=lost.pk))


def test_lists_and_pages_are_shown(
    alice: Any, alice_api: Any, alice_browser: Any, project: Any, lost: DataStore
) -> None:
    datum = factories.make_datum(project, store=lost)
    DatumAlias.objects.create(project=project, name="best", datum=datum)
    assert [found.store.name for found in datums_for(alice)] == ["lost"]
    for address in ("/api/v0/stores/", "/api/v0/data/", "/api/v0/datum-aliases/"):
        answer = alice_api.get(f"{address}?project={project.pk}")
        assert answer.status_code == 200, answer.content
        assert answer.json()["count"] >= 1
    page = alice_browser.get(f"/p/{project.owner.name}/{project.name}/data/")
    assert page.status_code == 200


def test_inputs_in_other_stores_are_found(project: Any, lost: DataStore) -> None:
    make_s3(project, "ours")
    stored = factories.make_datum(project)
    assert resolve_input_uri(project, "s3://ours/a") == "s3://ours/a"
    assert input_files(project, f"datum://{stored.pk}", "http://x")[0].datum_id == stored.pk


def test_the_rest_of_it_can_be_changed(lost: DataStore) -> None:
    row = DataStore.objects.get(pk=lost.pk)
    row.name = "found"
    row.save()
    with override_settings(SECRETS_KEYS=["a key that is gone"]):
        again = DataStore.objects.get(pk=lost.pk)
        assert again.name == "found"
        assert "secret_access_key" in again.credentials


def test_a_readable_one_is_saved_with_the_newest_key(project: Any) -> None:
    with override_settings(SECRETS_KEYS=["old"]):
        made = make_s3(project, "ours")
    with override_settings(SECRETS_KEYS=["new", "old"]):
        DataStore.objects.get(pk=made.pk).save()
    with override_settings(SECRETS_KEYS=["new"]):
        assert "secret_access_key" in DataStore.objects.get(pk=made.pk).credentials
