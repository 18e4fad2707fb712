"""Reads what Slurm's programs print, and says it in words for people. Pure.

Names and comments of jobs are free text, also with separators and line breaks in them. So fields and records are divided by a
word that is made up anew for each call, and cannot stand in what was written before.
"""

import re

from peon.dispatch.base import ENDED, RUNNING, WAITING, ClusterJob

FIELDS = ("%A", "%T", "%r", "%N", "%k", "%j")  # id, state, reason, nodes, comment, name
NAME = "vh-{}"
_NAME = re.compile(r"vh-([0-9a-f-]{36})\.([0-9]{1,9})\Z")
MOST_TEXT = 2000
NEAR_LIMIT_SECONDS = 300

_CAUSE = re.compile(
    r"\*\*\* (?:JOB|STEP) \S+ ON \S+ CANCELLED AT \S+(?: DUE TO ([A-Z ]+?))?,? (?:SEE .*?)?\*\*\*"
)
_WAITING_STATES = frozenset(
    ["PENDING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT"]
)
_ENDED_STATES = frozenset(
    [
        "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "REVOKED", "TIMEOUT",
    ]
)  # fmt: skip
_FOR_GOOD = frozenset(["CANCELLED", "DEADLINE", "REVOKED"])
_REASONS_FOR_GOOD = frozenset(["BadConstraints", "InvalidAccount", "InvalidQOS"])

_STATES = {
    "BOOT_FAIL": "its node could not be started",
    "CANCELLED": "it was cancelled in Slurm",
    "COMPLETED": "it ended by itself",
    "DEADLINE": "it could not be run before its deadline in Slurm",
    "FAILED": "it failed",
    "NODE_FAIL": "its node failed",
    "OUT_OF_MEMORY": "it used more memory than it had asked for and was killed",
    "PREEMPTED": "Slurm needed the node for a job of higher priority",
    "REVOKED": "another cluster took it",
    "TIMEOUT": "it reached its time limit in Slurm",
}
_REASONS = {
    "None": "Slurm has not looked at it yet",
    "BadConstraints": "no node can have what it asks for",
    "BeginTime": "it may not begin yet",
    "InvalidAccount": "its account is not valid",
    "InvalidQOS": "its QOS is not valid",
    "JobHeldAdmin": "an administrator of the cluster holds it back",
    "JobHeldUser": "somebody holds it back",
    "Licenses": "it waits for a licence",
    "NodeDown": "the node it needs is down",
    "NonZeroExitCode": "its program ended with an error",
    "PartitionConfig": "the partition does not allow what it asks for; this lasts until one of the two is changed",
    "PartitionDown": "the partition is down",
    "PartitionInactive": "the partition takes no jobs now",
    "PartitionNodeLimit": "it asks for more nodes than the partition has",
    "PartitionTimeLimit": "it asks for more time than the partition allows",
    "Priority": "jobs of higher priority come first",
    "QOSMaxJobsPerUserLimit": "as many jobs run for the account that submits as its QOS allows",
    "ReqNodeNotAvail": "a node it needs is down or reserved",
    "Reservation": "it waits for its reservation",
    "Resources": "it waits for free cores, memory or devices",
    "launch failed requeued held": "its start on a node failed, and it is held back until an administrator releases it",
}

_WILL_PASS = (
    "unable to contact slurm controller", "connection refused", "connection timed out", "socket timed out", "zero bytes were",
    "temporarily unable", "resource temporarily unavailable", "slurm backup controller in standby", "transport endpoint",
    "unable to connect", "munge", "protocol authentication error", "job submit limit", "maximum number of jobs", "try again",
    "not available now", "partition not available", "timeout", "timed out", "ran for more than",
)  # fmt: skip


def squeue_format(mark):
    return mark + mark.join(FIELDS) + mark


def parse_squeue(text, mark, origins):
    """The jobs whose comment is one of `origins`, oldest first; `mark` is the word of `squeue_format`."""
    jobs = []
    for record in text.split(mark + "\n" + mark):
        fields = record.split(mark)
        fields = fields[1:] if fields and not fields[0] else fields
        if len(fields) < len(FIELDS) or not fields[0].isdigit():
            continue
        handle, state, reason, node, comment, name = fields[: len(FIELDS)]
        member = member_in(name)
        if member and comment in origins:
            jobs.append(cluster_job(handle, member, state, reason, node))
    return sorted(jobs, key=lambda job: int(job.handle))


def parse_sacct(text):
    """The job of `sacct --parsable2 --noheader --allocations --format=JobIDRaw,State,NodeList,JobName`, or None."""
    for line in text.splitlines():
        fields = line.split("|", 3)
        if len(fields) == 4 and fields[0].isdigit():
            member = member_in(fields[3].strip())
            state = (fields[1].split() or [""])[0].rstrip("+")
            if member:
                return cluster_job(fields[0], member, state, "", fields[2])
    return None


def cluster_job(handle, member, state, reason, node):
    if state in _WAITING_STATES:
        phase = WAITING
    elif state in _ENDED_STATES:
        phase = ENDED
    else:
        phase = RUNNING  # also one that a newer Slurm has invented: neither submitted again nor cancelled
    may_heal = state not in _FOR_GOOD and reason not in _REASONS_FOR_GOOD
    return ClusterJob(handle, member, phase, state, reason, "" if node == "(null)" else node, may_heal)


def job_name(member):
    return NAME.format(member.replace(":", "."))


def member_in(name):
    """The member that a job's name carries, or None when it is no job of ours."""
    matched = _NAME.match(name)
    return "{}:{}".format(*matched.groups()) if matched else None


def words_of_waiting(job):
    return "Slurm job {} waits: {} ({}).".format(
        job.handle, reason_words(job.reason), job.reason or "no reason given"
    )


def reason_words(reason):
    code = reason.strip("()").partition(",")[0]
    if code in _REASONS:
        return _REASONS[code]
    if code.startswith(("QOS", "Assoc")) or "Limit" in code:
        return "a limit of its QOS or account is reached"
    return "Slurm says why"


def words_of_end(job, said=""):
    """`said`: the end of what Slurm wrote into the job's output."""
    where = " on {}".format(job.node) if job.node else ""
    code = job.state if job.reason in ("", "None", job.state) else "{}, {}".format(job.state, job.reason)
    known = _STATES.get(job.state, "it ended")
    words = "Slurm job {} ended{}: {} ({}).".format(job.handle, where, known, code)
    line = telling_line(said)
    return "{} Its last words: {}".format(words, line) if line else words


def broke_limit(job, said=""):
    # Without control groups Slurm calls a job that used too much memory FAILED, and only complains in its output.
    return job.state in ("DEADLINE", "OUT_OF_MEMORY", "TIMEOUT") or "memory limit" in telling_line(said)


def telling_line(output):
    """What explains an end best in a job's output: Slurm's own complaint, else the last line."""
    lines = [" ".join(line.split()) for line in output.splitlines() if line.strip()]
    complaints = [line for line in lines if line.startswith("slurmstepd") and "***" not in line]
    chosen = complaints[0] if complaints else lines[-1] if lines else ""
    return chosen[:300]


def clean_error(text):
    """What sbatch says, without its own name in front of each line."""
    lines = [re.sub(r"\Asbatch: (error: )?", "", line.strip()) for line in text.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith('Try "')]
    return " ".join(dict.fromkeys(lines))[:MOST_TEXT] or "sbatch gave no reason"


def will_pass(error):
    """Whether what one of Slurm's programs complains about may be over a little later."""
    text = error.lower()
    return any(sign in text for sign in _WILL_PASS)


def fields_of_job(text):
    """The fields of `scontrol --oneliner show job` whose values have no spaces, by name."""
    return dict(re.findall(r"(?:\A|\s)([A-Z][A-Za-z:/]*)=(\S*)", text))


def why_slurm_ends_it(fields, seconds_left, said=""):
    """In words, while the job still runs, and whether it is a limit.

    `fields`: of `scontrol show job`; `seconds_left`: until its time limit in Slurm; `said`: the end of the job's output, where Slurm
    writes why it sends a signal.
    """
    handle, state = fields.get("JobId", ""), fields.get("JobState", "state unknown")
    causes = _CAUSE.findall(said)
    cause = causes[-1] if causes else ""
    is_near = seconds_left is not None and seconds_left < NEAR_LIMIT_SECONDS
    if cause == "PREEMPTION" or fields.get("PreemptTime", "None") not in ("None", "", "N/A", "Unknown"):
        return "Slurm needs the node for a job of higher priority (job {}, preempted).".format(handle), False
    if cause == "TIME LIMIT" or (state in ("RUNNING", "TIMEOUT") and is_near):
        limit = fields.get("TimeLimit", "?")
        return "Its time limit in Slurm is reached (job {}, limit {}).".format(handle, limit), True
    if cause == "JOB REQUEUE":
        return "Slurm took its job off the node, back into its line (job {}, requeued).".format(handle), False
    if cause == "NODE FAILURE":
        return "Slurm gave the node up (job {}, node failure).".format(handle), False
    if causes or state in ("CANCELLED", "COMPLETING"):
        return "Its job in Slurm was cancelled (job {}, {}).".format(handle, state), False
    return "Slurm takes its job off the node (job {}, {}).".format(handle, state), False
