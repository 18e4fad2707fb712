"""The steps of `script/test`, run in the project's environment. The last line printed is pytest's own."""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
APPS = [
    "common",
    "audit",
    "accounts",
    "organizations",
    "projects",
    "environments",
    "datastores",
    "executions",
    "valohai_app",
]
# Static checks read the settings but connect to nothing.
NO_SERVICES = {
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": "only-for-static-checks-of-the-project",
    "DJANGO_SETTINGS_MODULE": "valohai_app.settings",
}
STEPS = {
    "ruff check": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "mypy": ["mypy", *APPS],
    "import layers": ["lint-imports"],
    "migrations": ["python", "manage.py", "makemigrations", "--check", "--dry-run"],
    "OpenAPI document": ["python", "script/openapi", "--check"],
}


def main() -> int:
    if os.environ.get("STATIC") != "0":
        failed = [name for name, command in STEPS.items() if not _passes(name, command)]
        if failed:
            print(f"\nFailed: {', '.join(failed)}. The tests were not run.")
            return 1
    workers = os.environ.get("TEST_WORKERS", str(os.cpu_count() or 1))
    return subprocess.run(
        ["python", "-m", "pytest", "-n", workers, *sys.argv[1:]], cwd=ROOT, check=False
    ).returncode


def _passes(name: str, command: list[str]) -> bool:
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **NO_SERVICES}, check=False)
    verdict = "ok" if done.returncode == 0 else "FAILED"
    print(f"{name}: {verdict} ({time.monotonic() - began:.1f} s)", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
