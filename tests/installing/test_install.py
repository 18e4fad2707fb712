"""The command of an environment's page, run for real on a throwaway copy of this machine."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.installing.conftest import Installation
from tests.installing.machine import Machine

pytestmark = pytest.mark.live
Start = Callable[..., "subprocess.Popen[bytes]"]


def install(box: Machine, installation: Installation, *options: str, token: str = "") -> "subprocess.CompletedProcess[str]":  # fmt: skip
    token = f"--token {token}" if token else ""
    line = f"curl -fsSL {installation.url}/agent/install.sh | sh -s -- {token} {' '.join(options)}"
    return box.run("sh", "-c", line)


def test_one_command_makes_a_machine_a_worker(box: Machine, installation: Installation, start: Start) -> None:
    done = install(box, installation, "--runtime process", token=installation.token())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "for box" in done.stdout
    config = box.read("/etc/peon.config")
    assert f"APP_URL={installation.url}" in config
    assert "QUEUES=box" in config
    assert "INSTALLATION_TYPE=private-worker" in config
    assert box.run("stat", "-c", "%a %U %G", "/etc/peon.config").stdout == "640 root peon\n"
    assert (
        box.run("stat", "-c", "%a %U", "/var/lib/peon", "/var/lib/peon/worker.json").stdout
        == "700 peon\n600 peon\n"
    )
    start("runuser", "-u", "peon", "--", "/opt/peon/start", "run")
    execution = installation.run("hello")
    ended = installation.rest.wait(execution, seconds=60)
    assert ended["status"] == "complete", ended["error_text"]
    assert "hello from the box" in installation.rest.lines(execution, "stdout")
    assert "works" in box.run("/usr/local/bin/peon", "status").stdout


def test_installing_again_changes_nothing_that_somebody_wrote(
    box: Machine, installation: Installation
) -> None:
    install(box, installation, "--runtime process", "--set CACHE_SIZE=5G", token=installation.token())
    identity = json.loads(box.read("/var/lib/peon/worker.json"))["identity"]
    box.run("sh", "-c", "echo '# my own' >> /etc/peon.config; echo CLOUD=mine >> /etc/peon.config")
    again = install(box, installation)
    assert again.returncode == 0, again.stderr
    assert "is enrolled already" in again.stdout
    config = box.read("/etc/peon.config")
    assert "# my own" in config
    assert "CACHE_SIZE=5G" in config
    assert "RUNTIME=process" in config
    assert config.count("APP_URL=") == 1
    assert json.loads(box.read("/var/lib/peon/worker.json"))["identity"] == identity


def test_a_revoked_worker_ends_and_a_new_token_lets_it_in_again(
    box: Machine, installation: Installation, start: Start
) -> None:
    install(box, installation, "--runtime process", token=installation.token())
    identity = json.loads(box.read("/var/lib/peon/worker.json"))["identity"]
    agent = start("/opt/peon/start", "run")
    execution = installation.run("wait")
    installation.rest.wait_for_line(execution, "ready")
    [row] = [row for row in installation.workers() if row["identity"] == identity]
    installation.rest.delete(f"environments/box/workers/{row['id']}/")
    assert installation.rest.wait(execution, seconds=30)["status"] == "crashed"
    assert agent.wait(60) == 4, "and a supervisor does not start it again"
    assert "was revoked" in (box.shared / "agent.log").read_text()
    done = install(box, installation, token=installation.token())
    assert "counts no more" in done.stdout
    assert "enrolled as" in done.stdout


def test_of_two_agents_with_one_identity_one_ends_in_words(
    box: Machine, installation: Installation, start: Start
) -> None:
    install(box, installation, "--runtime process", token=installation.token())
    first = start("/opt/peon/start", "run")
    execution = installation.run("hello")
    assert installation.rest.wait(execution, seconds=60)["status"] == "complete"
    box.run("cp", "-a", "/var/lib/peon", "/var/lib/copy")
    second = start("/opt/peon/start", "run", PEON_DIR="/var/lib/copy")
    assert first.wait(60) == 4
    assert "Another agent works under the identity" in (box.shared / "agent.log").read_text()
    assert second.poll() is None
    execution = installation.run("hello")
    assert installation.rest.wait(execution, seconds=60)["status"] == "complete"


def test_a_used_token_is_told(box: Machine, installation: Installation) -> None:
    token = installation.token()
    assert install(box, installation, token=token).returncode == 0
    box.run("rm", "-rf", "/var/lib/peon")
    done = install(box, installation, token=token)
    assert done.returncode == 1
    assert "has been used" in done.stderr


def test_a_changed_agent_is_not_installed(box: Machine, installation: Installation, tmp_path: Path) -> None:
    script = box.run("curl", "-fsS", f"{installation.url}/agent/install.sh").stdout
    (tmp_path / "install.sh").write_text(script.replace("SHA256=", "SHA256=0"))
    done = box.run("sh", "/mnt/install.sh", "--token", installation.token())
    assert done.returncode == 1
    assert "checksum differs" in done.stderr
    assert not box.has("/usr/local/bin/peon")


def test_several_agents_have_units_and_identities_of_their_own(
    box: Machine, installation: Installation
) -> None:
    done = install(
        box, installation, "--agents 2", "--no-start", "--runtime process", token=installation.token()
    )
    assert done.returncode == 0, done.stderr
    identities = {
        json.loads(box.read(f"/var/lib/peon/{number}/worker.json"))["identity"] for number in (0, 1)
    }
    assert len(identities) == 2
    assert "PEON_INSTANCE=%i PEON_DIR=/var/lib/peon/%i" in box.read("/etc/systemd/system/peon@.service")
    checked = box.run(
        "systemd-analyze", "verify", "/etc/systemd/system/peon.service", "/etc/systemd/system/peon@1.service"
    )
    assert "peon" not in checked.stderr, checked.stderr


def test_uninstalling_leaves_nothing_but_what_was_asked_for(box: Machine, installation: Installation) -> None:
    install(box, installation, "--runtime process", token=installation.token())
    assert install(box, installation, "--uninstall").returncode == 0
    assert [
        path
        for path in ("/opt/peon", "/usr/local/bin/peon", "/etc/systemd/system/peon.service")
        if box.has(path)
    ] == []
    assert box.has("/etc/peon.config")
    install(box, installation, "--uninstall", "--purge")
    assert [path for path in ("/etc/peon.config", "/var/lib/peon") if box.has(path)] == []


@pytest.mark.parametrize(
    ("options", "words"),
    [("--runtime podman", "docker, process or auto"), ("--agents none", "--agents is a number"), ("--what", "unknown option"),
     ("--set x", "NAME=VALUE"), ("--agents gpus", "finds no GPU"), ("--ca-file /nowhere", "cannot be read")],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_words(
    box: Machine, installation: Installation, options: str, words: str
) -> None:
    done = install(box, installation, options, token="peon-x")
    assert done.returncode == 1
    assert words in done.stderr


def test_the_script_is_a_clean_posix_script(box: Machine, installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "install.sh").write_text(
        box.run("curl", "-fsS", f"{installation.url}/agent/install.sh").stdout
    )
    checked = box.run("shellcheck", "--shell=sh", "/mnt/install.sh")
    assert checked.returncode == 0, checked.stdout
