"""Which runtime an agent uses."""

from peon.config import ConfigurationError
from peon.gpus import Gpus


def make_runtime(settings, identity, gpus=None):
    """The runtime that the settings ask for; `auto` is Docker where an engine answers. Raises ConfigurationError."""
    gpus = gpus or Gpus([], settings.gpu_index)
    if settings.runtime in ("auto", "docker"):
        from peon.runtimes.engine_api import EngineApi, EngineError

        engine = EngineApi(settings.docker_host)
        try:
            facts = engine.version()
        except EngineError as error:
            if settings.runtime == "docker":
                raise ConfigurationError("RUNTIME is docker, but no engine answers: {}".format(error))
        else:
            from peon.runtimes.docker import DockerRuntime

            return DockerRuntime(engine, identity, facts, gpus)
    from peon.runtimes.process import ProcessRuntime

    return ProcessRuntime(settings.directory, settings.cache_directory, settings.job_python, gpus)
