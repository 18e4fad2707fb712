"""A small process beside the agent that starts jobs of the process runtime.

The agent has threads and much memory: forking it is slow and not safe. This process has one thread, few modules and one
task. When its socket closes, because the agent ended or was killed, it ends every job it started, then itself.

Messages are JSON behind a 4-byte length. The agent sends {"do": "probe"}, {"do": "start", ...} with the descriptors of
stdout and stderr, and {"do": "signal", "number": n}. Answers: {"isolation": null | why not}, {"started": pid},
{"failed": why}, {"exited": code}; codes above 128 are 128 + the signal.
"""

import array
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import tempfile

from peon.runtimes import namespaces

_LENGTH = struct.Struct(">I")
_FD_BYTES = array.array("i").itemsize


def main():
    connection = socket.socket(fileno=int(sys.argv[1]))
    connection.setblocking(True)
    namespaces.become_subreaper()
    Launcher(connection).serve()


class Launcher:
    """At most one job at a time."""

    def __init__(self, connection):
        self._connection = connection
        self._job = None
        self._whole_tree_dies_with_it = False
        self._wake, wake_writer = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wake_writer, False)
        signal.set_wakeup_fd(wake_writer)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # A Ctrl-C in the agent's terminal is the agent's to handle.
            signal.signal(number, signal.SIG_IGN)

    def serve(self):
        """Until the agent is gone."""
        while True:
            ready, _, _ = select.select([self._connection, self._wake], [], [])
            if self._wake in ready:
                os.read(self._wake, 4096)
                self._reap()
            if self._connection in ready:
                message, descriptors = receive(self._connection)
                if message is None:
                    break
                self._handle(message, descriptors)
        self._signal(signal.SIGKILL)
        self._end_stragglers()

    def _handle(self, message, descriptors):
        if message["do"] == "probe":
            self._answer({"isolation": probe()})
        elif message["do"] == "start":
            self._answer(self._start(message, descriptors))
        elif message["do"] == "signal":
            self._signal(message["number"])

    def _answer(self, message):
        try:
            send(self._connection, message)
        except OSError:
            pass  # the agent is gone; the next read says so, and ends everything

    def _start(self, order, descriptors):
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            _in_child(_run_first, order, descriptors, writer)
        os.close(writer)
        for descriptor in descriptors:
            os.close(descriptor)
        with os.fdopen(reader) as report:
            failure = report.read()
        if failure:
            os.waitpid(pid, 0)
            return {"failed": failure}
        self._job = pid
        self._whole_tree_dies_with_it = bool(order["root"])
        return {"started": pid}

    def _signal(self, number):
        if self._job is None:
            return
        try:
            if self._whole_tree_dies_with_it:
                os.kill(self._job, number)
            else:
                os.killpg(self._job, number)
        except ProcessLookupError:
            pass
        except PermissionError:
            os.kill(self._job, number)

    def _reap(self):
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._job:
                self._job_ended(exit_code(status))

    def _job_ended(self, code):
        if not self._whole_tree_dies_with_it:
            self._end_group(self._job)
        self._job = None
        self._end_stragglers()
        self._answer({"exited": code})

    @staticmethod
    def _end_group(leader):
        try:
            os.killpg(leader, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass

    @staticmethod
    def _end_stragglers():
        """Kill what left the job's process group: its orphans are children of this process."""
        while True:
            left = children_of(os.getpid())
            if not left:
                return
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            for pid in left:
                try:
                    os.waitpid(pid, 0)
                except ChildProcessError:
                    pass


def probe():
    """None when a job can have namespaces of its own, else why not."""
    folder = tempfile.mkdtemp(prefix="peon-probe-")
    reader, writer = os.pipe()
    order = {
        "argv": ["true"],
        "env": {},
        "cwd": "/",
        "cpus": None,
        "memory_bytes": None,
        "root": os.path.join(folder, "root"),
        "folder": folder,
        "mount_point": "/valohai",
        "read_only": [],
        "mounts": [],
    }
    os.mkdir(order["root"])
    with open(os.devnull, "r+b") as nothing:
        pid = os.fork()
        if pid == 0:
            _in_child(_run_first, order, [nothing.fileno(), nothing.fileno()], writer)
    os.close(writer)
    with os.fdopen(reader) as report:
        failure = report.read()
    os.waitpid(pid, 0)
    os.rmdir(order["root"])
    os.rmdir(folder)
    return failure or None


def _run_first(order, descriptors, report):
    """The job's first process: with namespaces their keeper, without them the command itself."""
    if not order["root"]:
        namespaces.end_with_parent(signal.SIGKILL)
        _become_command(order, descriptors, report)
    keeper = os.getpid()
    namespaces.end_with_parent(signal.SIGKILL)
    namespaces.unshare()
    init = os.fork()
    if init == 0:
        _in_child(_run_init, order, descriptors, report, keeper)
    os.close(report)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: os.kill(init, number))
    _close_outputs(descriptors)
    os._exit(exit_code(os.waitpid(init, 0)[1]))


def _run_init(order, descriptors, report, keeper):
    """Process 1 of the job's process table: when it ends, the kernel ends every other."""
    namespaces.end_with_parent(signal.SIGKILL)
    namespaces.enter_root(
        order["root"], order["folder"], order["mount_point"], order["read_only"], order["mounts"]
    )
    command = os.fork()
    if command == 0:
        _in_child(_become_command, order, descriptors, report)
    os.close(report)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: _signal_group(command, number))
    _close_outputs(descriptors)
    while True:
        pid, status = os.wait()
        if pid == command:
            os._exit(exit_code(status))


def _become_command(order, descriptors, report):
    os.setsid()
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(descriptors[0], 1)
    os.dup2(descriptors[1], 2)
    # Python ignores SIGPIPE, and programs inherit what is ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    if order["cpus"]:
        os.sched_setaffinity(0, order["cpus"])
    if order["memory_bytes"]:
        resource.setrlimit(resource.RLIMIT_DATA, (order["memory_bytes"],) * 2)
    os.chdir(order["cwd"])
    os.execvpe(order["argv"][0], order["argv"], order["env"])


def _signal_group(leader, number):
    try:
        os.killpg(leader, number)
    except ProcessLookupError:
        pass


def _close_outputs(descriptors):
    """Only the job's own processes keep its output open, so that its end is seen."""
    for descriptor in set(descriptors):
        os.close(descriptor)


def _in_child(run, *arguments):
    """Run in a forked child that never comes back; what goes wrong is written to the report pipe."""
    report = arguments[2]
    signal.set_wakeup_fd(-1)
    try:
        run(*arguments)
    except BaseException as error:
        try:
            os.write(report, "{}: {}".format(type(error).__name__, error).encode())
        except OSError:
            pass
    finally:
        os._exit(127)


def exit_code(status):
    """A wait status as a shell would show it."""
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def children_of(parent):
    """Process ids whose parent is `parent`."""
    return [pid for pid, its_parent in parents().items() if its_parent == parent]


def parents():
    """Process id -> its parent's, of every process that can be seen."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/{}/stat".format(name), "rb") as stat:
                    found[int(name)] = int(stat.read().rpartition(b")")[2].split()[1])
            except (OSError, IndexError):
                pass
    return found


def send(connection, message, descriptors=()):
    """One message, with file descriptors when there are any."""
    body = json.dumps(message).encode()
    extra = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
    connection.sendmsg([_LENGTH.pack(len(body))], extra)
    connection.sendall(body)


def receive(connection):
    """(message, descriptors); (None, []) when the other side is gone."""
    try:
        start, ancillary, _, _ = connection.recvmsg(_LENGTH.size, socket.CMSG_SPACE(2 * _FD_BYTES))
    except ConnectionError:
        return None, []
    if not start:
        return None, []
    descriptors = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(data[: len(data) - len(data) % _FD_BYTES])
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    (length,) = _LENGTH.unpack(start + _read(connection, _LENGTH.size - len(start)))
    return json.loads(_read(connection, length).decode()), list(descriptors)


def _read(connection, length):
    parts = []
    while length:
        part = connection.recv(length)
        if not part:
            raise ConnectionError("the message ends early")
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


if __name__ == "__main__":
    main()
