"""Addresses of a repository on the web site of the service that hosts it."""

import re

_SSH = re.compile(r"\A(?:ssh://)?(?:[^@/]+@)?([^:/]+)(?::\d+)?[:/](.+?)(?:\.git)?/?\Z")
_HTTPS = re.compile(r"\A(?:git\+)?https?://(?:[^@/]+@)?([^/]+)/(.+?)(?:\.git)?/?\Z")
_HOSTS = {
    "github.com": ("GitHub", "https://github.com/{path}", "/commit/{commit}"),
    "gitlab.com": ("GitLab", "https://gitlab.com/{path}", "/-/commit/{commit}"),
    "bitbucket.org": ("Bitbucket", "https://bitbucket.org/{path}", "/commits/{commit}"),
}


def web_link(url: str, commit: str = "") -> tuple[str, str] | None:
    """(name of the service, address) for the services whose addresses are known, else None."""
    text = url.removeprefix("git+")
    found = _HTTPS.match(text) or _SSH.match(text)
    if not found or found[1].lower() not in _HOSTS:
        return None
    name, base, tail = _HOSTS[found[1].lower()]
    return name, base.format(path=found[2]) + (tail.format(commit=commit) if commit else "")
