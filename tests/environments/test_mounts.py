"""Which mounts are ones, and which of them rules allow."""

from time import monotonic
from typing import Any

import pytest

from environments.mounts import (
    Mount,
    MountKind,
    MountRefused,
    MountRule,
    check_apart,
    decide,
    mount_from,
    rules_from_json,
    rules_from_text,
    text_of,
)


def made(source: str = "/data", destination: str = "/lake", **changes: Any) -> Mount:
    facts: dict[str, Any] = {"readonly": False, "kind": None, "options": {}, **changes}
    return mount_from(source=source, destination=destination, **facts)


class TestWhatAMountIs:
    @pytest.mark.parametrize(
        ("source", "kind", "address"),
        [
            ("/data/sets", None, "/data/sets"),
            ("/data//sets/", "bind", "/data/sets"),
            ("files.example.com:/export/a", "nfs", "nfs://files.example.com/export/a"),
            ("FILES.example.com:/export", "NFS4", "nfs://files.example.com/export"),
            ("nfs://files.example.com/export", "nfs", "nfs://files.example.com/export"),
            ("fs-1.efs.eu-west-1.amazonaws.com:/", "nfs", "nfs://fs-1.efs.eu-west-1.amazonaws.com/"),
            ("[2001:db8::1]:/export", "nfs", "nfs://[2001:db8::1]/export"),
            ("//files/share/sub", "cifs", "smb://files/share/sub"),
            ("smb://files/share", "smb", "smb://files/share"),
        ],
    )
    def test_addresses(self, source: str, kind: str | None, address: str) -> None:
        assert made(source, kind=kind).address == address

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"source": "data"}, "is no path"),
            ({"source": "/data/../etc"}, "without '..'"),
            ({"source": "/da\nta"}, "is no path"),
            ({"source": "/a:/b"}, "is no path"),
            ({"source": "/" + "a" * 1100}, "at most 1024"),
            ({"source": "/export", "kind": "nfs"}, "not of the shape server:/export/path"),
            ({"source": "-o:/export", "kind": "nfs"}, "not of the shape"),
            ({"source": "a,b:/export", "kind": "nfs"}, "not of the shape"),
            ({"source": "//files", "kind": "smb"}, "not of the shape //server/share"),
            ({"kind": "tmpfs"}, "no type 'tmpfs'"),
            ({"destination": "lake"}, "is no path"),
            ({"destination": "/"}, "Nothing can be mounted at '/'"),
            ({"destination": "/valohai/outputs"}, "Nothing can be mounted"),
            ({"destination": "//proc/self"}, "Nothing can be mounted"),
            ({"options": {"vers": "4"}}, "does not take the option 'vers'"),
            ({"source": "a:/b", "kind": "nfs", "options": {"suid": True}}, "does not take the option 'suid'"),
            ({"source": "a:/b", "kind": "nfs", "options": {"vers": "4,suid"}}, "has a comma"),
            ({"source": "//a/b", "kind": "smb", "options": {"credentials": "/etc/x"}}, "does not take"),
            ({"source": "//a/b", "kind": "smb", "options": {"password": "x"}}, "secret variable"),
        ],
    )
    def test_what_is_none(self, changes: dict[str, Any], said: str) -> None:
        with pytest.raises(MountRefused) as refused:
            made(**changes)
        assert said in str(refused.value)

    def test_options(self) -> None:
        options = {"vers": 4.1, "soft": True, "hard": False, "timeo": None, "rsize": "$SIZE"}
        assert made("a:/b", kind="nfs", options=options).options == {
            "vers": "4.1",
            "soft": "",
            "rsize": "$SIZE",
        }

    def test_it_is_kept_whole(self) -> None:
        mount = made("//files/share", kind="smb", options={"password": "$SECRET"}, readonly=True)
        assert Mount.from_json(mount.as_json()) == mount
        assert mount.kind is MountKind.SMB

    @pytest.mark.parametrize("other", ["/lake", "/lake/deep", "/lake/"])
    def test_one_inside_another(self, other: str) -> None:
        with pytest.raises(MountRefused, match="at the place of"):
            check_apart([made("/a", other), made("/b", "/lake")])
        check_apart([made("/a", "/lake-2"), made("/b", "/lake")])

    def test_too_many(self) -> None:
        with pytest.raises(MountRefused, match="51 mounts are too many"):
            check_apart([made("/a", f"/lake-{number}") for number in range(51)])


class TestRules:
    @pytest.mark.parametrize(
        ("pattern", "yes", "no"),
        [
            ("/data", ["/data"], ["/data/a", "/dat", "/database"]),
            ("/data/*", ["/data/a"], ["/data", "/data/a/b"]),
            ("/data/**", ["/data", "/data/a", "/data/a/b"], ["/database", "/other"]),
            ("/data/*/public", ["/data/a/public"], ["/data/public", "/data/a/b/public"]),
            ("/data/**/public", ["/data/public", "/data/a/b/public"], ["/data/a/publics"]),
            ("/data/set-?", ["/data/set-1"], ["/data/set-", "/data/set-12"]),
            ("/a.b", ["/a.b"], ["/axb"]),
        ],
    )
    def test_patterns(self, pattern: str, yes: list[str], no: list[str]) -> None:
        [rule] = rules_from_text(pattern)
        assert [source for source in [*yes, *no] if rule.matches(made(source))] == yes

    def test_a_share_is_no_directory_of_the_host(self) -> None:
        [rule] = rules_from_text("/**")
        assert not rule.matches(made("files:/data", kind="nfs"))
        [rule] = rules_from_text("nfs://files/data/**")
        assert rule.matches(made("files:/data/x", kind="nfs"))
        assert not rule.matches(made("other:/data/x", kind="nfs"))
        assert not rule.matches(made("//files/data/x", kind="smb"))

    def test_no_pattern_takes_long(self) -> None:
        [rule] = rules_from_text("/" + "a*" * 400 + "b")
        [deep] = rules_from_text("/**/a" * 100 + "/b")
        began = monotonic()
        assert not rule.matches(made("/" + "a" * 1000))
        assert not deep.matches(made("/a" * 500))
        assert monotonic() - began < 5

    def test_text_and_back(self) -> None:
        text = "/data/**\nnfs://files/scratch/* rw\n/with space ro"
        rules = rules_from_text(f"# a comment\n\n{text}\n")
        assert rules == [
            MountRule("/data/**"),
            MountRule("nfs://files/scratch/*", writable=True),
            MountRule("/with space"),
        ]
        assert rules_from_text(text_of(rules)) == rules
        assert rules_from_json([rule.as_json() for rule in rules]) == rules

    @pytest.mark.parametrize(
        "line", ["data", "/", "/**/../etc", "http://x/y", "nfs://", "rw", " rw", "/a\tb", "/" + "a" * 1100]
    )
    def test_what_is_no_pattern(self, line: str) -> None:
        with pytest.raises(MountRefused, match="is no pattern for mounts"):
            rules_from_text(line)

    @pytest.mark.parametrize(
        "stored",
        [None, {}, "x", ["/a"], [{"pattern": 1, "writable": True}], [{"pattern": "/a", "writable": 1}],
         [{"pattern": "/a", "writable": True, "more": 1}]],
    )  # fmt: skip
    def test_what_are_no_rules(self, stored: Any) -> None:
        with pytest.raises(MountRefused, match="Write rules for mounts as"):
            rules_from_json(stored)


class TestDecisions:
    def test_what_no_rule_fits_is_refused(self) -> None:
        [decision] = decide([made("/etc")], rules_from_text("/data/**"), "GPU")
        assert not decision.allowed
        assert decision.note == (
            "The mount of /etc at /lake is refused: the environment 'GPU' allows only /data/**. Whoever manages the environment "
            "can allow it."
        )
        [decision] = decide([made("/etc")], [], "GPU")
        assert "allows no mounts" in decision.note

    @pytest.mark.parametrize(
        ("rules", "asks_readonly", "readonly"),
        [("/data", False, True), ("/data", True, True), ("/data rw", False, False), ("/data rw", True, True),
         ("/data\n/** rw", False, False)],
    )  # fmt: skip
    def test_writing_takes_a_rule_that_says_so(self, rules: str, asks_readonly: bool, readonly: bool) -> None:
        [decision] = decide([made("/data", readonly=asks_readonly)], rules_from_text(rules), "GPU")
        assert (decision.allowed, decision.readonly) == (True, readonly)
        assert bool(decision.note) == (readonly and not asks_readonly)
