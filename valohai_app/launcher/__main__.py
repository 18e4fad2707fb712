"""The command line of the launcher; `script/server` installs what it needs and then runs it."""

import argparse
import sys
from pathlib import Path

from valohai_app.launcher.folders import DEFAULT_DATA
from valohai_app.launcher.installation import Installation, Options, StartFailed
from valohai_app.launcher.postgres_server import PostgresFailed
from valohai_app.launcher.records import AlreadyRunning
from valohai_app.launcher.redis_server import RedisFailed


def main() -> int:
    options = _options(sys.argv[1:])
    try:
        Installation(options).run()
    except (StartFailed, AlreadyRunning, PostgresFailed, RedisFailed) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


def _options(arguments: list[str]) -> Options:
    parser = argparse.ArgumentParser(
        prog="script/server", description="Run the whole platform on this machine. Ctrl-C stops it."
    )
    parser.add_argument("--port", type=int, default=8000, help="where to serve everything (default: 8000)")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
    parser.add_argument(
        "--data", type=Path, default=DEFAULT_DATA, metavar="DIR", help="folder of all data (default: .data)"
    )
    parser.add_argument(
        "--no-example", dest="example", action="store_false", help="do not import and run the example project"
    )
    parsed = parser.parse_args(arguments)
    return Options(parsed.data.expanduser().resolve(), parsed.host, parsed.port, parsed.example)


if __name__ == "__main__":
    sys.exit(main())
