"""Seeded tenants are as valid as those that people make."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count, F, Max, Q
from django.test import Client

from accounts.models import User
from audit.models import AuditEvent
from datastores.models import Datum
from executions.models import Execution
from executions.types import FINAL
from organizations.access import visible_to
from organizations.models import Organization, OrganizationMembership, TeamMembership
from projects.models import Commit, Project
from tests.conftest import browser_of
from valohai_app.seeding import Seeded, Sizes, seed_tenants
from valohai_app.seeding.activity import Activity
from valohai_app.seeding.population import populate
from valohai_app.seeding.run import AlreadySeeded

SMALL = Sizes(organizations=12, users=60, projects=150, executions=2_000, datums=300, audit_events=200)
UNTIL = datetime(2026, 6, 1, tzinfo=UTC)
PASSWORD = "correct horse battery"


@pytest.fixture
def seeded(db: None) -> Seeded:
    return seed_tenants(SMALL, seed=7, password=PASSWORD, until=UNTIL)


def test_there_is_as_much_as_was_asked_for(seeded: Seeded) -> None:
    assert Organization.objects.count() == seeded.rows["organizations"] == 12
    assert User.objects.count() == 60
    assert Project.objects.count() == 150
    assert Execution.objects.count() == 2_000
    assert Datum.objects.count() == 300
    assert AuditEvent.objects.count() == 200


def test_rows_pass_the_checks_of_their_models(seeded: Seeded) -> None:
    for model in (User, Organization, Project, Commit, Execution, Datum):
        for row in model._default_manager.order_by("?")[:5]:
            row.validate_constraints()
    for user in User.objects.all():
        user.clean_fields()
    for project in Project.objects.all():
        project.clean_fields()


def test_numbers_are_given_out_without_gaps(seeded: Seeded) -> None:
    for project in Project.objects.annotate(runs=Count("executions"), last=Max("executions__counter")):
        counter = project.counters.filter(kind="execution").first()
        assert project.runs == (project.last or 0) == (counter.last_value if counter else 0)


def test_what_projects_say_of_their_executions_is_true(seeded: Seeded) -> None:
    for project in Project.objects.annotate(last=Max("executions__created_at")):
        assert project.last_execution_at == project.last
        assert project.last is None or project.created_at < project.last
    for execution in Execution.objects.filter(output_count__gt=0)[:20]:
        assert Datum.objects.filter(output_execution_id=execution.pk).count() == execution.output_count
    assert Datum.objects.exclude(output_execution_counter=None).count() == 300
    assert not Execution.objects.exclude(commit__project=F("project")).exists()


def test_ids_are_in_the_order_of_time(seeded: Seeded) -> None:
    times = list(Execution.objects.order_by("pk").values_list("created_at", flat=True))
    assert times == sorted(times)
    assert times[-1] <= UNTIL


def test_most_have_ended_and_a_few_wait_or_run(seeded: Seeded) -> None:
    assert 0 < Execution.objects.exclude(status__in=FINAL).count() < 20
    assert 0 < Execution.objects.filter(deleted_at__isnull=False).count() < 50


def test_every_organization_has_an_owner_and_teams_have_members_of_it(seeded: Seeded) -> None:
    owned = Organization.objects.filter(memberships__role=OrganizationMembership.Role.OWNER).distinct()
    assert owned.count() == Organization.objects.count()
    strangers = TeamMembership.objects.exclude(user__memberships__organization=F("team__organization"))
    assert not strangers.exists()
    assert not Project.objects.filter(team__isnull=False).exclude(team__organization=F("owner")).exists()


def test_somebody_has_the_most_and_somebody_nothing(seeded: Seeded) -> None:
    most, median, none = (
        Project.objects.filter(visible_to(User.objects.get(username=name))).count()
        for name in (seeded.most, seeded.median, seeded.none)
    )
    assert most > median > none == 0
    memberships = dict(User.objects.annotate(number=Count("memberships")).values_list("username", "number"))
    assert memberships[seeded.most] == max(memberships.values()) > memberships[seeded.none] == 0


def test_pages_open(seeded: Seeded) -> None:
    browser = browser_of(User.objects.get(username=seeded.most))
    mine = Execution.objects.filter(visible_to(User.objects.get(username=seeded.most), via="project"))
    execution = mine.select_related("project__owner").filter(output_count__gt=0).first()
    assert execution is not None
    page = f"/p/{execution.project.full_name}/"
    for path in ("/", page, f"{page}execution/{execution.pk}/", f"{page}commits/", f"{page}data/",
                 f"{page}executions/create/", f"/api/v0/executions/{execution.pk}/", "/api/v0/executions/"):  # fmt: skip
        assert browser.get(path).status_code == 200, path
    assert browser.get("/").content.count(b"project-") > 3


def test_everybody_has_the_password_that_was_given(seeded: Seeded) -> None:
    answer = Client().post("/api/v0/get-token/", {"username": seeded.median, "password": PASSWORD})
    assert answer.status_code == 200


def test_without_a_password_nobody_can_sign_in(db: None) -> None:
    made = seed_tenants(SMALL, until=UNTIL)
    assert not User.objects.get(username=made.most).has_usable_password()


def test_the_same_seed_makes_the_same(seeded: Seeded) -> None:
    assert populate(SMALL, 7) == populate(SMALL, 7) != populate(SMALL, 8)

    def story(seed: int) -> list[Any]:
        return list(Activity(150, 2_000, seed, 1_800_000_000_000).runs())

    assert story(7) == story(7) != story(8)


def test_nothing_is_added_to_projects_of_others_unless_asked_for(seeded: Seeded) -> None:
    with pytest.raises(AlreadySeeded):
        seed_tenants(SMALL, seed=7)
    assert Project.objects.count() == 150
    added = seed_tenants(SMALL, seed=7, add=True, until=UNTIL)
    assert Project.objects.count() == 300
    assert User.objects.filter(Q(username=added.most) | Q(username=seeded.most)).count() == 2


class TestCommand:
    SIZES = (
        "--organizations=3",
        "--users=10",
        "--projects=12",
        "--executions=50",
        "--datums=5",
        "--audit-events=5",
    )

    @pytest.fixture
    def said(self, db: None, capsys: pytest.CaptureFixture[str]) -> str:
        call_command("seed_tenants", *self.SIZES, "--seed=3", f"--password={PASSWORD}")
        return capsys.readouterr().out

    def test_it_tells_what_it_made_and_who_has_the_most(self, said: str) -> None:
        assert "50  executions" in said
        named = said.splitlines()[-1]
        for name in User.objects.filter(username__in=named.replace(".", "").split()):
            assert name.check_password(PASSWORD)
        assert "Most memberships: user-" in named

    def test_it_refuses_a_second_time(self, said: str) -> None:
        with pytest.raises(CommandError, match="--add"):
            call_command("seed_tenants", *self.SIZES)
        call_command("seed_tenants", *self.SIZES, "--add")
        assert Project.objects.count() == 24

    @pytest.mark.parametrize("wrong", ["--users=1", "--projects=0", "--executions=-1"])
    def test_hopeless_sizes_are_refused(self, db: None, wrong: str) -> None:
        with pytest.raises(CommandError):
            call_command("seed_tenants", *self.SIZES, wrong)
        assert not Project.objects.exists()
