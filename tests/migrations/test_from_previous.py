"""From the version before tenancy: nothing is lost, everything works, and that version may go on while this one takes over."""

from uuid import UUID

import pytest
from django.db import connection
from django.test import Client

from accounts.models import ApiToken, EmailAddress, Owner, User
from audit.models import AuditEvent
from datastores.models import Datum
from environments.models import Environment
from executions.models import Execution
from executions.selectors import executions_for
from organizations.access import Capability, capabilities
from organizations.models import Organization, Team
from projects.models import Project, ProjectVariable, Repository
from projects.selectors import projects_for
from tests.migrations.conftest import Columns
from tests.migrations.previous import SECRET, TOKEN, Written
from tests.support.factories import PASSWORD, make_execution

EVERY_TABLE = {
    "accounts_owner", "accounts_user", "accounts_apitoken", "organizations_organization",
    "organizations_organizationmembership", "organizations_team", "organizations_teammembership",
    "projects_project", "projects_projectcollaborator", "projects_projectcounter", "projects_projectvariable",
    "projects_repository", "projects_commit", "environments_environment", "environments_worker",
    "datastores_datastore", "datastores_datum", "datastores_datumalias", "executions_execution",
    "executions_logchunk", "executions_metadatachunk", "executions_resourcesample",
}  # fmt: skip


def seen(user_id: int) -> set[UUID]:
    return set(projects_for(User.objects.get(pk=user_id)).values_list("pk", flat=True))


def test_everybody_sees_what_is_theirs_and_nothing_else(after: Written) -> None:
    User.objects.filter(pk=after.alice).update(is_superuser=False)
    assert seen(after.alice) == {after.shared_project, after.team_project}
    assert seen(after.bob) == {after.shared_project, after.team_project}
    assert seen(after.carol) == {after.personal_project}
    assert seen(after.dave) == {after.personal_project}
    assert executions_for(User.objects.get(pk=after.bob)).get().pk == after.execution
    assert not executions_for(User.objects.get(pk=after.dave)).exists()


def test_rights_are_those_of_before(after: Written) -> None:
    bob = User.objects.get(pk=after.bob)
    in_team = capabilities(bob, Project.objects.get(pk=after.team_project))
    assert in_team == {Capability.VIEW}
    assert Capability.RUN in capabilities(bob, Project.objects.get(pk=after.shared_project))


def test_nobody_is_shut_out_by_new_settings(after: Written) -> None:
    organization = Organization.objects.get(pk=after.organization)
    assert not organization.require_2fa
    assert not organization.forbid_personal_projects
    assert organization.max_token_lifetime_days is None
    assert Team.objects.get(pk=after.team).organization_id == after.organization
    assert not Environment.objects.get(slug="local").restricted_to_teams


def test_addresses_count_as_proved_for_the_oldest_account_that_has_them(after: Written) -> None:
    proved = dict(EmailAddress.objects.filter(verified_at__isnull=False).values_list("user_id", "email"))
    assert proved == {after.alice: "Shared@example.com", after.carol: "carol@example.com"}
    assert EmailAddress.objects.get(user=after.bob).verified_at is None
    assert EmailAddress.objects.filter(is_primary=True).count() == 3
    assert not EmailAddress.objects.filter(user=after.dave).exists()


def test_passwords_and_tokens_still_work(after: Written) -> None:
    client = Client()
    answer = client.post("/api/v0/get-token/", {"username": "bob", "password": PASSWORD})
    assert answer.status_code == 200
    page = Client()
    page.post("/auth/login/", {"username": "carol", "password": PASSWORD})
    assert page.get("/").status_code == 200
    listed = client.get("/api/v0/executions/", headers={"authorization": f"Token {TOKEN}"}).json()
    assert [row["id"] for row in listed["results"]] == [str(after.execution)]
    assert ApiToken.objects.get(name="laptop").access_scope == ApiToken.AccessScope.FULL


def test_secrets_are_still_readable(after: Written) -> None:
    assert ProjectVariable.objects.get(name="KEY").value == SECRET
    assert Repository.objects.get().access_token == SECRET


def test_files_are_still_where_they_were(after: Written) -> None:
    datum = Datum.objects.get(pk=after.datum)
    assert (datum.name, datum.aliases.get().name) == ("model.bin", "best")


def test_work_goes_on_where_it_was(after: Written) -> None:
    """The next execution gets the next number."""
    project = Project.objects.get(pk=after.shared_project)
    assert make_execution(project, commit=project.commits.get()).counter == 2


def test_the_audit_log_begins_empty(after: Written) -> None:
    assert not AuditEvent.objects.exists()


def test_every_table_had_a_row_or_is_known(previous_columns: Columns) -> None:
    assert set(previous_columns) >= EVERY_TABLE


@pytest.mark.parametrize("table", sorted(EVERY_TABLE))
def test_the_previous_version_can_still_write(after: Written, previous_columns: Columns, table: str) -> None:
    """It knows only its own columns: whatever came since is null or has a default of the database's own."""
    known = previous_columns[table]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() "
            "AND table_name = %s AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'",
            [table],
        )
        required = {name for (name,) in cursor.fetchall()}
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = %s",
            [table],
        )
        present = {name for (name,) in cursor.fetchall()}
    assert required <= known
    assert known <= present, "the previous version still reads these"


def test_rows_of_the_previous_version_get_the_new_defaults(after: Written, previous_columns: Columns) -> None:
    insert_like("organizations_organization", previous_columns, owner_id=new_owner("late", "organization"))
    insert_like("accounts_apitoken", previous_columns, id=UUID(int=1), digest="1" * 64)
    insert_like("environments_environment", previous_columns, id=UUID(int=2), slug="late")
    insert_like("executions_execution", previous_columns, id=UUID(int=3), counter=2)
    assert Organization.objects.get(owner__name="late").require_2fa is False
    assert ApiToken.objects.get(digest="1" * 64).access_scope == ApiToken.AccessScope.FULL
    assert Environment.objects.get(slug="late").restricted_to_teams is False
    assert Execution.objects.get(counter=2).quota_team is None


def new_owner(name: str, kind: str) -> int:
    return Owner.objects.create(name=name, kind=kind).pk


def insert_like(table: str, columns: Columns, **different: object) -> None:
    """A copy of some row of the table, by an INSERT that names the previous version's columns only."""
    names = sorted(columns[table])
    values = ", ".join(f"%({name})s" if name in different else f'"{name}"' for name in names)
    listed = ", ".join(f'"{name}"' for name in names)
    facts = {name: str(value) for name, value in different.items()}
    with connection.cursor() as cursor:
        cursor.execute(f'INSERT INTO "{table}" ({listed}) SELECT {values} FROM "{table}" LIMIT 1', facts)  # noqa: S608
