"""What an environment may say about its Slurm jobs. The server checks with it what is saved, and the dispatcher what it is told.

A value is one argument of sbatch, never part of a shell's line. What is not listed here stays with whoever runs the cluster:
above all options that name files, users, mail addresses or other clusters.
"""

import re

NAMES = {
    "partition": re.compile(r"[A-Za-z0-9_.,-]{1,256}\Z"),
    "account": re.compile(r"[A-Za-z0-9_.@-]{1,128}\Z"),
    "qos": re.compile(r"[A-Za-z0-9_.,-]{1,128}\Z"),
    "gres": re.compile(r"[A-Za-z0-9_.,:=/-]{1,256}\Z"),
    "constraint": re.compile(r"[A-Za-z0-9_.,&|*()\[\]:=-]{1,256}\Z"),
    "reservation": re.compile(r"[A-Za-z0-9_.,-]{1,128}\Z"),
}
"""Settings that are passed on as they are, and what they may look like."""

NUMBERS = {"cpus": (1, 4096), "memory_mb": (1, 64 << 20), "time_limit_minutes": (1, 525600)}
"""Settings that are numbers, and their bounds."""

EXTRA = "extra"
"""Setting: a list of further arguments, `--name` or `--name=value`."""

EXTRA_OPTIONS = frozenset(
    [
        "--cluster-constraint", "--core-spec", "--cores-per-socket", "--cpu-freq", "--cpus-per-gpu", "--exclude", "--exclusive",
        "--gpu-bind", "--gpu-freq", "--gpus", "--gpus-per-node", "--gres-flags", "--hint", "--licenses", "--mem-bind",
        "--mem-per-cpu", "--mem-per-gpu", "--mincpus", "--network", "--nice", "--nodelist", "--oversubscribe", "--prefer",
        "--sockets-per-node", "--spread-job", "--switches", "--thread-spec", "--threads-per-core", "--tmp", "--use-min-nodes",
        "--wckey",
    ]
)  # fmt: skip
MOST_EXTRA = 20

_EXTRA = re.compile(r"(--[a-z][a-z-]*)(=[A-Za-z0-9_.,:=/@*&|()\[\]+-]{1,256})?\Z")


def faults(configuration):
    """What is wrong, as `[(setting, sentence)]`; empty when nothing is."""
    if not isinstance(configuration, dict):
        return [("", 'The Slurm settings are an object, such as {"partition": "gpu"}.')]
    found = []
    for name, value in sorted(configuration.items()):
        sentence = _fault(name, value)
        if sentence:
            found.append((name, sentence))
    return found


def _fault(name, value):
    if name in NAMES:
        return None if isinstance(value, str) and NAMES[name].match(value) else _not_a_name(name)
    if name in NUMBERS:
        least, most = NUMBERS[name]
        fits = type(value) is int and least <= value <= most
        return None if fits else "{} is a whole number from {} to {}.".format(name, least, most)
    if name == EXTRA:
        return _extra_fault(value)
    known = ", ".join(sorted(list(NAMES) + list(NUMBERS) + [EXTRA]))
    return "'{}' is no setting of Slurm environments. There are {}.".format(str(name)[:64], known)


def _not_a_name(name):
    return (
        "{} is a short text of letters, digits and the signs that Slurm knows in it, without spaces.".format(
            name
        )
    )


def _extra_fault(value):
    if not isinstance(value, list) or len(value) > MOST_EXTRA:
        return "extra is a list of at most {} arguments.".format(MOST_EXTRA)
    for argument in value:
        matched = _EXTRA.match(argument) if isinstance(argument, str) else None
        if matched is None:
            shown = str(argument)[:64]
            return (
                "'{}' is no argument of the form --name or --name=value, without spaces and quotes.".format(
                    shown
                )
            )
        if matched.group(1) not in EXTRA_OPTIONS:
            return "{} may not be set here. There are {}.".format(
                matched.group(1), ", ".join(sorted(EXTRA_OPTIONS))
            )
    return None
