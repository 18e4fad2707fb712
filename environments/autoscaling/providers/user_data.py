"""The script that a cloud's machine runs at its first boot: it becomes a worker of this installation, or ends itself.

Everything comes from the installation; a one-time token lets the machine in. Whatever can read the script later, such as a job
by the metadata service, finds a token that is spent, and no password.
"""

import shlex
from collections.abc import Mapping

from environments.autoscaling.providers.base import LaunchOrder, ProviderError

TOKEN, APP_URL = "PEON_TOKEN", "APP_URL"
_NOT_IN_SCRIPTS = frozenset({TOKEN, APP_URL, "REDIS_URL", "QUEUES"})
"""The agent is told its queue, and its own user of Redis, when it is let in."""

_SCRIPT = """\
#!/bin/sh
# Makes this machine a worker of {app_url}. Runs once, as root.
exec >> /var/log/peon-boot.log 2>&1
set -x
{additions}
set +x
tries=0
until curl -fsSL --retry 3 --connect-timeout 10 -o /run/peon-install.sh {script} &&
    {token} sh /run/peon-install.sh {options}; do
    tries=$((tries + 1))
    # It is to end when it halts: nobody pays for a machine that does not work.
    [ "$tries" -lt 10 ] || {{ sync; shutdown -h now; exit 1; }}
    sleep 15
done
"""


def boot_script(order: LaunchOrder, cloud: str, additions: str = "") -> str:
    """`cloud` is the agent's word for where it is. Raises `ProviderError` without a token."""
    given = order.agent_settings
    if not given.get(TOKEN):
        raise ProviderError(
            "There is no enrolment token for the machine, so that its agent could not be let in. See docs/operations/aws.md."
        )
    return _SCRIPT.format(
        app_url=given[APP_URL],
        additions=f"sh -c {shlex.quote(additions)}" if additions.strip() else ":",
        script=shlex.quote(f"{given[APP_URL]}/agent/install.sh"),
        token=f"{TOKEN}={shlex.quote(given[TOKEN])}",
        options=_options({**given, "CLOUD": cloud, "PEON_MACHINE_ID": str(order.machine_id)}),
    )


def _options(given: Mapping[str, str]) -> str:
    lines = (
        f"--set {shlex.quote(f'{name}={value}')}"
        for name, value in sorted(given.items())
        if name not in _NOT_IN_SCRIPTS
    )
    return " ".join(lines)
