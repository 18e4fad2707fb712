"""Services of projects beyond what the API shows: keys, counters, linking, background work."""

import json
import subprocess
import threading
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from django.db import connection

from accounts.models import User
from common.errors import DomainError
from common.redis import blocking_client
from organizations.access import Forbidden
from projects import background, services
from projects.git.keys import KeyRefused, new_key, read_key
from projects.git.mirror import Mirror
from projects.models import Project, Repository
from projects.selectors import get_project_by_name, variables_of
from projects.services.projects import stored_file_listings
from tests.projects.git_support import WorkingCopy
from tests.support.factories import make_collaborator, make_user

FORMATS = [PrivateFormat.OpenSSH, PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8]


def pem(key: Any, key_format: PrivateFormat, passphrase: bytes | None = None) -> str:
    protection = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    text: bytes = key.private_bytes(Encoding.PEM, key_format, protection)
    return text.decode()


@pytest.mark.parametrize("key_format", FORMATS)
@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_pasted_keys_are_read_and_ssh_agrees_on_the_public_half(
    kind: str, key_format: PrivateFormat, tmp_path: Path
) -> None:
    key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    private, public = read_key("  " + pem(key, key_format).replace("\n", "\r\n"))
    path = tmp_path / "key"
    path.write_text(private)
    path.chmod(0o600)
    told = subprocess.run(["ssh-keygen", "-y", "-f", str(path)], check=True, capture_output=True)
    assert told.stdout.decode().split()[:2] == public.split()[:2]


def test_generated_keys_are_ed25519_and_differ() -> None:
    private, public = new_key()
    assert public.startswith("ssh-ed25519 ")
    assert read_key(private)[1] == public
    assert new_key()[1] != public


@pytest.mark.parametrize("key_format", FORMATS[1:])
def test_a_pem_key_with_a_passphrase_is_refused(key_format: PrivateFormat) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(KeyRefused, match="passphrase"):
        read_key(pem(key, key_format, b"secret"))


def test_an_openssh_key_with_a_passphrase_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", str(path)], check=True)
    with pytest.raises(KeyRefused, match="passphrase"):
        read_key(path.read_text())


@pytest.mark.parametrize("damage", ["", "hello", "ssh-ed25519 AAAA me@here", "cut", "middle", "x" * 50_000])
def test_a_damaged_key_is_refused(damage: str) -> None:
    private, _ = new_key()
    text = {
        "cut": private[:200] + "\n-----END OPENSSH PRIVATE KEY-----",
        "middle": private.replace("b3Bl", "!!!!"),
    }
    with pytest.raises(KeyRefused):
        read_key(text.get(damage, damage))


def test_kinds_of_keys_that_ssh_does_not_take() -> None:
    for key in (dsa.generate_private_key(2048), x25519.X25519PrivateKey.generate()):
        with pytest.raises(KeyRefused):
            read_key(pem(key, PrivateFormat.PKCS8))
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    with pytest.raises(KeyRefused):
        read_key(public.public_bytes(Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode())


def test_secrets_are_kept_until_they_are_replaced_or_emptied(project: Project, alice: User) -> None:
    url = "https://git.example.com/code"
    private, public = new_key()
    services.set_repository(project=project, actor=alice, url=url, access_token="one", private_key=private)
    stored = services.set_repository(project=project, actor=alice, url=url).private_key
    repository = services.set_repository(project=project, actor=alice, url=url, fetch_reference="dev , v*")
    assert (repository.access_token, repository.private_key, repository.public_key) == ("one", stored, public)
    assert read_key(stored)[1] == public
    assert repository.fetch_reference == "dev, v*"
    repository = services.set_repository(
        project=project, actor=alice, url=url, access_token="", private_key=""
    )
    assert (repository.access_token, repository.private_key, repository.public_key) == ("", "", "")


def test_secrets_are_encrypted_in_the_database(project: Project, alice: User) -> None:
    services.set_repository(
        project=project, actor=alice, url="https://git.example.com/code", access_token="t0ken"
    )
    services.set_variable(project=project, actor=alice, name="A", value="v4lue", secret=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT access_token FROM projects_repository UNION ALL SELECT value FROM projects_projectvariable"
        )
        stored = str(cursor.fetchall())
    assert "t0ken" not in stored
    assert "v4lue" not in stored


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"url": "ext::sh -c id"}, "url"),
        ({"url": "https://git.example.com/code", "fetch_reference": "a b"}, "fetch_reference"),
        ({"url": "https://git.example.com/code", "access_token": "a\nHost: evil"}, "access_token"),
        ({"url": "https://git.example.com/code", "private_key": "garbage"}, "private_key"),
    ],
)
def test_a_link_that_is_refused_changes_nothing(
    project: Project, alice: User, given: dict[str, str], field: str
) -> None:
    with pytest.raises(DomainError) as refused:
        services.set_repository(project=project, actor=alice, **given)
    assert refused.value.field == field
    assert not Repository.objects.exists()


def test_only_an_administrator_links(project: Project, bob: User, charlie: User) -> None:
    for actor in (bob, charlie):
        for write in (
            lambda who: services.set_repository(
                project=project, actor=who, url="https://git.example.com/code"
            ),
            lambda who: services.generate_deploy_key(project=project, actor=who),
            lambda who: services.forget_known_hosts(project=project, actor=who),
            lambda who: services.delete_project(project=project, actor=who),
        ):
            with pytest.raises(Forbidden):
                write(actor)
    assert not Repository.objects.exists()


def test_a_reader_does_not_fetch(linked: Project) -> None:
    reader = make_user()
    make_collaborator(linked, reader, is_read_only=True)
    with pytest.raises(Forbidden):
        services.fetch_repository(project=linked, actor=reader)
    assert not linked.commits.exists()


def test_a_change_that_nobody_foresaw_is_a_programming_error(project: Project, alice: User) -> None:
    with pytest.raises(TypeError):
        services.update_project(project=project, actor=alice, creator=None)


@pytest.mark.django_db(transaction=True)
def test_counters_never_repeat(project: Project) -> None:
    numbers: list[int] = []

    def count() -> None:
        try:
            numbers.extend(services.next_counter(project_id=project.pk, kind="execution") for _ in range(20))
        finally:
            connection.close()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 81))
    assert services.next_counter(project_id=project.pk, kind="task") == 1


def test_projects_by_name_whatever_its_case(project: Project, alice: User, charlie: User) -> None:
    assert get_project_by_name(alice, "ALICE", project.name.upper()) == project
    for user, owner, name in (
        (charlie, "alice", project.name),
        (alice, "bob", project.name),
        (alice, "alice", "x\0"),
    ):
        with pytest.raises(DomainError):
            get_project_by_name(user, owner, name)


def test_variables_by_name(project: Project, alice: User) -> None:
    for name in ("B", "A"):
        services.set_variable(project=project, actor=alice, name=name, value=name.lower(), secret=False)
    assert [(name, variable.value) for name, variable in variables_of(project).items()] == [
        ("A", "a"),
        ("B", "b"),
    ]


def test_a_fetch_in_the_background_tells_who_looks_at_the_project(
    linked: Project, alice: User, code: WorkingCopy, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FETCH_BUDGET_SECONDS = -1
    code.commit({"train.py": "2\n"})
    later: list[int] = []
    monkeypatch.setattr(background.snapshot_commits, "delay", later.append)
    listener = blocking_client().pubsub(ignore_subscribe_messages=True)
    listener.psubscribe("*")
    listener.get_message(timeout=5)
    background.fetch_repository_in_background(linked.repository.pk, alice.pk)
    message = listener.get_message(timeout=5)
    notice = json.loads(message["data"])
    assert str(linked.pk) in message["channel"].decode()
    assert (notice["kind"], notice["commits"], notice["errors"], notice["ref"]) == ("fetched", 1, [], "main")
    assert later == [linked.repository.pk]
    background.snapshot_commits(linked.repository.pk)
    assert linked.commits.count() == 2


def test_background_work_on_what_is_gone_does_nothing(db: None, alice: User) -> None:
    background.fetch_repository_in_background(10**9, alice.pk)
    background.snapshot_commits(10**9)
    background.delete_stored_files([f"code/{uuid4()}/absent.tar.gz"])


def test_the_mirror_goes_with_the_project(
    linked: Project, alice: User, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background.delete_stored_files, "delay", background.delete_stored_files)
    monkeypatch.setattr(background.forget_mirror, "delay", background.forget_mirror)
    services.fetch_repository(project=linked, actor=alice)
    folder = Mirror(linked.repository.pk).folder
    background.forget_mirror(linked.repository.pk)
    assert folder.exists(), "the project is still there"
    with django_capture_on_commit_callbacks(execute=True):
        services.delete_project(project=linked, actor=alice)
    assert not folder.exists()


def test_higher_apps_name_the_files_that_go_with_a_project(
    project: Project, alice: User, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed: list[list[str]] = []
    monkeypatch.setattr(background.delete_stored_files, "delay", removed.append)
    monkeypatch.setattr(
        "projects.services.projects.stored_file_listings",
        [*stored_file_listings, lambda pk: [f"logs/{pk}/0.z"]],
    )
    expected = f"logs/{project.pk}/0.z"
    with django_capture_on_commit_callbacks(execute=True):
        services.delete_project(project=project, actor=alice)
    assert removed == [[expected]]


def test_files_are_deleted_a_few_hundred_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    rest: list[list[str]] = []
    monkeypatch.setattr(background.delete_stored_files, "delay", rest.append)
    background.delete_stored_files([f"absent/{number}" for number in range(1200)])
    assert [len(names) for names in rest] == [700]
