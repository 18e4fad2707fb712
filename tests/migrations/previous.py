"""What the version before tenancy wrote: its state of the schema, and a little of everything in it."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db.migrations.state import StateApps

from tests.support.factories import PASSWORD, YAML

PREVIOUS = [
    ("accounts", "0001_initial"),
    ("organizations", "0001_initial"),
    ("projects", "0002_commit_missing_parts"),
    ("environments", "0001_initial"),
    ("datastores", "0002_lists_and_erasing"),
    ("executions", "0003_log_chunk_status_lines"),
    ("contenttypes", "0002_remove_content_type_name"),
    ("auth", "0012_alter_user_first_name_max_length"),
    ("sessions", "0001_initial"),
]
"""The newest migrations of the version before. Audit had none."""

TOKEN = "0123456789abcdef0123456789abcdef01234567"
SECRET = "a secret of the previous version"
WHEN = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Written:
    """Ids of what was written: Alice owns the organization, Bob is its member, Carol collaborates, Dave is a stranger."""

    alice: int
    bob: int
    carol: int
    dave: int
    organization: int
    team: UUID
    personal_project: UUID
    shared_project: UUID
    team_project: UUID
    execution: UUID
    datum: UUID


def write(apps: StateApps) -> Written:
    def make(model: str, **fields: Any) -> Any:
        return apps.get_model(model)._default_manager.create(**fields)

    def make_user(name: str, email: str = "", **fields: Any) -> Any:
        owner = make("accounts.Owner", name=name, kind="user")
        password = make_password(PASSWORD)
        return make("accounts.User", owner=owner, username=name, email=email, password=password, **fields)

    alice = make_user("alice", "Shared@example.com", is_superuser=True, is_staff=True)
    bob = make_user("bob", "shared@example.com")
    carol = make_user("carol", "carol@example.com")
    dave = make_user("dave")
    make(
        "accounts.ApiToken", user=bob, name="laptop", hint=TOKEN[:4],
        digest=hashlib.sha256(TOKEN.encode()).hexdigest(),
    )  # fmt: skip
    house = make("accounts.Owner", name="house", kind="organization")
    organization = make("organizations.Organization", owner=house)
    for user, role in ((alice, "owner"), (bob, "member")):
        make("organizations.OrganizationMembership", organization=organization, user=user, role=role)
    team = make("organizations.Team", organization=organization, name="readers")
    make("organizations.TeamMembership", team=team, user=bob, is_read_only=True)

    personal = make("projects.Project", name="personal", owner=dave.owner, creator=dave)
    shared = make("projects.Project", name="shared", owner=house, creator=bob, last_execution_at=WHEN)
    of_team = make("projects.Project", name="of-team", owner=house, team=team, creator=alice)
    make("projects.ProjectCollaborator", project=personal, user=carol)
    make("projects.ProjectCounter", project=shared, kind="execution", last_value=1)
    make("projects.ProjectVariable", project=shared, name="KEY", value=SECRET, secret=True)
    make("projects.Repository", project=shared, url="https://git.example.com/x.git", access_token=SECRET)
    commit = make(
        "projects.Commit", project=shared, identifier="a" * 40, ref="main", ref_names=["main"], committed_at=WHEN,
        yaml_source=YAML, config=[], archive_key="code/x", archive_sha256="0" * 64, archive_size_bytes=1,
    )  # fmt: skip
    environment = make("environments.Environment", slug="local", name="Local", queue_name="local")
    execution = make(
        "executions.Execution", project=shared, counter=1, creator=bob, commit=commit, environment=environment,
        status="complete", step="train", image="python:3.11", command="true", interpolated_command="true",
        queued_at=WHEN, started_at=WHEN, ended_at=WHEN, epoch=1,
    )  # fmt: skip
    make(
        "executions.LogChunk", execution=execution, first_line=0, line_count=1, first_time=WHEN,
        raw_size_bytes=1, storage_key="logs/x",
    )  # fmt: skip
    store = make("datastores.DataStore", name="default", kind="platform", access_mode="public", is_default=True)
    datum = make(
        "datastores.Datum", store=store, project=shared, name="model.bin", key="data/x", stored_at=WHEN,
        output_execution_id=execution.pk, output_execution_counter=1,
    )  # fmt: skip
    make("datastores.DatumAlias", project=shared, name="best", datum=datum)
    return Written(
        alice=alice.pk, bob=bob.pk, carol=carol.pk, dave=dave.pk, organization=organization.pk, team=team.pk,
        personal_project=personal.pk, shared_project=shared.pk, team_project=of_team.pk, execution=execution.pk,
        datum=datum.pk,
    )  # fmt: skip
