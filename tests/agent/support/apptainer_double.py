"""Stands for the program `apptainer`, which no Debian has: takes the options that the agent uses, and refuses all others.

What it runs sees the host's files with the folder that is bound at /valohai, as in an image of this very host.
"""

import os
import sys
import tempfile
import time

from peon.runtimes import namespaces

FLAGS = {"--containall", "--no-home", "--writable-tmpfs", "--cleanenv", "--nv"}


def main(arguments):
    assert arguments.pop(0) == "--quiet", arguments
    command = arguments.pop(0)
    return {"pull": pull, "exec": execute}[command](arguments)


def pull(arguments):
    force, path, source = arguments
    assert force == "--force"
    if "missing" in source:
        sys.stderr.write("FATAL:   While making image from oci registry: manifest unknown\n")
        return 255
    with open(path, "w") as file:
        file.write(source)
    if "slow" in source:
        time.sleep(120)
    return 0


def execute(arguments):
    binds, where, flags = [], "/", set()
    while arguments[0].startswith("--"):
        option = arguments.pop(0)
        if option == "--bind":
            binds.append(arguments.pop(0).split(":"))
        elif option == "--pwd":
            where = arguments.pop(0)
        else:
            assert option in FLAGS, option
            flags.add(option)
    with open(arguments.pop(0)) as image:
        source = image.read()
    variables = {
        name.partition("APPTAINERENV_")[2]: text
        for name, text in os.environ.items()
        if name.startswith("APPTAINERENV_")
    }
    variables.update(
        PATH="/usr/local/bin:/usr/bin:/bin",
        IMAGE=source,
        BINDS=" ".join(":".join(bind) for bind in binds[1:]),
        FLAGS=" ".join(sorted(flags)),
    )
    folder = next(host for host, seen, *_ in binds if seen == "/valohai")
    read_only = [seen for _, seen, *mode in binds if mode == ["ro"] and seen.startswith("/valohai/")]
    namespaces.unshare()
    child = os.fork()
    if child == 0:
        namespaces.enter_root(tempfile.mkdtemp(), folder, "/valohai", read_only)
        os.chdir(where)
        os.execvpe(arguments[0], arguments, variables)  # noqa: S606 a shell is the job's to ask for
    status = os.waitpid(child, 0)[1]
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
