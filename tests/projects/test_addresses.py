"""Which addresses of repositories are accepted, and what is read out of them."""

import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import DomainError
from common.network import HostRefused, resolve_allowed
from projects.git.addresses import Address, AddressRefused, parse_address
from projects.git.failures import explain
from projects.git.references import PatternRefused, Reference, listed, matching, patterns_of


@pytest.mark.parametrize(
    ("text", "scheme", "host", "url"),
    [
        ("https://example.com/me/code.git", "https", "example.com", "https://example.com/me/code.git"),
        ("git+https://example.com/me/code", "https", "example.com", "https://example.com/me/code"),
        ("http://example.com:8080/code", "http", "example.com", "http://example.com:8080/code"),
        ("git@example.com:me/code.git", "ssh", "example.com", "git@example.com:me/code.git"),
        ("example.com:me/code.git", "ssh", "example.com", "git@example.com:me/code.git"),
        ("ssh://git@example.com:2222/me/code", "ssh", "example.com", "ssh://git@example.com:2222/me/code"),
        ("git+ssh://git@example.com/code", "ssh", "example.com", "ssh://git@example.com/code"),
        ("https://[2001:db8::1]/code", "https", "2001:db8::1", "https://[2001:db8::1]/code"),
        ("  https://example.com/code  ", "https", "example.com", "https://example.com/code"),
    ],
)
def test_accepted(text: str, scheme: str, host: str, url: str) -> None:
    address = parse_address(text)
    assert (address.scheme, address.host, address.url) == (scheme, host, url)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "code", "--upload-pack=touch /tmp/x", "-oProxyCommand=x", "ext::sh -c 'touch /tmp/x'",
        "fd::17", "transport::address", "ftp://example.com/code", "git://example.com/code",
        "https://example.com/code\n--upload-pack=x", "https://exa mple.com/code", "https://-example.com/code",
        "ssh://-oProxyCommand=x/code", "ssh://-oProxyCommand=x@example.com/code", "git@-example.com:code",
        "git@example.com:-oProxyCommand=x", "ssh://git@example.com/-x", "https:///code", "https://example.com",
        "https://example.com/", "https://example.com/code?x=1", "https://example.com/code#x",
        "https://example.com:99999/code", "https://[::1/code", "https://example.com/a\tb", "https://$(id)/code",
        "ssh://`id`@example.com/code", "x" * 2000,
    ],
)  # fmt: skip
def test_refused(text: str) -> None:
    with pytest.raises(AddressRefused):
        parse_address(text)


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        address = parse_address(text)
    except DomainError:
        return
    assert not address.url.startswith("-")
    assert address.url.isprintable()
    assert parse_address(address.url) == Address(
        address.scheme, address.host, address.port, address.user, address.path, "", address.scp_like
    )


def test_a_secret_is_kept_apart() -> None:
    address = parse_address("https://me:pass%20word@example.com/code")
    assert (address.user, address.secret, address.url) == ("me", "pass word", "https://me@example.com/code")
    address = parse_address("https://ghp_token@example.com/code")
    assert (address.user, address.secret, address.url) == ("", "ghp_token", "https://example.com/code")


def test_a_refusal_does_not_repeat_a_secret() -> None:
    with pytest.raises(AddressRefused) as refused:
        parse_address("https://me:s3cret@example.com/")
    assert "s3cret" not in refused.value.message


def test_local_paths_only_below_the_allowed_folders(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "way-out").symlink_to("/etc")
    settings.ALLOW_LOCAL_REPOSITORIES, settings.LOCAL_REPOSITORY_ROOTS = True, [str(tmp_path / "open")]
    assert parse_address(f"{tmp_path}/open/code").scheme == "file"
    assert parse_address(f"file://{tmp_path}/open/code").url == f"{tmp_path}/open/code"
    for path in ("/etc", f"{tmp_path}/open/../closed", f"{tmp_path}/open/way-out", f"{tmp_path}/opened"):
        with pytest.raises(AddressRefused):
            parse_address(path)
    settings.ALLOW_LOCAL_REPOSITORIES = False
    with pytest.raises(AddressRefused):
        parse_address(f"{tmp_path}/open/code")


@pytest.mark.parametrize(
    ("base", "relative", "expected"),
    [
        ("https://example.com/me/code.git", "../part.git", "https://example.com/me/part.git"),
        ("git@example.com:me/code.git", "../part.git", "git@example.com:me/part.git"),
        ("git@example.com:me/code.git", "https://other.example.com/part", "https://other.example.com/part"),
        ("ssh://git@example.com:2222/me/code", "../../you/part", "ssh://git@example.com:2222/you/part"),
    ],
)
def test_submodules_may_be_relative(base: str, relative: str, expected: str) -> None:
    assert parse_address(base).resolve(relative).url == expected


def test_a_relative_address_does_not_leave_its_host() -> None:
    with pytest.raises(AddressRefused):
        parse_address("git@example.com:code.git").resolve("../../../x")
    assert parse_address("https://example.com/a/b").resolve("../../../../x").url == "https://example.com/x"


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "0.1.2.3", "::", "::1", "::ffff:127.0.0.1", "fe80::1",
     "fd00::1", "224.0.0.1", "100.64.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "64:ff9b::7f00:1",
     "2002:7f00:1::", "localhost"],
)  # fmt: skip
def test_private_addresses_in_every_spelling(address: str, settings: Any) -> None:
    settings.ALLOW_PRIVATE_NETWORK_URLS = False
    with pytest.raises(HostRefused):
        resolve_allowed(address, 443)


def test_a_name_with_one_private_address_is_refused(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ALLOW_PRIVATE_NETWORK_URLS = False
    answers = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, 443)) for text in ("93.184.216.34", "10.0.0.1")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    with pytest.raises(HostRefused):
        resolve_allowed("rebinding.example.com", 443)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers[:1])
    assert resolve_allowed("good.example.com", 443) == ["93.184.216.34"]


def test_references_match_by_name_and_wildcard_in_the_order_asked_for() -> None:
    there = [
        Reference(f"refs/{name}") for name in ("heads/main", "heads/a/b", "heads/a", "tags/v1", "pull/1/head")
    ]
    assert [ref.name for ref in matching(["a*", "main", "v?"], there)] == ["a", "a/b", "main", "v1"]
    assert [ref.name for ref in matching(["*"], there)] == ["a", "a/b", "main", "v1"]
    assert [ref.full_name for ref in matching(["refs/pull/*"], there)] == ["refs/pull/1/head"]
    assert matching(["Main", "b"], there) == []


@pytest.mark.parametrize(
    "text", ["", ",", "-x", "a b", "a..b", "a:b", "+a", "a^", "x~1", "a\nb", "a.lock", "a//b"]
)
def test_patterns_that_can_be_no_name(text: str) -> None:
    if text == "+a":
        assert patterns_of(text) == ["+a"]  # a legal name; what git is told begins with a sign of our own
        return
    with pytest.raises(PatternRefused):
        patterns_of(text)


def test_what_a_hostile_remote_lists_is_filtered() -> None:
    answer = b"\n".join(
        b"0" * 40 + b"\t" + name
        for name in (
            b"HEAD",
            b"refs/heads/ok",
            b"refs/heads/a b",
            b"refs/heads/x:y",
            b"refs/tags/v^{}",
            b"refs/heads/..",
        )
    )
    assert [ref.name for ref in listed(answer)] == ["ok"]


def test_an_unforeseen_failure_repeats_what_git_said_without_secrets() -> None:
    error = explain(
        "fatal: something odd at https://me:pw@example.com/x", url="https://example.com/x", host="example.com"
    )
    assert "something odd" in error.message
    assert "pw" not in error.message
