"""Which runtime an agent uses."""

from peon.config import ConfigurationError
from peon.gpus import Gpus


def make_runtime(settings, identity, gpus=None):
    """The runtime that the settings ask for; `auto` is Docker where an engine answers. Raises ConfigurationError."""
    gpus = gpus or Gpus([], settings.gpu_index)
    if settings.runtime == "apptainer":
        return _apptainer(settings, gpus)
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


def prefer_apptainer(settings, identity, gpus=None):
    """For an agent inside a cluster's job: `auto` is Apptainer where there is one, then as `make_runtime`.

    A container of a Docker Engine would run outside of what the cluster has given the job.
    """
    from peon.runtimes.apptainer import find_program

    return (
        _apptainer(settings, gpus or Gpus([], settings.gpu_index))
        if settings.runtime == "auto" and find_program()
        else make_runtime(settings, identity, gpus)
    )


def _apptainer(settings, gpus):
    from peon.runtimes.apptainer import PROGRAMS, ApptainerRuntime, find_program

    program = find_program()
    if program is None:
        raise ConfigurationError(
            "RUNTIME is apptainer, but there is no program {}.".format(" or ".join(PROGRAMS))
        )
    return ApptainerRuntime(program, settings.directory, settings.cache_directory, settings.job_python, gpus)
