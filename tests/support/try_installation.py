"""Try an installation that runs elsewhere: `python -m tests.support.try_installation URL LOGIN_JSON IMAGE`."""

import json
import sys

import httpx

from tests.support.rest import Rest

DEFINITION = """
- step:
    name: train
    image: {image}
    command:
      - cat $VH_INPUTS_DIR/data/* || echo nothing given
      - python3 train.py
    inputs:
      - {{name: data, optional: true}}
"""
CODE = (
    "import os\nprint('trained')\nopen(os.environ['VH_OUTPUTS_DIR'] + '/model.txt', 'w').write('weights')\n"
)


def main(url: str, login: str, image: str) -> None:
    for page in ("healthz", "readyz"):
        answer = httpx.get(f"{url}/{page}", trust_env=False)
        print(f"{page}: {answer.status_code} {answer.text}")
        answer.raise_for_status()
    rest = Rest(url, json.loads(login)["token"])
    project = rest.create_project("tried")
    commit = rest.import_package(project, {"valohai.yaml": DEFINITION.format(image=image), "train.py": CODE})
    output = _run(rest, project, commit, "nothing given")
    _run(rest, project, commit, "weights", inputs={"data": [f"datum://{output}"]})


def _run(rest: Rest, project: str, commit: str, expected: str, **spec: object) -> str:
    """Run the step; the id of the file that it stored."""
    execution = rest.run(project, commit, "train", **spec)
    status = rest.wait(execution, seconds=120)["status"]
    lines = rest.lines(execution)
    print(f"execution: {status}", *lines, sep="\n    ")
    assert status == "complete"
    assert any(expected in line for line in lines), f"{expected!r} is not in the log"
    (datum,) = rest.get("data/", output_execution=execution)["results"]
    address = rest.get(f"data/{datum['id']}/download_url/")["url"]
    assert httpx.get(address, trust_env=False).text == "weights"
    return str(datum["id"])


if __name__ == "__main__":
    main(*sys.argv[1:])
