"""Fetching over HTTP from a real server, with and without a token; what is refused, and how it reads."""

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from projects import services
from projects.git import runner
from projects.git.addresses import parse_address
from projects.git.conversation import Credentials, talk
from projects.git.mirror import Mirror
from projects.models import Project
from tests.projects.git_support import HttpServer, WorkingCopy, bare_copy, http_server

TOKEN = "glpat-s3cr3t-t0ken"


@pytest.fixture
def server(code: WorkingCopy, tmp_path: Path) -> Iterator[HttpServer]:
    bare_copy(code, tmp_path / "served" / "code.git")
    with http_server(tmp_path / "served", TOKEN) as running:
        yield running


def link(project: Project, actor: User, url: str, **more: Any) -> None:
    services.set_repository(project=project, actor=actor, url=url, **more)


def test_a_token_opens_a_private_repository(
    project: Project, alice: User, code: WorkingCopy, server: HttpServer
) -> None:
    link(project, alice, f"{server.url}/code.git", access_token=TOKEN)
    result = services.fetch_repository(project=project, actor=alice)
    assert result.errors == []
    assert [commit.identifier for commit in result.commits] == [code.git("rev-parse", "HEAD")]


def test_a_token_inside_the_address_becomes_the_stored_secret(
    project: Project, alice: User, server: HttpServer
) -> None:
    link(project, alice, server.url.replace("//", f"//me:{TOKEN}@") + "/code.git")
    project.repository.refresh_from_db()
    assert TOKEN not in project.repository.url
    assert project.repository.access_token == TOKEN
    assert services.fetch_repository(project=project, actor=alice).errors == []


@pytest.mark.parametrize("token", ["", "wrong-t0ken"])
def test_a_wrong_token_is_named_and_not_shown(
    project: Project, alice: User, server: HttpServer, token: str
) -> None:
    link(project, alice, f"{server.url}/code.git", access_token=token)
    errors = services.fetch_repository(project=project, actor=alice).errors
    assert "Check the access token" in errors[0]
    assert "wrong-t0ken" not in errors[0]


def test_an_unknown_repository(project: Project, alice: User, server: HttpServer) -> None:
    link(project, alice, f"{server.url}/absent.git", access_token=TOKEN)
    assert "There is no repository at" in services.fetch_repository(project=project, actor=alice).errors[0]


def test_an_unreachable_host(project: Project, alice: User) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    link(project, alice, f"http://127.0.0.1:{port}/code.git")
    assert "127.0.0.1 cannot be reached" in services.fetch_repository(project=project, actor=alice).errors[0]


def test_a_host_that_does_not_exist(project: Project, alice: User) -> None:
    link(project, alice, "https://git.invalid/code.git")
    assert (
        "The host 'git.invalid' cannot be found"
        in services.fetch_repository(project=project, actor=alice).errors[0]
    )


def test_a_server_that_never_answers_is_given_up(project: Project, alice: User, settings: Any) -> None:
    settings.GIT_LIST_TIMEOUT_SECONDS = 1
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        link(project, alice, f"http://127.0.0.1:{silent.getsockname()[1]}/code.git")
        errors = services.fetch_repository(project=project, actor=alice).errors
    assert "did not answer within 1 seconds" in errors[0]
    left = subprocess.run(["pgrep", "-f", "remote-http.*code.git"], capture_output=True, check=False)
    assert left.stdout == b"", "git's helper process ended with it"


def test_a_private_network_is_refused_where_the_operator_says_so(
    project: Project, alice: User, server: HttpServer, settings: Any
) -> None:
    settings.ALLOW_PRIVATE_NETWORK_URLS = False
    link(project, alice, f"{server.url}/code.git", access_token=TOKEN)
    assert "private network" in services.fetch_repository(project=project, actor=alice).errors[0]
    assert server.requests == [], "nothing was sent there"


def test_the_token_goes_to_its_own_host_only(
    project: Project, alice: User, code: WorkingCopy, server: HttpServer, tmp_path: Path
) -> None:
    bare_copy(code, tmp_path / "elsewhere" / "part.git")
    with http_server(tmp_path / "elsewhere") as other:
        copy = WorkingCopy(tmp_path / "with-part")
        copy.git("submodule", "--quiet", "add", f"{other.url}/part.git", "part")
        tip = copy.commit({"valohai.yaml": (code.folder / "valohai.yaml").read_text()})
        bare_copy(copy, tmp_path / "served" / "whole.git")
        other.requests.clear()
        link(project, alice, f"{server.url}/whole.git", access_token=TOKEN)
        assert services.fetch_repository(project=project, actor=alice).errors == []
        assert project.commits.get(identifier=tip).missing_parts == []
        assert other.requests
        assert {request["authorization"] for request in other.requests} == {""}


def test_another_host_does_not_inherit_the_secrets(project: Project, alice: User) -> None:
    link(project, alice, "https://one.example.com/code.git", access_token=TOKEN)
    link(project, alice, "https://two.example.com/code.git")
    project.repository.refresh_from_db()
    assert project.repository.access_token == ""


def test_the_secret_is_in_no_argument_and_no_environment(code: WorkingCopy) -> None:
    credentials = Credentials(access_token=TOKEN, private_key="-----BEGIN KEY-----")
    with talk(parse_address("https://127.0.0.1/code.git"), credentials) as conversation:
        around = conversation.around()
        assert TOKEN not in str(around)
        assert "BEGIN KEY" not in str(around)
        assert {path.stat().st_mode & 0o077 for path in conversation.folder.iterdir()} == {0}
        folder = conversation.folder
    assert not folder.exists()


def test_git_sees_no_configuration_of_the_machine(code: WorkingCopy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.sshCommand")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "touch /tmp/owned")
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    monkeypatch.setenv("HOME", str(code.folder))
    (code.folder / ".gitconfig").write_text("[alias]\n\tlog = !false\n[user]\n\tname = Mallory\n")
    with talk(parse_address(str(code.folder)), Credentials()) as conversation:
        listed = runner.run(
            ["config", "--list"], around=conversation.local, folder=code.folder, timeout_seconds=10
        )
    assert b"sshcommand" not in listed.lower()
    assert b"Mallory" not in listed


def test_a_repository_larger_than_allowed_is_given_up(
    project: Project, alice: User, code: WorkingCopy, settings: Any
) -> None:
    settings.GIT_MAX_REPOSITORY_MB = 1
    code.commit({"noise": os.urandom(2 * 1024 * 1024)})
    link(project, alice, str(code.folder))
    errors = services.fetch_repository(project=project, actor=alice).errors
    assert "larger than the 1 MB that this installation fetches" in errors[0]
    assert not Mirror(project.repository.pk).folder.exists()


def test_a_redirect_is_not_followed_where_private_networks_are_refused(
    code: WorkingCopy, settings: Any
) -> None:
    settings.ALLOW_PRIVATE_NETWORK_URLS = False
    with talk(parse_address("https://127.0.0.1/code.git"), Credentials()) as conversation:
        listed = runner.run(
            ["config", "--list"], around=conversation.local, folder=code.folder, timeout_seconds=10
        )
    assert b"http.followredirects=false" in listed


def test_git_connects_to_the_address_that_was_judged(
    code: WorkingCopy, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ALLOW_PRIVATE_NETWORK_URLS = False
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with talk(parse_address("https://git.example.com/code.git"), Credentials()) as conversation:
        listed = runner.run(
            ["config", "--list"], around=conversation.around(), folder=code.folder, timeout_seconds=10
        )
    assert b"http.curloptresolve=git.example.com:443:93.184.216.34" in listed
    with talk(parse_address("git@git.example.com:code.git"), Credentials()) as conversation:
        command = conversation.around().environment["GIT_SSH_COMMAND"]
    assert "HostName=93.184.216.34" in command
    assert "HostKeyAlias=git.example.com" in command
