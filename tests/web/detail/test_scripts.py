"""Unit tests of the page's pure JavaScript modules, run by node where it is installed."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent / "js"
NODE = shutil.which("node")


@pytest.mark.skipif(
    NODE is None, reason="node is not installed; browsers run the same modules in the journeys"
)
@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.test.mjs")), ids=lambda path: path.stem)
def test_module(script: Path) -> None:
    done = subprocess.run(
        [str(NODE), "--test", str(script)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
