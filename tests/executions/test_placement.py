"""What a dispatcher asks and tells of an execution that waits for a cluster."""

from typing import Any

import pytest
import valohai_yaml
from valohai_yaml.objs.step import Step

from common.errors import FieldsRefused
from common.redis import client
from executions import queue
from executions.models import Execution
from executions.scheduling import workers
from executions.scheduling.facts import load_unfinished
from executions.scheduling.loop import Scheduler
from executions.spec.faults import Faults
from executions.spec.resources import Resources, check_resources, resources_of, with_resources_of_step
from executions.types import Status
from peon.protocol import keys, scripts
from tests.executions.test_agent_api import WORKER, call
from tests.support import factories

pytestmark = pytest.mark.django_db(transaction=True)

DISPATCH = {"partition": "gpu", "cpus": 4}


@pytest.fixture
def environment():
    return factories.make_environment("hpc", kind="slurm", dispatch=DISPATCH)


@pytest.fixture
def make(project, environment):
    commit = factories.make_commit(project)

    def make(status: Status = Status.QUEUED, **fields: Any) -> Execution:
        fields = {"commit": commit, "environment": environment, **fields}
        return factories.make_execution(project, status=status, **fields)

    return make


def report(execution: Execution, state: str, text: Any = "words", **how: Any) -> Any:
    return call(execution, "placement/report", {"state": state, "text": text}, **how)


def fresh(execution: Execution) -> Execution:
    execution.refresh_from_db()
    return execution


class TestAsking:
    def test_what_a_cluster_has_to_be_asked_for(self, make):
        resources = {"cpu": {"min": 1, "max": 2.5}, "memory": {"min": 100}, "devices": {"nvidia.com/gpu": 2}}
        config = {"kubernetes": {"containers": {"workload": {"resources": resources}}}}
        execution = make(runtime_config=config, time_limit_seconds=60)
        assert call(execution, "placement").json() == {
            "kind": "slurm", "configuration": DISPATCH, "image": execution.image, "time_limit_seconds": 60,
            "resources": {"cpus": 2.5, "memory_mb": 100, "devices": {"nvidia.com/gpu": 2}},
        }  # fmt: skip

    def test_no_secret_and_nothing_of_the_user_is_told(self, make):
        execution = make(environment_variables={"PASSWORD": "s3cret"}, title="mine")
        text = call(execution, "placement").content.decode()
        assert "s3cret" not in text
        assert "mine" not in text

    @pytest.mark.parametrize("status", [status for status in Status if status != Status.QUEUED])
    def test_only_while_it_waits(self, make, status):
        answer = call(make(status), "placement")
        assert (answer.status_code, answer.json()["code"]) == (409, "stale")

    def test_not_of_machines_with_agents(self, make):
        execution = make(environment=factories.make_environment("plain"))
        assert call(execution, "placement").status_code == 409
        for state in ("waiting", "refused", "ended", "exceeded"):
            assert report(execution, state).status_code == 409
        assert fresh(execution).status == Status.QUEUED

    def test_not_of_another_attempt(self, make):
        execution = make(epoch=2)
        assert call(execution, "placement", epoch=1).status_code == 409
        assert report(execution, "refused", epoch=1).status_code == 409
        assert fresh(execution).status == Status.QUEUED


class TestTelling:
    def test_why_it_waits(self, make):
        execution = make()
        assert report(execution, "waiting", "Slurm job 7 waits\0.").status_code == 200
        assert fresh(execution).waiting_reason == "Slurm job 7 waits\ufffd."
        assert report(execution, "waiting", "Slurm job 7 waits\0.").status_code == 200

    def test_that_it_is_refused(self, make):
        execution = make()
        queue.enqueue(queue.job_of(execution))
        assert report(execution, "refused", "Invalid partition").status_code == 200
        assert (fresh(execution).status, execution.error_text) == (Status.ERROR, "Invalid partition")
        assert queue.waiting_members("hpc:dispatch") == []

    @pytest.mark.parametrize(("state", "status"), [("ended", Status.CRASHED), ("exceeded", Status.ERROR)])
    def test_that_its_machine_is_gone(self, make, state, status):
        execution = make(Status.STARTED)
        assert report(execution, state, "Slurm job 7 ended").status_code == 200
        assert (fresh(execution).status, execution.error_text) == (status, "Slurm job 7 ended")
        assert execution.log_line_count == 1

    def test_a_stop_that_somebody_asked_for_wins(self, make):
        execution = make(Status.STOPPING)
        report(execution, "exceeded")
        assert fresh(execution).status == Status.STOPPED

    @pytest.mark.parametrize(
        ("status", "state"),
        [
            (Status.STARTED, "waiting"), (Status.STARTED, "refused"), (Status.QUEUED, "ended"),
            (Status.COMPLETE, "ended"), (Status.STOPPED, "refused"), (Status.COMPLETE, "waiting"),
        ],
    )  # fmt: skip
    def test_what_comes_too_late_changes_nothing(self, make, status, state):
        execution = make(status)
        assert report(execution, state).status_code == 409
        assert (fresh(execution).status, execution.error_text) == (status, "")

    @pytest.mark.parametrize(
        ("state", "text"),
        [("complete", "x"), ("", "x"), (None, "x"), ("ended", ""), ("ended", " "), ("ended", 7)],
    )
    def test_bad_reports(self, make, state, text):
        execution = make(Status.STARTED)
        assert report(execution, state, text).status_code == 400
        assert fresh(execution).status == Status.STARTED


class TestQueue:
    def test_agents_that_serve_a_queue_of_the_same_name_do_not_see_it(self, make):
        queue.enqueue(queue.job_of(make()))
        names = [
            keys.queue_leases("hpc"), keys.queue_holders("hpc"), keys.queue_wishes("hpc"), keys.queue("hpc"), keys.queue_tokens("hpc"),
        ]  # fmt: skip
        assert client().eval(scripts.CLAIM, len(names), *names, "worker", 5000) is None
        assert client().exists(keys.queue("hpc")) == 0

    def test_exactly_one_job_is_taken_once(self, make):
        first, second = make(), make()
        for execution in (first, second):
            queue.enqueue(queue.job_of(execution))
        member = queue.job_of(second).member
        assert take(member)[0].decode() == member
        assert take(member) is None
        assert queue.waiting_members("hpc:dispatch") == [queue.job_of(first).member]
        evidence = queue.read_evidence([queue.job_of(second)])
        assert evidence.is_leased(member)
        place = {"slurm_job": "7", "slurm_node": "n1", "cpus": 4}
        worker = {**WORKER, "identity": "slurm-node", "facts": place}
        assert call(second, "claim", {"worker": worker}).status_code == 200
        assert fresh(second).runtime_facts == {"slurm_job": "7", "slurm_node": "n1"}

    def test_the_scheduler_gets_back_what_redis_lost(self, make):
        execution = make()
        Scheduler().turn()
        assert queue.waiting_members("hpc:dispatch") == [queue.job_of(execution).member]

    def test_a_stop_calls_the_dispatcher(self, make):
        job = queue.job_of(make())
        queue.enqueue(job)
        client().delete(keys.queue_bell("hpc:dispatch"))
        queue.clear(job)
        assert client().zcard(keys.queue_bell("hpc:dispatch")) == 1


class TestReasons:
    def test_the_dispatchers_word_stays_while_it_lives(self, make):
        make(waiting_reason="Slurm job 7 waits.")
        (unfinished,) = load_unfinished()
        assert workers.reasons([unfinished], frozenset({"hpc:dispatch"}), {}) == {
            unfinished.id: "Slurm job 7 waits."
        }

    def test_without_one_that_is_the_reason(self, make):
        execution = make(waiting_reason="Slurm job 7 waits.")
        (unfinished,) = load_unfinished()
        told = workers.reasons([unfinished], frozenset({"hpc"}), {})[unfinished.id]
        assert told.startswith("No dispatcher hands over the queue 'hpc' at the moment.")
        Execution.objects.filter(pk=execution.pk).update(waiting_reason=told)
        (unfinished,) = load_unfinished()
        back = workers.reasons([unfinished], frozenset({"hpc:dispatch"}), {})[unfinished.id]
        assert back == workers.WAITS_FOR_DISPATCHER


def step_with(resources: str) -> Step:
    text = f"- step: {{name: train, image: none, command: train, resources: {resources}}}"
    return valohai_yaml.parse(text).steps["train"]


def take(member: str) -> Any:
    names = [
        keys.queue_leases("hpc:dispatch"), keys.queue_holders("hpc:dispatch"),
        keys.queue("hpc:dispatch"), keys.queue_tokens("hpc:dispatch"),
    ]  # fmt: skip
    return client().eval(scripts.CLAIM_MEMBER, len(names), *names, "slurm-node", 5000, member)


class TestResources:
    @pytest.mark.parametrize(
        ("resources", "found"),
        [
            ({}, Resources()),
            ({"devices": {}}, Resources(devices={})),
            ({"cpu": {"min": 1}}, Resources(cpus=1)),
            ({"cpu": {"min": 1, "max": 3}, "memory": {"max": 10.5}}, Resources(cpus=3, memory_mb=11)),
            ({"cpu": "many", "memory": {"max": -1}, "devices": {"gpu": 0}}, Resources()),
            ("none", Resources()),
        ],
    )
    def test_what_is_read(self, resources, found):
        config = {"kubernetes": {"containers": {"workload": {"resources": resources}}}}
        assert resources_of(config) == found

    def test_the_steps_count_where_the_request_says_nothing(self):
        step = step_with("{cpu: {min: 1, max: 2}, memory: {max: 100}, devices: {nvidia.com/gpu: 1}}")
        found = with_resources_of_step({"autorestart": True}, step)
        assert found["autorestart"] is True
        assert resources_of(found) == Resources(2, 100, {"nvidia.com/gpu": 1})
        own = {"kubernetes": {"containers": {"workload": {"resources": {}}}}}
        assert with_resources_of_step(own, step) == own
        beside = {"kubernetes": {"node_selector": "a=b"}}
        assert with_resources_of_step(beside, step)["kubernetes"]["node_selector"] == "a=b"
        assert beside == {"kubernetes": {"node_selector": "a=b"}}
        assert with_resources_of_step({}, step_with("{}")) == {}

    @pytest.mark.parametrize(
        "resources",
        [
            "many", [], {"cpu": 2}, {"cpu": {"min": 0}}, {"cpu": {"max": True}}, {"memory": {"max": "1G"}},
            {"memory": {"max": 1e300}}, {"devices": ["gpu"]}, {"devices": {"gpu": 1.5}}, {"devices": {"gpu": 10**9}},
        ],
    )  # fmt: skip
    def test_what_makes_no_sense_is_refused(self, resources):
        faults = Faults()
        check_resources({"kubernetes": {"containers": {"workload": {"resources": resources}}}}, faults)
        with pytest.raises(FieldsRefused) as refused:
            faults.raise_if_any()
        assert list(refused.value.faults) == ["runtime_config"]

    @pytest.mark.parametrize("config", [{}, {"kubernetes": None}, {"kubernetes": {"containers": []}}])
    def test_nothing_said(self, config):
        assert resources_of(config) == Resources()
