"""The `peon` program."""

import argparse
import logging
import os
import sys

from peon import VERSION, config, redis_client
from peon.presence import is_seen


def main(arguments=None):
    """Exit code of `peon <arguments>`."""
    options = _parser().parse_args(arguments)
    if options.command is None:
        _parser().print_help()
        return 2
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    try:
        settings = config.load(os.environ, options.config)
        if options.command == "status":
            return _status(settings)
        if options.command == "dispatch":
            return _dispatch(settings, options)
        if options.once:
            return _run_once(settings, options.once)
        from peon.runtimes.choice import make_runtime
        from peon.worker import Worker

        worker = Worker(settings, make_runtime)
    except config.ConfigurationError as error:
        sys.stderr.write("peon: {}\n".format(error))
        return 2
    worker.run()
    return 0


def _dispatch(settings, options):
    from peon.dispatch.loop import Dispatcher
    from peon.dispatch.slurm import SlurmCluster

    clusters = {SlurmCluster.kind: SlurmCluster}
    Dispatcher(settings, clusters[options.kind](settings, options.config)).run()
    return 0


def _run_once(settings, member):
    from peon.dispatch.sites import site_of
    from peon.once import OnceWorker
    from peon.runtimes.choice import prefer_apptainer

    OnceWorker(settings, member, site_of(os.environ), prefer_apptainer).run()
    return 0


def _status(settings):
    identity = settings.known_identity()
    if identity is None:
        sys.stderr.write("peon: no worker has run with the directory {} yet\n".format(settings.directory))
        return 1
    try:
        seen = is_seen(redis_client.connect(settings.redis_url), identity)
    except redis_client.errors() as error:
        sys.stderr.write("peon: Redis does not answer: {}\n".format(error))
        return 1
    sys.stdout.write("{} {}\n".format(identity, "works" if seen else "is silent"))
    return 0 if seen else 1


def _parser():
    parser = argparse.ArgumentParser(prog="peon", description="Runs jobs of the platform on this machine.")
    parser.add_argument("--version", action="version", version="peon " + VERSION)
    commands = parser.add_subparsers(dest="command")
    run = commands.add_parser(
        "run", help="take jobs until told to stop (SIGTERM: after the running job, SIGINT: now)"
    )
    run.add_argument(
        "--once",
        metavar="MEMBER",
        help="take exactly this job, run it and end; a dispatcher starts agents so",
    )
    dispatch = commands.add_parser(
        "dispatch", help="hand the jobs of the queues to a cluster, until told to stop"
    )
    dispatch.add_argument("kind", choices=["slurm"], help="which kind of cluster")
    status = commands.add_parser(
        "status", help="exit code 0 when the server hears of this directory's worker, else 1"
    )
    for command in (run, dispatch, status):
        command.add_argument(
            "--config", default=config.DEFAULT_FILE, help="file of NAME=value lines (default: %(default)s)"
        )
    return parser


if __name__ == "__main__":
    sys.exit(main())
