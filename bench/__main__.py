"""The command line of `script/bench`."""

import argparse
import importlib

from bench.figures import print_line, print_table

MEASUREMENTS = {
    "latency": "POST of an execution to its code running and its first line",
    "idle": "memory and processor time of the idle platform",
    "start": "warm start",
    "listing": "the executions list at 100,000 rows",
    "data": "the data browser at 1,000,000 files with every filter, and datasets of 100,000; seeding takes minutes",
    "trace": "the lineage of a file from which 10,000 nodes were made",
    "planner": "a round of the scheduler for 10,000 waiting jobs",
    "access": "the executions that somebody may see, at 1,000 organizations and 1,000,000 executions; seeding takes minutes",
    "logs": "log throughput, and latency to many viewers",
    "masking": "what masking of secrets costs the agent",
    "transfer": "files up and down through the agent, beside s5cmd, boto3 and the disk",
    "packaging": "a dataset of 100,000 small files as an input of a job, packaged and not",
    "login": "processor time of a login",
}
"""Each is a module of this package with `measure()`, which yields figures."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench", description="Measure the platform. Takes minutes.")
    known = "; ".join(f"{name}: {text}" for name, text in MEASUREMENTS.items())
    parser.add_argument("names", nargs="*", help=f"what to measure (default: everything). {known}")
    names = parser.parse_args().names or list(MEASUREMENTS)
    unknown = set(names) - set(MEASUREMENTS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}. Known: {', '.join(MEASUREMENTS)}")
    figures = []
    for name in names:
        for figure in importlib.import_module(f"bench.{name}").measure():
            print_line(figure)
            figures.append(figure)
    print()
    print_table(figures)


if __name__ == "__main__":
    main()
