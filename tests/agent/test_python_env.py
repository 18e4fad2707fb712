"""What a job installs stays in the job, and is not installed twice."""

import subprocess
import sys
import zipfile

import pytest

RESTORED = "taken from the worker's cache"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """A folder with a wheel that has a module and a program."""
    folder = tmp_path_factory.mktemp("wheels")
    for version in ("1.0", "2.0"):
        info = f"peondemo-{version}.dist-info"
        with zipfile.ZipFile(folder / f"peondemo-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr("peondemo.py", f"VERSION = '{version}'\ndef main(): print('program', VERSION)\n")
            wheel.writestr(info + "/METADATA", f"Metadata-Version: 2.1\nName: peondemo\nVersion: {version}\n")
            wheel.writestr(info + "/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(info + "/entry_points.txt", "[console_scripts]\npeondemo = peondemo:main\n")
            wheel.writestr(info + "/RECORD", "")
    return folder


@pytest.fixture
def install(wheels):
    return f"pip install -q --no-index --find-links {wheels} "


def run(platform, command, **options):
    job = platform.add_job(command, **options)
    job.wait(60)
    return job


def test_installed_packages_are_gone_in_the_next_job(platform, agent, install):
    job = run(
        platform,
        install + "peondemo==1.0 && peondemo && python -c 'import peondemo; print(peondemo.__file__)'",
    )
    assert job.lines("o")[-2:] == [
        "program 1.0",
        "/valohai/.python/lib/python{}.{}/site-packages/peondemo.py".format(*sys.version_info[:2]),
    ]
    after = run(platform, "python -c 'import peondemo'")
    assert "No module named 'peondemo'" in "\n".join(after.lines("e"))
    outside = subprocess.run(
        [sys.executable, "-c", "import peondemo"], capture_output=True, text=True, check=False
    )
    assert outside.returncode != 0


def test_same_requirements_are_not_installed_twice(platform, agent, install, wheels):
    code = {"requirements.txt": "peondemo>=2.0\n"}  # words that no other test of this agent installs
    first = run(platform, install + "-r requirements.txt && peondemo", code=code)
    assert RESTORED not in "\n".join(first.lines("o"))
    second = run(platform, install + "-r requirements.txt && peondemo", code=code)
    assert RESTORED in "\n".join(second.lines("o"))
    assert second.lines("o")[-1] == "program 2.0"


def test_changed_requirements_are_installed(platform, agent, install):
    command = install + "-r requirements.txt && peondemo"
    for version in ("1.0", "2.0", "1.0"):
        job = run(
            platform,
            command,
            code={"requirements.txt": "-r more.txt\n", "more.txt": f"peondemo=={version}\n"},
        )
        assert job.lines("o")[-1] == "program " + version


def test_what_was_installed_before_is_part_of_the_key(platform, agent, install):
    run(platform, install + "peondemo==1.0")
    job = run(
        platform,
        "touch $(echo $VIRTUAL_ENV/lib/python*/site-packages)/own.py; " + install + "peondemo==1.0; peondemo",
    )
    assert RESTORED not in "\n".join(job.lines("o"))


@pytest.mark.parametrize(
    "arguments", ["-U peondemo", "--upgrade peondemo==1.0", "--target /valohai/.tmp/x peondemo"]
)
def test_installs_that_may_differ_next_time_are_not_kept(platform, agent, install, arguments):
    for _ in range(2):
        job = run(platform, install + arguments + " && echo installed")
        assert job.lines("o") == ["installed"], job.lines()


def test_failing_install_fails_the_job(platform, agent, install):
    job = run(platform, install + "no-such-package-here")
    assert job.status == "error"
    again = run(platform, install + "no-such-package-here")
    assert again.status == "error"


def test_clean_forgets_installed_packages(platform, agent, install):
    run(platform, install + "peondemo==1.0")
    job = run(platform, install + "peondemo==1.0", variables={"VH_CLEAN": "true"})
    assert RESTORED not in "\n".join(job.lines("o"))


def test_python_dash_m_pip_stays_in_the_job_too(platform, agent, install):
    job = run(platform, "python -m " + install + "peondemo==1.0 && peondemo")
    assert job.lines("o")[-1] == "program 1.0"
    assert run(platform, "peondemo").status == "error"
