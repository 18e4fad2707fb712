"""Make the checkout's virtual environment when it is missing or out of date, then run Python in it.

    python script/environment.py EXTRAS -- ARGUMENTS...

EXTRAS are those of pyproject.toml, comma separated. A stamp in the environment says what it was made from, so that
nothing is done when nothing has changed. Only the standard library is used here.
"""

import fcntl
import hashlib
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = Path(os.environ.get("VENV", ROOT / ".venv"))
PYTHON = ENVIRONMENT / "bin" / "python"
STAMP = ENVIRONMENT / "made-from.json"
SOURCES = ("pyproject.toml", "constraints.txt", "agent/pyproject.toml", "agent/setup.py")


def main() -> None:
    extras, separator, *arguments = sys.argv[1:]
    assert separator == "--", __doc__
    ensure(set(extras.split(",")))
    os.environ["VIRTUAL_ENV"] = str(ENVIRONMENT)
    os.environ["PATH"] = f"{PYTHON.parent}{os.pathsep}{os.environ['PATH']}"
    # Without the bytecode on disk every start would compile a few thousand modules.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.execv(PYTHON, [str(PYTHON), *arguments])


def ensure(extras: set[str]) -> None:
    if _is_current(extras):
        return
    ENVIRONMENT.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{ENVIRONMENT}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two starts at once would install over each other
        if not _is_current(extras):
            _make(extras | _stamped_extras())


def _is_current(extras: set[str]) -> bool:
    try:
        stamp = json.loads(STAMP.read_text())
    except (FileNotFoundError, ValueError):
        return False
    return stamp["sources"] == _sources() and extras <= set(stamp["extras"]) and PYTHON.exists()


def _stamped_extras() -> set[str]:
    try:
        return set(json.loads(STAMP.read_text())["extras"])
    except (FileNotFoundError, ValueError):
        return set()


def _sources() -> str:
    digest = hashlib.sha256(platform.python_version().encode())
    for name in SOURCES:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def _make(extras: set[str]) -> None:
    print(f"Installing into {ENVIRONMENT} (once; takes a minute or two) ...", file=sys.stderr, flush=True)
    if not STAMP.exists():
        _create()
    STAMP.unlink(missing_ok=True)
    _run(
        [
            str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input",
            "--constraint", str(ROOT / "constraints.txt"),
            "--editable", str(ROOT / "agent"),
            "--editable", f"{ROOT}[{','.join(sorted(extras))}]",
        ],
        "The packages could not be installed; the reason is above. With the network back, start again.",
    )  # fmt: skip
    STAMP.write_text(json.dumps({"sources": _sources(), "extras": sorted(extras)}))


def _create() -> None:
    _run(
        [sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)],
        "The virtual environment could not be made. On Debian and Ubuntu it needs the package python3-venv.",
    )


def _run(command: list[str], remedy: str) -> None:
    # What is printed goes to the error output: the caller's own output begins with the program that it asked for.
    if subprocess.run(command, stdout=sys.stderr, check=False).returncode != 0:
        sys.exit(f"\n{remedy}")


if __name__ == "__main__":
    main()
