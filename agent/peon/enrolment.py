"""`peon enrol`: a one-time token becomes identities of this machine's agents."""

import os
import socket
import sys

from peon import credential, worker_api
from peon.errors import EnrolmentRefused, WorkerRefused
from peon.http_client import HttpClient, HttpError, Unreachable


def enrol(directory, app_url, token, agents, queues, ca_file=None, write=sys.stdout.write):
    """Enrol the agents that are not enrolled yet; exit code."""
    http = HttpClient(timeout_seconds=30, ca_file=ca_file)
    folders = agent_folders(directory, agents)
    missing = [folder for folder in folders if not _is_known(http, app_url, folder, write)]
    if not missing:
        return 0
    if not token:
        sys.stderr.write("peon: give the enrolment token with --token\n")
        return 2
    try:
        answer = worker_api.enrol(http, app_url, token, socket.gethostname(), len(missing), queues)
    except EnrolmentRefused as refused:
        sys.stderr.write("peon: not enrolled: {}\n".format(refused))
        return 1
    except (Unreachable, HttpError) as error:
        sys.stderr.write("peon: not enrolled: {}. Is APP_URL right?\n".format(error))
        return 1
    for folder, worker in zip(missing, answer["workers"]):
        known = credential.Credential(
            worker["identity"], worker["secret"], worker["redis_url"], answer["queues"]
        )
        known.save(folder)
        write("enrolled as {} for {}\n".format(known.identity, ", ".join(known.queues)))
    return 0


def agent_folders(directory, agents):
    """One agent has the directory itself, several have numbered ones in it, as the unit `peon@N` has."""
    return [directory] if agents == 1 else [os.path.join(directory, str(number)) for number in range(agents)]


def _is_known(http, app_url, folder, write):
    """Whether the folder has an identity that still counts. While the application is away it does."""
    known = credential.load(folder)
    if known is None:
        return False
    try:
        worker_api.WorkerApi(http, app_url, known).probe()
    except WorkerRefused as refused:
        write("{} counts no more: {}\n".format(known.identity, refused))
        return False
    except (HttpError, Unreachable):
        pass
    write("{} is enrolled already\n".format(known.identity))
    return True
