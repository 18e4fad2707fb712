"""A small REST client for tests against a running installation: what a script of a user would do."""

import gzip
import io
import tarfile
import time
from typing import Any

import httpx

FINAL = {"complete", "error", "crashed", "stopped"}


def package(files: dict[str, str]) -> bytes:
    """An ad-hoc package of the given files, as the official client makes it: a plain tar, gzipped without a time."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, text in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return gzip.compress(plain.getvalue(), mtime=0)


class Rest:
    def __init__(self, url: str, token: str) -> None:
        self.http = httpx.Client(
            base_url=url + "/api/v0/",
            headers={"Authorization": f"Token {token}"},
            timeout=60,
            trust_env=False,
        )

    def get(self, path: str, **params: Any) -> Any:
        answer = self.http.get(path, params=params)
        assert answer.status_code == 200, f"GET {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    def post(self, path: str, body: Any = None, expect: int = 201) -> Any:
        answer = self.http.post(path, json=body)
        assert answer.status_code == expect, f"POST {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    def patch(self, path: str, body: Any) -> Any:
        answer = self.http.patch(path, json=body)
        assert answer.status_code == 200, f"PATCH {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    def delete(self, path: str) -> None:
        answer = self.http.delete(path)
        assert answer.status_code == 204, f"DELETE {path}: {answer.status_code} {answer.text[:500]}"

    def create_project(self, name: str) -> str:
        return str(self.post("projects/", {"name": name})["id"])

    def import_package(self, project_id: str, files: dict[str, str]) -> str:
        """Upload ad-hoc code; its commit identifier."""
        answer = self.http.post(
            f"projects/{project_id}/import-package/",
            files={"data": ("data.tgz", package(files), "application/gzip")},
            data={"description": "test", "yaml_path": "valohai.yaml"},
        )
        assert answer.status_code == 201, answer.text[:500]
        return str(answer.json()["identifier"])

    def run(self, project_id: str, commit: str, step: str, **spec: Any) -> str:
        """Create an execution; its id."""
        body = {"project": project_id, "commit": commit, "step": step, **spec}
        return str(self.post("executions/", body)["id"])

    def execution(self, execution_id: str) -> Any:
        return self.get(f"executions/{execution_id}/", exclude="events,metadata")

    def wait(self, execution_id: str, *statuses: str, seconds: float = 60) -> Any:
        """Wait until the execution has one of the statuses (default: any final one)."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                execution = self.execution(execution_id)
            except (httpx.TransportError, AssertionError):
                execution = {"status": "unknown"}  # the web process may be the part that is being restarted
            if execution["status"] in (statuses or FINAL):
                return execution
            assert time.monotonic() < deadline, f"still {execution['status']} after {seconds} s"
            time.sleep(0.1)

    def lines(self, execution_id: str, stream: str | None = None) -> list[str]:
        """Every log line, in order."""
        events = self.get(f"executions/{execution_id}/events/", limit=0)["events"]
        return [event["message"] for event in events if stream in (None, event["stream"])]

    def wait_for_line(self, execution_id: str, text: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not any(text in line for line in self.lines(execution_id)):
            assert time.monotonic() < deadline, f"no line with {text!r}: {self.lines(execution_id)[-20:]}"
            time.sleep(0.1)
