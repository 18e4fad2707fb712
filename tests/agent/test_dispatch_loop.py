"""A dispatcher's looks, with a real Redis, a cluster in memory and a platform that answers or does not."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import redis

from peon.dispatch import loop
from peon.dispatch.base import ENDED, RUNNING, WAITING, ClusterJob, Refused, Unavailable
from peon.dispatch.loop import Dispatcher
from peon.protocol import keys, scripts
from tests.agent.support.fake_platform import RedisServer

ONE, TWO, THREE = (f"018aa9d9-0000-7000-8000-00000000000{number}:0" for number in (1, 2, 3))


class MemoryCluster:
    """`refuses` and `is_away` are what submit raises; `is_deaf` is what jobs raises."""

    kind = "memory"

    def __init__(self):
        self.listed, self.submitted, self.cancelled, self.forgotten = [], [], [], []
        self.refuses = self.is_away = self.is_deaf = None

    def describe(self):
        return {}

    def submit(self, placement):
        if self.refuses:
            raise Refused(self.refuses)
        if self.is_away:
            raise Unavailable(self.is_away)
        self.submitted.append(placement.member)
        self.listed.append(
            ClusterJob(str(len(self.submitted)), placement.member, WAITING, "PENDING", "Resources")
        )
        return str(len(self.submitted))

    def jobs(self):
        if self.is_deaf:
            raise Unavailable(self.is_deaf)
        return list(self.listed)

    def ended(self, member):
        return None

    def cancel(self, handles):
        self.cancelled.extend(handles)
        self.listed = [job for job in self.listed if job.handle not in handles]

    def words_of_waiting(self, job):
        return f"job {job.handle} waits"

    def words_of_end(self, job):
        return f"job {job.handle} ended"

    def broke_limit(self, job):
        return job.state == "TIMEOUT"

    def forget(self, job):
        self.forgotten.append(job.handle)

    def becomes(self, number, phase, state):
        job = self.listed[number]
        self.listed[number] = ClusterJob(job.handle, job.member, phase, state)


class Platform:
    """Knows which members are over; keeps the reports. Away, it does not answer at all."""

    def __init__(self):
        self.reports, self.over, self.asked = [], set(), 0
        self._server = None
        self.port = 0

    def start(self):
        platform = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                platform.asked += 1
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                execution, epoch = self.path.split("/")[5:7]
                member = f"{execution}:{epoch}"
                assert self.headers["Authorization"] == "Job token-" + member
                if member in platform.over:
                    return self._answer(409, {"code": "stale"})
                if self.path.endswith("report"):
                    platform.reports.append((member, body["state"], body["text"]))
                return self._answer(200, {"configuration": {}, "resources": {}})

            def _answer(self, status, body):
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def told(self, member):
        return [(state, text) for about, state, text in self.reports if about == member]


@pytest.fixture(scope="module")
def redis_url(redis_executable, tmp_path_factory):
    server = RedisServer(redis_executable, tmp_path_factory.mktemp("redis"))
    server.start()
    yield server.url
    server.kill()


@pytest.fixture
def queue(redis_url):
    client = redis.Redis.from_url(redis_url)
    client.flushall()
    return client


@pytest.fixture
def platform():
    platform = Platform()
    platform.start()
    yield platform
    platform.stop()


@pytest.fixture
def cluster():
    return MemoryCluster()


@pytest.fixture
def make(redis_url, platform, cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "PATIENCE_SECONDS", 0.2)

    class Settings:
        app_ca_file = redis_ca_file = None
        directory, queues, host, poll_seconds = str(tmp_path), ["hpc"], "login1", 1
        app_url = f"http://127.0.0.1:{platform.port}"

        def identity(self):
            return "d-1"

    settings = Settings()
    settings.redis_url = redis_url

    def make():
        dispatcher = Dispatcher(settings, cluster)
        assert dispatcher._queues.hold()
        return dispatcher

    return make


def enqueue(client, *members):
    name = keys.dispatched("hpc")
    for number, member in enumerate(members):
        client.register_script(scripts.ENQUEUE)(
            keys=[keys.queue(name), keys.queue_tokens(name), keys.queue_wake(name), keys.queue_bell(name)],
            args=[member, "token-" + member, 0, number],
        )


def take(client, member):
    name = keys.dispatched("hpc")
    names = [keys.queue_leases(name), keys.queue_holders(name), keys.queue(name), keys.queue_tokens(name)]
    assert client.register_script(scripts.CLAIM_MEMBER)(keys=names, args=["node", 5000, member])


def test_from_the_queue_to_the_end(make, queue, cluster, platform):
    dispatcher = make()
    enqueue(queue, ONE, TWO)
    dispatcher.look()
    dispatcher.look()
    assert cluster.submitted == [ONE, TWO]
    assert platform.told(ONE) == [("waiting", "Handed to Memory as job 1."), ("waiting", "job 1 waits")]
    take(queue, ONE)
    cluster.becomes(0, RUNNING, "RUNNING")
    dispatcher.look()
    queue.delete(keys.queue_leases(keys.dispatched("hpc")))
    cluster.becomes(0, ENDED, "COMPLETED")
    dispatcher.look()
    assert (cluster.forgotten, len(platform.told(ONE))) == (["1"], 2)
    take(queue, TWO)
    cluster.becomes(1, ENDED, "TIMEOUT")
    dispatcher.look()
    assert platform.told(TWO)[-1] == ("exceeded", "job 2 ended")
    assert len(dispatcher._journal) == 0


def test_one_that_starts_again_submits_nothing_again_and_can_still_speak(make, queue, cluster, platform):
    first = make()
    enqueue(queue, ONE)
    first.look()
    first._lock.close()
    take(queue, ONE)
    queue.delete(keys.queue_leases(keys.dispatched("hpc")))
    cluster.becomes(0, ENDED, "NODE_FAIL")
    make().look()
    assert cluster.submitted == [ONE]
    assert platform.told(ONE)[-1] == ("ended", "job 1 ended")


def test_a_platform_that_is_away_is_asked_once_a_look(make, queue, cluster, platform):
    dispatcher = make()
    enqueue(queue, ONE, TWO, THREE)
    platform.stop()
    dispatcher.look()
    assert cluster.submitted == []
    platform.start()
    dispatcher.look()
    assert cluster.submitted == [ONE, TWO, THREE]


def test_a_cluster_that_takes_no_more_is_told_to_all_that_wait(make, queue, cluster, platform):
    dispatcher = make()
    enqueue(queue, ONE, TWO)
    cluster.is_away = "The limit of submitted jobs is reached"
    with pytest.raises(Unavailable):
        dispatcher.look()
    for member in (ONE, TWO):
        assert platform.told(member) == [
            ("waiting", "The limit of submitted jobs is reached. It is tried again.")
        ]
    cluster.is_away = None
    dispatcher.look()
    assert cluster.submitted == [ONE, TWO]


def test_a_cluster_that_does_not_answer_is_told_too(make, queue, cluster, platform):
    dispatcher = make()
    enqueue(queue, ONE)
    cluster.is_deaf = "The controller is away."
    with pytest.raises(Unavailable):
        dispatcher.look()
    assert platform.told(ONE) == [("waiting", "The controller is away. It is tried again.")]


def test_what_the_cluster_refuses_ends(make, queue, cluster, platform):
    dispatcher = make()
    enqueue(queue, ONE)
    cluster.refuses = "Invalid partition"
    dispatcher.look()
    assert platform.told(ONE) == [("refused", "Invalid partition")]
    assert len(dispatcher._journal) == 0


def test_a_stop_is_believed_when_the_platform_says_so(make, queue, cluster, platform):
    dispatcher = make()
    enqueue(queue, ONE)
    dispatcher.look()
    # Redis has forgotten the queue: nobody asked for a stop.
    queue.flushall()
    dispatcher.look()
    assert cluster.cancelled == []
    platform.over.add(ONE)
    dispatcher.look()
    assert (cluster.cancelled, len(dispatcher._journal)) == (["1"], 0)


def test_a_second_one_stands_by(make, queue, redis_url):
    first = make()
    other = loop.Queues(queue, queue, ["hpc"], "d-2")
    assert not other.hold()
    first._queues.let_go()
    assert other.hold()


def test_damaged_entries_of_the_journal_are_left_out(make, queue, cluster, platform, tmp_path):
    dispatcher = make()
    enqueue(queue, ONE)
    dispatcher.look()
    dispatcher._lock.close()
    (tmp_path / "dispatch-memory" / "jobs" / "half").write_text('{"member": "x')
    assert make()._journal.members() == [ONE]
