"""`peon doctor` names what is wrong with a machine and what mends it."""

import json
import os
import subprocess
import sys
import time

import pytest

from peon.credential import Credential
from tests.agent.test_every_python import find_interpreter
from tests.support.agent_build import packed_agent

KNOWN = Credential("box-1", "secret", "", ["local"])


@pytest.fixture
def healthy(own_platform):
    own_platform.serve("/healthz", b"ok")
    own_platform.serve("/probe-file", b"reachable")
    answers(own_platform)
    return own_platform


def answers(platform, ahead=0, status=200, **changes):
    """What the platform says to the worker's question."""
    body = {
        "identity": "box-1", "queues": ["local"], "store": {"url": platform.url + "/probe-file", "headers": {}},
    }  # fmt: skip
    platform.files["/api/agent/v1/worker/probe"] = lambda handler: handler._answer(
        status, {"time": time.time() + ahead, **body, **changes}
    )


@pytest.fixture
def doctor(healthy, tmp_path):
    """Findings by name, and the exit code."""

    def doctor(credential=KNOWN, python=(sys.executable, "-m", "peon"), **settings):
        if credential is not None:
            Credential(
                credential.identity,
                credential.secret,
                settings.pop("redis_url", healthy.redis_server.url),
                ["local"],
            ).save(tmp_path / "peon")
        environment = {
            "PATH": "/usr/bin:/bin", "PYTHONPATH": os.environ.get("PYTHONPATH", ""), "RUNTIME": "process",
            "PEON_DIR": str(tmp_path / "peon"), "APP_URL": healthy.url, "REDIS_URL": healthy.redis_server.url, **settings,
        }  # fmt: skip
        done = subprocess.run(
            [*python, "doctor", "--json", "--config", "/nonexistent"],
            env=environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.stdout, done.stderr
        said = json.loads(done.stdout)
        assert (done.returncode == 0) == said["ok"]
        return {finding["name"]: finding for finding in said["findings"]}

    return doctor


def failed(findings):
    return {name for name, finding in findings.items() if finding["level"] == "failed"}


def test_a_machine_that_works(doctor):
    findings = doctor()
    assert failed(findings) == set()
    assert {"Python", "settings", "disk", "application", "clock", "identity", "store", "Redis"} <= set(
        findings
    )
    assert findings["clock"]["text"] == "agrees with the application's"


def test_on_the_oldest_python_too(doctor):
    interpreter = find_interpreter("3.6")
    if interpreter is None:
        pytest.skip("no CPython 3.6 on this machine")
    assert failed(doctor(python=(interpreter, str(packed_agent())), PYTHONPATH="")) == set()


def test_for_people(healthy, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "peon", "doctor", "--config", "/nonexistent"],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": os.environ.get("PYTHONPATH", ""), "PEON_DIR": str(tmp_path), "RUNTIME": "process",
             "APP_URL": "http://127.0.0.1:9", "REDIS_URL": healthy.redis_server.url},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "FAILED   application  127.0.0.1:9 does not take the connection" in done.stdout
    assert "-> Is it running" in done.stdout


@pytest.mark.parametrize(("ahead", "words"), [(3610, "1 h 0 min behind"), (-3610, "1 h 0 min ahead of")])
def test_a_clock_that_is_an_hour_off(doctor, healthy, ahead, words):
    answers(healthy, ahead)
    findings = doctor()
    assert failed(findings) == {"clock"}
    assert words in findings["clock"]["text"]
    assert "NTP" in findings["clock"]["remedy"]


def test_a_revoked_worker(doctor, healthy):
    answers(healthy, 0, 401, code="worker_revoked", message="The worker box-1 was revoked.")
    findings = doctor()
    assert failed(findings) == {"identity"}
    assert findings["identity"]["text"] == "The worker box-1 was revoked."


def test_queues_that_it_is_not_enrolled_for(doctor):
    findings = doctor(QUEUES="local,other")
    assert failed(findings) == {"queues"}
    assert "other" in findings["queues"]["text"]
    assert findings["queues"]["remedy"] == "Set QUEUES=local."


def test_a_store_that_a_firewall_hides(doctor, healthy):
    answers(healthy, store={"url": "http://127.0.0.1:9/probe?signature=s3cret", "headers": {}})
    findings = doctor()
    assert failed(findings) == {"store"}
    assert "s3cret" not in str(findings)


def test_a_name_that_is_nowhere(doctor):
    findings = doctor(APP_URL="http://no-such-host.invalid")
    assert failed(findings) == {"application"}
    assert "no address for no-such-host.invalid" in findings["application"]["text"]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://no-such-host.invalid:1", "no address for"),
        ("redis://127.0.0.1:9", "does not take the connection"),
    ],
)
def test_a_redis_that_is_not_there(doctor, url, words):
    findings = doctor(redis_url=url)
    assert failed(findings) == {"Redis"}
    assert words in findings["Redis"]["text"]


def test_a_wrong_password_is_not_repeated(doctor, healthy):
    healthy.redis.execute_command("ACL", "SETUSER", "box", "on", ">right", "~*", "+@all")
    url = healthy.redis_server.url.replace("//", "//box:wrong-one@")
    findings = doctor(redis_url=url)
    assert failed(findings) == {"Redis"}
    assert "refuses the user or the password" in findings["Redis"]["text"]
    assert "wrong-one" not in str(findings)


def test_a_user_of_another_queue(doctor, healthy):
    healthy.redis.execute_command("ACL", "SETUSER", "box", "on", ">right", "~vh:queue:other*", "+@all")
    findings = doctor(redis_url=healthy.redis_server.url.replace("//", "//box:right@"))
    assert failed(findings) == {"Redis"}
    assert "may not serve the queue local" in findings["Redis"]["text"]


def test_a_full_disk_is_a_warning(doctor):
    findings = doctor(DISK_FREE_MIN="99.9%")
    assert failed(findings) == set()
    assert findings["disk"]["level"] == "warning"


def test_docker_that_is_asked_for_and_not_there(doctor):
    findings = doctor(RUNTIME="docker", DOCKER_HOST="unix:///nowhere.sock")
    assert failed(findings) == {"Docker"}
    assert "RUNTIME=process" in findings["Docker"]["remedy"]


class TestGpus:
    """No GPU is in the machines that test this: a program stands for NVIDIA's tool."""

    @pytest.fixture
    def tool(self, tmp_path):
        def tool(script):
            folder = tmp_path / "bin"
            folder.mkdir()
            (folder / "nvidia-smi").write_text("#!/bin/sh\n" + script)
            (folder / "nvidia-smi").chmod(0o755)
            return f"{folder}:/usr/bin:/bin"

        return tool

    def test_it_counts_them(self, doctor, tool):
        findings = doctor(PATH=tool("echo '0, NVIDIA L4, 23034'; echo '1, NVIDIA L4, 23034'"))
        assert findings["GPU"]["text"] == "2 x NVIDIA L4"

    def test_a_driver_that_does_not_fit(self, doctor, tool):
        findings = doctor(PATH=tool("echo 'Driver/library version mismatch'; exit 18"))
        assert failed(findings) == {"GPU"}
        assert "version mismatch" in findings["GPU"]["text"]

    def test_one_agent_too_many(self, doctor, tool):
        path = tool("echo '0, NVIDIA L4, 23034'")
        findings = doctor(PATH=path, SINGLE_GPU_PER_PEON="true", PEON_INSTANCE="1")
        assert failed(findings) == {"GPU"}
        assert "this agent is to use GPU 1" in findings["GPU"]["text"]

    def test_one_asked_for_where_there_is_none(self, doctor):
        findings = doctor(SINGLE_GPU_PER_PEON="true")
        assert failed(findings) == {"GPU"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("DISK_FREE_MIN", "many"), ("DISK_FREE_MIN", "100%"), ("DISK_FREE_MIN", "-1%"), ("SINGLE_GPU_PER_PEON", "perhaps"),
     ("ALLOW_MOUNTS", "2"), ("PEON_EXTRA_CONFIG", "[1]"), ("PEON_EXTRA_CONFIG", "{"), ("APP_CA_FILE", "/nowhere"),
     ("REDIS_CA_FILE", "/nowhere")],
)  # fmt: skip
def test_settings_that_make_no_sense_are_named(doctor, name, value):
    if name == "PEON_EXTRA_CONFIG":
        with pytest.raises(AssertionError, match="PEON_EXTRA_CONFIG is no JSON object"):
            doctor(**{name: value})
        return
    findings = doctor(**{name: value})
    assert failed(findings) == {"settings"}
    assert name in findings["settings"]["text"]


def test_extra_configuration_counts_above_the_file_and_below_the_environment(tmp_path):
    from peon.config import load

    file = tmp_path / "peon.config"
    file.write_text(
        "REDIS_URL=redis://file\nAPP_URL=http://file\nCLOUD=ec2\nALLOW_MOUNTS=false\n"
        'PEON_EXTRA_CONFIG={"ALLOW_MOUNTS": "true", "CLOUD": "none", "DISK_FREE_MIN": "20%"}\n'
    )
    settings = load({"CLOUD": "gce", "PEON_DIR": str(tmp_path)}, str(file))
    assert (settings.allows_mounts, settings.cloud, str(settings.disk_free_min)) == (True, "gce", "20%")
