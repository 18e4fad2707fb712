"""Packages of small files: unpacked as if each file had been downloaded, and never trusted with a name."""

import hashlib
import io
import os
import sys
import tarfile
import threading
import uuid

import pytest

from peon import ranges, receiving
from peon.cache import Cache
from peon.checksums import NAMES
from peon.downloads import Downloader
from peon.http_client import HttpClient
from peon.packages import Packages
from peon.tar_members import NotReadable, TarMembers
from tests.agent.support.fake_platform import AgentProcess
from tests.agent.support.faulty_store import Fault, FaultyStore
from tests.agent.test_inputs import asked_for_pages, entry, page_of, run_with_pages

CONTENTS = {f"f{number}": b"%d" % number * (number * 37) for number in range(40)}


def file_named(name, content, **changes):
    """As a page tells it: in a package, without an address."""
    known = {checksum: hashlib.new(checksum, content).hexdigest() for checksum in NAMES}
    datum = str(uuid.uuid4())
    return {
        "filename": name, "uri": "datum://" + datum, "storage_uri": None, "datum_id": datum, "size": len(content),
        "metadata": [], "package": "p1", **known, **changes,
    }  # fmt: skip


def tar_of(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in members:
            member = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def package_of(url, archive, count, **changes):
    digest = hashlib.sha256(archive).hexdigest()
    facts = {"id": "p1", "url": url, "headers": {}, "size": len(archive), "sha256": digest, "files": count}
    return {**facts, **changes}


@pytest.fixture
def store():
    store = FaultyStore()
    yield store
    store.close()


@pytest.fixture
def files():
    return [file_named(name, content) for name, content in CONTENTS.items()]


@pytest.fixture
def archive(files):
    return tar_of((file["datum_id"], CONTENTS[file["filename"]]) for file in files)


@pytest.fixture
def host(tmp_path, monkeypatch):
    monkeypatch.setattr(receiving, "PAUSES", (0.01,) * 5)
    monkeypatch.setattr(ranges, "PAUSES", (0.01,) * 5)
    return Host(tmp_path)


class Host:
    """Jobs of one host, with a cache that they share."""

    def __init__(self, folder):
        self.folder = folder
        self.said = []
        self.jobs = 0

    def cached(self):
        return os.listdir(self.folder / "cache" / "data")

    def job(self, use_cache=True):
        self.jobs += 1
        downloader = Downloader(
            HttpClient(5), Cache(str(self.folder / "cache"), 1 << 30), use_cache, lambda: None
        )
        place = self.folder / f"job{self.jobs}"
        return Job(place, Packages(downloader, str(place / ".packages"), self.said.append))


class Job:
    def __init__(self, folder, packages):
        self.folder = folder
        self.packages = packages

    def place(self, files, *packages, renew=lambda url: None):
        """What was measured of each; None for those that no package gives."""
        for package in packages:
            self.packages.announce(package, renew)
        return [self.packages.place(file, str(self.folder / "inputs" / file["filename"])) for file in files]

    def contents(self):
        inputs = self.folder / "inputs"
        return {
            str(path.relative_to(inputs)): path.read_bytes() for path in inputs.rglob("*") if path.is_file()
        }


def served(store, archive, count=40, **changes):
    path = "/" + uuid.uuid4().hex
    store.files[path] = archive
    return package_of(store.url + path + "?old", archive, count, **changes)


class TestUnpacking:
    @pytest.mark.parametrize("use_cache", [True, False])
    def test_every_file_is_there_as_if_downloaded(self, store, host, files, archive, use_cache):
        job = host.job(use_cache)
        found = job.place(files, served(store, archive))
        assert job.contents() == CONTENTS
        for file, measured in zip(files, found, strict=True):
            assert {name: measured[name] for name in ("size", *NAMES)} == {
                name: file[name] for name in ("size", *NAMES)
            }
            mode = os.stat(job.folder / "inputs" / file["filename"]).st_mode
            assert mode & 0o777 == 0o444
        assert len(store.asked()) == 1
        assert not os.listdir(job.folder / ".packages"), "it is of no use when all of its files are there"
        assert host.said == [f"package of 40 input files downloaded, {host.said[0].rpartition(', ')[2]}"]

    def test_what_is_not_known_of_a_file_is_measured(self, store, host, files, archive):
        plain = [dict(file, md5=None, sha1=None, sha256=None) for file in files]
        for _ in range(2):
            job = host.job()
            found = job.place(plain, served(store, archive))
            assert job.contents() == CONTENTS
            assert [measured["sha1"] for measured in found] == [file["sha1"] for file in files]
        assert len(store.asked()) == 1, "what was measured is remembered by datum"

    def test_the_next_job_finds_the_files_in_the_cache(self, store, host, files, archive):
        host.job().place(files, served(store, archive))
        assert sorted(host.cached()) == sorted({file["sha256"] for file in files}), "files, and no package"
        second = host.job()
        found = second.place(files, served(store, archive))
        assert second.contents() == CONTENTS
        assert all(measured["from_cache"] for measured in found)
        assert len(store.asked()) == 1

    def test_two_jobs_at_once(self, store, host, files, archive):
        store.faults = [Fault(slow=0.02)]
        jobs, package = [host.job(), host.job()], served(store, archive)
        threads = [threading.Thread(target=job.place, args=(files, package)) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [job.contents() for job in jobs] == [CONTENTS, CONTENTS]
        assert len(store.asked()) == 1, "the second waits for the first, and finds it"

    def test_the_cache_keeps_its_bound(self, store, host, files, archive):
        job = host.job()
        job.place(files, served(store, archive))
        cache = Cache(str(host.folder / "cache"), 1000)
        cache.trim()
        assert len(host.cached()) == len({file["sha256"] for file in files}), "a job has them"
        for path in job.folder.rglob("f*"):
            path.unlink()
        cache.trim()
        assert sum(os.stat(host.folder / "cache" / "data" / name).st_size for name in host.cached()) <= 1000

    def test_the_same_package_for_two_inputs(self, store, host, files, archive):
        job = host.job(use_cache=False)
        job.place(files, served(store, archive))
        again = [dict(file, filename="second/" + file["filename"]) for file in files]
        assert all(job.place(again))
        assert len(job.contents()) == 80

    def test_a_large_one_comes_in_ranges(self, store, host, monkeypatch):
        monkeypatch.setattr(receiving, "RANGED_FROM_BYTES", 400_000)
        monkeypatch.setattr(receiving, "RANGE_BYTES", 70_000)
        monkeypatch.setattr(ranges, "RANGE_BYTES", 70_000)
        content = os.urandom(1 << 20)
        file = file_named("large", content)
        assert host.job().place([file], served(store, tar_of([(file["datum_id"], content)]), 1))[0]
        assert len(store.asked()) > 10

    def test_an_expired_address_is_asked_for_again(self, store, host, files, archive):
        store.expired = True
        package = served(store, archive)
        fresh = dict(package, url=package["url"].replace("?old", "?new"))
        job = host.job()
        job.place(files, package, renew=lambda url: fresh)
        assert job.contents() == CONTENTS

    def test_names_with_folders(self, store, host, files, archive):
        deep = [
            dict(file, filename=f"a/b{number % 3}/{file['filename']}") for number, file in enumerate(files)
        ]
        job = host.job()
        job.place(deep, served(store, archive))
        assert len(job.contents()) == 40


class TestWhatIsWrong:
    """Nothing is placed then; whoever asked downloads the files one by one."""

    def useless(self, host, files, package, why):
        job = host.job()
        assert job.place(files, package) == [None] * len(files)
        assert job.contents() == {}
        assert not host.cached()
        [said] = host.said
        assert "one by one" in said
        assert why in said

    def test_it_is_not_there(self, host, store, files, archive):
        package = served(store, archive)
        store.files.clear()
        self.useless(host, files, package, "404")

    def test_another_content(self, host, store, files, archive):
        self.useless(host, files, served(store, archive, sha256="0" * 64), "sha256")

    def test_damaged_on_the_way_twice(self, host, store, files, archive):
        store.faults = [Fault(wrong=True), Fault(wrong=True)]
        self.useless(host, files, served(store, archive), "is damaged")

    def test_a_store_that_is_away(self, host, store, files, archive):
        store.faults = [Fault(status=503)] * 10
        self.useless(host, files, served(store, archive), "503")

    @pytest.mark.parametrize("kept", [0, 100, 5000, -700])
    def test_cut_off(self, host, store, files, archive, kept):
        self.useless(host, files, served(store, archive.rstrip(b"\0")[:kept]), "it ends")

    def test_no_tar(self, host, store, files):
        self.useless(host, files, served(store, os.urandom(10_000)), "no file's header")

    def test_a_file_in_it_is_another_one(self, host, store, files):
        wrong = tar_of((file["datum_id"], b"x" * file["size"]) for file in files)
        job = host.job()
        found = job.place(files, served(store, wrong))
        empty = [file["filename"] for file, measured in zip(files, found, strict=True) if measured]
        assert empty == ["f0"], "the one that has no content"
        assert all("is damaged" in text for text in host.said[1:])
        assert host.cached() == [files[0]["sha256"]]

    def test_a_file_that_it_does_not_have(self, host, store, files, archive):
        more = [*files, file_named("more", b"more")]
        job = host.job()
        assert job.place(more, served(store, archive))[-1] is None
        assert job.contents() == CONTENTS

    def test_a_full_disk_leaves_no_half_file(self, host, store, files, archive, monkeypatch):
        written = os.write

        def write(descriptor, content):
            if len(content) > 100:
                raise OSError(28, "No space left on device")
            return written(descriptor, content)

        job = host.job(use_cache=False)
        job.place(files[:1], served(store, archive))
        monkeypatch.setattr(os, "write", write)
        with pytest.raises(OSError, match="No space left"):
            job.place(files[20:21])
        assert list(job.contents()) == ["f0"]


def link(name, kind, target):
    member = tarfile.TarInfo(name)
    member.type = kind
    member.linkname = target
    return member


class TestHostileMembers:
    """Names of members are only looked up among the ids of datums: none of them becomes a path."""

    @pytest.mark.parametrize(
        "name",
        ["../../escaped", "/tmp/escaped", "inputs/../../escaped", "a\\..\\b", "x" * 99],
    )
    def test_names_that_lead_out(self, host, store, files, name):
        members = [(name, b"evil"), *((file["datum_id"], CONTENTS[file["filename"]]) for file in files)]
        job = host.job()
        job.place(files, served(store, tar_of(members)))
        assert job.contents() == CONTENTS
        found = {str(path.relative_to(host.folder)) for path in host.folder.rglob("*escaped*")}
        assert not found
        assert not os.path.exists("/tmp/escaped")

    @pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
    def test_what_is_no_file(self, host, store, files, kind):
        secret = host.folder / "secret"
        secret.write_text("secret")
        first = files[0]
        members = [(link(first["datum_id"], kind, str(secret)), b"")]
        members += [(file["datum_id"], CONTENTS[file["filename"]]) for file in files[1:]]
        job = host.job()
        found = job.place(files, served(store, tar_of(members)))
        assert found[0] is None
        assert "f0" not in job.contents()
        assert all(found[1:])

    def test_a_link_where_the_file_is_to_be(self, host, store, files, archive):
        job = host.job()
        secret = host.folder / "secret"
        secret.write_text("secret")
        (job.folder / "inputs").mkdir(parents=True)
        (job.folder / "inputs" / "f1").symlink_to(secret)
        with pytest.raises(FileExistsError):
            job.place(files[1:2], served(store, archive))
        assert secret.read_text() == "secret"

    @pytest.mark.parametrize(
        "size", [b"77777777777", b"-0000000001", b"\x80\0\0\0\0\0\0\0\0\0\0\1", b"99999999999"]
    )
    def test_sizes_that_lie(self, tmp_path, size):
        content = bytearray(tar_of([("a", b"content")]))
        content[124:136] = size.ljust(12, b"\0")
        (tmp_path / "tar").write_bytes(content)
        with pytest.raises(NotReadable):
            TarMembers(str(tmp_path / "tar"))

    def test_a_size_that_the_platform_did_not_say(self, host, store, files, archive):
        grown = [dict(file, size=file["size"] + 1, sha256=None, sha1=None, md5=None) for file in files]
        assert not any(host.job().place(grown, served(store, archive)))


def addressed(platform, file, content):
    url = platform.serve("/single/" + file["datum_id"], content)
    return dict({key: value for key, value in file.items() if key != "package"}, url=url, headers={})


class TestJobs:
    """A real agent."""

    COMMAND = (
        "cat $(ls -v /valohai/inputs/data/f*) | sha256sum; cp /valohai/config/inputs.json /valohai/outputs"
    )
    SUM = hashlib.sha256(b"".join(CONTENTS.values())).hexdigest()

    def pages(self, platform, files, archive, package=None):
        url = platform.serve(f"/packages/{uuid.uuid4()}", archive)
        facts = package or package_of(url, archive, len(files))
        half = len(files) // 2
        return [
            page_of(files[:half], 1, packages=[facts]),
            page_of(files[half:], None, packages=[facts]),
        ]

    def single(self, platform, files):
        plain = [addressed(platform, file, CONTENTS[file["filename"]]) for file in files]
        return [page_of(plain[: len(plain) // 2], 1), page_of(plain[len(plain) // 2 :])]

    def run(self, platform, pages, single_pages=None):
        """Without the cache, which other jobs of the agent fill."""
        job = platform.add_job(
            self.COMMAND, inputs=[entry()], next_files=0, variables={"VH_NO_DATA_CACHE": "1"},
            pages=pages.__getitem__, single_pages=(single_pages or pages).__getitem__,
        )  # fmt: skip
        assert job.wait()["status"] == "complete", job.lines()
        assert job.lines("o")[0].split()[0] == self.SUM
        return job

    def test_what_a_job_sees_does_not_depend_on_it(self, platform, agent, files, archive):
        pages, single = self.pages(platform, files, archive), self.single(platform, files)
        before = len(platform.requests)
        described = [self.run(platform, these).content("inputs.json") for these in (pages, single)]
        assert described[0] == described[1]
        asked = [path for _, path, _ in platform.requests[before:]]
        assert len([path for path in asked if path.startswith("/packages/")]) == 1
        assert len([path for path in asked if path.startswith("/single/")]) == len(files)

    def test_without_its_package_it_gets_single_files(self, platform, agent, files, archive):
        job = self.run(platform, self.pages(platform, files, b"no tar"), self.single(platform, files))
        [told] = [line for line in job.lines("s") if "one by one" in line]
        assert "package of 40 input files cannot be used" in told
        assert len(asked_for_pages(platform, job)) <= 12

    def test_agents_that_share_a_cache(self, own_platform, tmp_path, files, archive):
        pages = self.pages(own_platform, files, archive)
        for name in ("first", "second"):
            agent = AgentProcess(
                own_platform, tmp_path / name, sys.executable, CACHE_DIR=str(tmp_path / "cache")
            ).start()
            try:
                job = run_with_pages(own_platform, pages.__getitem__, self.COMMAND)
                assert job.wait()["status"] == "complete", job.lines()
                assert job.lines("o")[0].split()[0] == self.SUM
            finally:
                agent.stop()
        asked = [path for _, path, _ in own_platform.requests if path.startswith("/packages/")]
        assert len(asked) == 1

    def test_the_platform_is_told_that_the_agent_takes_them(self, own_platform, own_agent):
        own_platform.add_job("true").wait()
        told = own_platform.workers[0]
        assert told["facts"]["takes_packages"] is True
