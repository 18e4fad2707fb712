"""A private Python environment for each job of the process runtime: what it installs stays inside the job.

`python -m venv` takes seconds; the same layout by hand (a configuration file, three links, two scripts) takes a
millisecond. Packages of the host's own interpreter can be imported, none can be changed.
"""

import hashlib
import json
import os
import pkgutil
import subprocess
import sys
import threading
import zipfile

FOLDER = ".python"

_PROBE = """
import importlib.util, json, os, platform, sys, sysconfig
found = importlib.util.find_spec("pip") is not None
wheels = []
try:
    import ensurepip
    folders = [os.path.join(os.path.dirname(ensurepip.__file__), "_bundled"), getattr(ensurepip, "_WHEEL_PKG_DIR", None)]
    folders.append("/usr/share/python-wheels")
    for folder in folders:
        if folder and os.path.isdir(folder):
            wheels += [os.path.join(folder, name) for name in os.listdir(folder) if name.startswith("pip-")]
except ImportError:
    pass
print(json.dumps({"version": platform.python_version(), "has_pip": found, "wheels": wheels}))
"""

_SHIM = """#!{python}
import importlib.util, sys
spec = importlib.util.spec_from_file_location("pip_layers", {module!r})
layers = importlib.util.module_from_spec(spec)
spec.loader.exec_module(layers)
sys.exit(layers.main(sys.argv[1:], environment={environment!r}, seen={seen!r}, layers={layers!r}))
"""


class PythonEnvironment:
    """`cache` is where layers of installed packages are kept, `pip_homes` where pips are unpacked."""

    def __init__(self, cache, pip_homes, interpreter=""):
        self._cache = cache
        self._pip_homes = pip_homes
        self._interpreter = interpreter or own_interpreter()
        self._facts = None
        self._pip_layers = _file_of_module("pip_layers.py", pip_homes)
        self._probing = threading.Thread(target=self._probe, name="probe-python", daemon=True)
        self._probing.start()

    def create(self, folder):
        """Lay out `.python` in the job's folder."""
        self._probing.join()
        if self._facts is None:
            return
        root, seen = folder.host(FOLDER), folder.seen(FOLDER)
        short = "python" + ".".join(self._facts["version"].split(".")[:2])
        packages = os.path.join(root, "lib", short, "site-packages")
        os.makedirs(packages)
        os.mkdir(os.path.join(root, "bin"))
        for name in ("python", "python3", short):
            os.symlink(self._interpreter, os.path.join(root, "bin", name))
        _write(os.path.join(root, "pyvenv.cfg"), self._configuration())
        if self._facts["pip_home"]:
            _write(os.path.join(packages, "_pip.pth"), self._facts["pip_home"] + "\n")
        self._write_shims(root, seen)

    def path(self, folder, usual):
        """PATH with the environment's programs before all others."""
        return folder.seen(FOLDER, "bin") + ":" + usual if self._facts else usual

    def _configuration(self):
        return "home = {}\ninclude-system-site-packages = true\nversion = {}\n".format(
            os.path.dirname(self._interpreter), self._facts["version"]
        )

    def _write_shims(self, root, seen):
        text = _SHIM.format(
            python=os.path.join(seen, "bin", "python"),
            module=self._pip_layers,
            environment=root,
            seen=seen,
            layers=self._cache,
        )
        for name in ("pip", "pip3"):
            path = os.path.join(root, "bin", name)
            _write(path, text)
            os.chmod(path, 0o755)

    def _probe(self):
        """Learn the interpreter's version and where its pip is. Without an interpreter jobs get none of their own."""
        try:
            answer = subprocess.check_output(
                [self._interpreter, "-I", "-c", _PROBE], stderr=subprocess.DEVNULL
            )
            facts = json.loads(answer.decode())
        except (OSError, ValueError, subprocess.CalledProcessError):
            return
        facts["pip_home"] = None if facts["has_pip"] else self._unpacked_pip(facts["wheels"])
        self._facts = facts

    def _unpacked_pip(self, wheels):
        """A folder with the pip that comes with the interpreter, for interpreters that do not have it installed."""
        if not wheels:
            return None
        home = os.path.join(self._pip_homes, os.path.basename(sorted(wheels)[-1]))
        if not os.path.isdir(home):
            unfinished = "{}.{}".format(home, os.getpid())
            with zipfile.ZipFile(sorted(wheels)[-1]) as wheel:
                wheel.extractall(unfinished)
            os.rename(unfinished, home)
        return home


def own_interpreter():
    """The interpreter below the agent's own virtual environment, if it is in one."""
    installed = os.path.join(sys.base_prefix, "bin", "python{}.{}".format(*sys.version_info[:2]))
    return installed if os.path.exists(installed) else os.path.realpath(sys.executable)


def _file_of_module(name, folder):
    """Where a job's interpreter finds the module: beside this one, or a copy in `folder` when both are in one packed file."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    if os.path.exists(path):
        return path
    content = pkgutil.get_data(__package__, name)
    copy = os.path.join(folder, "{}-{}".format(hashlib.sha256(content).hexdigest()[:12], name))
    if not os.path.exists(copy):
        os.makedirs(folder, exist_ok=True)
        unfinished = "{}.{}".format(copy, os.getpid())
        with open(unfinished, "wb") as file:
            file.write(content)
        os.rename(unfinished, copy)
    return copy


def _write(path, text):
    with open(path, "w") as file:
        file.write(text)
