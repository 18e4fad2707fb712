"""The official in-job library, installed by the job itself and unmodified."""

import json
from pathlib import Path

import pytest

from tests.contract.conftest import Vh
from tests.contract.test_vh import counter_of, rows, wait_for_status

pytestmark = pytest.mark.live

STEP = """\
- step:
    name: utils
    image: python:3.11
    command:
      - set -e
      - pip install --quiet valohai-utils==0.8.0
      - python job.py {parameters}
    parameters:
      - {name: rate, type: float, default: 0.5}
      - {name: names, type: string, multiple: separate, default: [a, b]}
    inputs:
      - {name: dataset, optional: true}
"""

JOB = """\
import os, time
import valohai

print("rate", valohai.parameters("rate").value, "names", list(valohai.parameters("names").value))
print("dataset", list(valohai.inputs("dataset").paths()))
valohai.set_status_detail("halfway there")
with valohai.logger() as logger:
    for epoch in range(2):
        logger.log("epoch", epoch)
        logger.log("loss", 1.0 / (epoch + 1))
        logger.flush()
live = valohai.outputs("live").path("early.txt")
with open(live, "w") as file:
    file.write("early")
valohai.outputs("live").live_upload("early.txt")
for _ in range(100):
    if not os.path.exists(live):
        print("live upload taken")
        break
    time.sleep(0.1)
with valohai.output_properties() as properties:
    with open(valohai.outputs().path("model.bin"), "wb") as file:
        file.write(b"model")
    properties.add(file="model.bin", properties={"quality": "good"})
    version = properties.dataset_version_uri("models", f"run-{valohai.execution().config.counter}")
    properties.add_to_dataset(file="model.bin", dataset_version=version)
print("execution", valohai.execution().config.counter)
"""


def test_inputs_parameters_outputs_metadata_and_callbacks(linked: Vh, tmp_path: Path) -> None:
    (linked.directory / "valohai.yaml").write_text(STEP)
    (linked.directory / "job.py").write_text(JOB)
    counter = counter_of(linked("exec", "run", "--adhoc", "utils"))
    wait_for_status(linked, counter, "complete", seconds=120)
    log = linked("exec", "logs", counter, "--all")
    assert "rate 0.5 names ['a', 'b']" in log
    assert "live upload taken" in log
    assert f"execution {counter}" in log
    info = json.dumps(json.loads(linked("--output-format", "json", "exec", "info", counter)))
    assert "halfway there" in info
    assert "loss" in linked("exec", "summarize", counter)
    names = {str(d["name"]): d for d in rows(linked, "data", "list")}
    assert {"live/early.txt", "model.bin"} <= set(names)
    assert names["model.bin"]["metadata"]["quality"] == "good"  # type: ignore[index]

    second = counter_of(
        linked("exec", "run", "--adhoc", "utils", f"--dataset=datum://{names['model.bin']['id']}")
    )
    wait_for_status(linked, second, "complete", seconds=120)
    assert "dataset/model.bin" in linked("exec", "logs", second, "--all")

    third = counter_of(linked("exec", "run", "--adhoc", "utils", "--dataset=dataset://models/latest"))
    wait_for_status(linked, third, "complete", seconds=120)
    log = linked("exec", "logs", third, "--all")
    assert "dataset/model.bin" in log
    assert f"Created dataset version 'dataset://models/run-{third}' with 1 files" in log
    assert f"dataset://models/run-{second}" in linked("--output-format", "json", "exec", "info", third)
