"""Linking a repository, its deploy key, and fetching."""

from dataclasses import asdict
from functools import partial

from django.db import transaction

from accounts.models import User
from audit.origin import current
from audit.services import record, record_change, snapshot
from organizations.access import Capability, require
from projects import background, fetching
from projects.errors import InvalidValue, RepositoryMissing
from projects.git.addresses import Address, AddressRefused, parse_address
from projects.git.keys import new_key, read_key
from projects.git.references import PatternRefused, patterns_of
from projects.models import DEFAULT_FETCH_REFERENCE, Project, Repository
from projects.types import FetchResult

_LONGEST_FETCH_REFERENCE = 1024
_SETTINGS = (
    "url",
    "fetch_reference",
    "access_token",
    "private_key",
    "public_key",
    "known_hosts",
    "lfs_enabled",
)


@transaction.atomic
def set_repository(
    *,
    project: Project,
    actor: User,
    url: str,
    fetch_reference: str = DEFAULT_FETCH_REFERENCE,
    access_token: str | None = None,
    private_key: str | None = None,
    lfs_enabled: bool = False,
) -> Repository:
    """Link the project to a repository, or change the link.

    None keeps the stored secret, an empty text removes it. A token inside the address is taken out and stored as the
    secret that it is. Secrets never follow to another host: they are dropped unless they are given again.
    """
    require(actor, Capability.ADMINISTER, project)
    address = parse_address(url)
    repository = _repository_of(project) or Repository(project=project)
    before = snapshot(repository, _SETTINGS)
    if repository.pk and not _same_place(repository, address):
        repository.access_token = repository.private_key = repository.public_key = repository.known_hosts = ""
    repository.url = address.url
    repository.fetch_reference = _checked_reference(fetch_reference)
    repository.lfs_enabled = lfs_enabled
    if access_token is not None or address.secret:
        repository.access_token = _checked_token(access_token or address.secret)
    if private_key is not None:
        repository.private_key, repository.public_key = (
            read_key(private_key) if private_key.strip() else ("", "")
        )
    repository.save()
    after = snapshot(repository, _SETTINGS)
    record_change("repository.changed", actor=actor, target=repository, before=before, after=after)
    return repository


@transaction.atomic
def generate_deploy_key(*, project: Project, actor: User) -> str:
    """A new key pair in place of the stored one; the public half, to be added at the git host."""
    require(actor, Capability.ADMINISTER, project)
    # The key may be made before the address is known: many hosts want it before they show the repository.
    repository = _repository_of(project) or Repository(project=project)
    repository.private_key, repository.public_key = new_key()
    repository.save()
    record("repository.key_made", actor=actor, target=repository, after=snapshot(repository, ("public_key",)))
    return repository.public_key


@transaction.atomic
def forget_known_hosts(*, project: Project, actor: User) -> None:
    """The next fetch over ssh accepts whatever host key it meets, and keeps to that one from then on."""
    require(actor, Capability.ADMINISTER, project)
    repository = _repository_of(project)
    if repository is None or not repository.known_hosts:
        return
    before = snapshot(repository, ("known_hosts",))
    repository.known_hosts = ""
    repository.save(update_fields=["known_hosts"])
    record("repository.host_forgotten", actor=actor, target=repository, before=before)


def fetch_repository(*, project: Project, actor: User) -> FetchResult:
    """Fetch now and answer when it is done; older commits of a long history follow in the background."""
    require(actor, Capability.RUN, project)
    repository = _required(project)
    result = fetching.fetch(repository, actor=actor)
    if result.older_remain:
        transaction.on_commit(partial(background.snapshot_commits.delay, repository.pk), robust=True)
    return result


def start_fetch(*, project: Project, actor: User) -> Repository:
    """Fetch in the background; whoever looks at the project hears how it went."""
    require(actor, Capability.RUN, project)
    repository = _required(project)
    background.fetch_repository_in_background.delay(repository.pk, actor.pk, asdict(current()))
    return repository


def _repository_of(project: Project) -> Repository | None:
    return Repository.objects.filter(project=project).select_related("project__owner").first()


def _required(project: Project) -> Repository:
    repository = _repository_of(project)
    if repository is None or not repository.url:
        raise RepositoryMissing
    return repository


def _same_place(repository: Repository, address: Address) -> bool:
    if not repository.url:
        return True
    try:
        return parse_address(repository.url).origin == address.origin
    except AddressRefused:
        return False


def _checked_reference(fetch_reference: str) -> str:
    try:
        normal = ", ".join(patterns_of(fetch_reference))
    except PatternRefused as error:
        raise InvalidValue(str(error), field="fetch_reference") from error
    if len(normal) > _LONGEST_FETCH_REFERENCE:
        raise InvalidValue("The fetch reference is too long. Use wildcards.", field="fetch_reference")
    return normal


def _checked_token(token: str) -> str:
    if not token.isprintable() or not token.isascii():
        raise InvalidValue(
            "The access token contains characters that no token has. Copy it again.", field="access_token"
        )
    return token.strip()
