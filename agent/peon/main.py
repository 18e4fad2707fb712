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
        if options.command == "enrol":
            return _enrol(options)
        if options.command == "doctor":
            from peon.doctor import run

            return run(config.read_values(os.environ, options.config), options.json, sys.stdout.write)
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
    return worker.run()


def _enrol(options):
    from peon.enrolment import enrol

    values = config.read_values(os.environ, options.config)
    app_url = (options.app_url or values.get("APP_URL") or "").rstrip("/")
    if not app_url:
        raise config.ConfigurationError("APP_URL is not set: give the platform's address with --app-url.")
    queues = [] if options.any_queue else config.queues_of(values, default=[])
    directory = options.directory or config.directory_of(values)
    ca_file = values.get("APP_CA_FILE") or None
    return enrol(directory, app_url, options.token, options.agents, queues, ca_file)


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
        seen = is_seen(
            redis_client.connect(settings.redis_url, ca_file=settings.redis_ca_file),
            identity,
            settings.queues,
        )
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
    enrolling = commands.add_parser(
        "enrol", help="let this machine in, with the token of the environment's page"
    )
    enrolling.add_argument(
        "--token", default=os.environ.get("PEON_TOKEN"), help="the one-time token (or PEON_TOKEN)"
    )
    enrolling.add_argument("--app-url", help="the platform's address (default: APP_URL)")
    enrolling.add_argument("--directory", help="where identities are kept (default: PEON_DIR)")
    enrolling.add_argument(
        "--agents", type=int, default=1, help="how many agents the machine has (default: 1)"
    )
    enrolling.add_argument(
        "--any-queue", action="store_true", help="whatever QUEUES says, take the token's queue"
    )
    doctor = commands.add_parser("doctor", help="look at everything that a worker needs and say what to mend")
    doctor.add_argument("--json", action="store_true", help="for programs")
    for command in (run, dispatch, status, enrolling, doctor):
        command.add_argument(
            "--config", default=config.DEFAULT_FILE, help="file of NAME=value lines (default: %(default)s)"
        )
    return parser


if __name__ == "__main__":
    sys.exit(main())
