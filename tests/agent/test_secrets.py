"""What a real job prints of its secrets does not leave the machine: not in lines, not in events, not in the spool."""

import json

from peon.protocol import keys
from tests.agent.test_inputs import entry

SECRET = "s3cr3t-of-the-project"
KEY = "-----BEGIN KEY-----\nabcdefghijklmnopqrstuvwxyz\n0123456789\n-----END KEY-----"
TALKATIVE = """
echo "plain $TOKEN"; echo "error $TOKEN" >&2
echo "$KEY"
printf 'half %.8s' "$TOKEN"; sleep 0.3; printf '%s\\n' "${TOKEN#????????}"
printf '10%% %s\\r20%% %s\\n' "$TOKEN" "$TOKEN"
python3 -c 'import json, os; print(json.dumps({"key": os.environ["KEY"], "loss": 0.5}))'
python3 -c 'import os; print("x" * 65530 + os.environ["TOKEN"] + "x" * 70000)'
set -x; : "$TOKEN"; set +x
echo "$MODE"
"""


def everything_said(platform, job):
    """All that the agent sent, as text: line segments, facts, and whatever stands in Redis."""
    return json.dumps(job.segments) + repr(platform.redis.xrange(keys.events(job.id)))


def test_every_way_to_print_one(platform, agent):
    job = platform.add_job(
        TALKATIVE, variables={"TOKEN": SECRET, "KEY": KEY, "MODE": "not-a-secret"}, secret_names=["TOKEN", "KEY"]
    )  # fmt: skip
    assert job.wait()["status"] == "complete", job.lines()
    said = everything_said(platform, job)
    for part in (SECRET, SECRET[8:], *KEY.split("\n")):
        assert part not in said
    lines = job.lines("o")
    assert lines[0] == "plain ***"
    assert lines[1:5] == ["***"] * 4
    assert lines[5:8] == ["half ***", "10% ***", "20% ***"]
    assert json.loads(lines[8]) == {"key": "***", "loss": 0.5}
    assert "".join(lines[9:-1]) == "x" * 65530 + "***" + "x" * 70000
    assert lines[-1] == "not-a-secret"
    assert "error ***" in job.lines("e")


def test_the_jobs_own_token_is_one_too(platform, agent):
    job = platform.add_job('echo "$SPEAKS"')
    job.details["environment_variables"]["SPEAKS"] = "Authorization: Job token-" + job.id
    job.wait()
    assert job.lines("o") == ["Authorization: Job ***"]


def test_reason_of_an_end_and_lines_of_the_agent(platform, agent):
    address = platform.url.replace("http://", "http://user:pass-of-the-store@") + "/" + SECRET
    file = {"filename": "x", "url": address, "uri": address, "datum_id": None}
    job = platform.add_job(
        "echo never", inputs=[entry(file)], variables={"TOKEN": SECRET}, secret_names=["TOKEN"]
    )
    end = job.wait()
    assert end["status"] == "error"
    assert end["reason"].endswith("/***")
    assert SECRET not in everything_said(platform, job)
    assert "pass-of-the-store" not in everything_said(platform, job)


def test_names_of_outputs_are_data_and_stay(platform, agent):
    job = platform.add_job(
        'echo content > "$VH_OUTPUTS_DIR/$TOKEN.txt"; echo "{$TOKEN" > "$VH_OUTPUTS_DIR/$TOKEN.txt.metadata.json"',
        variables={"TOKEN": SECRET}, secret_names=["TOKEN"],
    )  # fmt: skip
    assert job.wait()["status"] == "complete"
    assert list(job.outputs()) == [SECRET + ".txt"]
    assert SECRET not in "\n".join(job.lines())
    assert any("'***.txt' stored" in line for line in job.lines("s"))
    assert any("'***.txt.metadata.json' are ignored" in line for line in job.lines("s"))


def test_without_names_nothing_is_taken_out(platform, agent):
    job = platform.add_job('echo "$TOKEN"', variables={"TOKEN": SECRET})
    job.wait()
    assert job.lines("o") == [SECRET]
