"""What a dispatcher decides: made-up situations, and promises that hold in all of them."""

from hypothesis import given
from hypothesis import strategies as st

from peon.dispatch.base import ENDED, RUNNING, WAITING, ClusterJob
from peon.dispatch.planner import EXIT_SECONDS, PAUSES_SECONDS, Facts, plan

A, B = "a:0", "b:0"


def job(handle, member, phase, **facts):
    states = {WAITING: "PENDING", RUNNING: "RUNNING", ENDED: "FAILED"}
    return ClusterJob(str(handle), member, phase, **{"state": states[phase], **facts})


def handles(jobs):
    return [found.handle for found in jobs]


def test_what_waits_is_submitted_in_the_order_of_the_queue():
    assert plan(Facts([B, A], set(), [])).submit == [B, A]


def test_what_was_submitted_is_not_submitted_again():
    for phase in (WAITING, RUNNING):
        made = plan(Facts([A], set(), [job(1, A, phase)], known=[A]))
        assert (made.submit, made.cancel, made.ask, made.ended) == ([], [], [], {})


def test_why_it_waits_is_told():
    assert handles(plan(Facts([A], set(), [job(1, A, WAITING)])).tell.values()) == ["1"]
    assert plan(Facts([A], set(), [job(1, A, RUNNING)])).tell == {}


def test_of_two_cluster_jobs_the_older_stays_unless_the_other_runs():
    assert handles(plan(Facts([A], set(), [job(1, A, WAITING), job(2, A, WAITING)])).cancel) == ["2"]
    assert handles(plan(Facts([A], set(), [job(1, A, WAITING), job(2, A, RUNNING)])).cancel) == ["1"]
    assert handles(plan(Facts([], {A}, [job(1, A, RUNNING), job(2, A, WAITING)])).cancel) == ["2"]


def test_what_is_stopped_while_it_waits_is_asked_about_at_once():
    assert handles(plan(Facts([], set(), [job(1, A, WAITING)], known=[A])).ask) == ["1"]


def test_what_runs_unwanted_has_time_to_end_by_itself():
    running = [job(1, A, RUNNING)]
    first = plan(Facts([], set(), running, known=[A], now=100))
    assert (first.ask, first.unwanted) == ([], {"1": 100})
    later = plan(Facts([], set(), running, known=[A], unwanted=first.unwanted, now=100 + EXIT_SECONDS))
    assert handles(later.ask) == ["1"]


def test_a_taken_job_is_left_alone():
    made = plan(Facts([], {A}, [job(1, A, RUNNING)], known=[A]))
    assert (made.submit, made.cancel, made.ask, made.ended) == ([], [], [], {})


def test_one_that_ended_before_its_job_was_taken_is_tried_again_after_a_pause():
    ended = [job(1, A, ENDED)]
    first = plan(Facts([A], set(), ended, known=[A], now=10))
    assert (handles(first.failed), first.give_up, first.submit) == (["1"], [], [])
    failures = {A: (1, 10.0)}
    assert plan(Facts([A], set(), ended, failures=failures, now=11), {"1"}).submit == []
    assert plan(Facts([A], set(), ended, failures=failures, now=10 + PAUSES_SECONDS[0]), {"1"}).submit == [A]


def test_it_is_given_up_after_some_tries_or_at_once_when_it_cannot_heal():
    failures = {A: (len(PAUSES_SECONDS), 0.0)}
    assert handles(plan(Facts([A], set(), [job(9, A, ENDED)], failures=failures)).give_up) == ["9"]
    cancelled = job(1, A, ENDED, state="CANCELLED", may_heal=False)
    assert handles(plan(Facts([A], set(), [cancelled])).give_up) == ["1"]


def test_an_end_is_reported_also_when_the_cluster_forgot_the_job():
    ended = job(1, A, ENDED)
    assert plan(Facts([], {A}, [ended], known=[A])).ended == {A: ended}
    assert plan(Facts([], set(), [], known=[A])).ended == {A: None}
    # The listing may be a little older than the lease.
    assert plan(Facts([], {A}, [], known=[A])).ended == {}


MEMBERS = ["a:0", "b:0", "b:1", "c:0"]
SITUATIONS = st.builds(
    Facts,
    waiting=st.lists(st.sampled_from(MEMBERS), unique=True),
    leased=st.sets(st.sampled_from(MEMBERS)),
    jobs=st.lists(
        st.tuples(st.sampled_from(MEMBERS), st.sampled_from([WAITING, RUNNING, ENDED])), max_size=8
    ).map(lambda found: [job(number, *each) for number, each in enumerate(found)]),
    known=st.sets(st.sampled_from(MEMBERS)),
    failures=st.dictionaries(st.sampled_from(MEMBERS), st.tuples(st.integers(1, 9), st.floats(0, 100))),
    now=st.floats(0, 1000),
)


@given(SITUATIONS)
def test_promises(facts):
    made = plan(facts)
    alive = {found.member for found in facts.jobs if found.is_alive}
    # Nothing is submitted that has a living cluster job, that is taken, or that nobody waits for.
    assert set(made.submit) <= set(facts.waiting) - alive - facts.leased
    assert len(made.submit) == len(set(made.submit))
    # A cluster job that runs is never cancelled without asking, and one of each that waits is kept.
    assert not any(found.phase == RUNNING for found in made.cancel)
    cancelled = {found.handle for found in made.cancel}
    assert {found.member for found in facts.jobs if found.is_alive and found.handle not in cancelled} == alive
    # What has ended is not cancelled, and an end is only reported of what waits no more.
    assert all(found.is_alive for found in made.cancel + made.ask)
    assert not set(made.ended) & (set(facts.waiting) | alive)
