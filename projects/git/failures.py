"""What git says when it fails, put into words that a user can act on. Never the raw text of a secret."""

import re

from common.errors import DomainError


class GitFailed(DomainError):
    """A git command did not do what it should; the message says what to do about it."""

    field = "repository"
    code = "git_failed"


_TELLTALES: list[tuple[str, str, str]] = [
    # (code, what git or ssh prints, what we say)
    (
        "host_key_changed",
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key for .* has changed",
        "The host key of {host} is not the one that was accepted before: the server was changed, or somebody is in "
        "between. If the change is known to be right, forget the accepted host key in the project's repository settings.",
    ),
    (
        "host_key_unknown",
        r"Host key verification failed|No .* host key is known",
        "The host key of {host} is not known. If the server got a new key, forget the accepted host key in the "
        "repository settings.",
    ),
    (
        "ssh_key_refused",
        r"Permission denied \(|Permission denied, please try again",
        "{host} refused the SSH key. Add the public half of the deploy key to the repository, or paste another key.",
    ),
    (
        "token_refused",
        r"Authentication failed|could not read (Username|Password)|terminal prompts disabled|"
        r"error: 401|error: 403|HTTP Basic: Access denied",
        "{host} refused access to {url}. Check the access token, and that it may read this repository.",
    ),
    (
        "repository_not_found",
        r"[Rr]epository .*not found|error: 404|does not appear to be a git repository|not a git repository|"
        r"does not exist|no such repository|Could not find repository",
        "There is no repository at {url}, or the given key or token may not see it.",
    ),
    (
        "unreachable",
        r"Could not resolve host|Connection refused|Connection timed out|Network is unreachable|No route to host|"
        r"Couldn't connect|Failed to connect|Connection reset|Could not resolve hostname|Connection closed|"
        r"kex_exchange_identification|Operation timed out",
        "{host} cannot be reached. Check the address, and that the server may connect to it.",
    ),
    (
        "tls_failed",
        r"SSL certificate problem|server certificate verification failed|TLS connect error|SSL_ERROR|gnutls_handshake",
        "The certificate of {host} cannot be verified. Install its certificate authority on the server.",
    ),
    (
        "redirected",
        r"unable to update url base from redirection|error: 30[1278]",
        "{url} redirects to another address. Enter the address that it redirects to.",
    ),
    (
        "disk_full",
        r"No space left on device",
        "The server's disk is full. Tell the operator.",
    ),
]  # fmt: skip


def explain(stderr: str, *, url: str, host: str) -> GitFailed:
    for code, pattern, text in _TELLTALES:
        if re.search(pattern, stderr):
            return GitFailed(text.format(url=url, host=host or url), code=code)
    return GitFailed(f"git failed for {url}: {_last_words(stderr)}")


def timed_out(seconds: float, *, url: str) -> GitFailed:
    return GitFailed(
        f"{url} did not answer within {seconds:.0f} seconds. Check that the server may connect to it, then try again.",
        code="timeout",
    )


def too_large(megabytes: int, *, url: str) -> GitFailed:
    return GitFailed(
        f"{url} is larger than the {megabytes} MB that this installation fetches. The operator can raise "
        "GIT_MAX_REPOSITORY_MB.",
        code="too_large",
    )


def _last_words(stderr: str) -> str:
    """The lines that git marks as the reason, without what could be a secret."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    marked = [line for line in lines if re.match(r"(fatal|error|remote|ERROR):", line)] or lines
    text = " ".join(marked[-3:]) or "it gave no reason"
    return re.sub(r"//[^/@\s]*@", "//…@", text)[:500]
