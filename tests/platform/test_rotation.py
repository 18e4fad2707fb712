"""Changing the key of stored secrets: every place, while others write, and never a secret on the screen."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings

from accounts.models import User
from common import rotation
from common.crypto import SecretUnreadable, encrypt
from projects.models import Project, ProjectVariable
from tests.support import factories
from tests.support.secrets import SECRETS, plant
from valohai_app.checks import check_secrets_keys

pytestmark = pytest.mark.django_db

OLD, NEW = "the old key", "the new key"
with_old = override_settings(SECRETS_KEYS=[OLD])
with_both = override_settings(SECRETS_KEYS=[NEW, OLD])
with_new = override_settings(SECRETS_KEYS=[NEW])


@pytest.fixture
def planted(alice: User, project: Project) -> None:
    """One secret in every place, written with the old key."""
    with with_old:
        plant(alice, project, factories.make_organization(owners=(alice,)))


@pytest.fixture
def lost(project: Project) -> ProjectVariable:
    """Written with a key that nobody has any more."""
    with override_settings(SECRETS_KEYS=["lost key"]):
        return ProjectVariable.objects.create(project=project, name="LOST", value="planted-lost", secret=True)


def rotate(*arguments: str) -> tuple[str, str]:
    """What the command printed, and how it failed ("" when it did not)."""
    output, failure = StringIO(), ""
    try:
        call_command("rotate_secrets", *arguments, stdout=output, stderr=output)
    except CommandError as error:
        failure = str(error)
    assert not any(secret in output.getvalue() + failure for secret in (*SECRETS.values(), "planted-lost"))
    return output.getvalue(), failure


def stored() -> dict[str, str]:
    """What stands in the database, by place and row."""
    return {
        f"{model._meta.label}.{name} {pk}": text
        for model, name in rotation.encrypted_fields()
        for pk, text in rotation._stored_values(model, name)
    }


def values() -> dict[str, str]:
    return {
        f"{model._meta.label}.{name}": getattr(row, name)
        for model, name in rotation.encrypted_fields()
        for row in model._default_manager.all()
    }


@pytest.mark.usefixtures("planted")
class TestRotation:
    def test_every_secret_of_every_model_is_written_again(self) -> None:
        with with_old:
            before = values()
        with with_both:
            printed, failure = rotate()
        assert failure == ""
        for place in SECRETS:
            assert f"{place}: 1 rewritten" in printed
        with with_new:
            assert values() == before
        with with_old, pytest.raises(SecretUnreadable):
            values()

    def test_once_is_enough(self) -> None:
        with with_both:
            rotate()
            before = stored()
            printed, _ = rotate()
            assert stored() == before
        assert "rewritten" not in printed
        assert "projects.ProjectVariable.value: 1 with the newest key" in printed

    def test_check_changes_nothing_and_fails_until_it_is_done(self) -> None:
        before = stored()
        with with_both:
            printed, failure = rotate("--check")
            assert "projects.ProjectVariable.value: 1 with an older key" in printed
            assert f"{len(SECRETS)} secrets may still need an older key" in failure
            assert stored() == before
            rotate()
            assert rotate("--check")[1] == ""

    def test_large_tables_go_in_batches(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rotation, "BATCH_ROWS", 3)
        with with_old:
            for number in range(10):
                ProjectVariable.objects.create(project=project, name=f"V{number}", value=f"value {number}")
            ProjectVariable.objects.create(project=project, name="EMPTY", value="")
        with with_both:
            assert "projects.ProjectVariable.value: 11 rewritten" in rotate()[0]
        with with_new:
            found = {row.name: row.value for row in ProjectVariable.objects.filter(name__startswith="V")}
        assert found == {f"V{number}": f"value {number}" for number in range(10)}

    def test_stopped_half_way_it_goes_on_where_it_was(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with with_both:
            first = next(rotation.tallies(rewrite=True))
            assert first.rewritten == 1
            assert rotate()[1] == ""
            assert rotate("--check")[1] == ""

    def test_value_that_changes_meanwhile_is_not_overwritten(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with with_old:
            variable = ProjectVariable.objects.get()
            newer = encrypt("changed meanwhile")

        def change_and_decrypt(text: str) -> str:
            """Between the read and the write, a process that knows the old key only writes another value."""
            if text.startswith(before):
                with connection.cursor() as cursor:
                    cursor.execute("UPDATE projects_projectvariable SET value = %s", [newer])
            return original(text)

        before, original = stored()[f"projects.ProjectVariable.value {variable.pk}"], rotation.decrypt
        monkeypatch.setattr(rotation, "decrypt", change_and_decrypt)
        with with_both:
            printed, failure = rotate()
            assert "projects.ProjectVariable.value: 1 changed by somebody else meanwhile" in printed
            assert "run rotate_secrets again" in failure
            variable.refresh_from_db()
            assert variable.value == "changed meanwhile"
            assert rotate()[1] == ""

    def test_times_of_rows_stay(self) -> None:
        before = ProjectVariable.objects.values_list("updated_at", flat=True).get()
        with with_both:
            rotate()
        assert ProjectVariable.objects.values_list("updated_at", flat=True).get() == before


@pytest.mark.usefixtures("planted")
class TestLostKey:
    @pytest.mark.parametrize("arguments", [(), ("--check",)])
    def test_unreadable_rows_are_named_and_do_not_stop_the_rest(
        self, lost: ProjectVariable, arguments: tuple[str, ...]
    ) -> None:
        before = stored()[f"projects.ProjectVariable.value {lost.pk}"]
        with with_both:
            printed, failure = rotate(*arguments)
        assert f"projects.ProjectVariable.value of {lost.pk} cannot be read" in printed
        assert "1 secrets cannot be read" in failure
        assert stored()[f"projects.ProjectVariable.value {lost.pk}"] == before
        if not arguments:
            with with_new:
                assert ProjectVariable.objects.exclude(pk=lost.pk).get().value

    def test_found_again_it_is_enough_to_add_it(self, lost: ProjectVariable) -> None:
        with override_settings(SECRETS_KEYS=[NEW, OLD, "lost key"]):
            assert rotate()[1] == ""
        with with_new:
            lost.refresh_from_db()
        assert lost.value == "planted-lost"


@pytest.mark.parametrize(
    ("changes", "warned"),
    [
        ({"URL_BASE": "https://mlops.example.com", "SECRET_KEY": "k", "SECRETS_KEYS": ["k"]}, True),
        ({"URL_BASE": "https://mlops.example.com", "SECRET_KEY": "k", "SECRETS_KEYS": ["own", "k"]}, False),
        ({"URL_BASE": "", "SECRET_KEY": "k", "SECRETS_KEYS": ["k"]}, False),
    ],
)
def test_check_asks_for_a_key_of_their_own_where_others_come_in(
    changes: dict[str, Any], warned: bool
) -> None:
    with override_settings(**changes):
        assert bool(check_secrets_keys(None)) == warned
