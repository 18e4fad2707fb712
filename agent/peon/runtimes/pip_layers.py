"""The `pip` of a job: a `pip install` that an earlier job ran with the same requirements is not run again.

Loaded by path in the job's own interpreter, so that it imports nothing of the agent. A layer is what an environment
held after an install, kept as hard links under a key made of the interpreter's version, everything installed before,
the arguments, and the content of the requirements files. Installs that can mean something else tomorrow (local
directories, branches of repositories, --upgrade) are never kept.
"""

import hashlib
import json
import os
import platform
import re
import runpy
import shutil
import sys
import tempfile

STATE = ".layers.json"
_CHANGES_MEANING = {
    "-e", "--editable", "-U", "--upgrade", "-t", "--target", "--prefix", "--root", "--user", "--force-reinstall",
    "--dry-run", "--report", "-I", "--ignore-installed", "--log",
}  # fmt: skip
_FILE_OPTIONS = {"-r", "--requirement", "-c", "--constraint"}
_OTHER_VALUES = {
    "-f", "--find-links", "-i", "--index-url", "--extra-index-url", "--cert", "--client-cert", "--trusted-host",
    "--proxy", "--timeout", "--retries", "--cache-dir", "--only-binary", "--no-binary", "--progress-bar",
}  # fmt: skip
_FILE_LINE = re.compile(r"^\s*(?:-r|--requirement|-c|--constraint)[\s=]+(\S+)")
_OWN_PROGRAMS = re.compile(r"^(python[\d.]*|pip[\d.]*)$")


class NotRepeatable(Exception):
    """The same words may install something else next time."""


def main(arguments, environment, seen, layers):
    """Exit code of `pip <arguments>`. `environment` is the environment's path on the host, `seen` inside the job."""
    if arguments[:1] != ["install"]:
        return _run_pip(arguments, environment)
    before = _known_state(environment)
    try:
        if before is None:
            raise NotRepeatable
        key = _key(arguments, before)
    except (NotRepeatable, OSError, UnicodeDecodeError):
        return _run_pip(arguments, environment)
    layer = os.path.join(layers, key)
    if _restore(layer, environment, seen):
        _write_state(environment, key)
        print(
            "Already installed by an earlier job with the same requirements: taken from the worker's cache."
        )
        return 0
    code = _run_pip(arguments, environment)
    if code == 0:
        _keep(layer, environment, seen)
        _write_state(environment, key)
    return code


def _run_pip(arguments, environment):
    """Run the real one; from now on the environment's content is no longer what the state says."""
    try:
        os.unlink(os.path.join(environment, STATE))
    except OSError:
        pass
    if arguments[:1] in (["install"], ["uninstall"]):
        _write_state(environment, None)
    sys.argv = ["pip"] + list(arguments)
    try:
        runpy.run_module("pip", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return ended.code or 0
        sys.stderr.write("{}\n".format(ended.code))
        return 1
    except ImportError:
        sys.stderr.write("This worker's Python has no pip: install it (python3-pip or python3-venv).\n")
        return 1
    return 0


def _key(arguments, before):
    """Raises NotRepeatable or OSError."""
    parts = [platform.python_version(), platform.machine(), before]
    parts.extend(
        "{}={}".format(name, os.environ[name]) for name in sorted(os.environ) if name.startswith("PIP_")
    )
    waiting = list(arguments[1:])
    while waiting:
        word = waiting.pop(0)
        option, equals, value = word.partition("=")
        if option in _CHANGES_MEANING or (word.startswith("-U") and not word.startswith("--")):
            raise NotRepeatable
        if option in _FILE_OPTIONS:
            path = value if equals else (waiting.pop(0) if waiting else "")
            parts.extend([option] + _requirements(path))
        elif word in _OTHER_VALUES:
            parts.extend([word] + waiting[:1])
            del waiting[:1]
        elif word.startswith("-r") and len(word) > 2:
            parts.extend(["-r"] + _requirements(word[2:]))
        else:
            if not word.startswith("-"):
                _refuse_unless_by_name(word)
            parts.append(word)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _requirements(path):
    """The lines of a requirements file and of those it names."""
    if "://" in path:
        raise NotRepeatable
    with open(path) as file:
        lines = file.read().splitlines()
    parts = []
    for line in lines:
        text = line.split(" #")[0].strip()
        if not text or text.startswith("#"):
            continue
        named = _FILE_LINE.match(text)
        if named:
            parts.extend(_requirements(os.path.join(os.path.dirname(path), named.group(1))))
            continue
        if not text.startswith("-"):
            _refuse_unless_by_name(text)
        elif text.split()[0].partition("=")[0] in _CHANGES_MEANING:
            raise NotRepeatable
        parts.append(text)
    return parts


def _refuse_unless_by_name(requirement):
    if "://" in requirement or "/" in requirement.split(";")[0] or os.path.exists(requirement):
        raise NotRepeatable


def _known_state(environment):
    """Key of the layer that the environment is, "" when nothing was installed yet, None when it was changed otherwise."""
    try:
        with open(os.path.join(environment, STATE)) as file:
            state = json.load(file)
    except (OSError, ValueError):
        return "" if not _installed(environment) else None
    return state["key"] if state["installed"] == _installed(environment) else None


def _write_state(environment, key):
    with open(os.path.join(environment, STATE), "w") as file:
        json.dump({"key": key, "installed": _installed(environment)}, file)


def _installed(environment):
    names = []
    for folder in _folders(environment):
        names.extend(os.listdir(os.path.join(environment, folder)))
    return sorted(name for name in names if not _is_skeleton(name) and name != "__pycache__")


def _is_skeleton(name):
    return bool(_OWN_PROGRAMS.match(name)) or name == "_pip.pth"


def _folders(environment):
    library = os.path.join("lib", os.listdir(os.path.join(environment, "lib"))[0], "site-packages")
    return [library, "bin"]


def _keep(layer, environment, seen):
    os.makedirs(os.path.dirname(layer), exist_ok=True)
    unfinished = tempfile.mkdtemp(prefix=".new-", dir=os.path.dirname(layer))
    try:
        size = _link_environment(environment, os.path.join(unfinished, "content"), None)
        with open(os.path.join(unfinished, "about.json"), "w") as file:
            json.dump({"size": size, "seen": seen}, file)
        os.rename(unfinished, layer)
    except OSError:
        shutil.rmtree(unfinished, ignore_errors=True)


def _restore(layer, environment, seen):
    try:
        with open(os.path.join(layer, "about.json")) as file:
            about = json.load(file)
        os.utime(os.path.join(layer, "about.json"), None)
    except (OSError, ValueError):
        return False
    moved = None if about["seen"] == seen else (about["seen"].encode(), seen.encode())
    _link_environment(os.path.join(layer, "content"), environment, moved)
    return True


def _link_environment(source, target, moved):
    """Link everything but the skeleton; `moved` is (old, new) path of the environment for scripts to be rewritten."""
    size = 0
    for folder in _folders(source):
        os.makedirs(os.path.join(target, folder), exist_ok=True)
        for name in os.listdir(os.path.join(source, folder)):
            if _is_skeleton(name):
                continue
            path = os.path.join(folder, name)
            if folder == "bin" and moved:
                size += _copy_script(os.path.join(source, path), os.path.join(target, path), moved)
            else:
                size += _link_tree(os.path.join(source, path), os.path.join(target, path))
    return size


def _link_tree(source, target):
    if os.path.islink(source):
        if not os.path.lexists(target):
            os.symlink(os.readlink(source), target)
        return 0
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
        return sum(_link_tree(os.path.join(source, n), os.path.join(target, n)) for n in os.listdir(source))
    if os.path.lexists(target):
        os.unlink(target)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return os.path.getsize(source)


def _copy_script(source, target, moved):
    with open(source, "rb") as file:
        content = file.read()
    if content.startswith(b"#!"):
        content = content.replace(*moved)
    with open(target, "wb") as file:
        file.write(content)
    shutil.copymode(source, target)
    return len(content)
