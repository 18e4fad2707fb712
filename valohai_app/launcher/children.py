"""Child processes that end with their parent, however it ends."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def end_with_parent(parent_pid: int, end_signal: int) -> None:
    """Have the kernel send this process `end_signal` when its parent dies. Linux only; elsewhere it does nothing."""
    if _libc is None:
        return
    _libc.prctl(_PR_SET_PDEATHSIG, end_signal)
    # The parent may have died before the call; then nobody will ever send the signal.
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signal.SIGKILL)


def spawn(
    command: Sequence[str],
    *,
    end_signal: int,
    output: IO[bytes] | int | None,
    environment: Mapping[str, str] | None = None,
    user: int | None = None,
    directory: Path | None = None,
) -> "subprocess.Popen[bytes]":
    """Start a program in a session of its own: a Ctrl-C in the terminal does not reach it.

    Call it from the main thread: the kernel sends the death signal when the *thread* that made the child ends.
    """
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=environment,
        cwd=directory,
        start_new_session=True,
        user=user,
        group=user,
        extra_groups=[] if user is not None else None,
        preexec_fn=partial(end_with_parent, os.getpid(), end_signal),
    )


def fork(run: Callable[[], int], *, end_signal: int, output: int) -> int:
    """Run `run` in a forked copy of this process, in a session of its own, both outputs going to `output`.

    The copy shares the modules that are loaded already: it starts at once and costs only the memory that it changes.
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
        end_with_parent(parent_pid, end_signal)
        _forget_the_parent(output)
        code = run()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _forget_the_parent(output: int) -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL if number != signal.SIGINT else signal.default_int_handler)
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    # Locks, pipes of the other children: none of them is this child's business. Without this a killed supervisor's
    # lock would live on in its children.
    os.closerange(3, 1024)
