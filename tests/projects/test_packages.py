"""Ad-hoc packages: what is taken, and every way in which a package is refused without being unpacked."""

import gzip
import hashlib
import io
import os
import struct
import tarfile
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects.packages import Contents, Limits, PackageRefused, inspect
from tests.projects.git_support import YAML

LIMITS = Limits(files=100, unpacked_bytes=4 * 1024 * 1024, yaml_bytes=64 * 1024)
Member = tuple[str, dict[str, Any], bytes]


def file(name: str, content: bytes = b"x", **fields: Any) -> Member:
    return name, fields, content


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> Member:
    return name, {"type": kind, "linkname": target}, b""


def pack(members: Iterable[Member], archive_format: int = tarfile.PAX_FORMAT) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=archive_format) as archive:
        for name, fields, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            for field, value in fields.items():
                setattr(member, field, value)
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), mtime=0)


def look(data: bytes, limits: Limits = LIMITS) -> Contents:
    return inspect(io.BytesIO(data), yaml_path="valohai.yaml", limits=limits)


def refusal(data: bytes, limits: Limits = LIMITS) -> str:
    with pytest.raises(PackageRefused) as refused:
        look(data, limits)
    assert refused.value.message.isprintable()
    return refused.value.message


def test_a_package_of_the_official_client_is_taken() -> None:
    contents = look(pack([file("train.py"), file("valohai.yaml", YAML.encode())], tarfile.GNU_FORMAT))
    assert contents.yaml == YAML.encode()
    assert contents.files == 2


def test_names_may_begin_with_a_dot_and_folders_may_repeat() -> None:
    folder = {"type": tarfile.DIRTYPE}
    contents = look(
        pack([("./", folder, b""), ("./a", folder, b""), ("a", folder, b""), file("./valohai.yaml", b"[]")])
    )
    assert contents.yaml == b"[]"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../evil", "'../evil' leads out"),
        ("a/../../evil", "'a/../../evil' leads out"),
        ("a/..", "'a/..' leads out"),
        ("/etc/passwd", "'/etc/passwd' is an absolute name"),
        ("//etc/passwd", "is an absolute name"),
        ("a" * 300, "too long"),
        ("b/" * 2100 + "c", "too long"),
        ("bad\x1b]0;name/../x", "leads out"),
    ],
)
def test_names_that_leave_the_folder(name: str, reason: str) -> None:
    assert reason in refusal(pack([file(name)]))


@pytest.mark.parametrize(
    "members",
    [
        [link("a", "/etc/passwd")],
        [link("a", "../x")],
        [link("sub/a", "../../x")],
        [link("a", "b/../../x")],
        [link("here", "."), link("out", "here/../x")],
        [link("out", "here/../x"), link("here", ".")],
        [link("deep", "a/b"), link("a/up", "../.."), link("out", "a/up/../x")],
        [link("first", "second"), link("second", "/")],
    ],
)
def test_symbolic_links_that_leave_the_folder(members: list[Member]) -> None:
    assert "link" in refusal(pack(members))


@pytest.mark.parametrize(
    "members",
    [
        [link("a", "train.py"), file("train.py")],
        [link("sub/a", "../train.py"), file("train.py")],
        [link("a", "absent")],
        [link("a", "sub/./b/../c")],
        [link("a", "b"), link("b", "c")],
        [file("train.py"), link("hard", "train.py", tarfile.LNKTYPE)],
    ],
)
def test_links_that_stay_inside_are_fine(members: list[Member]) -> None:
    look(pack(members))


def test_links_in_a_circle_are_refused() -> None:
    assert "circle" in refusal(pack([link("a", "b"), link("b", "a")]))


@pytest.mark.parametrize("target", ["/etc/passwd", "../x", "absent", "hard", "soft"])
def test_hard_links_only_to_files_of_the_package(target: str) -> None:
    message = refusal(pack([link("soft", "absent"), link("hard", target, tarfile.LNKTYPE)]))
    assert target in message


def test_nothing_may_be_written_through_a_link_or_below_a_file() -> None:
    assert "'d/x' lies below 'd'" in refusal(pack([link("d", "e"), file("d/x")]))
    assert "'f/x' lies below 'f'" in refusal(pack([file("f/x"), file("f")]))


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.CONTTYPE])
def test_devices_and_pipes(kind: bytes) -> None:
    data = pack([("dev", {"type": kind}, b"")])
    if kind == tarfile.CONTTYPE:
        look(data)  # an old spelling of an ordinary file
        return
    assert "'dev' is neither a file, a folder nor a link" in refusal(data)


def test_a_name_twice() -> None:
    assert "'a' twice" in refusal(pack([file("a"), file("./a")]))
    assert "'a' twice" in refusal(pack([file("a"), ("a", {"type": tarfile.DIRTYPE}, b"")]))


def test_too_many_files() -> None:
    many = pack([file(f"f{number}", b"") for number in range(101)])
    assert "more than 100 files" in refusal(many)
    look(pack([file(f"f{number}", b"") for number in range(100)]))


def test_too_many_folders() -> None:
    assert "more than 100 files" in refusal(
        pack([(f"d{n}", {"type": tarfile.DIRTYPE}, b"") for n in range(201)])
    )


def test_a_bomb_is_given_up_at_the_limit() -> None:
    bomb = pack([file("zeros", b"\0" * (5 * 1024 * 1024))])
    assert len(bomb) < 10_000
    assert "larger than 4 MB when it is unpacked" in refusal(bomb)


def test_a_bomb_behind_the_end_of_the_tar() -> None:
    plain = gzip.decompress(pack([file("a")])) + b"\0" * (5 * 1024 * 1024)
    assert "larger than 4 MB" in refusal(gzip.compress(plain))


def test_a_header_that_claims_to_be_huge_is_not_read() -> None:
    header = tarfile.TarInfo("././@PaxHeader")
    header.type, header.size = tarfile.XHDTYPE, 2**33
    assert "header of more than 1 MB" in refusal(
        gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + b"\0" * 10240)
    )


def test_a_member_that_claims_more_than_there_is() -> None:
    header = tarfile.TarInfo("a")
    header.size = 2**30
    assert "not a whole gzipped tar" in refusal(gzip.compress(header.tobuf() + b"\0" * 512))


@pytest.mark.parametrize("cut", [0, 1, 9, 20, -9, -1])
def test_an_upload_that_was_cut_short(cut: int) -> None:
    whole = pack([file("a", b"some content " * 100)])
    assert "gzipped tar" in refusal(whole[:cut])


def test_something_else_than_a_gzipped_tar() -> None:
    for data in (b"PK\x03\x04 a zip", b"\x1f\x8b garbage", gzip.compress(b"not a tar at all" * 100)):
        assert "not a whole gzipped tar" in refusal(data)


def test_a_wrong_checksum_is_noticed() -> None:
    data = bytearray(pack([file("a", b"content" * 1000)]))
    data[-8:-4] = struct.pack("<I", 1)
    assert "not a whole gzipped tar" in refusal(bytes(data))


def test_names_that_are_no_text_do_not_break_the_message() -> None:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT, encoding="latin-1") as archive:
        archive.addfile(tarfile.TarInfo("\xff\xfe/../x"))
    assert "\\" in refusal(gzip.compress(plain.getvalue()))


@given(st.binary(max_size=3000))
def test_any_bytes_are_refused_in_words(data: bytes) -> None:
    refusal(data)
    refusal(gzip.compress(hashlib.sha256(data).digest() + data))


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["a", "b/..", "../a", ".", "c/../..", "b/c"])),
        max_size=4,
    )
)
def test_links_that_are_taken_really_stay_inside(pairs: list[tuple[str, str]]) -> None:
    """What the judge accepts, the file system agrees with."""
    links = dict(pairs)
    with suppress(PackageRefused):
        look(pack([link(name, target) for name, target in links.items()]))
        with tempfile.TemporaryDirectory() as top:
            tree = os.path.join(os.path.realpath(top), "tree")
            os.mkdir(tree)
            for name, target in links.items():
                os.symlink(target, os.path.join(tree, name))
            for name in links:
                real = os.path.realpath(os.path.join(tree, name))
                assert real == tree or real.startswith(tree + os.sep)
