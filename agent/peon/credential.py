"""Who an enrolled agent is: a file in its directory, readable by its user alone."""

import json
import os

FILE = "worker.json"


class Credential:
    def __init__(self, identity, secret, redis_url="", queues=()):
        self.identity = identity
        self.secret = secret
        self.redis_url = redis_url
        self.queues = list(queues)

    @property
    def text(self):
        """As it stands in headers."""
        return "{}.{}".format(self.identity, self.secret)

    def save(self, directory):
        """Whole or not at all: half a credential would lock the machine out."""
        os.makedirs(directory, exist_ok=True)
        path = os.path.join(directory, FILE)
        unfinished = path + ".new"
        content = {
            "identity": self.identity, "secret": self.secret, "redis_url": self.redis_url, "queues": self.queues,
        }  # fmt: skip
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        os.rename(unfinished, path)


def load(directory):
    """The credential in the agent's directory, or None where none was enrolled."""
    try:
        with open(os.path.join(directory, FILE)) as file:
            content = json.load(file)
    except FileNotFoundError:
        return None
    return Credential(content["identity"], content["secret"], content["redis_url"], content["queues"])
