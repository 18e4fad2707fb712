"""The queue scripts against a real Redis."""

import uuid

from common.redis import client
from executions import queue
from executions.queue import Job
from peon.protocol import keys, scripts


def job(
    number: int = 1, *, priority: int = 0, epoch: int = 0, queue_name: str = "local", turn: int = 0
) -> Job:
    return Job(uuid.UUID(int=number), epoch, queue_name, priority, turn)


def claim(*queue_names: str, worker: str = "w", lease_ms: int = 15000) -> list | None:
    redis_keys = [keys.LEASES, keys.LEASE_HOLDERS, keys.queue_wishes("local")]
    for name in queue_names or ("local",):
        redis_keys += [keys.queue(name), keys.queue_tokens(name)]
    return client().register_script(scripts.CLAIM)(redis_keys, [worker, lease_ms])


def test_first_in_first_out_within_a_priority_and_higher_ones_first():
    for entry in (job(1), job(2, priority=1), job(3), job(4, priority=1)):
        assert queue.enqueue(entry)
    claimed = [claim()[0].decode() for _ in range(4)]
    assert claimed == [job(n).member for n in (2, 4, 1, 3)]
    assert claim() is None


def claimed_order() -> list[str]:
    members = []
    while claimed := claim():
        members.append(claimed[0].decode())
    return members


def test_users_take_turns_within_a_priority():
    line = [job(n, turn=n - 1) for n in (1, 2, 3)]
    queue.enqueue_all([*line, job(4), job(5, priority=1, turn=7)])
    assert claimed_order() == [job(n).member for n in (5, 1, 4, 2, 3)]


def test_a_newcomer_joins_at_the_head_of_a_line_that_has_moved():
    queue.enqueue_all([job(n, turn=n) for n in range(10)])
    for _ in range(6):
        claim()
    queue.enqueue_all([job(20), job(21, turn=1), job(9, turn=0)])
    assert claimed_order() == [job(n).member for n in (6, 20, 7, 21, 8, 9)]


def test_turns_hold_for_the_highest_priority_too():
    queue.enqueue_all([job(n, priority=1000, turn=n) for n in range(3)] + [job(3, priority=999)])
    claim()
    queue.enqueue(job(4, priority=1000))
    assert claimed_order() == [job(n).member for n in (1, 4, 2, 3)]


def test_enqueueing_twice_keeps_the_place():
    assert queue.enqueue(job(1))
    assert queue.enqueue(job(2))
    assert not queue.enqueue(job(1))
    assert claim()[0].decode() == job(1).member


def test_claim_hands_out_the_token_and_a_lease_in_one_step():
    queue.enqueue(job())
    member, token, _ = claim()
    assert token.decode() == queue.job_token(job().execution_id, 0)
    evidence = queue.read_evidence([job()])
    assert member.decode() in evidence.leases
    assert evidence.is_leased(job().member)
    assert not evidence.waiting


def test_tokens_differ_between_executions_and_attempts():
    tokens = {queue.job_token(uuid.UUID(int=n), epoch) for n in (1, 2) for epoch in (0, 1)}
    assert len(tokens) == 4


def test_removed_job_is_not_handed_out_and_leaves_no_token():
    queue.enqueue(job())
    assert queue.remove(job())
    assert not queue.remove(job())
    assert claim() is None
    assert not client().exists(keys.queue_tokens("local"))


def test_evidence_tells_waiting_from_claimed_from_unknown():
    queue.enqueue(job(1))
    claim(lease_ms=1)
    queue.enqueue(job(2, queue_name="gpu"))
    evidence = queue.read_evidence([job(1), job(2, queue_name="gpu"), job(3)])
    assert evidence.waiting == {job(2).member}
    assert set(evidence.leases) == {job(1).member}


def test_fenced_attempt_can_neither_append_nor_extend_its_lease():
    queue.enqueue(job())
    claim()
    redis_keys = [keys.events_head(str(job().execution_id))]
    client().register_script(scripts.OPEN_EVENTS)(redis_keys, [0, 0, 0])
    queue.fence(job())
    heartbeat = client().register_script(scripts.HEARTBEAT)(
        [keys.LEASES, keys.LEASE_HOLDERS, keys.control("x"), redis_keys[0]], [job().member, "w", 15000, 0]
    )
    assert heartbeat == [b"fenced"]
    assert not client().exists(keys.LEASES)


def test_leases_of_todays_agents_stand_with_their_queue():
    queue.enqueue(job())
    own = [keys.queue_leases("local"), keys.queue_holders("local")]
    claimed = client().register_script(scripts.CLAIM)(
        [*own, keys.queue_wishes("local"), keys.queue("local"), keys.queue_tokens("local")], ["w", 15000]
    )
    assert claimed[0].decode() == job().member
    assert queue.read_evidence([job()]).is_leased(job().member)
    assert queue.expired_leases("local", 2**60) == [job().member]
    queue.fence(job())
    heartbeat = [*own, keys.control("x"), keys.events_head(str(job().execution_id))]
    assert client().register_script(scripts.HEARTBEAT)(heartbeat, [job().member, "w", 15000, 0]) == [
        b"fenced"
    ]
    assert not client().exists(*own)


def test_a_bell_rings_for_each_job_and_not_for_ever():
    for number in range(300):
        queue.enqueue(job(number))
    assert client().zcard(keys.queue_bell("local")) == 256
    assert client().bzpopmin([keys.queue_bell("local")])[1].decode() == job(0).member


def test_stop_and_kill_leave_word_until_cleared():
    queue.enqueue(job())
    queue.request_stop(job().execution_id, kill=False)
    key = keys.control(str(job().execution_id))
    assert client().get(key) == b"stop"
    queue.request_stop(job().execution_id, kill=True)
    assert client().get(key) == b"kill"
    queue.clear(job())
    assert set(client().keys("vh:*")) == {
        keys.queue_wake("local").encode(),
        keys.queue_bell("local").encode(),
    }


def test_position_in_the_queue():
    for number in (1, 2, 3):
        queue.enqueue(job(number))
    assert queue.queue_position(job(3)) == 2
    assert queue.queue_position(job(4)) is None
