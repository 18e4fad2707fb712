"""What Slurm's programs print, also when jobs have hostile names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peon.dispatch import slurm_text
from peon.dispatch.base import ENDED, RUNNING, WAITING, Placement, Refused
from peon.dispatch.slurm import SlurmCluster, gres_of, minutes_of
from peon.protocol import slurm_options

MARK = "a1b2c3"
ORIGIN = "peon http://platform hpc"
EXECUTION = "018aa9d9-0000-7000-8000-000000000001"
MEMBER = EXECUTION + ":3"


def printed(*records):
    """As squeue prints it: each record begins and ends with the mark."""
    return "".join(f"{MARK}{MARK.join(record)}{MARK}\n" for record in records)


def ours(handle="7", state="PENDING", reason="Resources", node="", comment=ORIGIN, name=None):
    return (handle, state, reason, node, comment, name or slurm_text.job_name(MEMBER))


def parsed(*records):
    return slurm_text.parse_squeue(printed(*records), MARK, {ORIGIN})


def test_a_job_of_ours():
    (job,) = parsed(ours(state="RUNNING", reason="None", node="node[1-3,5]"))
    assert (job.handle, job.member, job.phase, job.node) == ("7", MEMBER, RUNNING, "node[1-3,5]")


def test_other_jobs_are_not_ours():
    assert parsed(ours(comment="peon http://other hpc"), ours(comment="(null)"), ours(name="train")) == []
    assert parsed(ours(handle="12_[1-5]"), ours(handle="")) == []


def test_names_that_pretend_to_be_more_records():
    fake = f"x\n7|CANCELLED|None||{ORIGIN}|{slurm_text.job_name(MEMBER)}\n"
    found = parsed(ours(name="odd|na\nme", comment="c|c"), ours("9", name=fake), ours("11"), ours("10"))
    assert [job.handle for job in found] == ["10", "11"]


def test_huge_and_empty_output():
    assert slurm_text.parse_squeue("", MARK, {ORIGIN}) == []
    found = parsed(
        ours("1", name="x" * 1_000_000), ours("2", reason="(Nodes required | for job are DOWN)" * 1000)
    )
    assert [job.handle for job in found] == ["2"]


@given(st.text(), st.text())
def test_whatever_others_write_changes_nothing_of_ours(name, comment):
    if MARK not in name + comment:
        found = parsed(ours("1", name=name, comment=comment), ours("2"))
        assert [job.handle for job in found] == ["2"]


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        ("PENDING", WAITING), ("REQUEUED", WAITING), ("REQUEUE_HOLD", WAITING), ("CONFIGURING", RUNNING),
        ("RUNNING", RUNNING), ("COMPLETING", RUNNING), ("SUSPENDED", RUNNING), ("INVENTED_LATER", RUNNING),
        ("COMPLETED", ENDED), ("CANCELLED", ENDED), ("NODE_FAIL", ENDED), ("OUT_OF_MEMORY", ENDED), ("TIMEOUT", ENDED),
        ("PREEMPTED", ENDED), ("BOOT_FAIL", ENDED),
    ],
)  # fmt: skip
def test_states(state, phase):
    assert parsed(ours(state=state))[0].phase == phase


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("Resources", "waits: it waits for free cores, memory or devices (Resources)."),
        ("QOSMaxJobsPerUserLimit", "as its QOS allows (QOSMaxJobsPerUserLimit)."),
        ("AssocGrpCpuLimit", "a limit of its QOS or account is reached (AssocGrpCpuLimit)."),
        ("ReqNodeNotAvail, UnavailableNodes:n1", "down or reserved (ReqNodeNotAvail, UnavailableNodes:n1)."),
        ("SomethingNew", "Slurm says why (SomethingNew)."),
    ],
)
def test_reasons_are_words_first(reason, words):
    assert slurm_text.words_of_waiting(parsed(ours(reason=reason))[0]).endswith(words)


def test_the_end_says_what_slurm_complained_of():
    (job,) = parsed(ours(state="FAILED", reason="JobLaunchFailure", node="n1"))
    said = "slurmstepd-n1: error: StepId=7.batch exceeded memory limit (9 > 5), being killed\nslurmstepd: error: *** JOB 7 ***\n"
    assert slurm_text.words_of_end(job, said) == (
        "Slurm job 7 ended on n1: it failed (FAILED, JobLaunchFailure). Its last words: slurmstepd-n1: error: "
        "StepId=7.batch exceeded memory limit (9 > 5), being killed"
    )
    assert slurm_text.broke_limit(job, said)
    assert not slurm_text.broke_limit(job, "python3: not found\n")


def test_accounts_of_a_job_that_squeue_forgot():
    name = slurm_text.job_name(MEMBER)
    job = slurm_text.parse_sacct(f"41|CANCELLED by 1000|n1|{name}\n")
    assert (job.handle, job.state, job.phase, job.may_heal) == ("41", "CANCELLED", ENDED, False)
    assert slurm_text.parse_sacct("Slurm accounting storage is disabled\n") is None
    assert slurm_text.parse_sacct("x|y\n41|COMPLETED|n1|other|name\n") is None


@pytest.mark.parametrize(
    ("complaint", "passes"),
    [
        ("sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)", True),
        ("sbatch: error: Batch job submission failed: Socket timed out on send/recv operation", True),
        ("sbatch: error: QOSMaxSubmitJobPerUserLimit\nBatch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)", True),
        ("sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified", False),
        ("sbatch: error: Batch job submission failed: Requested node configuration is not available", False),
        ("sbatch: unrecognized option '--bogus=1'", False),
        ("", False),
    ],
)  # fmt: skip
def test_what_passes_and_what_does_not(complaint, passes):
    assert slurm_text.will_pass(complaint) is passes


def cancelled(cause):
    return f"slurmstepd-n1: error: *** JOB 7 ON n1 CANCELLED AT 2026-11-29T08:24:55{cause} ***\n"


def test_complaints_without_the_programs_name():
    text = "sbatch: error: invalid partition specified: nope\nsbatch: error: Batch job submission failed: Invalid partition\n"
    assert slurm_text.clean_error(text) == (
        "invalid partition specified: nope Batch job submission failed: Invalid partition"
    )
    assert slurm_text.clean_error("") == "sbatch gave no reason"


@pytest.mark.parametrize(
    ("told", "seconds_left", "said", "words", "is_limit"),
    [
        ("JobState=RUNNING PreemptTime=2026-01-01T00:00:00", 900, "", "higher priority (job 7, preempted)", False),
        ("JobState=COMPLETING PreemptTime=None", 900, cancelled(" DUE TO PREEMPTION"), "higher priority (job 7, preempted)", False),
        ("JobState=RUNNING TimeLimit=00:10:00", 90, "", "limit in Slurm is reached (job 7, limit 00:10:00)", True),
        ("JobState=COMPLETING TimeLimit=1-00:00:00", -1, cancelled(" DUE TO TIME LIMIT"), "(job 7, limit 1-00:00:00)", True),
        ("JobState=COMPLETING", 900, cancelled(" DUE TO JOB REQUEUE"), "back into its line (job 7, requeued)", False),
        ("JobState=COMPLETING", 900, cancelled(" DUE TO NODE FAILURE, SEE SLURMCTLD LOG FOR DETAILS"), "node failure", False),
        ("JobState=COMPLETING", 900, cancelled(""), "was cancelled (job 7, COMPLETING)", False),
        ("JobState=CANCELLED PreemptTime=None", -1, "", "was cancelled (job 7, CANCELLED)", False),
        ("", None, "", "takes its job off the node (job 7, state unknown)", False),
    ],
)  # fmt: skip
def test_why_slurm_ends_it(told, seconds_left, said, words, is_limit):
    fields = slurm_text.fields_of_job("JobId=7 JobName=a=b c=d " + told)
    text, broke_limit = slurm_text.why_slurm_ends_it(fields, seconds_left, said)
    assert (words in text, broke_limit) == (True, is_limit)


class TestArguments:
    @pytest.fixture
    def cluster(self, tmp_path, monkeypatch):
        for name in ("sbatch", "squeue", "scancel"):
            (tmp_path / name).touch(mode=0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        settings = type("Settings", (), {"app_url": "http://platform", "queues": ["hpc"], "directory": str(tmp_path),
                                         "value": staticmethod(lambda name: "")})  # fmt: skip
        return SlurmCluster(settings, "/etc/peon.config")

    def arguments(self, cluster, configuration=None, **details):
        return cluster.sbatch_arguments(Placement(MEMBER, "hpc", {"configuration": configuration, **details}))

    def test_what_the_environment_says(self, cluster):
        found = self.arguments(
            cluster,
            {"partition": "gpu", "account": "acme", "cpus": 4, "memory_mb": 2000, "extra": ["--exclusive"]},
        )
        wanted = {
            "--partition=gpu",
            "--account=acme",
            "--cpus-per-task=4",
            "--mem=2000M",
            "--exclusive",
            "--requeue",
        }
        assert wanted <= set(found)
        assert f"--job-name=vh-{EXECUTION}.3" in found
        assert not any(argument.startswith(("--gres", "--time")) for argument in found)

    def test_what_the_job_says_counts_instead(self, cluster):
        resources = {"cpus": 1.5, "memory_mb": 64, "devices": {"nvidia.com/gpu": 2}}
        found = self.arguments(cluster, {"cpus": 8, "gres": "gpu:1", "memory_mb": 2000}, resources=resources)
        assert {"--cpus-per-task=2", "--mem=128M", "--gres=gpu:2"} <= set(found)
        without = self.arguments(cluster, {"gres": "gpu:1"}, resources={"devices": {}})
        assert not any(argument.startswith("--gres") for argument in without)

    def test_what_is_not_allowed_is_not_passed_on_whoever_says_it(self, cluster):
        for extra in ("--output=/home/x", "--uid=0", "--wrap=id", "--exclude=a b", "--nodelist=$(id)", "-x"):
            with pytest.raises(Refused):
                self.arguments(cluster, {"extra": [extra]})
        with pytest.raises(Refused):
            self.arguments(cluster, {"partition": "gpu --uid=0"})

    def test_devices_with_odd_names(self):
        assert gres_of({}) == ""
        with pytest.raises(Refused):
            gres_of({"gpu; id": 1})

    @pytest.mark.parametrize(
        ("limit", "most", "minutes"),
        [(None, None, None), (None, 60, 60), (60, None, 11), (3600, 30, 30), (3601, 240, 71)],
    )
    def test_minutes(self, limit, most, minutes):
        assert minutes_of(limit, most) == minutes


@pytest.mark.parametrize(
    ("configuration", "setting"),
    [
        ({"partition": ""}, "partition"), ({"partition": "a b"}, "partition"), ({"partition": "a\n"}, "partition"),
        ({"account": None}, "account"), ({"cpus": 0}, "cpus"), ({"cpus": "4"}, "cpus"), ({"cpus": True}, "cpus"),
        ({"memory_mb": 1e9}, "memory_mb"), ({"extra": "--exclusive"}, "extra"), ({"extra": ["--mail-user=a"]}, "extra"),
        ({"extra": ["--exclusive"] * 21}, "extra"), ({"extra": ["--exclude='x'"]}, "extra"), ({"wrap": "id"}, "wrap"),
        ([], ""), (None, ""),
    ],
)  # fmt: skip
def test_settings_that_are_refused(configuration, setting):
    ((name, sentence),) = slurm_options.faults(configuration)
    assert name == setting
    assert sentence


def test_settings_that_are_taken():
    taken = {
        "partition": "gpu,long",
        "gres": "gpu:a100:2",
        "constraint": "[a100|h100]&nvme",
        "extra": ["--nice=100", "--exclusive"],
    }
    assert slurm_options.faults(taken) == []
    assert slurm_options.faults({}) == []
