"""Jobs from the queue to their end, by a real agent in the process runtime."""

import json
import os
import textwrap
import uuid

import pytest
import yaml

PRINT_PROCESSES = "for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; echo; done"


def test_job_runs_to_its_end(platform, agent):
    job = platform.add_job(
        "echo hello; echo oops >&2; python train.py", code={"train.py": "print('trained')\n"}
    )
    finish = job.wait()
    assert (finish["status"], finish["exit_code"]) == ("complete", 0)
    assert job.lines("o") == ["hello", "trained"]
    assert job.lines("e") == ["oops"]
    assert job.segments[-1]["k"] == "finish"
    expected = ["starting job on", "free disk space", "downloading code", "starting the command",
                "process finished with return code 0", "no output files", "completed in"]  # fmt: skip
    told = [next(i for i, line in enumerate(job.lines("s")) if phrase in line) for phrase in expected]
    assert told == sorted(told)


def test_one_shell_for_all_lines_and_the_last_one_decides(platform, agent):
    job = platform.add_job("export A=1\ncd /tmp\nfalse\necho $A $PWD")
    assert job.wait()["status"] == "complete"
    assert job.lines("o") == ["1 /tmp"]


def test_failing_command_is_an_error(platform, agent):
    finish = platform.add_job("exit 3").wait()
    assert (finish["status"], finish["exit_code"]) == ("error", 3)
    assert "exit code 3" in finish["reason"]


def test_command_that_does_not_exist(platform, agent):
    job = platform.add_job("no-such-program --x")
    finish = job.wait()
    assert (finish["status"], finish["exit_code"]) == ("error", 127)
    assert "not found" in finish["reason"]
    assert "no-such-program" in "\n".join(job.lines("e"))


def test_shebang_is_kept(platform, agent):
    job = platform.add_job("#!/usr/bin/env python3\nimport sys\nprint(sys.argv[0])")
    assert job.wait()["status"] == "complete"
    assert job.lines("o") == ["/valohai/.run/command"]


def test_interpreter_that_does_not_exist(platform, agent):
    finish = platform.add_job("#!/no/such/interpreter\nx").wait()
    assert finish["status"] == "error"
    assert "could not be started" in finish["reason"]


def test_directories_and_variables_of_the_contract(platform, agent):
    job = platform.add_job(
        "pwd; env; echo x > repo.txt; ls /valohai", variables={"COLOUR": "blue and 'green'"}
    )
    assert job.wait()["status"] == "complete"
    lines = job.lines("o")
    assert lines[0] == "/valohai/repository"
    for part in ("config", "inputs", "outputs", "repository"):
        assert f"VH_{part.upper()}_DIR=/valohai/{part}" in lines
        assert part in lines
    assert "COLOUR=blue and 'green'" in lines
    assert "VH_JOB_ID=exec-" + job.id in lines


def test_agents_own_secrets_stay_with_the_agent(platform, agent):
    job = platform.add_job("env; " + PRINT_PROCESSES)
    job.wait()
    shown = "\n".join(job.lines("o"))
    assert "AGENT_SECRET" not in shown
    assert "REDIS_URL" not in shown
    assert "token-" not in shown


def test_job_sees_its_own_processes_only(platform, agent):
    job = platform.add_job("echo $$; ls -d /proc/[0-9]* | wc -l")
    job.wait()
    shell, count = job.lines("o")
    assert int(shell) <= 3
    assert int(count) <= 5


def test_host_is_not_changed(platform, agent):
    name = "/peon-test-" + uuid.uuid4().hex
    job = platform.add_job(f"mkdir {name} && ls -d {name}")
    assert job.wait()["status"] == "complete"
    assert not os.path.exists(name)
    assert os.path.exists("/valohai") is False or not os.listdir("/valohai")


def test_config_files_and_their_twins(platform, agent):
    config = {
        "execution": {"valohai.execution-id": "x", "valohai.execution-title": None},
        "parameters": {
            "epochs": 5,
            "lr": 1e-05,
            "names": ["a", "b"],
            "flag": True,
            "text": "a: b # c\nnew",
            "none": None,
        },
        "runtime": {},
        "api": {
            "set_status_detail": {"method": "POST", "url": "http://x/", "headers": {"Authorization": "Job t"}}
        },
    }
    job = platform.add_job(
        "cd /valohai/config; mkdir /valohai/outputs/c; cp * /valohai/outputs/c", config=config
    )
    assert job.wait()["status"] == "complete"
    for name in ("execution", "parameters", "runtime", "api", "inputs"):
        as_json = json.loads(job.content(f"c/{name}.json"))
        assert yaml.safe_load(job.content(f"c/{name}.yaml")) == as_json
    parameters = json.loads(job.content("c/parameters.json"))
    assert parameters == {name: value for name, value in config["parameters"].items() if value is not None}
    assert json.loads(job.content("c/api.json")) == config["api"]


def test_code_is_cached_and_each_job_has_its_own_copy(platform, agent):
    code = {"a.txt": f"original {uuid.uuid4()}\n", "deep/b.txt": "b"}
    first = platform.add_job("cat a.txt deep/b.txt; echo changed > a.txt; rm deep/b.txt", code=code)
    first.wait()
    second = platform.add_job("cat a.txt deep/b.txt", code=code)
    assert second.wait()["status"] == "complete"
    assert second.lines("o") == first.lines("o")
    assert any("found in cache" in line for line in second.lines("s"))


def test_damaged_code_ends_in_a_clear_error(platform, agent, monkeypatch):
    job_code = b"this is no archive"
    finish = platform.add_job("true", code=job_code).wait()
    assert finish["status"] == "error"
    assert "not a readable tar.gz" in finish["reason"]


def test_million_lines_arrive_in_order(platform, agent):
    job = platform.add_job(
        "python -c \"import sys; sys.stdout.write(''.join('line %d\\n' % i for i in range(1000000)))\""
    )
    assert job.wait(90)["status"] == "complete"
    assert job.lines("o") == [f"line {number}" for number in range(1_000_000)]


def test_lines_of_both_streams_have_strictly_increasing_times(platform, agent):
    job = platform.add_job("for i in $(seq 300); do echo out $i; echo err $i >&2; done")
    job.wait()
    assert job.lines("o") == [f"out {i}" for i in range(1, 301)]
    assert job.lines("e") == [f"err {i}" for i in range(1, 301)]
    last = 0
    for segment in job.segments:
        assert segment["t"] > last
        last = segment["t"] + (segment["p"].count("\n") if "p" in segment else 0)


def test_hundred_megabyte_line_and_bytes_that_are_no_text(platform, agent):
    command = textwrap.dedent(r"""
        python - <<'END'
        import sys
        out = sys.stdout.buffer
        out.write(b"\x00nul\xff\xfe\n")
        for _ in range(100): out.write(b"x" * 1000000)
        out.write(b"\nend\n")
        END
    """)
    job = platform.add_job(command)
    assert job.wait(60)["status"] == "complete"
    lines = job.lines("o")
    assert lines[0] == "\ufffdnul\ufffd\ufffd"
    assert lines[-1] == "end"
    assert sum(len(line) for line in lines[1:-1]) == 100_000_000
    assert max(len(line.encode()) for line in lines) <= 65536


def test_line_limit_of_the_environment(platform, agent):
    job = platform.add_job("seq 1000; echo end >&2", limits={"log_lines_per_second": 10})
    job.wait()
    assert job.lines("o") == [str(number) for number in range(1, 101)]
    assert any(
        "lines dropped: this environment allows 10 lines per second" in line for line in job.lines("s")
    )


def test_stats_say_what_the_job_uses(platform, agent):
    job = platform.add_job(
        "python -c \"import time; b = b'x' * 50000000; t = time.time()\nwhile time.time() - t < 1.8: pass\""
    )
    job.wait()
    values = job.facts("stats")[0]["values"]
    assert values["memory_usage_kb"] > 50_000
    assert 0 < values["cpu_usage"] <= values["num_cpus"]
    assert values["memory_total_kb"] > values["memory_usage_kb"]


def test_info_names_runtime_and_host(platform, agent):
    job = platform.add_job("true")
    job.wait()
    info = job.facts("info")[0]["values"]
    assert info["runtime"] == "process"
    assert info["isolation"] == "namespaces"


def test_job_that_is_not_ours_is_left_alone(platform, agent):
    stale = platform.add_job("touch /tmp/never")
    stale.epoch = 2  # the queue entry speaks of epoch 1
    after = platform.add_job("echo next")
    assert after.wait()["status"] == "complete"
    assert stale.segments == []
    assert not platform.redis.zscore("vh:queue:local:leases", stale.member)


def test_leases_end_with_their_jobs(platform, agent):
    from tests.agent.support.fake_platform import wait_until

    platform.add_job("true").wait()
    wait_until(lambda: not platform.redis.zcard("vh:queue:local:leases"), 5, "no lease is left")
    wait_until(
        lambda: not os.listdir(os.path.join(agent.environment["PEON_DIR"], "jobs")),
        5,
        "no job folder is left",
    )


@pytest.mark.parametrize("variable", [{"VH_CPU_LIMIT": "1"}, {"VH_CPU_LIMIT": "0,"}])
def test_cpu_limit(platform, agent, variable):
    job = platform.add_job("nproc", variables=variable)
    job.wait()
    assert job.lines("o") == ["1"]
