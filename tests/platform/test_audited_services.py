"""Every service that somebody can ask for leaves exactly one row in the audit log, and none when it is refused."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

import datastores.services
import datastores.uploads
import environments.services
import executions.services
import projects.services
from accounts.models import User
from audit.models import AuditEvent
from common import clock
from common.errors import DomainError
from datastores.datasets import services as datasets
from datastores.datasets.packaging import services as packaging
from datastores.models import DatasetVersion, DatasetVersionAlias, Datum, DatumAlias, RetentionRule
from datastores.retention import services as retention
from environments.autoscaling import services as machines
from environments.enrolment import services as enrolment
from environments.models import EnrolmentToken, Environment, Machine, Worker, WorkerCredential
from executions.models import Execution
from executions.types import ExecutionSpec, Status
from organizations.models import Organization
from projects.models import Commit, Project, ProjectInvitation, VariableGroup
from tests.projects.git_support import YAML, WorkingCopy
from tests.support import factories

pytestmark = pytest.mark.django_db

OF_NO_PROJECT = {
    "environment", "organization_variable", "variable_group", "group_variable",
    "dataset", "dataset_version", "dataset_version_alias", "machine", "enrolment_token", "worker",
}  # fmt: skip
READING = {"effects_of_transfer"}
"""Services with an actor that change nothing."""


@dataclass
class World:
    """Alice administers everything; Rita looks at the project only."""

    alice: User
    rita: User
    project: Project
    commit: Commit
    running: Execution
    ended: Execution
    datum: Datum
    upload: Datum
    environment: Environment
    machine: Machine
    organization: Organization
    invitation: ProjectInvitation
    group: VariableGroup
    alias: DatumAlias
    rule: RetentionRule
    version: DatasetVersion
    version_alias: DatasetVersionAlias
    enrolment_token: EnrolmentToken
    credential: WorkerCredential
    packed_version: DatasetVersion


@pytest.fixture
def world(tmp_path: Path, settings: Any) -> World:
    settings.DATA_DIR = tmp_path / "data"
    settings.ALLOW_LOCAL_REPOSITORIES = True
    settings.LOCAL_REPOSITORY_ROOTS = [str(tmp_path)]
    alice = factories.make_user("alice", is_superuser=True)
    vera, rita = factories.make_user("vera"), factories.make_user("rita")
    organization = factories.make_organization("acme", owners=(alice,))
    for user in (vera, rita):
        organization.memberships.create(user=user, role="viewer")
    project = factories.make_project(organization, "churn", creator=alice)
    commit = factories.make_commit(project)
    code = WorkingCopy(tmp_path / "code")
    code.commit({"valohai.yaml": YAML}, "first")
    projects.services.set_repository(project=project, actor=alice, url=str(code.folder))
    repository = project.repository
    repository.known_hosts = "example.com ssh-ed25519 AAAA"
    repository.save()
    projects.services.set_variable(project=project, actor=alice, name="OLD", value="v4lue", secret=True)
    organization.variables.create(name="SHARED", value="v4lue", secret=True)
    project.collaborators.create(user=factories.make_user("bob"))
    return World(
        alice, rita, project, commit,
        factories.make_execution(project, status=Status.STARTED, commit=commit),
        factories.make_execution(project, status=Status.COMPLETE, commit=commit),
        factories.make_datum(project, name="model.pkl"),
        factories.make_datum(project, name="upload.bin", stored_at=None, uploader=alice),
        environment := factories.make_environment("gpu"),
        Machine.objects.create(environment=environment, provider="local", status="ready"),
        organization,
        factories.make_project_invitation(project, "friend@example.com"),
        factories.make_group(organization, "shared", {"KEY": "v4lue"}),
        factories.make_alias(project, "old-name"),
        RetentionRule.objects.create(
            project=project, name="checkpoints", min_age_days=90, tried_at=clock.now()
        ),
        version := factories.make_dataset_version(
            factories.make_dataset(project, name="faces"), factories.make_datum(project)
        ),
        DatasetVersionAlias.objects.create(dataset=version.dataset, name="old", version=version),
        EnrolmentToken.objects.create(
            environment=environment, digest="t0ken", hint="peon-", expires_at=clock.now() + timedelta(days=1)
        ),
        WorkerCredential.objects.create(
            worker=Worker.objects.create(identity="box", host="box", last_seen_at=clock.now()),
            environment=environment, digest="t0ken",
        ),
        factories.make_dataset_version(
            version.dataset, factories.make_datum(project), wants_package=True
        ),
    )  # fmt: skip


def package() -> BytesIO:
    return BytesIO(factories.make_archive({"valohai.yaml": factories.YAML}))


def link(secret: str) -> str:
    return f"https://mlops.example.com/{secret}"


Perform = Callable[[World, User], object]

# Service -> kind of the row, kind of its target, and how it is called.
TABLE: dict[str, tuple[str, str, Perform]] = {
    "projects.create_project": (
        "project.created", "project",
        lambda w, actor: projects.services.create_project(actor=actor, name="new", owner=w.organization.owner),
    ),
    "projects.update_project": (
        "project.changed", "project",
        lambda w, actor: projects.services.update_project(project=w.project, actor=actor, description="new"),
    ),
    "projects.update_project (name)": (
        "project.renamed", "project",
        lambda w, actor: projects.services.update_project(project=w.project, actor=actor, name="renamed"),
    ),
    "projects.transfer_project": (
        "project.transferred", "project",
        lambda w, actor: projects.services.transfer_project(project=w.project, actor=actor, owner=actor.owner),
    ),
    "projects.delete_project": (
        "project.deleted", "project",
        lambda w, actor: (
            Execution.objects.filter(pk=w.running.pk).delete(),
            projects.services.delete_project(project=w.project, actor=actor),
        ),
    ),
    "projects.set_repository": (
        "repository.changed", "repository",
        lambda w, actor: projects.services.set_repository(
            project=w.project, actor=actor, url="https://git.example.com/other.git", access_token="t0ken"
        ),
    ),
    "projects.generate_deploy_key": (
        "repository.key_made", "repository",
        lambda w, actor: projects.services.generate_deploy_key(project=w.project, actor=actor),
    ),
    "projects.forget_known_hosts": (
        "repository.host_forgotten", "repository",
        lambda w, actor: projects.services.forget_known_hosts(project=w.project, actor=actor),
    ),
    "projects.fetch_repository": (
        "repository.fetched", "repository",
        lambda w, actor: projects.services.fetch_repository(project=w.project, actor=actor),
    ),
    "projects.start_fetch": (
        "repository.fetched", "repository",
        lambda w, actor: projects.services.start_fetch(project=w.project, actor=actor),
    ),
    "projects.set_variable": (
        "variable.set", "project_variable",
        lambda w, actor: projects.services.set_variable(
            project=w.project, actor=actor, name="NEW", value="v4lue", secret=False
        ),
    ),
    "projects.delete_variable": (
        "variable.deleted", "project_variable",
        lambda w, actor: projects.services.delete_variable(project=w.project, actor=actor, name="OLD"),
    ),
    "projects.import_package": (
        "package.imported", "commit",
        lambda w, actor: projects.services.import_package(project=w.project, actor=actor, archive=package()),
    ),
    "projects.add_collaborator": (
        "collaborator.added", "collaborator",
        lambda w, actor: projects.services.add_collaborator(
            project=w.project, actor=actor, user=User.objects.get(username="vera")
        ),
    ),
    "projects.change_collaborator": (
        "collaborator.changed", "collaborator",
        lambda w, actor: projects.services.change_collaborator(
            project=w.project, actor=actor, user_id=w.project.collaborators.get().user_id, is_read_only=True
        ),
    ),
    "projects.remove_collaborator": (
        "collaborator.removed", "collaborator",
        lambda w, actor: projects.services.remove_collaborator(
            project=w.project, actor=actor, user_id=w.project.collaborators.get().user_id
        ),
    ),
    "projects.invite_collaborator": (
        "project_invitation.sent", "project_invitation",
        lambda w, actor: projects.services.invite_collaborator(
            project=w.project, actor=actor, email="new@example.com", link=link
        ),
    ),
    "projects.resend_invitation": (
        "project_invitation.resent", "project_invitation",
        lambda w, actor: projects.services.resend_invitation(invitation=w.invitation, actor=actor, link=link),
    ),
    "projects.cancel_invitation": (
        "project_invitation.cancelled", "project_invitation",
        lambda w, actor: projects.services.cancel_invitation(invitation=w.invitation, actor=actor),
    ),
    "executions.create_execution": (
        "execution.created", "execution",
        lambda w, actor: executions.services.create_execution(
            actor=actor, project=w.project, spec=ExecutionSpec(commit=w.commit.identifier, step="train")
        ),
    ),
    "executions.stop_execution": (
        "execution.stopped", "execution",
        lambda w, actor: executions.services.stop_execution(execution=w.running, actor=actor),
    ),
    "executions.delete_execution": (
        "execution.deleted", "execution",
        lambda w, actor: executions.services.delete_execution(execution=w.ended, actor=actor),
    ),
    "executions.set_title": (
        "execution.renamed", "execution",
        lambda w, actor: executions.services.set_title(execution=w.ended, actor=actor, title="Best"),
    ),
    "executions.set_tags": (
        "execution.tagged", "execution",
        lambda w, actor: executions.services.set_tags(execution=w.ended, actor=actor, tags=["best"]),
    ),
    "executions.add_tags": (
        "execution.tagged", "execution",
        lambda w, actor: executions.services.add_tags(execution=w.ended, actor=actor, tags=["best"]),
    ),
    "datastores.complete_upload": (
        "datum.uploaded", "datum",
        lambda w, actor: datastores.uploads.complete_upload(datum=w.upload, actor=actor),
    ),
    "datastores.purge_datum": (
        "datum.purged", "datum",
        lambda w, actor: datastores.services.purge_datum(datum=w.datum, actor=actor),
    ),
    "datastores.apply_properties": (
        "datum.changed", "datum",
        lambda w, actor: datastores.services.apply_properties(
            datum=w.datum, actor=actor, values={"quality": 3, "valohai.tags": ["best"]}
        ),
    ),
    "datastores.apply_properties_to_all": (
        "datum.changed", "datum",
        lambda w, actor: datastores.services.apply_properties_to_all(
            actor=actor, changes=[(w.datum, {"quality": 3})]
        ),
    ),
    "datastores.delete_alias": (
        "alias.deleted", "datum_alias",
        lambda w, actor: datastores.services.delete_alias(alias=w.alias, actor=actor),
    ),
    "datastores.create_rule": (
        "retention_rule.created", "retention_rule",
        lambda w, actor: retention.create_rule(project=w.project, actor=actor, name="old", min_age_days=30),
    ),
    "datastores.change_rule": (
        "retention_rule.changed", "retention_rule",
        lambda w, actor: retention.change_rule(rule=w.rule, actor=actor, min_age_days=31),
    ),
    "datastores.try_rule": (
        "retention_rule.tried", "retention_rule",
        lambda w, actor: retention.try_rule(rule=w.rule, actor=actor),
    ),
    "datastores.enable_rule": (
        "retention_rule.enabled", "retention_rule",
        lambda w, actor: retention.enable_rule(rule=w.rule, actor=actor),
    ),
    "datastores.disable_rule": (
        "retention_rule.disabled", "retention_rule",
        lambda w, actor: (
            RetentionRule.objects.update(enabled_at=clock.now()),
            retention.disable_rule(rule=w.rule, actor=actor),
        ),
    ),
    "datastores.delete_rule": (
        "retention_rule.deleted", "retention_rule",
        lambda w, actor: retention.delete_rule(rule=w.rule, actor=actor),
    ),
    "datastores.set_alias": (
        "alias.set", "datum_alias",
        lambda w, actor: datastores.services.set_alias(
            project=w.project, actor=actor, name="best", datum=w.datum
        ),
    ),
    "projects.set_organization_variable": (
        "variable.set", "organization_variable",
        lambda w, actor: projects.services.set_organization_variable(
            organization=w.organization, actor=actor, name="NEW", value="v4lue", secret=True
        ),
    ),
    "projects.delete_organization_variable": (
        "variable.deleted", "organization_variable",
        lambda w, actor: projects.services.delete_organization_variable(
            organization=w.organization, actor=actor, name="SHARED"
        ),
    ),
    "projects.create_group": (
        "variable_group.created", "variable_group",
        lambda w, actor: projects.services.create_group(organization=w.organization, actor=actor, name="gpu"),
    ),
    "projects.update_group": (
        "variable_group.changed", "variable_group",
        lambda w, actor: projects.services.update_group(group=w.group, actor=actor, name="renamed"),
    ),
    "projects.delete_group": (
        "variable_group.deleted", "variable_group",
        lambda w, actor: projects.services.delete_group(group=w.group, actor=actor),
    ),
    "projects.set_group_variable": (
        "variable.set", "group_variable",
        lambda w, actor: projects.services.set_group_variable(
            group=w.group, actor=actor, name="NEW", value="v4lue", secret=True
        ),
    ),
    "projects.delete_group_variable": (
        "variable.deleted", "group_variable",
        lambda w, actor: projects.services.delete_group_variable(group=w.group, actor=actor, name="KEY"),
    ),
    "datasets.create_dataset": (
        "dataset.created", "dataset",
        lambda w, actor: datasets.create_dataset(
            actor=actor, owner=w.organization.owner, name="new", project_ids=[w.project.pk]
        ),
    ),
    "datasets.change_dataset": (
        "dataset.changed", "dataset",
        lambda w, actor: datasets.change_dataset(dataset=w.version.dataset, actor=actor, notes="new"),
    ),
    "datasets.share_dataset": (
        "dataset.shared", "dataset",
        lambda w, actor: datasets.share_dataset(dataset=w.version.dataset, actor=actor, project_ids=None),
    ),
    "datasets.delete_dataset": (
        "dataset.deleted", "dataset",
        lambda w, actor: datasets.delete_dataset(dataset=w.version.dataset, actor=actor),
    ),
    "datasets.create_version": (
        "dataset_version.created", "dataset_version",
        lambda w, actor: datasets.create_version(
            dataset=w.version.dataset, actor=actor, new=datasets.NewVersion("v2", files=[w.datum.pk])
        ),
    ),
    "datasets.change_version": (
        "dataset_version.changed", "dataset_version",
        lambda w, actor: datasets.change_version(version=w.version, actor=actor, notes="new"),
    ),
    "packaging.request_packages": (
        "dataset_version.packages_requested", "dataset_version",
        lambda w, actor: packaging.request_packages(version=w.version, actor=actor),
    ),
    "packaging.remove_packages": (
        "dataset_version.packages_removed", "dataset_version",
        lambda w, actor: packaging.remove_packages(version=w.packed_version, actor=actor),
    ),
    "datasets.set_alias": (
        "dataset_version_alias.set", "dataset_version_alias",
        lambda w, actor: datasets.set_alias(version=w.version, actor=actor, name="best"),
    ),
    "datasets.move_alias": (
        "dataset_version_alias.set", "dataset_version_alias",
        lambda w, actor: datasets.move_alias(
            alias=w.version_alias, actor=actor,
            version=factories.make_dataset_version(w.version.dataset, w.datum) if actor == w.alice else w.version,
        ),
    ),
    "datasets.delete_alias": (
        "dataset_version_alias.removed", "dataset_version_alias",
        lambda w, actor: datasets.delete_alias(alias=w.version_alias, actor=actor),
    ),
    "enrolment.issue_token": (
        "enrolment_token.issued", "enrolment_token",
        lambda w, actor: enrolment.issue_token(environment=w.environment, actor=actor),
    ),
    "enrolment.revoke_token": (
        "enrolment_token.revoked", "enrolment_token",
        lambda w, actor: enrolment.revoke_token(token=w.enrolment_token, actor=actor),
    ),
    "enrolment.revoke_worker": (
        "worker.revoked", "worker",
        lambda w, actor: enrolment.revoke_worker(credential=w.credential, actor=actor),
    ),
    "environments.set_enabled": (
        "environment.changed", "environment",
        lambda w, actor: environments.services.set_enabled(
            environment=w.environment, actor=actor, enabled=False
        ),
    ),
    "machines.drain_machine": (
        "machine.drained", "machine",
        lambda w, actor: machines.drain_machine(machine=w.machine, actor=actor),
    ),
    "machines.terminate_machine": (
        "machine.terminated", "machine",
        lambda w, actor: machines.terminate_machine(machine=w.machine, actor=actor),
    ),
    "machines.set_cordoned": (
        "machine.cordoned", "machine",
        lambda w, actor: machines.set_cordoned(machine=w.machine, actor=actor, cordoned=True),
    ),
    "machines.restart_agents": (
        "machine.agents_restarted", "machine",
        lambda w, actor: machines.restart_agents(machine=w.machine, actor=actor),
    ),
}  # fmt: skip


def services_with_an_actor(module: ModuleType) -> set[str]:
    return {
        name
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_")
        and function.__module__.startswith(module.__name__)
        and "actor" in inspect.signature(function).parameters
    }


def test_every_service_with_an_actor_is_in_the_table() -> None:
    known = {name.partition(" ")[0].partition(".")[2] for name in TABLE} | READING
    for module in (
        projects.services,
        executions.services,
        datastores.services,
        retention,
        datasets,
        enrolment,
        packaging,
        machines,
    ):
        missing = services_with_an_actor(module) - known
        assert not missing, f"not in the table of audited services: {missing}"


@pytest.fixture(autouse=True)
def _background_work_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    task = projects.background.fetch_repository_in_background
    monkeypatch.setattr(task, "delay", task)


@pytest.mark.parametrize("name", TABLE)
def test_it_leaves_one_row(world: World, name: str) -> None:
    kind, target_kind, perform = TABLE[name]
    known = set(AuditEvent.objects.values_list("pk", flat=True))
    project_id = None if target_kind in OF_NO_PROJECT else world.project.pk
    perform(world, world.alice)
    event = AuditEvent.objects.exclude(pk__in=known).get()
    assert (event.kind, event.target_kind, event.actor_id) == (kind, target_kind, world.alice.pk)
    assert event.target_name
    if kind != "project.created":
        assert event.project_id == project_id
    written = f"{event.before} {event.after}"
    assert "v4lue" not in written
    assert "t0ken" not in written
    assert "PRIVATE KEY" not in written


@pytest.mark.parametrize("name", TABLE)
def test_a_refusal_leaves_none(world: World, name: str) -> None:
    _, _, perform = TABLE[name]
    known = AuditEvent.objects.count()
    before = row_counts()
    if name == "projects.delete_project":
        before["executions.Execution"] -= 1  # what runs goes first, so that only the right is missing
    with pytest.raises(DomainError):
        perform(world, world.rita)
    assert AuditEvent.objects.count() == known
    assert row_counts() == before


def test_accepting_leaves_one_row_of_the_guest(world: World) -> None:
    guest = factories.make_user("guest")
    known = set(AuditEvent.objects.values_list("pk", flat=True))
    projects.services.accept_invitation(invitation=world.invitation, user=guest)
    event = AuditEvent.objects.exclude(pk__in=known).get()
    assert (event.kind, event.actor_id, event.project_id) == (
        "collaborator.added",
        guest.pk,
        world.project.pk,
    )
    assert event.after == {"is_read_only": False, "invited_as": "friend@example.com"}
    with pytest.raises(DomainError):
        projects.services.accept_invitation(invitation=world.invitation, user=factories.make_user("late"))
    assert AuditEvent.objects.exclude(pk__in=known).count() == 1


class TestWhatRowsSay:
    def latest(self) -> AuditEvent:
        return AuditEvent.objects.order_by("-created_at", "-id")[0]

    def test_what_ran_where(self, world: World) -> None:
        TABLE["executions.create_execution"][2](world, world.alice)
        event = self.latest()
        assert event.after["commit"] == world.commit.identifier
        assert (event.after["step"], event.after["environment"]) == ("train", "local")

    def test_an_execution_is_created_at_the_cost_of_one_insert(self, world: World) -> None:
        project = Project.objects.select_related("owner").get(pk=world.project.pk)
        spec = ExecutionSpec(commit=world.commit.identifier, step="train")
        with CaptureQueriesContext(connection) as queries:
            executions.services.create_execution(actor=world.alice, project=project, spec=spec)
        statements = [query["sql"] for query in queries]
        (row,) = [sql for sql in statements if "audit_auditevent" in sql]
        assert row.startswith("INSERT")
        after = statements[statements.index(row) + 1 :]
        assert not [sql for sql in after if sql.startswith("SELECT")], "nothing is read for the row"
        assert statements[statements.index(row) - 1].startswith("UPDATE")

    def test_how_it_was_stopped(self, world: World) -> None:
        for how in ("asked to end", "ended at once"):
            executions.services.stop_execution(execution=world.running, actor=world.alice)
            assert self.latest().after == {"how": how}
        known = AuditEvent.objects.count()
        executions.services.stop_execution(execution=world.ended, actor=world.alice)
        assert AuditEvent.objects.count() == known, "it had ended: nothing was stopped"

    def test_a_title_before_and_after(self, world: World) -> None:
        executions.services.set_title(execution=world.ended, actor=world.alice, title="Best")
        assert (self.latest().before, self.latest().after) == ({"title": ""}, {"title": "Best"})
        known = AuditEvent.objects.count()
        executions.services.set_title(execution=world.ended, actor=world.alice, title="Best")
        assert AuditEvent.objects.count() == known, "nothing changed"

    def test_a_variable_says_whether_not_what(self, world: World) -> None:
        projects.services.set_variable(
            project=world.project, actor=world.alice, name="OLD", value="another", secret=False
        )
        assert self.latest().before == {"secret": True}
        assert self.latest().after == {"secret": False, "value": "(changed)"}

    def test_secrets_of_a_repository_differ_without_being_shown(self, world: World) -> None:
        url = "https://git.example.com/other.git"
        for token in ("one", "two"):
            projects.services.set_repository(
                project=world.project, actor=world.alice, url=url, access_token=token
            )
        assert self.latest().before == {"access_token": "(secret)"}
        assert self.latest().after == {"access_token": "(secret)"}

    def test_how_many_commits_a_fetch_brought(self, world: World) -> None:
        projects.services.fetch_repository(project=world.project, actor=world.alice)
        assert self.latest().after == {"new_commits": 1, "problems": 0}

    def test_where_an_alias_pointed(self, world: World) -> None:
        first, second = world.datum, factories.make_datum(world.project, name="second.pkl")
        for datum in (first, second):
            datastores.services.set_alias(project=world.project, actor=world.alice, name="best", datum=datum)
        assert self.latest().before == {"datum": str(first.pk), "file": "model.pkl"}
        assert self.latest().after == {"datum": str(second.pk), "file": "second.pkl"}

    def test_an_alias_that_comes_with_properties(self, world: World) -> None:
        values = {"quality": 4, "valohai.alias": "best"}
        datastores.services.apply_properties(datum=world.datum, actor=world.alice, values=values)
        kinds = AuditEvent.objects.order_by("-created_at", "-id").values_list("kind", flat=True)[:2]
        assert list(kinds) == ["alias.set", "datum.changed"]
        assert DatumAlias.objects.get(name="best").datum == world.datum

    def test_what_runs_say_of_their_outputs_is_not_there(self, world: World) -> None:
        known = AuditEvent.objects.count()
        datastores.services.mark_stored(
            datum_id=world.upload.pk, size_bytes=8, md5=None, sha1=None, sha256=None, file_modified_at=None,
            metadata={"quality": 5, "valohai.alias": "newest"},
        )  # fmt: skip
        assert DatumAlias.objects.filter(name="newest").exists()
        assert AuditEvent.objects.count() == known


def row_counts() -> dict[str, int]:
    found: list[type[models.Model]] = list(apps.get_models())
    return {model._meta.label: model._default_manager.count() for model in found}
