"""Fetching over ssh from a real OpenSSH server: deploy keys, host keys."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts.models import User
from projects import services
from projects.models import Project
from tests.projects.git_support import SshServer, WorkingCopy, bare_copy, ssh_is_here

pytestmark = pytest.mark.skipif(
    not ssh_is_here(), reason="needs OpenSSH's server, and to be root to start it"
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    with SshServer(tmp_path / "sshd") as running:
        yield running


@pytest.fixture
def remote(server: SshServer, code: WorkingCopy, tmp_path: Path) -> str:
    return server.url(bare_copy(code, tmp_path / "served.git"))


@pytest.fixture
def opened(project: Project, alice: User, server: SshServer, remote: str) -> Project:
    """A project whose generated deploy key the server knows."""
    services.set_repository(project=project, actor=alice, url=remote)
    server.authorize(services.generate_deploy_key(project=project, actor=alice))
    return project


def errors_of_fetch(project: Project, actor: User) -> list[str]:
    return services.fetch_repository(project=project, actor=actor).errors


def test_a_deploy_key_opens_the_repository(opened: Project, alice: User, code: WorkingCopy) -> None:
    result = services.fetch_repository(project=opened, actor=alice)
    assert result.errors == []
    assert [commit.identifier for commit in result.commits] == [code.git("rev-parse", "HEAD")]


def test_a_key_can_be_made_before_the_address_is_known(
    project: Project, alice: User, server: SshServer, remote: str
) -> None:
    server.authorize(services.generate_deploy_key(project=project, actor=alice))
    services.set_repository(project=project, actor=alice, url=remote)
    assert errors_of_fetch(project, alice) == []


def test_the_host_key_is_accepted_once_and_then_enforced(
    opened: Project, alice: User, server: SshServer
) -> None:
    assert errors_of_fetch(opened, alice) == []
    opened.repository.refresh_from_db()
    assert f"[127.0.0.1]:{server.port} ssh-ed25519" in opened.repository.known_hosts
    server.__exit__()
    server.new_host_key("ed25519")
    with server:
        errors = errors_of_fetch(opened, alice)
        assert "is not the one that was accepted before" in errors[0]
        assert "forget the accepted host key" in errors[0]
        services.forget_known_hosts(project=opened, actor=alice)
        assert errors_of_fetch(opened, alice) == []


def test_a_host_key_of_another_kind_is_refused_too(opened: Project, alice: User, server: SshServer) -> None:
    assert errors_of_fetch(opened, alice) == []
    server.__exit__()
    server.new_host_key("ecdsa")
    with server:
        assert "host key of 127.0.0.1 is not" in errors_of_fetch(opened, alice)[0]


def test_a_wrong_key_is_named(opened: Project, alice: User) -> None:
    services.generate_deploy_key(project=opened, actor=alice)
    assert "127.0.0.1 refused the SSH key" in errors_of_fetch(opened, alice)[0]


def test_without_a_key_the_same_is_said(project: Project, alice: User, remote: str) -> None:
    services.set_repository(project=project, actor=alice, url=remote)
    assert "refused the SSH key" in errors_of_fetch(project, alice)[0]


def test_an_unknown_repository(opened: Project, alice: User, server: SshServer) -> None:
    services.set_repository(project=opened, actor=alice, url=server.url(Path("/absent.git")))
    assert "There is no repository at ssh://" in errors_of_fetch(opened, alice)[0]


def test_a_server_that_is_away(opened: Project, alice: User, server: SshServer) -> None:
    server.__exit__()
    assert "cannot be reached" in errors_of_fetch(opened, alice)[0]
    server.__enter__()


def test_a_private_submodule_opens_with_the_same_key(
    opened: Project, alice: User, server: SshServer, code: WorkingCopy, tmp_path: Path
) -> None:
    part = bare_copy(code, tmp_path / "part.git")
    code.git("submodule", "--quiet", "add", str(part), "part")
    code.git("config", "--file", ".gitmodules", "submodule.part.url", server.url(part))
    tip = code.commit()
    services.set_repository(
        project=opened, actor=alice, url=server.url(bare_copy(code, tmp_path / "whole.git"))
    )
    assert errors_of_fetch(opened, alice) == []
    assert opened.commits.get(identifier=tip).missing_parts == []
