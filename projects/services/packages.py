"""Ad-hoc code: a package of a working folder becomes a commit named by its content."""

import hashlib
from typing import IO, BinaryIO

from django.conf import settings
from django.db import transaction

from accounts.models import User
from audit.services import record
from common import clock
from common.errors import Fault, FieldsRefused
from organizations.access import Capability, require
from projects import archives
from projects.errors import InvalidValue
from projects.fetching import read_config
from projects.models import Commit, Project
from projects.packages import Limits, PackageRefused, inspect
from projects.services.projects import checked_yaml_path
from projects.types import ConfigProblem

_CHUNK_BYTES = 1024 * 1024
_LONGEST_DESCRIPTION = 10_000


def import_package(
    *, project: Project, actor: User, archive: BinaryIO, description: str = "", yaml_path: str = ""
) -> Commit:
    """The commit of this package; the same bytes again are the same commit."""
    require(actor, Capability.RUN, project)
    yaml_path = checked_yaml_path(yaml_path or project.yaml_path)
    with archives.scratch() as path, path.open("w+b") as copy:
        identifier = "~" + _receive(archive, copy)
        known = _known(project, identifier, yaml_path)
        if known is not None:
            return known
        copy.seek(0)
        source, config, problems = _read(copy, yaml_path)
        found = archives.Archive(path, identifier[1:], path.stat().st_size)
        archive_key = archives.store(project.pk, found)
        with transaction.atomic():
            commit, created = Commit.objects.get_or_create(
                project=project,
                identifier=identifier,
                yaml_path=yaml_path,
                defaults={
                    "ref": "adhoc", "adhoc": True, "committed_at": clock.now(),
                    "description": description.replace("\0", "")[:_LONGEST_DESCRIPTION], "author": actor.username,
                    "yaml_source": source, "config": config, "config_errors": problems, "archive_key": archive_key,
                    "archive_sha256": found.sha256, "archive_size_bytes": found.size_bytes,
                },
            )  # fmt: skip
            if created:
                facts = {"identifier": identifier, "size_bytes": found.size_bytes}
                record("package.imported", actor=actor, target=commit, after=facts)
    return commit


def _known(project: Project, identifier: str, yaml_path: str) -> Commit | None:
    return Commit.objects.filter(project=project, identifier=identifier, yaml_path=yaml_path).first()


def _receive(archive: BinaryIO, copy: IO[bytes]) -> str:
    """Copy the upload to disk; its SHA-256."""
    digest, size, limit = hashlib.sha256(), 0, settings.PACKAGE_MAX_MB
    while chunk := archive.read(_CHUNK_BYTES):
        size += len(chunk)
        if size > limit * 1024 * 1024:
            raise PackageRefused(
                f"The package is larger than {limit} MB. Leave data out, for example with .vhignore."
            )
        digest.update(chunk)
        copy.write(chunk)
    copy.flush()
    return digest.hexdigest()


def _read(copy: BinaryIO, yaml_path: str) -> tuple[str, list[object] | None, list[ConfigProblem]]:
    """The configuration inside the package; refused when nothing can be run from it."""
    limits = Limits(
        files=settings.PACKAGE_MAX_FILES,
        unpacked_bytes=settings.PACKAGE_MAX_UNPACKED_MB * 1024 * 1024,
        yaml_bytes=settings.YAML_MAX_BYTES,
    )
    contents = inspect(copy, yaml_path=yaml_path, limits=limits)
    if contents.yaml is None and not contents.yaml_too_large:
        raise InvalidValue(
            f"The package has no file '{yaml_path}' at its top. Write one, or name another path.",
            field="yaml_path", code="config_missing",
        )  # fmt: skip
    source, config, problems = read_config(contents.yaml)
    if config is None:
        raise FieldsRefused({"yaml_path": [_fault(yaml_path, problem) for problem in problems]})
    return source, config, problems


def _fault(yaml_path: str, problem: ConfigProblem) -> Fault:
    where = f"{yaml_path} line {problem['line']}" if problem["line"] else yaml_path
    return Fault(f"{where}: {problem['message']}", "config_broken")
