"""A job from the queue to its end, by a real agent in the process runtime."""

import json
import os


def test_job_runs_to_its_end(platform, agent):
    job = platform.add_job("echo hello; echo oops >&2; python train.py", code={"train.py": "print('trained')\n"})
    finish = job.wait()
    assert (finish["status"], finish["exit_code"]) == ("complete", 0)
    assert job.lines("o") == ["hello", "trained"]
    assert job.lines("e") == ["oops"]
    assert job.segments[-1]["k"] == "finish"
    narrated = "\n".join(job.lines("s"))
    for phrase in ("starting job on", "free disk space", "downloading code", "finished with return code 0", "completed in"):
        assert phrase in narrated
