"""A private view of the file system and of the process table for one job, by the kernel's namespaces.

The host is not changed: the job's root is a tmpfs on which every top-level directory of the host is mounted again,
plus /valohai from the job's own folder. Written with ctypes, since CPython has no such calls before 3.12.
"""

import ctypes
import os
import stat

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
MS_RDONLY = 1
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


def enter_root(new_root, folder, mount_point, read_only):
    """Make `new_root` (an empty directory) the root: the host's, plus `folder` at `mount_point`.

    `read_only` are paths below `mount_point` that the job may not write. Raises OSError.
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
