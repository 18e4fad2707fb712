"""What jobs and requests do that they should not: each gets its status, a clear message, and keeps what it made."""

import hashlib
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.support.live import LivePlatform
from tests.support.rest import Rest

pytestmark = pytest.mark.live

VALOHAI_YAML = """\
- step:
    name: script
    image: registry.invalid/not-there:latest
    command: python {parameter-value:script}
    parameters:
      - {name: script, type: string, default: fine.py}
      - {name: epochs, type: integer, default: 3, min: 1, max: 9}
      - {name: mode, type: string, choices: [fast, slow], default: fast}
      - {name: shout, type: flag}
- step:
    name: shell
    image: python:3.12-slim
    command:
      - echo before
      - no-such-program --really
- step:
    name: reader
    image: python:3.12-slim
    command: cat /dev/null
    inputs:
      - name: dataset
- step:
    name: relaxed
    image: python:3.12-slim
    command: echo went on
    inputs:
      - {name: extra, optional: true}
"""

FINE = 'print("fine")\n'

NUL_AND_BROKEN_UTF8 = r"""
import sys
write = sys.stdout.buffer.write
write(b"first\n")
write(b"nul \0 inside\n")
write(b"broken \xff\xfe utf-8 \xc3\n")
write("whole: käse ✓ \U0001f9c0\n".encode())
write(b"\0\0\0\n")
write(b"no newline at the end")
"""

LONG_LINE_BYTES = 20_000_000
LONG_LINE = f"""
import sys
print("before")
sys.stdout.flush()
block = b"0123456789" * 100_000
for _ in range({LONG_LINE_BYTES} // len(block)):
    sys.stdout.buffer.write(block)
sys.stdout.buffer.write(b"\\n")
print("after")
"""

JSON_LINES = 100_000
JSON_BURST = f"""
import json, sys
for number in range({JSON_LINES}):
    sys.stdout.write('{{"step": %d, "loss": %.5f}}\\n' % (number, 1 / (number + 1)))
print('{{"diverged": NaN}}')
print('{{"unfinished": ')
print('{{"nested": ' + '[' * 2000 + ']' * 2000 + '}}')
"""

FILES = 2000
MANY_FILES = f"""
import os
root = os.environ["VH_OUTPUTS_DIR"]
for number in range({FILES}):
    folder = os.path.join(root, "part-%d" % (number % 10))
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "file-%04d.txt" % number), "w") as file:
        file.write("content %d" % number)
"""

LINKS = """
import os
root = os.environ["VH_OUTPUTS_DIR"]
open(os.path.join(root, "own.txt"), "w").write("own")
os.symlink("own.txt", os.path.join(root, "alias.txt"))
os.symlink("/etc/passwd", os.path.join(root, "stolen.txt"))
os.symlink("../../../../../../etc/hostname", os.path.join(root, "stolen-too.txt"))
os.symlink("/etc", os.path.join(root, "folder"))
os.symlink("round", os.path.join(root, "round"))
os.mkfifo(os.path.join(root, "pipe"))
"""

SAME_NAME_TWICE = """
import os, time
path = os.path.join(os.environ["VH_OUTPUTS_DIR"], "model.txt")
for content in ("first", "second"):
    open(path + ".part", "w").write(content)
    os.chmod(path + ".part", 0o444)
    os.rename(path + ".part", path)
    while content == "first" and os.path.exists(path):
        time.sleep(0.05)
print("written twice")
"""

SCRIPTS = {
    "fine.py": FINE,
    "nul.py": NUL_AND_BROKEN_UTF8,
    "long_line.py": LONG_LINE,
    "json_burst.py": JSON_BURST,
    "many_files.py": MANY_FILES,
    "links.py": LINKS,
    "twice.py": SAME_NAME_TWICE,
}

DEEP: list[Any] = []
for _ in range(400):
    DEEP = [DEEP]


@pytest.fixture(scope="module")
def rest(live_platform: LivePlatform) -> Rest:
    return Rest(live_platform.url, live_platform.token)


@pytest.fixture(scope="module")
def project(rest: Rest) -> str:
    return rest.create_project(f"bad-input-{time.time_ns()}")


@pytest.fixture(scope="module")
def commit(rest: Rest, project: str) -> str:
    return rest.import_package(project, {"valohai.yaml": VALOHAI_YAML, **SCRIPTS})


@pytest.fixture
def run_script(rest: Rest, project: str, commit: str) -> Callable[..., Any]:
    """Runs one of the scripts to its end; the execution."""

    def run(script: str, seconds: float = 120) -> Any:
        execution_id = rest.run(project, commit, "script", parameters={"script": script})
        return rest.wait(execution_id, seconds=seconds)

    return run


@pytest.fixture(scope="module")
def nothing_there() -> Iterator[str]:
    """The address of a web server that has nothing."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _NothingHere)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class _NothingHere(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, format: str, *arguments: object) -> None:
        """Silent."""


def outputs_of(rest: Rest, execution: Any) -> dict[str, Any]:
    return {datum["name"]: datum for datum in rest.get(f"executions/{execution['id']}/outputs/")}


def content_of(rest: Rest, datum: Any) -> bytes:
    address = rest.get(f"data/{datum['id']}/download/")["url"]
    return httpx.get(address, trust_env=False).content


# ---- what commands do ----


def test_command_that_does_not_exist(rest: Rest, project: str, commit: str) -> None:
    execution = rest.wait(rest.run(project, commit, "shell"))
    assert execution["status"] == "error"
    assert execution["exit_code"] == 127
    assert "127" in execution["error_text"]
    assert "not found" in execution["error_text"]
    assert rest.lines(execution["id"], "stdout") == ["before"]
    assert any("no-such-program" in line for line in rest.lines(execution["id"], "stderr"))
    assert "127" in rest.lines(execution["id"], "status")[-1]


def test_image_is_named_and_not_used_where_there_are_no_containers(
    rest: Rest, run_script: Callable[..., Any]
) -> None:
    execution = run_script("fine.py")
    if any("pulled" in line for line in rest.lines(execution["id"], "status")):
        pytest.skip("this installation runs jobs in containers")
    assert execution["status"] == "complete"
    told = [
        line for line in rest.lines(execution["id"], "status") if "registry.invalid/not-there:latest" in line
    ]
    assert len(told) == 1
    assert "not used" in told[0]


def test_nul_bytes_and_broken_utf8(rest: Rest, run_script: Callable[..., Any]) -> None:
    execution = run_script("nul.py")
    assert execution["status"] == "complete", execution["error_text"]
    lines = rest.lines(execution["id"], "stdout")
    assert len(lines) == 6
    assert lines[0] == "first"
    assert lines[1] == "nul \ufffd inside"
    assert lines[2].startswith("broken \ufffd")
    assert " utf-8 " in lines[2]
    assert lines[3] == "whole: käse ✓ \U0001f9c0"
    assert lines[4] == "\ufffd" * 3
    assert lines[5] == "no newline at the end"


def test_line_of_twenty_megabytes(rest: Rest, run_script: Callable[..., Any]) -> None:
    execution = run_script("long_line.py")
    assert execution["status"] == "complete", execution["error_text"]
    lines = rest.lines(execution["id"], "stdout")
    assert lines[0] == "before"
    assert lines[-1] == "after"
    assert "".join(lines[1:-1]) == "0123456789" * (LONG_LINE_BYTES // 10)
    assert max(len(line) for line in lines) < 1_000_000  # cut into lines that a viewer can show
    downloaded = rest.http.get(f"executions/{execution['id']}/log/download/")
    assert downloaded.text.count("0123456789") >= LONG_LINE_BYTES // 10 - len(lines)


def test_burst_of_json_lines(rest: Rest, run_script: Callable[..., Any]) -> None:
    execution = run_script("json_burst.py")
    assert execution["status"] == "complete", execution["error_text"]
    lines = rest.lines(execution["id"], "stdout")
    assert len(lines) == JSON_LINES + 3
    assert lines[0] == '{"step": 0, "loss": 1.00000}'
    assert lines[JSON_LINES - 1].startswith(f'{{"step": {JSON_LINES - 1},')
    latest = rest.execution(execution["id"])["cumulative_metadata"]
    assert latest["step"] == JSON_LINES - 1
    assert latest["diverged"] == "NaN"
    answer = rest.get(f"executions/{execution['id']}/metadata/series/", keys="loss", points=1000)
    assert answer["total"] >= JSON_LINES
    drawn = answer["series"]["loss"]["y"]
    assert len(drawn) <= 2000
    assert max(drawn) == 1.0  # reducing keeps the extremes


def test_thousands_of_outputs(rest: Rest, run_script: Callable[..., Any]) -> None:
    execution = run_script("many_files.py", seconds=180)
    assert execution["status"] == "complete", execution["error_text"]
    outputs = outputs_of(rest, execution)
    assert len(outputs) == FILES
    wanted = outputs["part-7/file-1777.txt"]
    assert wanted["sha256"] == hashlib.sha256(b"content 1777").hexdigest()
    assert content_of(rest, wanted) == b"content 1777"
    assert rest.lines(execution["id"], "status")[-2].startswith(f"{FILES} output files")


def test_links_out_of_the_outputs_folder(rest: Rest, run_script: Callable[..., Any]) -> None:
    execution = run_script("links.py")
    assert execution["status"] == "complete", execution["error_text"]
    outputs = outputs_of(rest, execution)
    assert set(outputs) == {"own.txt", "alias.txt"}
    assert content_of(rest, outputs["alias.txt"]) == b"own"
    told = "\n".join(rest.lines(execution["id"], "status"))
    for name in ("stolen.txt", "stolen-too.txt", "folder", "round", "pipe"):
        assert f"output '{name}' is not uploaded" in told


def test_output_written_twice_under_one_name(rest: Rest, run_script: Callable[..., Any]) -> None:
    execution = run_script("twice.py")
    assert execution["status"] == "complete", execution["error_text"]
    found = rest.get(f"executions/{execution['id']}/outputs/")
    assert [datum["name"] for datum in found] == ["model.txt", "model.txt"]
    assert {content_of(rest, datum) for datum in found} == {b"first", b"second"}


# ---- inputs that cannot be had ----


def test_input_that_is_a_404(rest: Rest, project: str, commit: str, nothing_there: str) -> None:
    address = f"{nothing_there}/data.csv"
    execution = rest.wait(rest.run(project, commit, "reader", inputs={"dataset": [address]}))
    assert execution["status"] == "error"
    for part in ("dataset", "404", address):
        assert part in execution["error_text"]
    assert any("404" in line for line in rest.lines(execution["id"], "status"))


def test_server_of_an_input_that_does_not_answer(rest: Rest, project: str, commit: str) -> None:
    address = "http://127.0.0.1:9/data.csv"
    execution = rest.wait(rest.run(project, commit, "reader", inputs={"dataset": [address]}))
    assert execution["status"] == "error"
    assert "no answer from http://127.0.0.1:9" in execution["error_text"]


def test_optional_input_that_is_a_404(rest: Rest, project: str, commit: str, nothing_there: str) -> None:
    execution = rest.wait(
        rest.run(project, commit, "relaxed", inputs={"extra": [f"{nothing_there}/data.csv"]})
    )
    assert execution["status"] == "complete"
    assert any("going on without it" in line for line in rest.lines(execution["id"], "status"))


def test_two_input_files_of_one_name(rest: Rest, project: str, commit: str, nothing_there: str) -> None:
    files = [f"{nothing_there}/a/data.csv", f"{nothing_there}/b/data.csv"]
    execution = rest.wait(rest.run(project, commit, "reader", inputs={"dataset": files}))
    assert execution["status"] == "error"
    assert "both be the file 'data.csv'" in execution["error_text"]


# ---- requests that name what is not there, or the wrong kind ----


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"step": "no-such-step"}, "step", "no-such-step"),
        ({"commit": "~0000"}, "commit", "~0000"),
        ({"environment": "no-such-place"}, "environment", "no-such-place"),
        ({"parameters": {"no-such": 1}}, "parameters", "no-such"),
        ({"parameters": {"epochs": "many"}}, "parameters", "epochs"),
        ({"parameters": {"epochs": 1.5}}, "parameters", "epochs"),
        ({"parameters": {"epochs": 10}}, "parameters", "epochs"),
        ({"parameters": {"epochs": [1, 2]}}, "parameters", "epochs"),
        ({"parameters": {"mode": "sideways"}}, "parameters", "mode"),
        ({"parameters": {"shout": "perhaps"}}, "parameters", "shout"),
        ({"parameters": {"script": "nul \0"}}, "parameters", "script"),
        ({"parameters": {"script": DEEP}}, "parameters", "script"),
        ({"parameters": "epochs=3"}, "parameters", ""),
        ({"step": "reader"}, "inputs", "dataset"),
        ({"step": "reader", "inputs": {"dataset": []}}, "inputs", "dataset"),
        ({"step": "reader", "inputs": {"dataset": [7]}}, "inputs", "dataset"),
        ({"step": "reader", "inputs": {"dataset": ["datum://no-such-alias"]}}, "inputs", "no-such-alias"),
        ({"inputs": {"no-such": ["https://example.com/a"]}}, "inputs", "no-such"),
        ({"inputs": "https://example.com/a"}, "inputs", ""),
        ({"image": "two words"}, "image", "image"),
        ({"environment_variables": {"NOT A NAME": "1"}}, "environment_variables", "NOT A NAME"),
        ({"time_limit": -1}, "time_limit", ""),
        ({"time_limit": "soon"}, "time_limit", ""),
        ({"tags": "one"}, "tags", ""),
        ({"tags": ["x" * 10_000]}, "tags", ""),
        ({"title": "x" * 10_000}, "title", ""),
        ({"project": "no-such-project"}, "project", ""),
    ],
)
def test_refused_with_the_field_at_fault(
    rest: Rest, project: str, commit: str, change: dict[str, Any], field: str, message: str
) -> None:
    body = {"project": project, "commit": commit, "step": "script", **change}
    answer = rest.http.post("executions/", json=body)
    assert answer.status_code == 400, answer.text[:500]
    assert field in answer.json(), answer.text[:500]
    assert message in answer.text
    for fault in _faults(answer.json()[field]):
        assert fault["message"]


def test_everything_that_is_wrong_is_told_at_once(rest: Rest, project: str, commit: str) -> None:
    body = {
        "project": project, "commit": commit, "step": "reader", "image": "two words",
        "parameters": {"no-such": 1}, "time_limit": -1,
    }  # fmt: skip
    answer = rest.http.post("executions/", json=body)
    assert answer.status_code == 400
    assert {"parameters", "inputs", "image", "time_limit"} <= set(answer.json()), answer.text


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b'{"a":' * 5000])
def test_body_that_is_no_request(rest: Rest, body: bytes) -> None:
    answer = rest.http.post("executions/", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text[:300]
    assert answer.json()


def test_project_that_is_not_there(rest: Rest, commit: str) -> None:
    body = {"project": "00000000-0000-0000-0000-000000000000", "commit": commit, "step": "script"}
    answer = rest.http.post("executions/", json=body)
    assert answer.status_code == 404
    assert "does not exist" in answer.json()["message"]


def _faults(found: Any) -> list[dict[str, str]]:
    """Every message in the answer about one field; nested fields have a level more."""
    if isinstance(found, list):
        return [fault for item in found for fault in _faults(item)]
    if "message" in found:
        return [found]
    return [fault for item in found.values() for fault in _faults(item)]
