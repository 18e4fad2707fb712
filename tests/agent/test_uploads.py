"""Outputs to a store that has a bad day: a file is reported once the store has it whole, or the execution says that it has not."""

import hashlib
import threading
import time
import uuid

import pytest

from peon import outputs as outputs_module
from peon.checksums import NAMES
from peon.http_client import HttpClient
from peon.job_folder import JobFolder
from peon.outputs import Outputs
from tests.agent.support.faulty_store import Fault, FaultyStore

PART = 50_000
SMALL = bytes(range(256)) * 100
LARGE = bytes(hashlib.sha256(str(number).encode()).digest()[0] for number in range(1000)) * 400


class Api:
    """The platform's answers: addresses to put files at; those of age `old` may have expired."""

    def __init__(self, store):
        self._store = store
        self._sizes = {}
        self.asked = []
        self.renewed = []
        self.finished = {}
        self.on_uploads = lambda: None

    def uploads(self, files):
        self.asked.append(len(files))
        self.on_uploads()
        grants = []
        for file in files:
            datum = str(uuid.uuid4())
            self._sizes[datum] = file["size"]
            grants.append({**self._grant(datum, "old"), "name": file["name"]})
        return grants

    def renew_upload(self, datum):
        self.renewed.append(datum)
        return self._grant(datum, "new")

    def finish_upload(self, datum, parts):
        paths = [f"/{datum}/{part['number']}" for part in parts]
        assert [part["etag"] for part in parts] == [f"etag of {path}" for path in paths]
        self._store.stored["/" + datum] = b"".join(self._store.stored.pop(path) for path in paths)

    def _grant(self, datum, age):
        size, url = self._sizes[datum], f"{self._store.url}/{datum}"
        if size <= PART:
            return {"datum_id": datum, "method": "PUT", "url": f"{url}?{age}", "headers": {}}
        parts = [
            {"number": number, "offset": offset, "size": min(PART, size - offset), "method": "PUT",
             "url": f"{url}/{number}?{age}", "headers": {}}
            for number, offset in enumerate(range(0, size, PART), 1)
        ]  # fmt: skip
        return {"datum_id": datum, "parts": parts}


class Spool:
    def __init__(self):
        self.facts = []

    def add_fact(self, fact):
        self.facts.append(fact)


class Job:
    def __init__(self, folder, store):
        self.store = store
        self.api = Api(store)
        self.said = []
        self.timeout_seconds = 30
        self.spool = Spool()
        self._folder = JobFolder(str(folder))
        self._folder.create()

    def write(self, name, content):
        with open(self._folder.host("outputs", name), "wb") as file:
            file.write(content)

    def upload(self):
        outputs = Outputs(
            self._folder,
            self.api,
            HttpClient(self.timeout_seconds),
            self.spool,
            self.said.append,
            lambda: None,
        )
        outputs.upload_rest()
        return outputs

    def stored(self):
        """{name: content} of what was reported; what is reported is whole."""
        found = {}
        for fact in self.spool.facts:
            content = self.store.stored["/" + fact["datum_id"]]
            assert fact["size"] == len(content)
            made = NAMES if len(content) <= PART else ("sha256",)
            assert {n: fact[n] for n in NAMES if n in fact} == digests(content, made)
            found[fact["name"]] = content
        return found


def digests(content, names):
    return {name: hashlib.new(name, content).hexdigest() for name in names}


@pytest.fixture
def store():
    store = FaultyStore()
    yield store
    store.close()


@pytest.fixture
def job(store, tmp_path, monkeypatch):
    monkeypatch.setattr(outputs_module, "_PAUSES", (0.01,) * 5)
    return Job(tmp_path / "job", store)


def test_several_files_and_several_parts_go_at_the_same_time(job, store):
    store.faults = [Fault(pause=0.1) for _ in range(30)]
    files = {"large": LARGE, **{f"f{number}": SMALL for number in range(10)}}
    for name, content in files.items():
        job.write(name, content)
    job.upload()
    assert job.stored() == files
    assert store.most_at_once >= 4
    assert len(store.asked("PUT")) == 18


def test_parts_of_one_file_go_at_the_same_time(job, store):
    store.faults = [Fault(pause=0.1) for _ in range(8)]
    job.write("large", LARGE)
    job.upload()
    assert job.stored() == {"large": LARGE}
    assert 1 < store.most_at_once <= 4


@pytest.mark.parametrize(
    "fault",
    [
        Fault(cut=0),
        Fault(cut=10_000),
        Fault(status=500),
        Fault(status=503, headers={"Retry-After": "0"}),
        Fault(pause=1.5),
    ],
)
def test_a_fault_that_passes(job, store, fault):
    job.timeout_seconds = 1 if fault.pause else 30
    store.faults = [fault, fault]
    job.write("small", SMALL)
    job.write("large", LARGE)
    assert job.upload().failures == []
    assert job.stored() == {"small": SMALL, "large": LARGE}


@pytest.mark.parametrize("fault", [Fault(cut=10_000), Fault(status=500), Fault(status=403)])
@pytest.mark.parametrize("content", [SMALL, LARGE])
def test_a_fault_that_stays(job, store, fault, content):
    store.faults = [fault] * 10_000
    job.write("a", content)
    (failure,) = job.upload().failures
    assert failure.startswith("output 'a' could not be stored: ")
    assert failure in job.said
    assert job.stored() == {}


def test_one_refused_file_does_not_keep_the_others(job, store):
    store.faults = [Fault(status=400)]
    for number in range(5):
        job.write(f"f{number}", SMALL)
    assert len(job.upload().failures) == 1
    assert len(job.stored()) == 4


def test_retry_after_is_obeyed(job, store):
    store.faults = [Fault(status=503, headers={"Retry-After": "1"})]
    job.write("a", SMALL)
    began = time.monotonic()
    job.upload()
    assert time.monotonic() - began >= 1
    assert job.stored() == {"a": SMALL}


def test_expired_addresses_are_renewed_for_the_same_place(job, store):
    store.expired = True
    job.write("small", SMALL)
    job.write("large", LARGE)
    assert job.upload().failures == []
    assert job.stored() == {"small": SMALL, "large": LARGE}
    assert sorted(job.api.renewed) == sorted(fact["datum_id"] for fact in job.spool.facts)


def test_the_next_places_are_asked_for_while_files_go(job, store):
    """The platform answers the second question only after more files went than the first one was for less a hundred."""
    for number in range(350):
        job.write(f"f{number:03}", b"x")
    went_on = threading.Event()

    def wait_for_files():
        if len(job.api.asked) == 2:
            deadline = time.monotonic() + 10
            while len(job.spool.facts) < 150 and time.monotonic() < deadline:
                time.sleep(0.01)
            if len(job.spool.facts) >= 150:
                went_on.set()

    job.api.on_uploads = wait_for_files
    job.upload()
    assert went_on.is_set()
    assert job.api.asked == [200, 150]
    assert len(job.stored()) == 350


def test_a_refusal_of_the_platform_ends_it(job):
    def refuse():
        raise ValueError("the platform says no")

    job.write("a", SMALL)
    job.api.on_uploads = refuse
    with pytest.raises(ValueError, match="says no"):
        job.upload()
    assert job.stored() == {}
