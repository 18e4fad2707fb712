"""One job, from the claim to its last acknowledged event."""

import json
import logging
import os
import shutil
import socket
import threading
import time

from peon import VERSION
from peon.api_client import JobApi
from peon.config_files import inputs_config, write_config
from peon.disk_pressure import relieve
from peon.downloads import Downloader
from peon.errors import JobFailed, JobInterrupted, JobLost, WorkerRefused
from peon.http_client import HttpError, shown_url
from peon.inputs import InputFetcher
from peon.job_folder import JobFolder
from peon.job_log import JobLog
from peon.job_secrets import secret_values
from peon.lease import Lease
from peon.mounts import mounts_of
from peon.outcome import COMPLETE, CRASHED, ERROR, Outcome
from peon.outputs import LiveUploader, Outputs
from peon.protocol import events
from peon.protocol.masking import Masker
from peon.repository import place_code
from peon.runtimes.base import Controls, Launch
from peon.sender import Sender
from peon.sizes import duration_text, size_text
from peon.spool import Spool
from peon.supervision import Supervision
from peon.wishes import Wishes

logger = logging.getLogger(__name__)
CLAIM_PATIENCE_SECONDS = 60
SCRIPT = os.path.join(".run", "command")


class Job:
    """`run` claims the job, runs it and says how it ended; `close` waits until the server has stored all of that."""

    def __init__(self, attempt, worker):
        self.attempt = attempt
        self.wishes = Wishes()
        self._worker = worker
        self._folder = JobFolder(
            os.path.join(worker.jobs_folder, attempt.folder_name), worker.runtime.mount_point
        )
        self._spool = None
        self._masker = Masker([attempt.token])
        self._sender = None
        self._finished = threading.Event()
        self._started_at = time.monotonic()
        self._lease = Lease(
            worker.redis, attempt, worker.identity, self.wishes.hear, self._on_acknowledged, self._on_lost
        )

    def run(self):
        """Never raises: what goes wrong ends this job, not the agent."""
        self._lease.start()
        try:
            details = self._claim()
        except JobLost as lost:
            logger.info("%s is not ours: %s", self.attempt.member, lost)
            self._lease.release()
            return
        except WorkerRefused as refused:
            self._lease.release()
            self._worker.give_up(refused)
            return
        except Exception:
            logger.exception("%s could not be claimed", self.attempt.member)
            self._lease.release()  # still queued for the server: it queues the job again
            return
        try:
            self._report_on(details)
        except JobLost as lost:
            logger.warning("%s is lost: %s", self.attempt.member, lost)
            self._spool.discard()
        except Exception as error:
            logger.exception("%s crashed", self.attempt.member)
            self._finish(
                Outcome(CRASHED, None, "The worker failed: {}: {}".format(type(error).__name__, error))
            )

    def close(self):
        """Keep lease and spool until the server has everything, then forget the job."""
        self._tidy(self._worker.cache.trim)
        if self._spool is not None:
            self._lease.hurry()
            if self._spool.has_finish and not self._spool.is_empty():
                self._finished.wait()
            self._sender.stop()
            self._sender.join()
        self._lease.release()
        self._folder.remove()

    def _tidy(self, tidy):
        """Once the job's files are gone, nothing of the cache is in use by it. The job has ended whatever comes of it."""
        try:
            tidy()
        except OSError:
            logger.exception("the cache could not be tidied")

    def _claim(self):
        api = self._api(CLAIM_PATIENCE_SECONDS)
        details = api.claim(self._worker.description(), self._worker.credential)
        self._lease.configure(details["lease"])
        return details

    def _api(self, patience_seconds):
        return JobApi(
            self._worker.http,
            self._worker.app_url,
            self.attempt,
            patience_seconds,
            give_up=self.wishes.check_lost,
        )

    def _report_on(self, details):
        """Everything from here on is told to the server."""
        self._folder.create()
        _write_note(self._folder.note, self.attempt)
        self._spool = Spool(self._folder.spool)
        self._sender = Sender(self._worker.redis, self._spool, self._api(15), self.attempt, self._on_lost)
        self._sender.start()
        self._masker = Masker(secret_values(details, self.attempt.token))
        log = JobLog(self._spool, self._masker, details["limits"].get("log_lines_per_second") or 0)
        run = _Run(self, details, log)
        self._finish(run.outcome())
        if run.empties_caches:
            self._tidy(self._worker.cache.clear)

    def _finish(self, outcome):
        """The last event; nothing follows it."""
        outcome.reason = self._masker.mask_text(outcome.reason)
        self._spool.add_lines(events.STATUS, outcome.summary(time.monotonic() - self._started_at))
        self._spool.add_fact(
            {
                "k": events.FINISH,
                "status": outcome.status,
                "exit_code": outcome.exit_code,
                "reason": outcome.reason,
            }
        )
        self._folder.remove_files()

    def _on_acknowledged(self, seq):
        if self._spool is not None:
            self._spool.acknowledge(seq)
            if self._spool.has_finish and self._spool.is_empty():
                self._finished.set()

    def _on_lost(self):
        """After the finish this only means that the server is done with the job."""
        if self._spool is not None:
            self._spool.discard()
            if self._spool.has_finish:
                self._finished.set()
        self.wishes.lose()


class _Run:
    """Preparation, command and outputs of one job."""

    def __init__(self, job, details, log):
        self._details = details
        self._log = log
        self._say = log.say
        self._wishes = job.wishes
        self._worker = job._worker
        self._folder = job._folder
        self._spool = job._spool
        self._mask = job._masker.mask_text
        self._api = job._api(120)
        self._runtime = self._worker.runtime
        self._variables = {name: str(value) for name, value in details["environment_variables"].items()}
        self._controls = Controls(self._variables)
        self._supervision = Supervision(details["limits"], job.wishes, log)
        self._outputs = Outputs(
            self._folder, self._api, self._worker.http, self._spool, self._say, self._wishes.check_lost
        )

    def outcome(self):
        try:
            found = self._prepare()
            ended = self._run_command(found)
        except JobInterrupted as interrupted:
            ended = self._supervision.interrupted_outcome(str(interrupted))
        except JobFailed as failed:
            self._say(str(failed))
            ended = Outcome(ERROR, None, str(failed))
        self._wishes.check_lost()
        return self._with_outputs(ended)

    def _prepare(self):
        """Directories, code, inputs and configuration; returns the `Launch`."""
        self._introduce()
        if self._controls.clean:
            self._worker.cache.clear()
            self._say("caches of this worker cleared (VH_CLEAN)")
        relieve(
            self._worker.directory, self._worker.disk_free_min, self._worker.cache, self._runtime, self._say
        )
        place_code(
            self._details["code"],
            self._folder.host("repository"),
            self._worker.cache,
            self._worker.http,
            self._say,
        )
        self._check()
        measured = self._fetch_inputs()
        self._check()
        inputs = inputs_config(self._details["inputs"], measured, self._folder.seen("inputs"))
        write_config(self._folder.host("config"), self._details, inputs, self._runtime_facts())
        launch = self._launch()
        self._runtime.prepare(launch, self._say, self._check)
        self._check()
        return launch

    def _introduce(self):
        self._say("starting job on {}, peon {}".format(self._worker.host, VERSION))
        self._say("free disk space: {}".format(size_text(shutil.disk_usage(self._folder.path).free)))

    def _check(self):
        """Raises when the job is to end before its command has begun."""
        self._wishes.check()
        self._supervision.check_time_limit()

    def _fetch_inputs(self):
        downloader = Downloader(
            self._worker.http,
            self._worker.cache,
            not self._controls.no_data_cache,
            self._check,
            self._details["project_id"],
            self._alert_of_change,
        )
        fetcher = InputFetcher(downloader, self._folder.host("inputs"), self._api, self._say, self._check)
        return fetcher.fetch(self._details)

    def _alert_of_change(self, file, before, measured):
        """An address that is not the platform's gives something else than it gave the project on this host before."""
        text = "The content behind {} has changed since this project used it last: it has {} now, sha256 {}, and had {}, sha256 {}."
        text = text.format(
            shown_url(file["uri"]),
            size_text(measured["size"]),
            measured["sha256"],
            size_text(before["size"]),
            before["sha256"],
        )
        self._say(text)
        self._spool.add_fact({"k": events.ALERT, "kind": "input_changed", "text": self._mask(text)})

    def _runtime_facts(self):
        return dict(
            self._runtime.describe(),
            runtime=self._runtime.name,
            host=self._worker.host,
            agent_version=VERSION,
            **self._worker.place,
        )

    def _launch(self):
        script = self._folder.host(SCRIPT)
        with open(script, "w", encoding="utf-8", newline="") as file:
            file.write(self._details["command"].rstrip("\n") + "\n")
        os.chmod(script, 0o755)
        read_only = [
            self._folder.seen("inputs", entry["name"])
            for entry in self._details["inputs"]
            if entry["files"] and entry["download"] != "on-demand"
        ]
        variables = dict(self._variables, **self._folder.variables())
        variables.setdefault("VH_LOCAL_IP", _local_ip())
        mounts = mounts_of(self._details, self._worker.allows_mounts, self._variables, self._say)
        return Launch(
            self._details["execution_id"], self._folder, self._details["image"], variables, read_only, SCRIPT,
            self._controls, mounts,
        )  # fmt: skip

    def _run_command(self, launch):
        self._say("starting the command")
        began = time.monotonic()
        running = self._runtime.start(launch, self._log)
        self._spool.add_fact({"k": events.INFO, "values": dict(self._runtime_facts(), **running.facts)})
        live = LiveUploader(self._outputs, lambda error: logger.warning("live upload failed: %s", error))
        live.start()
        try:
            ended = self._supervision.watch(running, self._spool)
        finally:
            live.end()
            running.close()
        self._say(
            "{} finished with return code {}, duration {}".format(
                self._runtime.unit, ended.code, duration_text(time.monotonic() - began)
            )
        )
        return self._supervision.outcome(ended)

    def _with_outputs(self, ended):
        """Also after an error or a stop: what was made so far is kept."""
        try:
            self._outputs.upload_rest()
        except HttpError as error:
            self._outputs.failures.append("the server would not take the outputs: {}".format(error))
        self._say(
            "{} output files stored".format(self._outputs.count) if self._outputs.count else "no output files"
        )
        if self._outputs.failures and ended.status == COMPLETE:
            return Outcome(ERROR, ended.exit_code, self._outputs.failures[0])
        return ended

    @property
    def empties_caches(self):
        return self._controls.clean


def _write_note(path, attempt):
    """For the next start of a killed agent. The token is good for this attempt only."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump({"member": attempt.member, "token": attempt.token, "queue": attempt.queue}, file)


def _local_ip():
    """The address of this host towards others; no packet is sent."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))
            return probe.getsockname()[0]
    except OSError:
        return "127.0.0.1"
