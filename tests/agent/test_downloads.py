"""Downloads from a store that has a bad day: a file arrives whole, or not at all and it is said why."""

import hashlib
import os
import time
import uuid

import pytest

from peon import ranges, receiving, retries
from peon.cache import Cache
from peon.checksums import NAMES
from peon.downloads import Damaged, Downloader
from peon.http_client import HttpClient, HttpError, Unreachable
from tests.agent.support.faulty_store import Fault, FaultyStore

SMALL = bytes(range(256)) * 400
LARGE = bytes(hashlib.sha256(str(number).encode()).digest()[0] for number in range(1000)) * 1000


@pytest.fixture
def store():
    store = FaultyStore()
    yield store
    store.close()


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Small ranges and short pauses: the same code, sooner."""
    monkeypatch.setattr(receiving, "RANGED_FROM_BYTES", 400_000)
    monkeypatch.setattr(ranges, "RANGE_BYTES", 70_000)
    monkeypatch.setattr(receiving, "RANGE_BYTES", 70_000)
    monkeypatch.setattr(receiving, "PAUSES", (0.01,) * 5)
    monkeypatch.setattr(ranges, "PAUSES", (0.01,) * 5)
    return Place(tmp_path)


class Place:
    def __init__(self, folder):
        self.folder = folder
        self.changes = []
        self.timeout_seconds = 30
        self.target = str(folder / "job" / "inputs" / "a")

    def downloader(self, **options):
        return Downloader(
            HttpClient(self.timeout_seconds),
            Cache(str(self.folder / "cache"), 1 << 30),
            options.pop("use_cache", True),
            lambda: None,
            options.pop("project_id", "p"),
            lambda *change: self.changes.append(change),
        )

    def fetch(self, file, renew=None, **options):
        if os.path.exists(self.target):
            os.unlink(self.target)
        return self.downloader(**options).fetch(file, self.target, renew)

    def content(self):
        with open(self.target, "rb") as file:
            return file.read()

    def assert_nothing_is_left(self):
        assert not os.path.exists(self.target)
        assert [name for _, _, names in os.walk(self.folder) for name in names] == []


def datum(store, content, **changes):
    """A file whose checksums the platform knows."""
    path = "/" + uuid.uuid4().hex
    store.files[path] = content
    url = store.url + path + "?old"
    known = {name: hashlib.new(name, content).hexdigest() for name in NAMES}
    file = {"filename": "a", "url": url, "headers": {}, "uri": "datum://" + path, "datum_id": path[1:]}
    return {**file, "size": len(content), **known, **changes}


def address(store, content, etag='"1"'):
    """A file of which nothing is known but where it is."""
    path = "/" + uuid.uuid4().hex
    store.files[path] = content
    if etag:
        store.etags[path] = etag
    url = store.url + path
    return {"filename": "a", "url": url, "headers": {}, "uri": url}


@pytest.mark.parametrize("use_cache", [True, False])
@pytest.mark.parametrize("content", [b"", SMALL, LARGE])
def test_what_arrives_is_what_was_stored(store, place, content, use_cache):
    for file in (datum(store, content), address(store, content), address(store, content, etag=None)):
        measured = place.fetch(file, use_cache=use_cache)
        assert place.content() == content
        assert measured["size"] == len(content)
        made = {name: measured[name] for name in NAMES if name in measured}
        assert "sha256" in made
        assert made == {name: hashlib.new(name, content).hexdigest() for name in made}


def test_what_one_stream_brings_has_every_checksum(store, place):
    assert set(NAMES) < set(place.fetch(address(store, SMALL)))


def test_ranges_are_checked_by_what_is_known_of_them(store, place):
    """A store may know the MD5 of an adopted file, and nothing else."""
    measured = place.fetch(datum(store, LARGE, sha1=None, sha256=None))
    assert (measured["md5"], measured["sha256"]) == tuple(
        hashlib.new(name, LARGE).hexdigest() for name in ("md5", "sha256")
    )
    with pytest.raises(Damaged, match="md5 is"):
        place.fetch(datum(store, LARGE, sha1=None, sha256=None, md5="0" * 32))


def test_a_large_file_comes_in_ranges_at_the_same_time(store, place):
    store.faults = [Fault(pause=0.1) for _ in range(15)]
    place.fetch(datum(store, LARGE))
    assert place.content() == LARGE
    assert 1 < store.most_at_once <= 4
    assert len(store.asked()) == 15
    assert len({headers["Range"] for _, headers in store.asked()}) == 15


def test_a_large_file_from_an_address_comes_in_ranges_of_one_content(store, place):
    place.fetch(address(store, LARGE))
    assert place.content() == LARGE
    later = [headers for _, headers in store.asked()[1:]]
    assert later
    assert all(headers["If-Range"] == '"1"' for headers in later)


def test_a_server_without_ranges(store, place):
    store.knows_ranges = False
    store.faults = [Fault(cut=300_000), Fault(cut=500_000)]
    place.fetch(datum(store, LARGE))
    assert place.content() == LARGE
    assert len(store.asked()) == 3


@pytest.mark.parametrize(
    "fault",
    [
        Fault(cut=0),
        Fault(cut=1),
        Fault(cut=30_000),
        Fault(status=500),
        Fault(status=503, headers={"Retry-After": "0"}),
        Fault(status=429),
        Fault(slow=0.02),
        Fault(pause=1.5),
    ],
)
@pytest.mark.parametrize("content", [SMALL, LARGE])
@pytest.mark.parametrize("make", [datum, address])
def test_a_fault_that_passes(store, place, fault, content, make):
    place.timeout_seconds = 1 if fault.pause else 30
    store.faults = [fault, fault]
    place.fetch(make(store, content))
    assert place.content() == content


def test_what_was_there_already_is_not_fetched_again(store, place):
    store.faults = [Fault(cut=60_000)]
    place.fetch(datum(store, SMALL))
    assert place.content() == SMALL
    assert [headers.get("Range") for _, headers in store.asked()] == [None, "bytes=60000-"]


def test_progress_renews_patience(store, place):
    store.faults = [Fault(cut=4000) for _ in range(20)]
    place.fetch(datum(store, SMALL))
    assert place.content() == SMALL


@pytest.mark.parametrize("content", [SMALL, LARGE])
@pytest.mark.parametrize(
    ("fault", "error"),
    [(Fault(status=500), HttpError), (Fault(cut=0), Unreachable), (Fault(status=404), HttpError)],
)
def test_a_fault_that_stays(store, place, fault, error, content):
    store.faults = [fault] * 10_000
    with pytest.raises(error):
        place.fetch(datum(store, content))
    place.assert_nothing_is_left()


def test_ranges_that_fail_for_good(store, place):
    store.faults = [Fault(), Fault(), *[Fault(cut=0)] * 10_000]
    with pytest.raises(Unreachable):
        place.fetch(datum(store, LARGE))
    place.assert_nothing_is_left()


@pytest.mark.parametrize("content", [SMALL, LARGE])
def test_wrong_bytes_are_fetched_once_more(store, place, content):
    store.faults = [Fault(wrong=True)]
    place.fetch(datum(store, content))
    assert place.content() == content


@pytest.mark.parametrize("known", [{}, {"sha256": None}, {"sha256": None, "sha1": None}])
@pytest.mark.parametrize("content", [SMALL, LARGE])
def test_wrong_bytes_that_stay_are_refused(store, place, known, content):
    store.faults = [Fault(wrong=True)] * 10_000
    with pytest.raises(Damaged, match=r"is damaged: (sha256|md5) is"):
        place.fetch(datum(store, content, **known))
    place.assert_nothing_is_left()


def test_retry_after_is_obeyed(store, place):
    store.faults = [Fault(status=503, headers={"Retry-After": "1"})]
    began = time.monotonic()
    place.fetch(datum(store, SMALL))
    assert time.monotonic() - began >= 1


def test_retry_after_is_bounded(store, place, monkeypatch):
    monkeypatch.setattr(retries, "MOST_WAIT_SECONDS", 0.2)
    store.faults = [Fault(status=503, headers={"Retry-After": "Fri, 31 Dec 2199 23:59:59 GMT"})]
    began = time.monotonic()
    place.fetch(datum(store, SMALL))
    assert 0.2 <= time.monotonic() - began < 5


@pytest.mark.parametrize("content", [SMALL, LARGE])
def test_an_expired_address_is_renewed(store, place, content):
    file, asked = datum(store, content), []

    def renew(url):
        asked.append(url)
        return {**file, "url": url.replace("old", "new")}

    store.expired = True
    place.fetch(file, renew)
    assert place.content() == content
    assert asked == [file["url"]]


def test_an_address_that_expires_on_the_way(store, place):
    file, asked = datum(store, LARGE), []

    def renew(url):
        asked.append(url)
        return {**file, "url": url.replace("old", "new")}

    store.faults = [Fault(), Fault(), Fault(), Fault(), Fault(status=403), Fault(status=403)]
    place.fetch(file, renew)
    assert place.content() == LARGE
    assert len(asked) <= 2


def test_an_address_that_is_refused_for_good(store, place):
    file = datum(store, SMALL)
    store.faults = [Fault(status=403)] * 1000
    with pytest.raises(HttpError):
        place.fetch(file, lambda url: dict(file))
    assert len(store.asked()) == 4
    place.assert_nothing_is_left()


@pytest.mark.parametrize("use_cache", [True, False])
def test_content_that_changes_on_the_way_is_never_mixed(store, place, use_cache):
    file = address(store, LARGE)
    path = file["url"][len(store.url) :]
    changed = LARGE[::-1]

    class Change(Fault):
        """The request after which the file is another one."""

        @property
        def pause(self):
            store.files[path], store.etags[path] = changed, '"2"'
            return 0

        @pause.setter
        def pause(self, value):
            pass

    store.faults = [Fault(), Fault(), Change()]
    place.fetch(file, use_cache=use_cache)
    assert place.content() == changed


def test_a_datum_is_asked_for_once(store, place):
    file = datum(store, SMALL)
    assert not place.fetch(file)["from_cache"]
    assert place.fetch(file)["from_cache"]
    assert place.content() == SMALL
    assert len(store.asked()) == 1


def test_content_is_shared_by_all_addresses_that_give_it(store, place):
    place.fetch(datum(store, SMALL, sha256=None))
    place.fetch(address(store, SMALL))
    place.fetch(datum(store, SMALL))
    assert os.listdir(place.folder / "cache" / "data") == [hashlib.sha256(SMALL).hexdigest()]
    assert len(store.asked()) == 2


def test_without_cache_nothing_is_kept(store, place):
    file = datum(store, SMALL)
    for _ in range(2):
        assert not place.fetch(file, use_cache=False)["from_cache"]
    assert len(store.asked()) == 2
    assert os.listdir(place.folder / "cache" / "data") == []


@pytest.mark.parametrize("use_cache", [True, False])
def test_changed_content_behind_an_address_is_told(store, place, use_cache):
    file = address(store, SMALL)
    path = file["url"][len(store.url) :]
    place.fetch(file, use_cache=use_cache)
    place.fetch(file, use_cache=use_cache)
    assert place.changes == []
    store.files[path], store.etags[path] = LARGE, '"2"'
    place.fetch(file, use_cache=use_cache)
    ((told, before, now),) = place.changes
    assert told is file
    assert before == {"size": len(SMALL), "sha256": hashlib.sha256(SMALL).hexdigest()}
    assert now["sha256"] == hashlib.sha256(LARGE).hexdigest()
    place.fetch(file, use_cache=use_cache)
    assert len(place.changes) == 1


def test_what_another_project_saw_is_not_told(store, place):
    file = address(store, SMALL)
    path = file["url"][len(store.url) :]
    place.fetch(file)
    store.files[path], store.etags[path] = LARGE, '"2"'
    place.fetch(file, project_id="another")
    assert place.changes == []


def test_a_new_etag_of_the_same_content_is_no_change(store, place):
    file = address(store, SMALL)
    place.fetch(file)
    store.etags[file["url"][len(store.url) :]] = '"2"'
    assert not place.fetch(file)["from_cache"]
    assert place.changes == []
