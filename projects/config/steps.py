"""Steps of a commit, as the official parser's objects. A commit's configuration never changes, so they are kept."""

from collections import OrderedDict
from threading import Lock
from uuid import UUID

from valohai_yaml.objs import Config, Step

from projects.errors import ConfigBroken, StepNotFound
from projects.models import Commit

_KEPT = 256
_configs: OrderedDict[UUID, Config] = OrderedDict()
_lock = Lock()


def parsed(commit: Commit) -> Config:
    """The commit's configuration; the object is shared, so that nobody may change it."""
    with _lock:
        known = _configs.get(commit.pk)
        if known is not None:
            _configs.move_to_end(commit.pk)
            return known
    config = _parse(commit)
    with _lock:
        _configs[commit.pk] = config
        while len(_configs) > _KEPT:
            _configs.popitem(last=False)
    return config


def _parse(commit: Commit) -> Config:
    if commit.config is None:
        raise ConfigBroken(commit, commit.yaml_path, "; ".join(map(_sentence, commit.config_errors[:3])))
    return Config.parse(commit.config)


def _sentence(problem: dict[str, object]) -> str:
    line = problem.get("line")
    return f"line {line}: {problem['message']}" if line else str(problem["message"])


def get_step(commit: Commit, name: str) -> Step:
    steps = parsed(commit).steps
    if name not in steps:
        raise StepNotFound(name, commit, steps)
    return steps[name]
