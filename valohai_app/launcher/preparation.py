"""What has to be done between the start of the database and the start of the platform, each only when needed."""

import gc
import hashlib
import importlib
import runpy
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from valohai_app.launcher.folders import CHECKOUT, DataFolder

# `valohai_app.asgi` itself is not among them: it lists the static files, which may not be there yet.
SHARED_MODULES = (
    "a2wsgi",
    "celery.apps.worker",
    "celery.bin.celery",
    "celery.concurrency.thread",
    "django.core.management",
    "kombu.transport.redis",
    "uvicorn.main",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.auto",
    "uvloop",
    "valohai_app.websockets",
    "whitenoise.middleware",
)


def preload() -> None:
    """Load what every process of the server needs, so that forked ones share it. Opens no connection."""
    import django
    from django.urls import get_resolver

    django.setup()
    _walk(get_resolver().url_patterns)
    for module in SHARED_MODULES:
        importlib.import_module(module)
    # Objects that exist now are never collected: looking at them would copy the pages they are on.
    gc.collect()
    gc.freeze()


def prepare(folder: DataFolder, url: str) -> Callable[[], int]:
    """For `Supervisor.run_once`: bring the database, static files and the installation's basic rows up to date."""

    def run() -> int:
        from django.core.management import call_command

        if _migrations_are_due():
            print("bringing the database up to date", flush=True)
            call_command("migrate", interactive=False, verbosity=0)
        _collect_static_files()
        _build_agent()
        call_command("ensure_installation", url=url, credentials=folder.credentials, verbosity=0)
        return 0

    return run


def import_example(folder: DataFolder) -> Callable[[], int]:
    def run() -> int:
        from django.core.management import call_command

        call_command("import_example", folder.example_repository)
        return 0

    return run


def _migrations_are_due() -> bool:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _collect_static_files() -> None:
    """Hashing and compressing takes seconds; it is skipped while no file has changed."""
    from django.conf import settings
    from django.core.management import call_command

    collected = Path(settings.STATIC_ROOT)
    stamp = collected.with_name(f"{collected.name}.stamp")
    state = _state_of([CHECKOUT / "pyproject.toml", *(CHECKOUT / "static").rglob("*")])
    if stamp.exists() and stamp.read_text() == state and collected.exists():
        return
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    stamp.write_text(state)


def _build_agent() -> None:
    """For machines that become workers of this installation. The packages in it came with the virtual environment."""
    from django.conf import settings

    wheels, target = Path(sys.prefix) / "agent-bundle", Path(settings.AGENT_DIR)
    if not any(wheels.glob("*.whl")):
        print(
            "no agent for other machines: its packages are missing, see docs/operations/workers.md",
            flush=True,
        )
        return
    build = runpy.run_path(str(CHECKOUT / "agent" / "build.py"))
    stamp, state = target / "made-from", build["state"](wheels)
    if not stamp.exists() or stamp.read_text() != state:
        build["pack"](wheels, target)
        stamp.write_text(state)


def _state_of(files: list[Path]) -> str:
    """Changes with any of the files; the versions of the packages that bring static files are in pyproject.toml."""
    digest = hashlib.sha256()
    for path in sorted(files):
        facts = path.stat()
        digest.update(f"{path} {facts.st_mtime_ns} {facts.st_size}\n".encode())
    return digest.hexdigest()


def _walk(patterns: Iterable[object]) -> None:
    """Importing the URL configuration imports every view."""
    for pattern in patterns:
        _walk(getattr(pattern, "url_patterns", []))
