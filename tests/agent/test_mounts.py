"""Directories of the host and shares of the network in jobs, by the process runtime and a real kernel."""

import os
import sys

import pytest

from tests.agent.support.fake_platform import AgentProcess


@pytest.fixture(scope="module")
def generous_agent(platform, tmp_path_factory):
    """On a host that allows mounts."""
    if os.geteuid() != 0:
        pytest.skip("needs root: only it may mount shares, and a namespace for the rest")
    agent = AgentProcess(platform, tmp_path_factory.mktemp("agent"), sys.executable, ALLOW_MOUNTS="true")
    agent.start()
    yield agent
    agent.stop()
    print(agent.log())


@pytest.fixture
def place(tmp_path):
    """A folder of the host with something in it, behind no link."""
    folder = tmp_path.resolve() / "data"
    folder.mkdir()
    (folder / "a.txt").write_text("from the host\n")
    return folder


def mount(source, destination, **changes):
    facts = {"kind": "host", "host": "", "path": str(source), "destination": destination, "readonly": True}
    return dict(facts, options={}, **changes) if "options" not in changes else dict(facts, **changes)


def mounts(*allowed, refused=(), notes=(), required=False):
    return {"allowed": list(allowed), "refused": list(refused), "notes": list(notes), "required": required}


def run(platform, command, *allowed, **options):
    job = platform.add_job(command, mounts=mounts(*allowed, **options))
    job.wait()
    return job


@pytest.mark.usefixtures("generous_agent")
class TestDirectories:
    def test_it_is_there_and_cannot_be_written_to(self, platform, place):
        job = run(platform, "cat /lake/a.txt; echo x > /lake/b.txt", mount(place, "/lake"))
        assert job.lines("o") == ["from the host"]
        assert "Read-only file system" in job.lines("e")[-1]
        assert f"mount {place} at /lake, read-only" in job.lines("s")
        assert os.listdir(place) == ["a.txt"]

    def test_it_can_be_written_to_where_that_is_allowed(self, platform, place):
        job = run(platform, "echo new > /lake/b.txt", mount(place, "/lake", readonly=False))
        assert job.wait()["status"] == "complete"
        assert (place / "b.txt").read_text() == "new\n"

    def test_a_place_below_a_folder_of_the_host_is_not_made_on_the_host(self, platform, place):
        """`/etc` stays readable beside it, and the host sees nothing of it."""
        job = run(
            platform, "cat /etc/lake/of/mine/a.txt; head -c 5 /etc/passwd; echo; ls -d /etc/ssl",
            mount(place, "/etc/lake/of/mine"),
        )  # fmt: skip
        assert job.lines("o") == ["from the host", "root:", "/etc/ssl"]
        assert not os.path.exists("/etc/lake")

    def test_it_covers_what_is_there(self, platform, place):
        assert run(platform, "ls /opt", mount(place, "/opt")).lines("o") == ["a.txt"]

    def test_a_single_file(self, platform, place):
        job = run(platform, "cat /settings.txt", mount(place / "a.txt", "/settings.txt"))
        assert job.lines("o") == ["from the host"]

    def test_what_is_mounted_inside_it_on_the_host_is_not_shown(self, platform):
        job = run(platform, "ls /all/proc | head -n 3; echo end", mount("/", "/all"))
        assert job.lines("o") == ["end"]

    def test_several(self, platform, place, tmp_path):
        other = tmp_path.resolve() / "other"
        other.mkdir()
        (other / "b.txt").touch()
        job = run(platform, "ls /lake /pond/deep", mount(place, "/lake"), mount(other, "/pond/deep"))
        assert job.lines("o") == ["/lake:", "a.txt", "", "/pond/deep:", "b.txt"]

    def test_what_is_not_there_ends_the_job(self, platform, tmp_path):
        finish = run(platform, "true", mount(tmp_path / "missing", "/lake")).wait()
        assert finish["status"] == "error"
        assert f"there is no {tmp_path / 'missing'} on this host" in finish["reason"]

    def test_a_link_leads_nowhere(self, platform, place, tmp_path):
        """A job that may write could leave one for the next job."""
        link = tmp_path.resolve() / "link"
        link.symlink_to("/etc")
        for source in (link, link / "ssl"):
            finish = run(platform, "ls /lake", mount(source, "/lake")).wait()
            assert finish["status"] == "error"
            assert "symbolic link" in finish["reason"]

    def test_a_destination_behind_a_link_of_the_host(self, platform, place):
        finish = run(platform, "true", mount(place, "/bin/lake")).wait()
        if not os.path.islink("/bin"):
            pytest.skip("here /bin is no link")
        assert finish["status"] == "error"
        assert "/bin is a symbolic link" in finish["reason"]


@pytest.mark.usefixtures("generous_agent")
class TestWhatTheEnvironmentSays:
    def test_a_refusal_is_a_line_and_the_run_goes_on(self, platform):
        job = run(platform, "ls -d /lake", refused=["The mount of /x at /lake is refused."])
        assert "The mount of /x at /lake is refused. The run goes on without it." in job.lines("s")
        assert job.lines("o") == []

    def test_a_refusal_ends_the_run_where_mounts_are_required(self, platform, place):
        job = run(platform, "echo ran", mount(place, "/lake"), refused=["No."], required=True)
        assert (job.wait()["status"], job.wait()["reason"]) == ("error", "No.")
        assert job.lines("o") == []

    def test_notes_are_said(self, platform, place):
        job = run(platform, "true", mount(place, "/lake"), notes=["It can only be read."])
        assert "It can only be read." in job.lines("s")


@pytest.mark.usefixtures("generous_agent")
class TestShares:
    def test_what_the_host_says_of_a_share_that_cannot_be_mounted(self, platform):
        """No server answers there; on a kernel without NFS not even the question is asked."""
        share = mount(
            "/export", "/lake", kind="nfs", host="127.0.0.1", options={"vers": "4", "soft": "", "timeo": "1"}
        )
        finish = run(platform, "true", share).wait()
        assert finish["status"] == "error"
        assert "127.0.0.1:/export cannot be mounted: " in finish["reason"]

    def test_a_variable_that_the_job_does_not_have(self, platform):
        share = mount("/share", "/lake", kind="smb", host="files", options={"password": "$MISSING"})
        finish = run(platform, "true", share).wait()
        assert "names the variable MISSING" in finish["reason"]

    def test_a_variable_cannot_add_options(self, platform):
        share = mount("/share", "/lake", kind="smb", host="files", options={"password": "$SMB"})
        job = platform.add_job("true", mounts=mounts(share), variables={"SMB": "x,uid=0"})
        assert "has a comma" in job.wait()["reason"]


@pytest.mark.usefixtures("own_agent")
def test_a_host_that_allows_none(own_platform, place):
    job = run(own_platform, "ls -d /lake", mount(place, "/lake"))
    refusal = "The mount at /lake is refused: the host of this worker allows none (ALLOW_MOUNTS)."
    assert refusal + " The run goes on without it." in job.lines("s")
    assert job.lines("o") == []
    finish = run(own_platform, "true", mount(place, "/lake"), required=True).wait()
    assert (finish["status"], finish["reason"]) == ("error", refusal)
