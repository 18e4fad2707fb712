"""The directories of one job: where they are on this host, and where its command sees them."""

import os
import shutil
import stat

MOUNT_POINT = "/valohai"
PARTS = ("config", "inputs", "outputs", "repository")


class JobFolder:
    """`<directory>/jobs/<execution id>.<epoch>/`: `files` is what the job sees, `spool` and the note are the agent's."""

    def __init__(self, path, mount_point=MOUNT_POINT):
        self.path = path
        self.files = os.path.join(path, "files")
        self.spool = os.path.join(path, "spool")
        self.root = os.path.join(path, "root")
        self.note = os.path.join(path, "job.json")
        self.seen_files = mount_point or self.files

    def create(self):
        """Make everything afresh; what an earlier attempt of the same name left is removed."""
        self.remove()
        for part in PARTS + (".run", ".home", ".tmp"):
            os.makedirs(os.path.join(self.files, part))
        os.mkdir(self.root)

    def host(self, *parts):
        """The path on this host of something below /valohai."""
        return os.path.join(self.files, *parts)

    def seen(self, *parts):
        """The path of the same thing as the job's command sees it."""
        return os.path.join(self.seen_files, *parts)

    def variables(self):
        """The contract's variables for the four directories."""
        return {"VH_{}_DIR".format(part.upper()): self.seen(part) for part in PARTS}

    def remove_files(self):
        """Everything but the spool and the note."""
        remove_tree(self.files)
        remove_tree(self.root)

    def remove(self):
        remove_tree(self.path)


def remove_tree(path):
    """Remove a directory whatever the modes inside; what is not there is fine."""
    if os.path.lexists(path):
        shutil.rmtree(path, onerror=_make_writable_and_retry)


def _make_writable_and_retry(function, path, error):
    if isinstance(error[1], FileNotFoundError):
        return
    parent = os.path.dirname(path)
    try:
        os.chmod(parent, stat.S_IRWXU)
        if os.path.isdir(path) and not os.path.islink(path):
            os.chmod(path, stat.S_IRWXU)
            shutil.rmtree(path, ignore_errors=True)
        else:
            function(path)
    except OSError:
        pass  # a file that cannot be removed must not keep the agent from its next job
