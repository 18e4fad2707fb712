"""The official clients, unmodified, against a whole running installation."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.live import LivePlatform

VALOHAI_YAML = """\
- step:
    name: greet
    image: python:3.11
    command:
      - echo "hello {parameter-value:name}"
      - printenv GREETING MODE || true
      - echo "to stderr" >&2
    parameters:
      - name: name
        type: string
        default: world
    environment-variables:
      - name: MODE
        default: plain
- step:
    name: train
    image: python:3.11
    command: python train.py {parameters}
    parameters:
      - {name: epochs, type: integer, default: 3}
      - {name: rate, type: float, optional: true}
      - {name: names, type: string, multiple: repeat, optional: true}
      - {name: shout, type: flag}
    inputs:
      - {name: dataset, optional: true}
- step:
    name: slow
    image: python:3.11
    command: python slow.py
- step:
    name: fail
    image: python:3.11
    command: exit 7
"""

TRAIN_PY = """\
import json, os, sys, glob
print("arguments", sys.argv[1:])
print("parameters", json.load(open(os.path.join(os.environ["VH_CONFIG_DIR"], "parameters.json"))))
for path in sorted(glob.glob(os.path.join(os.environ["VH_INPUTS_DIR"], "*", "*"))):
    print("input", os.path.relpath(path, os.environ["VH_INPUTS_DIR"]), open(path).read().strip())
for epoch in range(3):
    print(json.dumps({"epoch": epoch, "accuracy": 0.5 + epoch / 10}), flush=True)
outputs = os.environ["VH_OUTPUTS_DIR"]
with open(os.path.join(outputs, "model.txt"), "w") as model:
    model.write("weights\\n")
os.makedirs(os.path.join(outputs, "plots"))
with open(os.path.join(outputs, "plots", "curve.csv"), "w") as curve:
    curve.write("epoch,accuracy\\n0,0.5\\n1,0.6\\n")
with open(os.path.join(outputs, "model.txt.metadata.json"), "w") as sidecar:
    json.dump({"valohai.alias": "newest-model", "valohai.tags": ["fresh"], "kind": "linear"}, sidecar)
"""

SLOW_PY = """\
import os, time
with open(os.path.join(os.environ["VH_OUTPUTS_DIR"], "partial.txt"), "w") as partial:
    partial.write("so far\\n")
print("waiting", flush=True)
while True:
    time.sleep(0.2)
"""


@dataclass
class Vh:
    """`vh` in one working directory with a configuration of its own."""

    platform: LivePlatform
    directory: Path
    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(
        self, *arguments: str, exit_code: int = 0, stdin: str = "", timeout_seconds: float = 90
    ) -> str:
        run = subprocess.run(
            [str(Path(sys.executable).with_name("vh")), *arguments],
            cwd=self.directory,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.home),
                "VALOHAI_CONFIG_DIR": str(self.home / "valohai"),
                "COLUMNS": "400",
                "LC_ALL": "C.UTF-8",
                **self.environment,
            },
            check=False,
        )
        output = run.stdout + run.stderr
        assert run.returncode == exit_code, f"vh {' '.join(arguments)} exited {run.returncode}:\n{output}"
        return output

    def login(self) -> "Vh":
        self("login", "--host", self.platform.url, "--token", self.platform.token)
        return self


def git(directory: Path, *arguments: str) -> str:
    identity = [
        "-c",
        "user.name=Tester",
        "-c",
        "user.email=tester@example.com",
        "-c",
        "init.defaultBranch=main",
    ]
    return subprocess.run(
        ["git", *identity, *arguments], cwd=directory, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def workdir(tmp_path: Path, live_platform: LivePlatform) -> Path:
    """A git repository with a `valohai.yaml`, in a place from which the installation may fetch."""
    directory = live_platform.repository_root / f"work-{tmp_path.name}"
    directory.mkdir(parents=True)
    (directory / "valohai.yaml").write_text(VALOHAI_YAML)
    (directory / "train.py").write_text(TRAIN_PY)
    (directory / "slow.py").write_text(SLOW_PY)
    git(directory, "init", "--quiet")
    git(directory, "add", ".")
    git(directory, "commit", "--quiet", "-m", "first")
    return directory


@pytest.fixture
def vh(tmp_path: Path, workdir: Path, live_platform: LivePlatform) -> Vh:
    """`vh`, logged in, not linked."""
    home = tmp_path / "home"
    (home / "valohai").mkdir(parents=True)
    return Vh(live_platform, workdir, home).login()


@pytest.fixture
def project_name(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return "".join(c if c.isalnum() else "-" for c in f"{request.node.name}-{tmp_path.parent.name}")[
        -60:
    ].strip("-")


@pytest.fixture
def linked(vh: Vh, project_name: str) -> Iterator[Vh]:
    """`vh`, logged in and linked to a fresh project."""
    vh("project", "create", "-n", project_name, "-o", vh.platform.username, "--link", "-y")
    return vh
