"""The cache of the host: what it keeps, for whom, and what goes first."""

import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from peon.cache import UNFINISHED, Cache, write_about
from peon.contents import Contents, link

AGENT = Path(__file__).resolve().parents[2] / "agent"


@pytest.fixture
def cache(tmp_path):
    return Cache(str(tmp_path / "cache"), 1000)


def keep(cache, name, size=100, used_at=None):
    """A kept content called `name`; the cache does not look at what a name says."""
    contents = Contents(cache)
    with contents.incoming(name, lambda: None) as incoming:
        os.write(incoming.descriptor, b"x" * size)
        contents.keep(incoming, name)
    path = Path(cache.directory, "data", name)
    if used_at is not None:
        os.utime(path, (used_at, path.stat().st_mtime))
    return path


def names(cache):
    return sorted(os.listdir(Path(cache.directory, "data")))


def test_content_is_linked_read_only(cache, tmp_path):
    kept = keep(cache, "a")
    assert Contents(cache).place("a", 100, str(tmp_path / "job")) == 100
    assert (tmp_path / "job").samefile(kept)
    assert kept.stat().st_mode & 0o777 == 0o444


def test_what_was_unused_for_longest_goes_first(cache):
    for number in range(10):
        keep(cache, f"f{number}", 150, used_at=1000 + number)
    assert cache.trim() == 600
    assert names(cache) == ["f4", "f5", "f6", "f7", "f8", "f9"]


def test_use_counts_from_when_it_was_placed(cache, tmp_path):
    for number in range(10):
        keep(cache, f"f{number}", 150, used_at=1000 + number)
    Contents(cache).place("f0", None, str(tmp_path / "job"))
    (tmp_path / "job").unlink()
    cache.trim()
    assert "f0" in names(cache)


def test_what_a_job_uses_stays(cache, tmp_path):
    for number in range(10):
        keep(cache, f"f{number}", 150, used_at=1000 + number)
    for number in range(3):
        link(str(Path(cache.directory, "data", f"f{number}")), str(tmp_path / f"job{number}"))
    cache.trim()
    assert names(cache) == ["f0", "f1", "f2", "f7", "f8", "f9"]


def test_room_is_made_for_what_comes(cache):
    for number in range(6):
        keep(cache, f"f{number}", 150, used_at=1000 + number)
    cache.trim(room_bytes=600)
    assert names(cache) == ["f4", "f5"]


def test_changed_content_is_not_used_again(cache, tmp_path):
    kept = keep(cache, "a")
    kept.chmod(0o644)
    kept.write_bytes(b"y" * 100)
    assert Contents(cache).place("a", 100, str(tmp_path / "job")) is None
    assert not (tmp_path / "job").exists()
    assert not kept.exists()


def test_content_of_another_size_is_not_used(cache, tmp_path):
    keep(cache, "a", 99)
    assert Contents(cache).place("a", 100, str(tmp_path / "job")) is None


def test_only_one_fetches_and_others_wait(cache):
    contents, order = Contents(cache), []
    began = threading.Event()

    def second():
        began.set()
        with contents.incoming("a", lambda: None):
            order.append("second")

    with contents.incoming("a", lambda: None):
        thread = threading.Thread(target=second)
        thread.start()
        began.wait()
        thread.join(0.2)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]


def test_waiting_ends_with_the_job(cache):
    def stopped():
        raise InterruptedError

    contents = Contents(cache)
    with contents.incoming("a", lambda: None):
        second = contents.incoming("a", stopped)
        with pytest.raises(InterruptedError):
            second.__enter__()


def test_what_was_given_up_leaves_nothing(cache):
    with pytest.raises(ZeroDivisionError), Contents(cache).incoming("a", lambda: None):
        raise ZeroDivisionError
    assert names(cache) == []


def test_leftovers_of_a_killed_agent_are_removed_and_work_of_others_is_not(cache):
    folder = Path(cache.kind("data"))
    (folder / (UNFINISHED + "killed")).write_bytes(b"half")
    (folder / "of-an-earlier-version").mkdir()
    with open(folder / (UNFINISHED + "busy"), "wb") as busy:
        fcntl.flock(busy, fcntl.LOCK_EX)
        cache.trim()
        assert names(cache) == [UNFINISHED + "busy"]
        cache.clear()
        assert names(cache) == [UNFINISHED + "busy"]


def test_code_that_is_being_copied_stays(cache):
    for key in ("old", "new"):
        entry = Path(cache.kind("code"), key)
        (entry / "content").mkdir(parents=True)
        write_about(str(entry), {"size": 5000})
    os.utime(Path(cache.kind("code"), "old", "about.json"), (1000, 1000))
    cache.trim()
    assert os.listdir(cache.kind("code")) == ["new"]


def test_several_agents_at_once(cache, tmp_path):
    """Each keeps, places and trims; nobody ever gets anything but the whole content."""
    program = """
import os, random, sys
from peon.cache import Cache
from peon.contents import Contents
root, jobs = sys.argv[1:]
cache = Cache(root, 40_000)
contents = Contents(cache)
os.mkdir(jobs)
for turn in range(300):
    number = random.randrange(30)
    name, size, target = "n%d" % number, 1000 + number, "%s/%d" % (jobs, turn)
    while contents.place(name, size, target) is None:
        with contents.incoming(name, lambda: None) as incoming:
            if not contents.has(name, size):
                os.write(incoming.descriptor, bytes([number]) * size)
                contents.keep(incoming, name)
    with open(target, "rb") as file:
        assert file.read() == bytes([number]) * size
    os.unlink(target)
    if turn % 10 == 0:
        cache.trim(room_bytes=20_000)
"""
    agents = [
        subprocess.Popen(
            [sys.executable, "-c", program, cache.directory, str(tmp_path / f"jobs{number}")],
            env={**os.environ, "PYTHONPATH": str(AGENT)},
        )
        for number in range(4)
    ]
    assert [agent.wait(60) for agent in agents] == [0, 0, 0, 0]
