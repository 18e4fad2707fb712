"""Fetching a repository: from its references to commit rows, each with its snapshot in the platform's storage.

The tips of the references are stored before a fetch answers, older commits as far as the time budget reaches; a
background task does the rest. A row exists only once its archive is stored, so that whatever is listed can run.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from django.conf import settings
from django.db import transaction

from accounts.models import User
from audit.services import record
from common import clock
from common.errors import DomainError
from projects import archives
from projects.config import parse_source
from projects.git import snapshot
from projects.git.addresses import parse_address
from projects.git.conversation import Conversation, Credentials, talk
from projects.git.failures import GitFailed
from projects.git.mirror import Blob, History, Mirror
from projects.git.references import MAX_REFERENCES, Reference, matching, names_that_exist, patterns_of
from projects.git.runner import CommandFailed
from projects.models import Commit, Repository
from projects.types import ConfigProblem, FetchResult

_FAILURES_THAT_END_A_PASS = 3
_PROBLEMS_TOLD_PER_COMMIT = 3
_SLICE_SECONDS = 30


@dataclass(frozen=True)
class Candidate:
    """A commit that has a configuration file and no complete row yet."""

    history: History
    ref: str
    yaml: Blob


@dataclass
class Survey:
    """What the mirror holds, against what the database knows."""

    tips: dict[str, list[str]] = field(default_factory=dict)  # commit -> references whose tip it is
    waiting: list[Candidate] = field(default_factory=list)  # tips first, then the newest first
    errors: list[str] = field(default_factory=list)


def fetch(repository: Repository, *, actor: User | None = None) -> FetchResult:
    """Never raises for what the remote or its content does wrong: that is in `errors`, and kept on the row."""
    try:
        with _opened(repository) as (mirror, conversation):
            result = _fetch_opened(repository, mirror, conversation)
    except DomainError as error:
        result = FetchResult([], [error.message])
    except Exception:
        # Whoever waits for the fetch to end has to hear that it did.
        failure = "The fetch failed inside the platform. The operator finds the reason in its log."
        _keep(repository, FetchResult([], [failure]), actor)
        raise
    _keep(repository, result, actor)
    return result


@transaction.atomic
def _keep(repository: Repository, result: FetchResult, actor: User | None) -> None:
    Repository.objects.filter(pk=repository.pk).update(
        last_fetched_at=clock.now(), last_fetch_errors=result.errors
    )
    facts = {"new_commits": len(result.commits), "problems": len(result.errors)}
    record("repository.fetched", actor=actor, target=repository, after=facts)


def snapshot_older(repository: Repository) -> FetchResult:
    """Store commits of the mirror that still wait, for a while: a fetch that somebody asks for must get its turn."""
    with _opened(repository) as (mirror, conversation):
        here = mirror.local_references(conversation.local)
        wanted = matching(patterns_of(repository.fetch_reference), here)
        survey = _survey(repository, mirror, conversation, wanted)
        errors: list[str] = []
        deadline = time.monotonic() + _SLICE_SECONDS
        commits, remaining = _store(repository, mirror, conversation, survey.waiting, errors, deadline)
        mirror.tidy(conversation.local)
    return FetchResult(commits, errors, older_remain=remaining)


@contextmanager
def _opened(repository: Repository) -> Iterator[tuple[Mirror, Conversation]]:
    """The mirror, held, and a conversation with the remote. Host keys met for the first time are kept."""
    mirror = Mirror(repository.pk)
    credentials = Credentials(
        access_token=repository.access_token,
        private_key=repository.private_key,
        known_hosts=repository.known_hosts,
        lfs=repository.lfs_enabled,
    )
    with (
        mirror.locked(settings.GIT_FETCH_TIMEOUT_SECONDS),
        talk(parse_address(repository.url), credentials) as conversation,
    ):
        try:
            mirror.prepare(conversation.local)
            yield mirror, conversation
        finally:
            if conversation.known_hosts != repository.known_hosts:
                Repository.objects.filter(pk=repository.pk).update(known_hosts=conversation.known_hosts)


def _fetch_opened(repository: Repository, mirror: Mirror, conversation: Conversation) -> FetchResult:
    wanted = _choose(repository.fetch_reference, mirror.list_remote(conversation))
    mirror.fetch(conversation, wanted)
    survey = _survey(repository, mirror, conversation, wanted)
    tips = [candidate for candidate in survey.waiting if candidate.history.identifier in survey.tips]
    older = survey.waiting[len(tips) :]
    errors = survey.errors
    deadline = time.monotonic() + settings.FETCH_BUDGET_SECONDS
    commits, _ = _store(repository, mirror, conversation, tips, errors)
    more, remaining = _store(repository, mirror, conversation, older, errors, deadline)
    _move_references(repository, survey.tips)
    commits = sorted(commits + more, key=lambda commit: commit.committed_at, reverse=True)
    return FetchResult(commits, errors, older_remain=remaining)


def _choose(fetch_reference: str, existing: list[Reference]) -> list[Reference]:
    wanted = matching(patterns_of(fetch_reference), existing)
    if not wanted:
        raise GitFailed(
            f"No branch or tag of the repository matches '{fetch_reference}': {names_that_exist(existing)}.",
            code="no_reference",
        )
    if len(wanted) > MAX_REFERENCES:
        raise GitFailed(
            f"'{fetch_reference}' matches {len(wanted)} branches and tags, more than the {MAX_REFERENCES} that are "
            "fetched. Choose a narrower pattern.",
            code="too_many_references",
        )
    return wanted


def _survey(
    repository: Repository, mirror: Mirror, conversation: Conversation, wanted: Iterable[Reference]
) -> Survey:
    survey = Survey()
    around = conversation.local
    seen: dict[str, tuple[History, str]] = {}
    for reference in wanted:
        try:
            history = mirror.history(reference, settings.FETCH_HISTORY_COMMITS, around)
        except GitFailed:
            survey.errors.append(f"'{reference.name}' names no commit, so it is left out.")
            continue
        survey.tips.setdefault(history[0].identifier, []).append(reference.name)
        for commit in history:
            seen.setdefault(commit.identifier, (commit, reference.name))
    yaml_path = repository.project.yaml_path
    files = mirror.read_files(seen, yaml_path, settings.YAML_MAX_BYTES, around)
    survey.errors += _without_file(survey.tips, files, yaml_path)
    complete = _complete_rows(repository, survey.tips)
    survey.waiting = [Candidate(*seen[name], files[name]) for name in files if name not in complete]
    survey.waiting.sort(key=partial(_urgency, survey.tips), reverse=True)
    return survey


def _urgency(tips: dict[str, list[str]], candidate: Candidate) -> tuple[bool, float]:
    return candidate.history.identifier in tips, candidate.history.committed_at.timestamp()


def _without_file(tips: dict[str, list[str]], files: dict[str, Blob], yaml_path: str) -> list[str]:
    return [
        f"Commit {identifier[:7]} ({', '.join(names)}) has no file '{yaml_path}', so nothing can be run from it. "
        "Add the file, or set its path in the project's settings."
        for identifier, names in tips.items()
        if identifier not in files
    ]


def _complete_rows(repository: Repository, tips: dict[str, list[str]]) -> set[str]:
    """Commits that need no work. A tip whose archive lacks something is tried again: the key may open it by now."""
    rows = Commit.objects.filter(
        project=repository.project, yaml_path=repository.project.yaml_path, adhoc=False
    ).values_list("identifier", "missing_parts")
    return {identifier for identifier, missing in rows if not (missing and identifier in tips)}


def _store(
    repository: Repository,
    mirror: Mirror,
    conversation: Conversation,
    candidates: list[Candidate],
    errors: list[str],
    deadline: float | None = None,
) -> tuple[list[Commit], bool]:
    """The new rows, and whether some were left for later."""
    new: list[Commit] = []
    failures = 0
    parse = _Parser()
    for candidate in candidates:
        if deadline is not None and time.monotonic() > deadline:
            return new, True
        try:
            commit, created = _store_one(repository, mirror, conversation, candidate, parse)
        except (DomainError, CommandFailed, archives.TooLarge, OSError) as error:
            failures += 1
            errors.append(f"Commit {candidate.history.identifier[:7]} is not stored: {error}")
            if failures == _FAILURES_THAT_END_A_PASS:
                return new, False
            continue
        if created:
            new.append(commit)
        if deadline is None:
            errors += _troubles(commit)
    return new, False


class _Parser:
    """Most commits of a history share one configuration file: each version is read once per pass."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, list[object] | None, list[ConfigProblem]]] = {}

    def __call__(self, blob: Blob) -> tuple[str, list[object] | None, list[ConfigProblem]]:
        if blob.identifier not in self._known:
            self._known[blob.identifier] = read_config(blob.content)
        return self._known[blob.identifier]


def read_config(content: bytes | None) -> tuple[str, list[object] | None, list[ConfigProblem]]:
    """The text as the database can keep it, the configuration, and what is wrong with it. None: too large to be read."""
    if content is None:
        limit = settings.YAML_MAX_BYTES // 1024
        return "", None, [{"line": None, "message": f"The file is larger than {limit} KiB."}]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return "", None, [{"line": line, "message": "The file is not UTF-8 text."}]
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}"), *parse_source(text)


def _store_one(
    repository: Repository, mirror: Mirror, conversation: Conversation, candidate: Candidate, parse: _Parser
) -> tuple[Commit, bool]:
    source, config, problems = parse(candidate.yaml)
    history = candidate.history
    limit_bytes = settings.GIT_MAX_REPOSITORY_MB * 1024 * 1024
    with archives.scratch() as path:
        with snapshot.tar_of(mirror.folder, history.identifier, conversation) as (plain, parts):
            archive = archives.compress(plain, path, limit_bytes=limit_bytes)
        archive_key = archives.store(repository.project_id, archive)
    return Commit.objects.update_or_create(
        project=repository.project,
        identifier=history.identifier,
        yaml_path=repository.project.yaml_path,
        defaults={"archive_key": archive_key, "archive_sha256": archive.sha256,
                  "archive_size_bytes": archive.size_bytes, "missing_parts": parts.missing},
        create_defaults={
            "archive_key": archive_key, "archive_sha256": archive.sha256, "archive_size_bytes": archive.size_bytes,
            "missing_parts": parts.missing, "repository": repository, "ref": candidate.ref,
            "committed_at": history.committed_at, "description": history.subject, "author": history.author,
            "yaml_source": source, "config": config, "config_errors": problems,
        },
    )  # fmt: skip


def _troubles(commit: Commit) -> list[str]:
    """What somebody who fetched wants to hear about a tip."""
    problems = [] if commit.config is not None else commit.config_errors[:_PROBLEMS_TOLD_PER_COMMIT]
    said = [
        f"Commit {commit.short_identifier} ({commit.ref}): {commit.yaml_path}"
        + (f" line {problem['line']}" if problem["line"] else "")
        + f": {problem['message']}"
        for problem in problems
    ]
    return said + [
        f"Commit {commit.short_identifier} ({commit.ref}): {part}" for part in commit.missing_parts
    ]


def _move_references(repository: Repository, tips: dict[str, list[str]]) -> None:
    """Write down which references end where now. Rows of rewritten history stay, without a reference name."""
    rows = Commit.objects.filter(repository=repository).only("pk", "identifier", "ref", "ref_names")
    changed = []
    for row in rows.exclude(ref_names=[]) | rows.filter(identifier__in=list(tips)):
        names = tips.get(row.identifier, [])
        ref = row.ref if not names or row.ref in names else names[0]
        if (row.ref_names, row.ref) != (names, ref):
            row.ref_names, row.ref = names, ref
            changed.append(row)
    Commit.objects.bulk_update(changed, ["ref_names", "ref"], batch_size=500)
