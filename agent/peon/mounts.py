"""What a job mounts beside its own files: directories of this host, and shares of other machines by NFS or SMB.

The environment has decided which, see `mounts` in the job's details; here the host has its say, and the words become what
a runtime can do.
"""

import os

from peon.errors import JobFailed

HOST, NFS, SMB = "host", "nfs", "smb"
_FILE_SYSTEMS = {NFS: "nfs", SMB: "cifs"}


class Mount:
    """One that is to be there. `source` is a path, or a share as `mount` takes it."""

    def __init__(self, facts, variables):
        self.kind = facts["kind"]
        self.host = facts["host"]
        self.path = facts["path"]
        self.destination = facts["destination"]
        self.readonly = facts["readonly"]
        self.options = {name: _resolved(name, text, variables) for name, text in facts["options"].items()}

    @property
    def file_system(self):
        return _FILE_SYSTEMS.get(self.kind)

    @property
    def source(self):
        shapes = {HOST: "{path}", NFS: "{host}:{path}", SMB: "//{host}{path}"}
        return shapes[self.kind].format(host=self.host, path=self.path)

    def option_text(self, *more):
        """As behind `-o`."""
        given = ["{}={}".format(name, text) if text else name for name, text in sorted(self.options.items())]
        return ",".join(list(more) + given)

    def as_order(self):
        """For the launcher of the process runtime."""
        return {
            "source": self.source,
            "destination": self.destination,
            "readonly": self.readonly,
            "file_system": self.file_system,
            "options": self.option_text("ro" if self.readonly else "rw"),
        }


def mounts_of(details, is_allowed_here, variables, say):
    """The `Mount`s of a job. What is refused is said, and ends the job with JobFailed where it needs all of them."""
    wanted = details.get("mounts") or {"allowed": [], "refused": [], "notes": [], "required": False}
    refused, allowed = list(wanted["refused"]), wanted["allowed"]
    if not is_allowed_here:
        shape = "The mount at {} is refused: the host of this worker allows none (ALLOW_MOUNTS)."
        refused.extend(shape.format(facts["destination"]) for facts in allowed)
        allowed = []
    for line in refused:
        if wanted["required"]:
            raise JobFailed(line)
        say(line + " The run goes on without it.")
    if not is_allowed_here:
        return []
    for line in wanted["notes"]:
        say(line)
    mounts = [Mount(facts, variables) for facts in allowed]
    for mount in mounts:
        if mount.kind == HOST:
            _check_directory(mount)
        say(
            "mount {} at {}{}".format(
                mount.source, mount.destination, ", read-only" if mount.readonly else ""
            )
        )
    return mounts


def _check_directory(mount):
    """What a rule allows is the path as it is written: a link that a job has left must not lead elsewhere."""
    if not os.path.exists(mount.path):
        raise JobFailed(
            "The mount at {} cannot be made: there is no {} on this host.".format(
                mount.destination, mount.path
            )
        )
    if os.path.realpath(mount.path) != mount.path:
        raise JobFailed(
            "The mount at {} is refused: {} is, or is behind, a symbolic link. Mount the place itself.".format(
                mount.destination, mount.path
            )
        )


def _resolved(name, text, variables):
    if not text.startswith("$"):
        return text
    value = variables.get(text[1:])
    if value is None:
        raise JobFailed(
            "The mount option '{}' names the variable {}, which this job does not have.".format(
                name, text[1:]
            )
        )
    if "," in value or not value.isprintable():
        raise JobFailed("The variable {} has a comma, which a mount option cannot have.".format(text[1:]))
    return value
