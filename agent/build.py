"""Makes peon.pyz, the agent as one file that any CPython from 3.6 runs.

    python agent/build.py fetch WHEELS          the pinned packages of bundle.txt, by pip
    python agent/build.py pack WHEELS FOLDER    FOLDER/peon.pyz from them and the agent's code

The same code and packages give the same file, byte by byte: its checksum tells one version from the next. Only the standard
library is used here.
"""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAME = "peon.pyz"
VERSION_FILE = "peon-version"
_MOMENT = (2020, 1, 1, 0, 0, 0)
_MAIN = """# Another version may take this file's name while it runs: modules are read from the file that was started.
import os, sys
sys.path[0] = os.path.realpath(sys.path[0])
from peon.main import main
sys.exit(main())
"""


def main(arguments: list[str]) -> None:
    if len(arguments) == 2 and arguments[0] == "fetch":
        fetch(Path(arguments[1]))
    elif len(arguments) == 3 and arguments[0] == "pack":
        print(pack(Path(arguments[1]), Path(arguments[2])))
    else:
        sys.exit(__doc__)


def fetch(wheels: Path) -> None:
    """Exactly the files of bundle.txt; pip refuses any other content."""
    wheels.mkdir(parents=True, exist_ok=True)
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
    for_every_python = [
        "--python-version",
        "3.6",
        "--implementation",
        "py",
        "--abi",
        "none",
        "--platform",
        "any",
    ]
    chosen = [
        "--require-hashes",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--requirement",
        str(HERE / "bundle.txt"),
    ]
    subprocess.run([*pip, *for_every_python, *chosen, "--dest", str(wheels)], check=True, stdout=sys.stderr)


def pack(wheels: Path, folder: Path) -> Path:
    """The finished file comes to its place whole."""
    folder.mkdir(parents=True, exist_ok=True)
    target, unfinished = folder / NAME, folder / f"{NAME}.{os.getpid()}"
    contents = {**_bundled(wheels), **_agent(), "__main__.py": _MAIN.encode()}
    with unfinished.open("wb") as file:
        file.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in sorted(contents):
                entry = zipfile.ZipInfo(name, _MOMENT)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, contents[name])
    unfinished.chmod(0o755)
    unfinished.rename(target)
    return target


def state(wheels: Path) -> str:
    """Changes whenever `pack` would make another file; quick to ask at each start."""
    paths = sorted([*(HERE / "peon").rglob("*.py"), *wheels.glob("*.whl"), Path(__file__)])
    return "\n".join(
        f"{path} {facts.st_mtime_ns} {facts.st_size}" for path in paths for facts in [path.stat()]
    )


def _agent() -> dict[str, bytes]:
    root = HERE / "peon"
    code = {f"peon/{path.relative_to(root)}": path.read_bytes() for path in root.rglob("*.py")}
    version: dict[str, str] = {}
    exec((root / "__init__.py").read_text(), version)  # noqa: S102  (the one line that says it)
    return {**code, VERSION_FILE: version["VERSION"].encode() + b"\n"}


def _bundled(wheels: Path) -> dict[str, bytes]:
    found = sorted(wheels.glob("*.whl"))
    assert found, f"no packages in {wheels}: fetch them first"
    contents = {}
    for wheel in found:
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                folder, _, rest = name.partition("/")
                if not folder.endswith(".dist-info"):
                    contents[name] = archive.read(name)
                elif rest.startswith("LICENSE"):
                    contents[f"licences/{folder.partition('-')[0]}/{rest}"] = archive.read(name)
                elif rest == "METADATA":  # packages ask what version they are
                    contents[name] = archive.read(name)
    return contents


if __name__ == "__main__":
    main(sys.argv[1:])
