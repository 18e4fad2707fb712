"""Child processes that end with their parent, however it ends."""

import ctypes
import os
import runpy
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def fork(run: Callable[[], int], *, end_signal: int, output: int, user: int | None = None) -> int:
    """Run `run` in a forked copy of this process, in a session of its own, both outputs going to `output`.

    The copy shares the modules that are loaded already: it starts at once and costs only the memory that it changes.
    The session keeps a Ctrl-C in the terminal away from it; the kernel sends it `end_signal` when this process dies.
    This process must have a single thread. Returns the child's pid.
    """
    parent_pid = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setsid()
        if user is not None:
            _become(user)
        _end_with_parent(parent_pid, end_signal)
        _forget_the_parent(output)
        code = run()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        # The traceback is the child's last word. It must never unwind into the parent's code.
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def program(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Callable[[], int]:
    """For `fork`: become another program."""

    def run() -> int:
        # Python ignores SIGPIPE, and programs inherit what is ignored.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.chdir("/")
        os.execvpe(command[0], list(command), dict(os.environ if environment is None else environment))  # noqa: S606

    return run


def python_module(name: str, arguments: Sequence[str], directory: Path) -> Callable[[], int]:
    """For `fork`: what `python -m arguments...` does, or `python arguments...` for a file, without a new interpreter."""

    def run() -> int:
        name_process(name)
        os.chdir(directory)
        sys.argv = list(arguments)
        if arguments[0].endswith(".py"):
            runpy.run_path(arguments[0], run_name="__main__")
        else:
            runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
        return 0

    return run


def name_process(name: str) -> None:
    """For `top` and `ps -o comm`: forked processes all have the launcher's command line."""
    if _libc is not None:
        _libc.prctl(_PR_SET_NAME, name.encode()[:15])


def _become(user: int) -> None:
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)


def _end_with_parent(parent_pid: int, end_signal: int) -> None:
    if _libc is None:
        return
    _libc.prctl(_PR_SET_PDEATHSIG, end_signal)
    # The parent may have died before the call; then nobody would ever send the signal.
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signal.SIGKILL)


def _forget_the_parent(output: int) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    # The parent's lock and the other children's pipes: a lock that is open here would outlive a killed parent.
    os.closerange(3, 1024)
