"""A private view of the file system and of the process table for one job, by the kernel's namespaces.

The host is not changed: the job's root is a tmpfs on which every top-level directory of the host is mounted again,
plus /valohai from the job's own folder. Written with ctypes, since CPython has no such calls before 3.12.
"""

import contextlib
import ctypes
import errno
import os
import stat

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MNT_DETACH = 2
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

_libc = ctypes.CDLL(None, use_errno=True)


def unshare():
    """Leave the host's mounts and process table; the next forked child is process 1 of the new table.

    Without the right to do so directly, a user namespace gives it, where the kernel allows those. Raises OSError.
    """
    wanted = CLONE_NEWNS | CLONE_NEWPID
    if os.geteuid() == 0 and _libc.unshare(wanted) == 0:
        return
    user, group = os.geteuid(), os.getegid()
    _check(_libc.unshare(wanted | CLONE_NEWUSER), "unshare")
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", "{0} {0} 1".format(user))
    _write("/proc/self/gid_map", "{0} {0} 1".format(group))


def enter_root(new_root, folder, mount_point, read_only, mounts=()):
    """Make `new_root` (an empty directory) the root: the host's, plus `folder` at `mount_point`, plus `mounts`.

    `read_only` are paths below `mount_point` that the job may not write; `mounts` are as `peon.mounts.Mount.as_order` has
    them. Raises OSError.
    """
    _mount(None, "/", None, MS_REC | MS_PRIVATE)
    _mount("tmpfs", new_root, "tmpfs", 0, "mode=755")
    for name in os.listdir("/"):
        if "/" + name != mount_point:
            _show("/" + name, os.path.join(new_root, name))
    seen = new_root + mount_point
    os.makedirs(seen)
    _mount(folder, seen, None, MS_BIND)
    for path in read_only:
        inside = new_root + path
        _mount(inside, inside, None, MS_BIND)
        _mount(None, inside, None, MS_BIND | MS_REMOUNT | MS_RDONLY)
    places = _Places(new_root)
    for wanted in mounts:
        places.add(wanted)
    _change_root(new_root)
    _mount_proc()


def _show(path, target):
    """Mount a top-level entry of the host again; what may not be mounted is left out."""
    mode = os.lstat(path).st_mode
    if stat.S_ISLNK(mode):
        os.symlink(os.readlink(path), target)
        return
    if stat.S_ISDIR(mode):
        os.mkdir(target)
    else:
        open(target, "w").close()
    try:
        _mount(path, target, None, MS_BIND | MS_REC)
    except OSError:
        pass


class _Places:
    """Where a job's mounts go. What is not there is made in the job's view of the file system, and never on the host."""

    def __init__(self, new_root):
        self._root = new_root
        self._ours = {""}

    def add(self, wanted):
        destination = wanted["destination"]
        if wanted["file_system"] is not None:
            _mount_share(wanted, self._make_path(destination, is_folder=True))
            return
        with _opened(wanted["source"]) as source:
            target = self._make_path(destination, is_folder=stat.S_ISDIR(os.fstat(source).st_mode))
            # By its descriptor: what stands at the path may be another thing by now.
            _mount("/proc/self/fd/{}".format(source), target, None, MS_BIND)
        if wanted["readonly"]:
            _mount(None, target, None, MS_BIND | MS_REMOUNT | MS_RDONLY | _flags_that_stay(target))

    def _make_path(self, path, is_folder):
        """Something to mount at; its path below the new root."""
        parent, parts = "", path.strip("/").split("/")
        for part in parts[:-1]:
            self._make(parent, part, is_folder=True)
            parent += "/" + part
        self._make(parent, parts[-1], is_folder)
        return self._root + path

    def _make(self, parent, name, is_folder):
        seen = "{}/{}".format(parent, name)
        path = self._root + seen
        if os.path.islink(path):
            raise OSError(
                errno.ELOOP, "{} is a symbolic link on this host: mount at another place".format(seen)
            )
        if os.path.exists(path):
            return
        if parent not in self._ours:
            self._cover(parent)
        if is_folder:
            os.mkdir(path)
            self._ours.add(seen)
        else:
            open(path, "w").close()

    def _cover(self, folder):
        """In the place of a folder of the host one of our own, in which the same things are."""
        _mount("tmpfs", self._root + folder, "tmpfs", 0, "mode=755")
        self._ours.add(folder)
        for name in os.listdir(folder):
            _show(os.path.join(folder, name), os.path.join(self._root + folder, name))


@contextlib.contextmanager
def _opened(path):
    """A descriptor of what is at the path, reached without following any link."""
    descriptor = os.open("/", os.O_PATH | os.O_DIRECTORY)
    try:
        for part in filter(None, path.split("/")):
            inner = os.open(part, os.O_PATH | os.O_NOFOLLOW, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        if stat.S_ISLNK(os.fstat(descriptor).st_mode):
            raise OSError(errno.ELOOP, "{} is a symbolic link".format(path))
        yield descriptor
    finally:
        os.close(descriptor)


def _flags_that_stay(path):
    """A user namespace may not take away what the host's mount forbids."""
    return os.statvfs(path).f_flag & (MS_NOSUID | MS_NODEV | MS_NOEXEC)


def _mount_share(wanted, target):
    """By the host's `mount`, which knows what servers of NFS and SMB want to be told."""
    import subprocess  # few jobs need it, and each job's first process carries what is loaded

    command = ["mount", "-t", wanted["file_system"], "-o", wanted["options"], wanted["source"], target]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        said = done.stdout.decode("utf-8", "replace").strip().replace(target, wanted["destination"])
        raise OSError(errno.EIO, "{} cannot be mounted: {}".format(wanted["source"], said))


def _change_root(new_root):
    os.chdir(new_root)
    if _libc.pivot_root(b".", b".") == 0:
        # Both roots are now at "/", the old one on top.
        _check(_libc.umount2(b".", MNT_DETACH), "umount2")
        os.chdir("/")
    else:
        # The first root of a system that runs from its boot image cannot be pivoted.
        os.chroot(".")


def _mount_proc():
    try:
        _mount("proc", "/proc", "proc", 0)
    except OSError:
        # Inside some containers parts of /proc are masked, and the kernel then refuses a fresh one: keep theirs.
        pass


def become_subreaper():
    """Orphaned descendants become children of this process instead of process 1's."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_with_parent(number):
    """Be sent the signal `number` when the parent dies."""
    _libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)


def _mount(source, target, kind, flags, options=None):
    arguments = [None if text is None else os.fsencode(text) for text in (source, target, kind)]
    data = None if options is None else os.fsencode(options)
    _check(_libc.mount(*(arguments + [ctypes.c_ulong(flags), data])), "mount of {}".format(target))


def _check(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, "{}: {}".format(what, os.strerror(number)))


def _write(path, text):
    with open(path, "w") as file:
        file.write(text)
