"""Every `vh` command that a data scientist uses, against a running installation."""

import json
import re
import time
from pathlib import Path

import pytest

from tests.contract.conftest import Vh, git
from tests.support.live import LivePlatform
from tests.support.people import PASSWORD, make_person, set_up_second_factor
from tests.support.rest import Rest

pytestmark = pytest.mark.live


def rows(vh: Vh, *arguments: str) -> list[dict[str, object]]:
    parsed = json.loads(vh("--output-format", "json", *arguments))
    assert isinstance(parsed, list)
    return parsed


def has_several_owners(platform: LivePlatform) -> bool:
    """Then the client asks whose a new project shall be."""
    return len(Rest(platform.url, platform.token).get("projects/ownership_options/")) > 1


def counter_of(output: str) -> str:
    found = re.search(r"#(\d+)", output)
    assert found, output
    return found.group(1)


def wait_for_status(vh: Vh, counter: str, *statuses: str, seconds: float = 60) -> dict[str, object]:
    deadline = time.monotonic() + seconds
    while True:
        row = next(r for r in rows(vh, "execution", "list") if str(r["counter"]) == counter)
        if row["status"] in statuses:
            return row
        assert time.monotonic() < deadline, f"execution {counter} is still {row['status']}"
        time.sleep(0.2)


class TestLogin:
    def test_password(self, vh: Vh, live_platform: LivePlatform) -> None:
        vh("logout", "-y")
        said = vh(
            "login", "--host", live_platform.url,
            "--username", live_platform.username, "--password", live_platform.password,
        )  # fmt: skip
        assert live_platform.username in said

    def test_wrong_password_says_so(self, vh: Vh, live_platform: LivePlatform) -> None:
        vh("logout", "-y")
        said = vh(
            "login", "--host", live_platform.url, "--username", "nobody", "--password", "wrong", exit_code=1
        )
        assert "password" in said.lower()

    def test_a_second_factor_leads_to_tokens(self, vh: Vh, live_platform: LivePlatform) -> None:
        vh("logout", "-y")
        username = f"dora-{time.time_ns() % 10**9}"
        set_up_second_factor(make_person(live_platform, username))
        said = vh(
            "login", "--host", live_platform.url, "--username", username, "--password", PASSWORD, exit_code=1
        )
        assert f"{live_platform.url}/auth/tokens/" in said

    def test_wrong_token_is_refused(self, vh: Vh, live_platform: LivePlatform) -> None:
        vh("logout", "-y")
        vh("login", "--host", live_platform.url, "--token", "0" * 40, exit_code=1)


class TestProject:
    def test_create_link_list_status_unlink(self, vh: Vh, project_name: str) -> None:
        owner = vh.platform.username
        vh("project", "create", "-n", project_name, "-d", "from the client", "-o", owner, "--no-link", "-y")
        assert project_name in vh("project", "list")
        vh("project", "link", project_name, "-y")
        assert project_name in vh("project", "status")
        vh("project", "unlink", "-y")
        vh("project", "status", exit_code=1)

    def test_name_taken_is_an_error(self, linked: Vh, project_name: str) -> None:
        linked("project", "unlink", "-y")
        owner = linked.platform.username
        said = linked("project", "create", "-n", project_name, "-o", owner, "-y", exit_code=1)
        assert "name" in said.lower()

    def test_create_for_an_organization_and_a_team(
        self, vh: Vh, live_platform: LivePlatform, project_name: str
    ) -> None:
        rest = Rest(live_platform.url, live_platform.token)
        name = f"acme-{time.time_ns()}"
        organization = rest.post("organizations/", {"name": name})
        rest.post("teams/", {"name": "vision", "organization": organization["id"]})
        ours, teams = f"{project_name[-50:]}-org", f"{project_name[-50:]}-team"
        assert f"{name}/{ours}" in vh("project", "create", "-n", ours, "-o", name, "--no-link", "-y")
        said = vh("project", "create", "-n", teams, "--no-link", "-y", stdin=f"{name}:vision\n")
        assert f"* {name}:vision" in said, "the client offers what the platform says"
        assert f"{name}/{teams}" in said
        refused = vh("project", "create", "-n", "x", "-o", f"{name}:speech", "--no-link", "-y", exit_code=1)
        assert "not an owner that you may create projects for" in refused

    def test_a_link_outlives_a_transfer(self, linked: Vh, live_platform: LivePlatform) -> None:
        rest = Rest(live_platform.url, live_platform.token)
        name = f"acme-{time.time_ns()}"
        rest.post("organizations/", {"name": name})
        project_id = json.loads((linked.home / "valohai" / "config.json").read_text())["links"][
            str(linked.directory)
        ]["id"]
        rest.post(f"projects/{project_id}/transfer/", {"owner": name}, expect=200)
        assert f"/p/{name}/" in linked("project", "status")
        counter = counter_of(linked("exec", "run", "--adhoc", "greet"))
        wait_for_status(linked, counter, "complete")

    def test_init_creates_and_links(self, vh: Vh, project_name: str) -> None:
        (vh.directory / "valohai.yaml").unlink()
        # Is this the root? Which command, is it right? Which image, is it right? Write it? Create; name, description, owner.
        answers = [
            "y",
            "python train.py",
            "y",
            "python:3.11",
            "y",
            "y",
            "c",
            project_name,
            *([vh.platform.username] if has_several_owners(vh.platform) else []),
            "made by init",
            "y",
            "y",
        ]
        vh("init", stdin="\n".join(answers) + "\n")
        assert (vh.directory / "valohai.yaml").exists()
        assert project_name in vh("project", "list")

    def test_fetch_and_commits(self, linked: Vh, live_platform: LivePlatform, project_name: str) -> None:
        live_platform.link_repository(project_name, linked.directory)
        assert git(linked.directory, "rev-parse", "HEAD")[:7] in linked("project", "fetch")
        identifiers = [str(row["identifier"]).split()[0] for row in rows(linked, "project", "commits")]
        assert identifiers == [git(linked.directory, "rev-parse", "HEAD")]

    def test_environment_variables(self, linked: Vh) -> None:
        linked("project", "environment-variables", "create", "PLAIN=shown")
        linked("project", "environment-variables", "create", "KEY=hidden", "--secret")
        listed = linked("project", "environment-variables", "list")
        assert "shown" in listed
        assert "KEY" in listed
        assert "hidden" not in listed
        linked("project", "environment-variables", "delete", "PLAIN")
        assert "PLAIN" not in linked("project", "environment-variables", "list")

    def test_open_finds_the_page(self, linked: Vh) -> None:
        linked.environment["BROWSER"] = "true"
        linked("project", "open")


def test_lint(vh: Vh) -> None:
    vh("lint")
    (vh.directory / "valohai.yaml").write_text("- step:\n    name: x\n")
    vh("lint", exit_code=2)


def test_environments(vh: Vh) -> None:
    assert "local" in vh("environments")
    assert "local" in vh("environments", "--queue", "--gpu", "--price")


class TestExecution:
    def test_adhoc_run_from_start_to_outputs(self, linked: Vh, tmp_path: Path) -> None:
        counter = counter_of(
            linked("exec", "run", "--adhoc", "train", "--epochs=4", "--names=a", "--names=b")
        )
        wait_for_status(linked, counter, "complete")

        info = linked("exec", "info", counter)
        assert "train" in info
        assert "complete" in info
        log = linked("exec", "logs", counter, "--all")
        assert "arguments ['--epochs=4', '--names=a', '--names=b']" in log
        assert "'epochs': 4" in log
        linked("exec", "outputs", counter, "-d", str(tmp_path / "out"))
        assert (tmp_path / "out" / "model.txt").read_text() == "weights\n"
        assert (tmp_path / "out" / "plots" / "curve.csv").exists()
        assert "accuracy" in linked("exec", "summarize", counter)
        assert "0.7" in linked("exec", "summarize", counter)
        assert "model.txt" in linked("data", "list")
        assert "newest-model" in linked("alias", "list")
        linked.environment["BROWSER"] = "true"
        linked("exec", "open", counter)

    def test_same_directory_is_not_uploaded_twice(self, linked: Vh) -> None:
        first = linked("exec", "run", "--adhoc", "greet")
        second = linked("exec", "run", "--adhoc", "greet")
        assert "Uploaded" in first or "upload" in first.lower()
        assert re.findall(r"~[0-9a-f]{64}", first) == re.findall(r"~[0-9a-f]{64}", second)

    def test_git_run_with_every_option(
        self, linked: Vh, live_platform: LivePlatform, project_name: str
    ) -> None:
        live_platform.link_repository(project_name, linked.directory)
        linked("project", "fetch")
        counter = counter_of(
            linked(
                "exec", "run", "greet", "--name=there", "-t", "my title", "-v", "GREETING=good day",
                "-v", "MODE=loud", "--tag", "one", "--tag", "two", "--time-limit", "1h30m", "--priority", "-e", "local",
                "-i", "python:3.12",
            )
        )  # fmt: skip
        wait_for_status(linked, counter, "complete")
        log = linked("exec", "logs", counter, "--all")
        assert "hello there" in log
        assert "good day" in log
        assert "loud" in log
        info = json.loads(linked("--output-format", "json", "exec", "info", counter))
        text = json.dumps(info)
        assert "my title" in text
        assert "python:3.12" in text

    def test_output_is_the_next_runs_input(self, linked: Vh) -> None:
        first = counter_of(linked("exec", "run", "--adhoc", "train"))
        wait_for_status(linked, first, "complete")
        datum = next(d for d in rows(linked, "data", "list") if d["name"] == "model.txt")
        second = counter_of(
            linked("exec", "run", "--adhoc", "train", f"--dataset=datum://{datum['id']}", "--shout=true")
        )
        third = counter_of(linked("exec", "run", "--adhoc", "train", "--dataset=datum://newest-model"))
        wait_for_status(linked, second, "complete")
        wait_for_status(linked, third, "complete")
        assert "input dataset/model.txt weights" in linked("exec", "logs", second, "--all")
        assert "--shout" in linked("exec", "logs", second, "--all")
        assert "input dataset/model.txt weights" in linked("exec", "logs", third, "--all")

    def test_failing_command_is_an_error(self, linked: Vh) -> None:
        counter = counter_of(linked("exec", "run", "--adhoc", "fail"))
        wait_for_status(linked, counter, "error")
        assert "7" in linked("exec", "logs", counter, "--all")

    def test_log_streams_can_be_left_out(self, linked: Vh) -> None:
        counter = counter_of(linked("exec", "run", "--adhoc", "greet"))
        wait_for_status(linked, counter, "complete")
        assert "to stderr" in linked("exec", "logs", counter)
        without = linked("exec", "logs", counter, "--no-stderr", "--no-status")
        assert "to stderr" not in without
        assert "hello world" in without

    def test_stream_follows_to_the_end(self, linked: Vh) -> None:
        counter = counter_of(linked("exec", "run", "--adhoc", "train"))
        assert "accuracy" in linked("exec", "logs", counter, "--stream")

    def test_stop_keeps_outputs_so_far(self, linked: Vh, tmp_path: Path) -> None:
        counter = counter_of(linked("exec", "run", "--adhoc", "slow"))
        wait_for_status(linked, counter, "started")
        for _ in range(150):
            if "waiting" in linked("exec", "logs", counter):
                break
        linked("exec", "stop", counter)
        wait_for_status(linked, counter, "stopped")
        linked("exec", "outputs", counter, "-d", str(tmp_path / "out"))
        assert (tmp_path / "out" / "partial.txt").read_text() == "so far\n"

    def test_delete_with_outputs(self, linked: Vh) -> None:
        counter = counter_of(linked("exec", "run", "--adhoc", "train"))
        wait_for_status(linked, counter, "complete")
        linked("exec", "delete", counter, "--purge-outputs")
        assert counter not in [str(r["counter"]) for r in rows(linked, "exec", "list")]
        assert counter in [str(r["counter"]) for r in rows(linked, "exec", "list", "--deleted")]

    def test_unknown_environment_hints_at_the_list(self, linked: Vh) -> None:
        said = linked("exec", "run", "--adhoc", "greet", "-e", "moon", exit_code=1)
        assert "moon" in said
        assert "vh environments" in said

    def test_unknown_execution(self, linked: Vh) -> None:
        linked("exec", "info", "999", exit_code=1)
