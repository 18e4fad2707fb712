"""Decides what a dispatcher does, from what the queues and the cluster show. Pure: no clock, no cluster, no Redis.

Per member (one attempt at one execution):

    waits in the queue, no living cluster job      submit, unless it failed to begin lately: then later, or give up
    waits in the queue, cluster job waits          tell why
    waits in the queue, cluster job runs           its agent is about to take it
    taken (leased), cluster job lives              it runs
    neither waits nor taken, cluster job lives     nobody wants it, or Redis forgot: ask the platform, then cancel
    not in the queue, cluster job ended            tell the platform how, which knows whether the worker said so itself
"""

from collections import defaultdict

from peon.dispatch.base import RUNNING, WAITING

PAUSES_SECONDS = (5, 10, 30, 60)
"""Before another try at a job whose cluster job ended before its agent took it."""
EXIT_SECONDS = 60
"""A job whose work is done may take so long to end by itself."""


class Facts:
    """`waiting`: members in the order of the queues; `leased` and `known` are sets, `known` those that were handed over before.

    `failures`: member -> (how often in a row its cluster job ended before the job was taken, when the last one was seen).
    `unwanted`: handle -> since when nobody wants the cluster job. Times are seconds of one clock.
    """

    def __init__(self, waiting, leased, jobs, known=(), failures=None, unwanted=None, now=0.0):
        self.waiting = list(waiting)
        self.leased = frozenset(leased)
        self.jobs = list(jobs)
        self.known = frozenset(known)
        self.failures = failures or {}
        self.unwanted = unwanted or {}
        self.now = now


class Plan:
    """`submit`: members; `tell`: {member: cluster job that waits}; `cancel`: cluster jobs, now; `ask`: cluster jobs to cancel once
    the platform says that the attempt is over; `failed`: cluster jobs that ended before their member was taken; `give_up`: those of
    them after which no further try is made; `ended`: {member: cluster job, or None when the cluster forgot it}, to be reported;
    `unwanted`: the next facts'.
    """

    def __init__(self):
        self.submit = []
        self.tell = {}
        self.cancel = []
        self.ask = []
        self.failed = []
        self.give_up = []
        self.ended = {}
        self.unwanted = {}


def plan(facts, failed_handles=()):
    """`failed_handles`: cluster jobs that were counted as failures already."""
    made = Plan()
    by_member = defaultdict(list)
    for job in facts.jobs:
        by_member[job.member].append(job)
    waiting = frozenset(facts.waiting)
    for member in facts.waiting:
        if member not in facts.leased:
            _plan_waiting(made, facts, member, by_member[member], frozenset(failed_handles))
    for member, jobs in by_member.items():
        if member in facts.leased:
            made.cancel.extend(_extra(jobs))
        elif member not in waiting:
            _plan_unwanted(made, facts, jobs)
    for member in facts.known - waiting:
        jobs = by_member.get(member, [])
        if not any(job.is_alive for job in jobs) and (jobs or member not in facts.leased):
            made.ended[member] = jobs[-1] if jobs else None
    return made


def _plan_waiting(made, facts, member, jobs, counted):
    alive = [job for job in jobs if job.is_alive]
    if alive:
        made.cancel.extend(_extra(jobs))
        first = _kept(alive)
        if first.phase == WAITING:
            made.tell[member] = first
        return
    fresh = [job for job in jobs if job.handle not in counted]
    if fresh:
        last = fresh[-1]
        made.failed.append(last)
        tries = facts.failures.get(member, (0, 0.0))[0] + 1
        if not last.may_heal or tries > len(PAUSES_SECONDS):
            made.give_up.append(last)
        return
    tries, since = facts.failures.get(member, (0, 0.0))
    if not tries or facts.now - since >= PAUSES_SECONDS[min(tries, len(PAUSES_SECONDS)) - 1]:
        made.submit.append(member)


def _plan_unwanted(made, facts, jobs):
    for job in jobs:
        if not job.is_alive:
            continue
        since = made.unwanted[job.handle] = facts.unwanted.get(job.handle, facts.now)
        if job.phase == WAITING or facts.now - since >= EXIT_SECONDS:
            made.ask.append(job)


def _extra(jobs):
    """Cluster jobs beside the one that is kept. One that runs may be the one that took the member: it is left to end itself."""
    alive = [job for job in jobs if job.is_alive]
    kept = _kept(alive)
    return [job for job in alive if job is not kept and job.phase != RUNNING]


def _kept(alive):
    running = [job for job in alive if job.phase == RUNNING]
    return (running or alive or [None])[0]
