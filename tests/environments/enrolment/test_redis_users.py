"""A real Redis keeps one queue's worker from another queue's jobs, tokens and logs."""

from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from common.redis import client
from environments.enrolment import redis_users, services
from environments.enrolment.checks import check_redis_makes_users, check_workers_reach_redis
from environments.models import WorkerCredential
from executions import queue
from executions.queue import Job
from peon.dispatch.queues import Queues
from peon.protocol import keys, scripts
from tests.environments.enrolment.support import Agent
from tests.support.tenants import Tenant

pytestmark = pytest.mark.django_db(transaction=True)
OWN, FOREIGN = "01a00000-0000-0000-0000-000000000001", "01a00000-0000-0000-0000-000000000002"
REFUSED = (NoPermissionError, ResponseError)


@pytest.fixture(autouse=True)
def _users_end_with_the_test() -> Any:
    yield
    names = [name for name in client().acl_users() if name.startswith(redis_users.PREFIX)]
    if names:
        client().acl_deluser(*names)


@pytest.fixture
def jobs(acme: Tenant, rival: Tenant) -> None:
    for identifier, name in ((OWN, "acme-gpu"), (FOREIGN, "rival-gpu")):
        queue.enqueue(Job(identifier, 1, name))
        client().xadd(keys.events(identifier), {"b": f"log of {name}"})
        client().hset(keys.events_head(identifier), "epoch", 1)
        client().set(keys.control(identifier), "stop")


@pytest.fixture
def waiting(agent: Agent) -> Any:
    """A second connection, for reads that wait."""
    connection = redis.Redis.from_url(agent.redis_url)
    yield connection
    connection.close()


@pytest.fixture
def worker(agent: Agent, jobs: None) -> Any:
    assert f"//{redis_users.user_of(agent.identity)}:" in agent.redis_url
    connection = redis.Redis.from_url(agent.redis_url)
    yield connection
    connection.close()


def claim_keys(name: str) -> list[str]:
    return [
        keys.queue_leases(name), keys.queue_holders(name), keys.queue_wishes(name), keys.queue(name), keys.queue_tokens(name),
    ]  # fmt: skip


def test_a_worker_does_what_an_agent_of_its_queue_does(worker: Any) -> None:
    assert worker.bzpopmin([keys.queue_bell("acme-gpu")], timeout=1)
    member, token, _ = worker.register_script(scripts.CLAIM)(claim_keys("acme-gpu"), ["w", 15000])
    assert member.decode() == f"{OWN}:1"
    assert len(token) == 64
    lease = [*claim_keys("acme-gpu")[:2], keys.control(OWN), keys.events_head(OWN)]
    beat = worker.register_script(scripts.HEARTBEAT)(lease, [member, "w", 15000, 1])
    assert beat[:2] == [b"ok", b"stop"]
    head = [keys.events_head(OWN)]
    assert worker.register_script(scripts.OPEN_EVENTS)(head, [2, 0, 0]) == 1
    stream = [keys.events(OWN), *head, keys.INGEST_DIRTY, keys.INGEST_DIRTY_SET]
    batch = [2, 0, 1, 0, 1, b"[]", 512, OWN, keys.notice_channel(f"execution:{OWN}")]
    assert worker.register_script(scripts.APPEND)(stream, batch)[0] == b"ok"
    worker.hset(keys.queue_workers("acme-gpu"), "w", "{}")
    worker.hdel(keys.queue_workers("acme-gpu"), "w")
    assert worker.register_script(scripts.RELEASE)(lease[:2], [member]) == 1


def test_a_dispatcher_of_its_queue_and_its_agents_for_one_job(worker: Any, waiting: Any) -> None:
    name = keys.dispatched("acme-gpu")
    queue.enqueue(Job(OWN, 2, name))
    member = f"{OWN}:2"
    queues = Queues(worker, waiting, ["acme-gpu"], "d")
    assert queues.hold()
    assert not Queues(worker, waiting, ["acme-gpu"], "another").hold()
    assert list(queues.waiting()) == [member]
    assert queues.wait(1)
    assert not queues.wait(1), "one look answers all calls"
    queues.say_hello({"identity": "d"})
    taken = [keys.queue_leases(name), keys.queue_holders(name), keys.queue(name), keys.queue_tokens(name)]
    assert worker.register_script(scripts.CLAIM_MEMBER)(taken, ["node", 15000, member])
    assert queues.leased([member]) == {member}
    queues.say_goodbye()
    queues.let_go()
    assert Queues(worker, waiting, ["acme-gpu"], "another").hold()


@pytest.mark.parametrize(
    "command",
    [
        ("HGETALL", keys.queue_tokens("rival-gpu")),
        ("HGET", keys.queue_tokens("rival-gpu"), f"{FOREIGN}:1"),
        ("ZPOPMIN", keys.queue("rival-gpu")),
        ("ZSCORE", keys.queue("rival-gpu"), f"{FOREIGN}:1"),
        ("BZPOPMIN", keys.queue_bell("rival-gpu"), "1"),
        ("HGETALL", keys.queue_workers("rival-gpu")),
        ("HGETALL", keys.queue_wishes("rival-gpu")),
        ("HSET", keys.queue_wishes("rival-gpu"), "w", "stop"),
        ("HGETALL", keys.WORKERS),
        ("ZADD", keys.LEASES, "1", "x"),
        ("HGETALL", keys.LEASE_HOLDERS),
        # An execution whose id is known: its log cannot be read, nor removed.
        ("XRANGE", keys.events(FOREIGN), "-", "+"),
        ("XREAD", "STREAMS", keys.events(FOREIGN), "0"),
        ("XDEL", keys.events(FOREIGN), "1-1"),
        ("DEL", keys.events(FOREIGN)),
        ("XTRIM", keys.events(FOREIGN), "MAXLEN", "0"),
        # Ids of executions cannot be learned.
        ("LRANGE", keys.INGEST_DIRTY, "0", "-1"), ("LPOP", keys.INGEST_DIRTY), ("BLPOP", keys.INGEST_DIRTY, "1"),
        ("SMEMBERS", keys.INGEST_DIRTY_SET), ("SPOP", keys.INGEST_DIRTY_SET),
        ("KEYS", "*"), ("SCAN", "0"), ("RANDOMKEY",), ("DUMP", keys.events(FOREIGN)),
        ("SUBSCRIBE", keys.notice_channel(f"execution:{FOREIGN}")), ("PSUBSCRIBE", "*"), ("PUBLISH", "vh:notice:scheduler", "x"),
        ("MONITOR",), ("CONFIG", "GET", "*"), ("ACL", "LIST"), ("FLUSHALL",), ("SHUTDOWN",), ("CLIENT", "LIST"), ("SCRIPT", "FLUSH"),
        ("GET", "vh:cache:1:x"), ("HGETALL", "_kombu.binding.celery"),
    ],
    ids=lambda command: " ".join(command[:2]),
)  # fmt: skip
def test_nothing_of_others_is_read_or_touched(worker: Any, command: tuple[str, ...]) -> None:
    kept = {key: client().dump(key) for key in client().keys("vh:*")}
    with pytest.raises(REFUSED, match="permission"):
        worker.execute_command(*command)
    assert {key: client().dump(key) for key in client().keys("vh:*")} == kept


@pytest.mark.parametrize(
    "script",
    [
        "return redis.call('HGETALL', 'vh:queue:rival-gpu:tokens')",
        "return redis.call('XRANGE', 'vh:events:" + FOREIGN + "', '-', '+')",
        "return redis.call('LRANGE', 'vh:ingest:dirty', 0, -1)",
        "return redis.call('KEYS', '*')",
        "return redis.call('PUBLISH', 'vh:notice:scheduler', 'x')",
    ],
)
def test_a_script_of_its_own_helps_it_as_little(worker: Any, script: str) -> None:
    with pytest.raises(ResponseError):
        worker.eval(script, 0)


def test_a_claim_in_the_name_of_another_queue(worker: Any) -> None:
    with pytest.raises(REFUSED):
        worker.register_script(scripts.CLAIM)(claim_keys("rival-gpu"), ["w", 15000])
    mixed = [*claim_keys("acme-gpu")[:3], keys.queue("rival-gpu"), keys.queue_tokens("rival-gpu")]
    with pytest.raises(REFUSED):
        worker.register_script(scripts.CLAIM)(mixed, ["w", 15000])
    assert queue.waiting_members("rival-gpu") == [f"{FOREIGN}:1"]


def test_a_revoked_workers_connection_ends(acme: Tenant, agent: Agent, worker: Any) -> None:
    assert worker.ping()
    services.revoke_worker(credential=WorkerCredential.objects.get(), actor=acme.owner)
    with pytest.raises((redis.ConnectionError, AuthenticationError)):
        worker.ping()


def test_the_secret_is_no_password_and_the_password_no_secret(agent: Agent) -> None:
    password = urlsplit(agent.redis_url).password or redis_users.password_of(agent.secret)
    assert password != agent.secret
    assert Agent(agent.identity, password).probe().status_code == 401


def test_users_come_back_after_redis_lost_them(agent: Agent) -> None:
    name = redis_users.user_of(agent.identity)
    client().acl_deluser(name)
    redis_users.sync(renew=False)
    assert redis.Redis.from_url(agent.redis_url).ping()
    WorkerCredential.objects.update(revoked_at="2026-01-01T00:00:00Z")
    redis_users.sync(renew=False)
    assert name not in client().acl_users()


def test_a_turn_of_the_scheduler_makes_them_when_redis_is_another(agent: Agent) -> None:
    from executions.scheduling.loop import Scheduler

    client().acl_deluser(redis_users.user_of(agent.identity))
    Scheduler().turn()
    assert redis.Redis.from_url(agent.redis_url).ping()


def test_users_of_other_installations_stay(agent: Agent) -> None:
    client().acl_setuser("peon-somebody-else", enabled=True)
    redis_users.sync(renew=True)
    assert "peon-somebody-else" in client().acl_users()


def test_names_of_queues_are_no_patterns() -> None:
    assert redis_users._literal("vh:queue:a*[b]") == "vh:queue:a\\*\\[b\\]"


class TestWithoutTheRight:
    @pytest.fixture
    def powerless(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
        """The platform's own user of Redis may do everything but make users."""
        client().acl_setuser(
            "platform",
            enabled=True,
            passwords=["+pw"],
            keys=["*"],
            channels=["*"],
            commands=["+@all", "-acl"],
        )
        limited = redis.Redis.from_url(settings.REDIS_URL, username="platform", password="pw")
        monkeypatch.setattr(redis_users, "client", lambda: limited)
        yield
        client().acl_deluser("platform")

    def test_workers_share_the_address_and_a_check_says_so(
        self, powerless: None, settings: Any, token: str, ask: Any
    ) -> None:
        [worker] = ask(token).json()["workers"]
        assert worker["redis_url"] == settings.WORKER_REDIS_URL
        [warning] = check_redis_makes_users(None)
        assert warning.id == "environments.W001"
        redis_users.sync(renew=True)

    def test_nothing_is_said_where_all_is_well(self) -> None:
        assert check_redis_makes_users(None) == []


@pytest.mark.parametrize(("url", "found"), [("unix:///x?db=0", 1), ("rediss://queue:63790", 0)])
def test_a_socket_is_no_address_for_other_machines(settings: Any, url: str, found: int) -> None:
    settings.WORKER_REDIS_URL = url
    assert len(check_workers_reach_redis(None)) == found


@pytest.mark.parametrize(
    ("shared", "begins"),
    [
        ("redis://queue:6379/2", "redis://peon-box:"),
        ("rediss://:old@queue:63790/0?ssl_cert_reqs=none", "rediss://peon-box:"),
        ("unix:///run/redis.sock?db=3", "unix://peon-box:"),
    ],
)
def test_the_address_of_a_worker(settings: Any, shared: str, begins: str) -> None:
    settings.WORKER_REDIS_URL = shared
    url = redis_users.url_for("box", "secret")
    assert url.startswith(begins)
    assert "old" not in url
    assert url.partition("@")[2] == shared.partition("//")[2].rpartition("@")[2]
