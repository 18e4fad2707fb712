"""The `peon` program."""

import argparse
import logging
import os
import sys

from peon import VERSION, config


def main(arguments=None):
    """Exit code of `peon <arguments>`."""
    options = _parser().parse_args(arguments)
    if options.command != "run":
        _parser().print_help()
        return 2
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    try:
        settings = config.load(os.environ, options.config)
        from peon.runtimes.choice import make_runtime
        from peon.worker import Worker

        worker = Worker(settings, make_runtime)
    except config.ConfigurationError as error:
        sys.stderr.write("peon: {}\n".format(error))
        return 2
    worker.run()
    return 0


def _parser():
    parser = argparse.ArgumentParser(prog="peon", description="Runs jobs of the platform on this machine.")
    parser.add_argument("--version", action="version", version="peon " + VERSION)
    commands = parser.add_subparsers(dest="command")
    run = commands.add_parser("run", help="take jobs until told to stop (SIGTERM: after the running job, SIGINT: now)")
    run.add_argument("--config", default=config.DEFAULT_FILE, help="file of NAME=value lines (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
