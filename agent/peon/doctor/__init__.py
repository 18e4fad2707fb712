"""`peon doctor`: looks at everything that a worker needs and says what to mend."""

import json

from peon.config import ConfigurationError, Settings
from peon.doctor.findings import FAILED, OK, SKIPPED, WARNING, Finding
from peon.doctor.host import look_at_disk, look_at_gpus, look_at_python, look_at_runtime
from peon.doctor.network import look_at_platform, look_at_redis

_SIGNS = {OK: "ok", WARNING: "warning", FAILED: "FAILED", SKIPPED: "skipped"}


def examine(values):
    """Findings, one by one."""
    yield look_at_python()
    try:
        settings = Settings(values)
    except ConfigurationError as error:
        yield Finding(
            FAILED, "settings", str(error), "Correct the settings; a machine gets them by being enrolled."
        )
        return
    who = settings.known_identity() or "not enrolled"
    yield Finding(OK, "settings", "{}, queues {}".format(who, ", ".join(settings.queues)))
    for look in (look_at_runtime, look_at_gpus, look_at_disk, look_at_platform, look_at_redis):
        for finding in look(settings):
            yield finding


def run(values, as_json, write):
    """Exit code: 0 when nothing failed."""
    findings = []
    for finding in examine(values):
        findings.append(finding)
        if not as_json:
            write(_line(finding))
    failed = any(finding.level == FAILED for finding in findings)
    if as_json:
        write(
            json.dumps({"ok": not failed, "findings": [vars(finding) for finding in findings]}, indent=1)
            + "\n"
        )
    elif failed:
        write("\nThis machine will not run jobs as it should until what FAILED is mended.\n")
    return 1 if failed else 0


def _line(finding):
    line = "{:<8} {:<12} {}\n".format(_SIGNS[finding.level], finding.name, finding.text)
    return line + ("{:<22}{}\n".format("", "-> " + finding.remedy) if finding.remedy else "")
