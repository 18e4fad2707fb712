"""Rows for tests, as plain functions: every argument is optional, what is not said is plausible.

They write models directly, so that a test of one service does not lean on another one.
"""

import hashlib
import io
import itertools
import tarfile
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from valohai_yaml import parse

from accounts.models import ApiToken, EmailAddress, Owner, TotpDevice, User
from accounts.services.tokens import digest_of
from common import clock
from common.ids import new_token
from datastores.datasets.contents import write_files
from datastores.datasets.packaging.dropping import place_of
from datastores.models import (
    Adoption,
    Dataset,
    DatasetPackage,
    DatasetVersion,
    DataStore,
    Datum,
    DatumAlias,
)
from environments.models import Environment, RegistryCredentials, TeamPlace
from executions.models import Execution, ExecutionInput
from executions.types import FINAL, RUNNING, Status
from executions.used_files import take_inputs
from organizations.invitations import LIFETIME, new_secret
from organizations.models import Invitation, Organization, OrganizationMembership, Team, TeamMembership
from projects.models import (
    Commit,
    GroupVariable,
    Project,
    ProjectCollaborator,
    ProjectCounter,
    ProjectInvitation,
    VariableGroup,
)

_numbers = itertools.count(1)

PASSWORD = "correct horse battery"

YAML = """\
- step:
    name: train
    image: python:3.11
    command: python train.py {parameters}
    parameters:
      - name: epochs
        type: integer
        default: 3
      - name: learning_rate
        type: float
        default: 0.1
      - name: name
        type: string
        optional: true
      - name: verbose
        type: flag
    inputs:
      - name: dataset
        optional: true
    environment-variables:
      - name: MODE
        default: plain
"""


def make_user(username: str = "", **fields: Any) -> User:
    username = username or f"user{next(_numbers)}"
    fields.setdefault("email", f"{username}@example.com")
    return User.objects.create_user(username=username, password=PASSWORD, **fields)


def make_token(user: User, **fields: Any) -> str:
    """The secret of a new API token."""
    secret = new_token()
    values = {"name": "test", "digest": digest_of(secret), "hint": secret[:6], **fields}
    ApiToken.objects.create(user=user, **values)
    return secret


def make_organization(
    name: str = "", *, owners: tuple[User, ...] = (), members: tuple[User, ...] = ()
) -> Organization:
    owner = Owner.objects.create(name=name or f"organization{next(_numbers)}", kind=Owner.Kind.ORGANIZATION)
    organization = Organization.objects.create(owner=owner)
    role = OrganizationMembership.Role
    for user, user_role in [*((u, role.OWNER) for u in owners), *((u, role.MEMBER) for u in members)]:
        OrganizationMembership.objects.create(organization=organization, user=user, role=user_role)
    return organization


def make_team(
    organization: Organization, name: str = "", *, members: tuple[User, ...] = (), **rights: Any
) -> Team:
    team = Team.objects.create(organization=organization, name=name or f"team{next(_numbers)}")
    for user in members:
        TeamMembership.objects.create(team=team, user=user, **rights)
    return team


def make_invitation(organization: Organization, email: str = "", **fields: Any) -> Invitation:
    return _make_invitation(Invitation, email, organization=organization, **fields)


def make_second_factor(user: User) -> TotpDevice:
    return TotpDevice.objects.create(user=user, seed="seed", confirmed_at=clock.now())


def make_verified_email(user: User, email: str) -> EmailAddress:
    return EmailAddress.objects.get_or_create(user=user, email=email, defaults={"verified_at": clock.now()})[
        0
    ]


def make_project(owner: User | Organization | None = None, name: str = "", **fields: Any) -> Project:
    owner = owner or make_user()
    creator = owner if isinstance(owner, User) else None
    return Project.objects.create(
        owner=owner.owner, name=name or f"project{next(_numbers)}", **{"creator": creator, **fields}
    )


def make_collaborator(project: Project, user: User, *, is_read_only: bool = False) -> ProjectCollaborator:
    return ProjectCollaborator.objects.create(project=project, user=user, is_read_only=is_read_only)


def make_project_invitation(project: Project, email: str = "", **fields: Any) -> ProjectInvitation:
    return _make_invitation(ProjectInvitation, email, project=project, **fields)


def _make_invitation(model: Any, email: str, **fields: Any) -> Any:
    """Pending, sent long enough ago to be sent again. Its link's secret is in `secret`, which is not stored."""
    secret, digest = new_secret()
    sent_at = clock.now() - timedelta(hours=1)
    invitation = model.objects.create(
        email=email or f"guest{next(_numbers)}@example.com",
        **{"digest": digest, "sent_at": sent_at, "expires_at": sent_at + LIFETIME, **fields},
    )
    invitation.secret = secret
    return invitation


def make_archive(files: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


def make_commit(
    project: Project | None = None,
    yaml: str = YAML,
    *,
    files: Mapping[str, str] | None = None,
    **fields: Any,
) -> Commit:
    """A fetched commit whose archive is in storage. `config` is what the official parser makes of `yaml`."""
    project = project or make_project()
    archive = make_archive({"valohai.yaml": yaml, "train.py": "print('training')\n", **(files or {})})
    identifier = fields.pop("identifier", hashlib.sha1(f"{next(_numbers)}".encode()).hexdigest())  # noqa: S324
    key = default_storage.save(f"code/{project.pk}/{identifier}.tar.gz", ContentFile(archive))
    values: dict[str, Any] = {
        "ref": "main",
        "ref_names": ["main"],
        "committed_at": clock.now(),
        "yaml_source": yaml,
        "config": parse(yaml, validate=False).serialize(),
        "archive_key": key,
        "archive_sha256": hashlib.sha256(archive).hexdigest(),
        "archive_size_bytes": len(archive),
    }
    return Commit.objects.create(project=project, identifier=identifier, **{**values, **fields})


def make_environment(slug: str = "", **fields: Any) -> Environment:
    slug = slug or f"environment{next(_numbers)}"
    return Environment.objects.create(slug=slug, **{"name": slug, "queue_name": slug, **fields})


def make_place(environment: Environment, team: Team, max_running: int | None = None) -> TeamPlace:
    return TeamPlace.objects.create(environment=environment, team=team, max_running=max_running)


def make_registry(
    organization: Organization, image_pattern: str = "docker.io/acme/*", **fields: Any
) -> RegistryCredentials:
    values = {
        "kind": "docker",
        "configuration": {"username": "robot"},
        "secrets": '{"password": "s3cret-robot"}',
    }
    return RegistryCredentials.objects.create(
        owner=organization.owner, image_pattern=image_pattern, **{**values, **fields}
    )


def make_group(
    organization: Organization, name: str, variables: Mapping[str, str], projects: tuple[Project, ...] = ()
) -> VariableGroup:
    group = VariableGroup.objects.create(organization=organization, name=name)
    group.projects.set(projects)
    for key, value in variables.items():
        GroupVariable.objects.create(group=group, name=key, value=value)
    return group


def make_execution(
    project: Project | None = None,
    *,
    status: Status = Status.CREATED,
    commit: Commit | None = None,
    environment: Environment | None = None,
    **fields: Any,
) -> Execution:
    """An execution in the given status, with the times that belong to it."""
    project = project or (commit.project if commit else make_project())
    command = "python train.py"
    values: dict[str, Any] = {
        "counter": _next_counter(project),
        "creator": project.creator,
        "step": "train",
        "image": "python:3.11",
        "command": command,
        "interpolated_command": command,
        **_times(status),
    }
    return Execution.objects.create(
        project=project,
        commit=commit or make_commit(project),
        environment=environment or _local_environment(),
        status=status,
        **{**values, **fields},
    )


def make_store(**fields: Any) -> DataStore:
    """The installation's own store, unless fields say otherwise."""
    values: dict[str, Any] = {
        "name": "default",
        "kind": DataStore.Kind.PLATFORM,
        "access_mode": DataStore.AccessMode.PUBLIC,
        "is_default": True,
        **fields,
    }
    if values["is_default"]:
        return DataStore.objects.get_or_create(is_default=True, defaults=values)[0]
    return DataStore.objects.create(**values)


def make_datum(
    project: Project | None = None, content: bytes = b"content\n", name: str = "file.txt", **fields: Any
) -> Datum:
    """A stored file with its bytes in the platform's storage."""
    project = project or make_project()
    key = default_storage.save(f"data/{project.pk}/{next(_numbers)}/{name}", ContentFile(content))
    values: dict[str, Any] = {
        "store": fields.pop("store", None) or make_store(),
        "key": key,
        "size_bytes": len(content),
        "md5": hashlib.md5(content).hexdigest(),  # noqa: S324
        "sha1": hashlib.sha1(content).hexdigest(),  # noqa: S324
        "sha256": hashlib.sha256(content).hexdigest(),
        "stored_at": clock.now(),
    }
    return Datum.objects.create(project=project, name=name, **{**values, **fields})


def make_adoption(project: Project, store: DataStore, **fields: Any) -> Adoption:
    """One that waits, with nobody on the way to it."""
    values: dict[str, Any] = {
        "addresses": ["s3://bucket/folder/"],
        "creator": project.creator,
        "progressed_at": clock.now(),
    }
    return Adoption.objects.create(project=project, store=store, **{**values, **fields})


def make_alias(project: Project, name: str = "", datum: Datum | None = None) -> DatumAlias:
    return DatumAlias.objects.create(
        project=project, name=name or f"alias{next(_numbers)}", datum=datum or make_datum(project)
    )


def make_run(
    project: Project, inputs: tuple[Datum, ...] = (), outputs: tuple[str, ...] = (), **fields: Any
) -> tuple[Execution, list[Datum]]:
    """An execution that had the files as its input `files`, complete unless said otherwise, and the files that it made."""
    declared = {
        "name": "files", "urls": [f"datum://{datum.pk}" for datum in inputs], "keep_directories": "none",
        "filename": None, "download": "always", "optional": True,
    }  # fmt: skip
    execution = make_execution(project, **{"status": Status.COMPLETE, "inputs": [declared], **fields})
    ExecutionInput.objects.bulk_create(
        ExecutionInput(execution=execution, datum=datum, name="files") for datum in inputs
    )
    facts = {"output_execution_id": execution.pk, "output_execution_counter": execution.counter}
    return execution, [make_datum(project, name=name, **facts) for name in outputs]


def make_reading(project: Project, *uris: str, outputs: tuple[str, ...] = (), **fields: Any) -> Execution:
    """An execution with these resolved addresses as its input `read`, written down as creating it does; and its outputs."""
    declared = {
        "name": "read", "urls": list(uris), "keep_directories": "none", "filename": None, "download": "always",
        "optional": False,
    }  # fmt: skip
    execution = make_execution(project, **{"status": Status.COMPLETE, "inputs": [declared], **fields})
    take_inputs(execution)
    for name in outputs:
        make_datum(
            project,
            name=name,
            output_execution_id=execution.pk,
            output_execution_counter=execution.counter,
        )
    return execution


def make_dataset(
    *projects: Project, name: str = "", owner: User | Organization | None = None, **fields: Any
) -> Dataset:
    """There for the given projects; without any for every project of `owner`."""
    belongs_to = projects[0].owner if projects else (owner or make_user()).owner
    values = {"for_every_project": not projects, **fields}
    dataset = Dataset.objects.create(owner=belongs_to, name=name or f"dataset{next(_numbers)}", **values)
    dataset.projects.set(projects)
    return dataset


def make_dataset_version(
    dataset: Dataset | None = None,
    *datums: Datum,
    name: str = "",
    base: DatasetVersion | None = None,
    **fields: Any,
) -> DatasetVersion:
    dataset = dataset or make_dataset()
    version = DatasetVersion.objects.create(dataset=dataset, name=name or f"v{next(_numbers)}", **fields)
    write_files(version, datum_ids=[datum.pk for datum in datums], base=base, left_out_ids=[])
    return version


def make_dataset_package(version: DatasetVersion, **fields: Any) -> DatasetPackage:
    """One that waits, of all files of the version, with nobody on the way to it."""
    files = list(version.files.order_by("pk"))
    assert files[0].datum is not None
    store = files[0].datum.store
    values: dict[str, Any] = {
        **place_of(version.pk),
        "source": store,
        "store": store,
        "first_file_id": files[0].pk,
        "last_file_id": files[-1].pk,
        "file_count": len(files),
        "not_before": clock.now(),
    }
    return DatasetPackage.objects.create(version=version, **{**values, **fields})


def _next_counter(project: Project) -> int:
    counter, _ = ProjectCounter.objects.get_or_create(project=project, kind="execution")
    counter.last_value += 1
    counter.save(update_fields=["last_value"])
    return counter.last_value


def _local_environment() -> Environment:
    defaults = {"name": "Local", "queue_name": "local"}
    return Environment.objects.get_or_create(slug="local", defaults=defaults)[0]


def _times(status: Status) -> dict[str, Any]:
    now = clock.now()
    times: dict[str, Any] = {}
    if status is not Status.CREATED:
        times["queued_at"] = now
    if status in RUNNING | FINAL:
        times.update(started_at=now, epoch=1)
    if status in FINAL:
        times["ended_at"] = now
    return times
