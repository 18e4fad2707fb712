"""Output files: which are stored, when, with what properties."""

import hashlib
import json
import os


def test_outputs_are_stored_with_checksums(platform, agent):
    job = platform.add_job(
        "cd /valohai/outputs; printf abc > a.txt; mkdir -p d/e; printf deep > d/e/f.bin; : > empty"
    )
    assert job.wait()["status"] == "complete"
    outputs = job.outputs()
    assert sorted(outputs) == ["a.txt", "d/e/f.bin", "empty"]
    fact = outputs["a.txt"]
    assert fact["size"] == 3
    assert fact["md5"] == "900150983cd24fb0d6963f7d28e17f72"
    assert fact["sha1"] == "a9993e364706816aba3e25717850c26c9cd0d89d"
    assert fact["sha256"] == hashlib.sha256(b"abc").hexdigest()
    assert fact["file_mtime"] > 1e15
    assert job.content("d/e/f.bin") == b"deep"
    assert job.content("empty") == b""


def test_outputs_after_an_error(platform, agent):
    job = platform.add_job("echo x > /valohai/outputs/x; exit 1")
    assert job.wait()["status"] == "error"
    assert "x" in job.outputs()


def test_read_only_files_are_stored_while_the_job_runs(platform, agent):
    job = platform.add_job(
        "cd /valohai/outputs; echo '{\"round\": 1}' > m.bin.metadata.json; echo one > m.bin; chmod 444 m.bin;"
        " while [ -e m.bin ]; do sleep 0.05; done; ls -A; echo two > m.bin; chmod 444 m.bin;"
        " while [ -e m.bin ]; do sleep 0.05; done; echo gone"
    )
    assert job.wait()["status"] == "complete"
    assert job.lines("o") == ["gone"], "the file and its sidecar are removed"
    stored = job.facts("output")
    assert [platform.stored[fact["datum_id"]] for fact in stored] == [b"one\n", b"two\n"]
    assert [fact["metadata"] for fact in stored] == [{"round": 1}, {}]


def test_sidecar_and_list_give_properties_and_are_not_stored(platform, agent):
    sidecar = {"valohai.tags": ["good"], "note": "from the sidecar"}
    lines = [
        {"file": "a.txt", "metadata": {"note": "from the list", "more": 1}},
        {"file": "d/b.txt", "metadata": {"valohai.alias": "best"}},
    ]
    command = "cd /valohai/outputs; mkdir d; touch a.txt d/b.txt alone.metadata.json; echo '{}' > a.txt.metadata.json; "
    command = command.replace("{}", json.dumps(sidecar))
    command += "".join(f"echo '{json.dumps(line)}' >> valohai.metadata.jsonl; " for line in lines)
    job = platform.add_job(command + "echo 'not json' >> valohai.metadata.jsonl")
    assert job.wait()["status"] == "complete"
    outputs = job.outputs()
    assert sorted(outputs) == ["a.txt", "alone.metadata.json", "d/b.txt"]
    assert outputs["a.txt"]["metadata"] == {"valohai.tags": ["good"], "note": "from the sidecar", "more": 1}
    assert outputs["d/b.txt"]["metadata"] == {"valohai.alias": "best"}
    assert any("valohai.metadata.jsonl line 3 are ignored" in line for line in job.lines("s"))


def test_links_out_of_the_outputs_folder_are_refused(platform, agent, tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("secret")
    job = platform.add_job(
        "cd /valohai/outputs; echo good > real; mkdir sub; ln -s real rel; ln -s /valohai/outputs/real abs;"
        f" ln -s ../real sub/up; ln -s {secret}/key out; ln -s {secret} outdir; ln -s ../../../../etc/passwd up; ln -s ../config/api.json c;"
        " ln -s outdir/key through; ln -s loop loop; mkfifo pipe; ln -s sub dir"
    )
    assert job.wait()["status"] == "complete"
    assert sorted(job.outputs()) == ["abs", "real", "rel", "sub/up"]
    assert {job.content(name) for name in job.outputs()} == {b"good\n"}
    said = "\n".join(job.lines("s"))
    for name in ("out", "outdir", "up", "c", "through", "loop"):
        assert f"output '{name}' is not uploaded: it is a link that leads out" in said
    assert "output 'pipe' is not uploaded: it is no regular file" in said
    assert "output 'dir' is not uploaded: it is a link to a directory" in said


def test_ten_thousand_files(platform, agent):
    job = platform.add_job("cd /valohai/outputs; seq 10000 | split -l 1 -a 4 - f")
    assert job.wait(120)["status"] == "complete"
    assert len(job.outputs()) == 10_000
    assert {int(job.content(name)) for name in job.outputs()} == set(range(1, 10_001))
    requests = [path for method, path, _ in platform.requests if path.endswith("/uploads") and job.id in path]
    assert len(requests) == 50
    assert len(job.lines("s")) < 150


def test_store_that_recovers(platform, agent):
    platform.refuse_uploads = 2
    job = platform.add_job("echo x > /valohai/outputs/x")
    assert job.wait()["status"] == "complete"
    assert job.content("x") == b"x\n"


def test_full_store_is_said_and_ends_as_error(platform, agent):
    platform.refuse_uploads = 10**6
    try:
        job = platform.add_job("echo x > /valohai/outputs/x")
        finish = job.wait(60)
    finally:
        platform.refuse_uploads = 0
    assert finish["status"] == "error"
    assert finish["exit_code"] == 0
    assert "output 'x' could not be stored: 507 Insufficient Storage" in finish["reason"]
    assert job.outputs() == {}


def test_a_large_output_goes_in_parts(platform, agent):
    platform.parts_from, platform.expired_parts = 10_000_000, {2, 3}
    platform.refuse_uploads = 1
    try:
        job = platform.add_job(
            "seq 4000000 | head -c 24000001 > /valohai/outputs/big; echo x > /valohai/outputs/small"
        )
        assert job.wait(60)["status"] == "complete"
    finally:
        platform.parts_from, platform.expired_parts = None, set()
    fact = job.outputs()["big"]
    assert (fact["size"], len(job.content("big"))) == (24_000_001, 24_000_001)
    assert fact["sha256"] == hashlib.sha256(job.content("big")).hexdigest()
    assert job.content("small") == b"x\n"
    sent = [path for method, path, _ in platform.requests if method == "PUT" and fact["datum_id"] in path]
    assert {path.rpartition("-")[2].partition("?")[0] for path in sent} == {"1", "2", "3", "4", "5"}
    renewed = [path for method, path, _ in platform.requests if path.endswith("/uploads/renew")]
    assert renewed, "expired addresses are asked for again"


def test_names_that_are_no_text(platform, agent):
    job = platform.add_job("cd /valohai/outputs; touch \"$(printf 'bad\\377')\" 'quote \" and ü.txt'")
    assert job.wait()["status"] == "complete"
    assert list(job.outputs()) == ['quote " and ü.txt']
    assert any("not valid UTF-8" in line for line in job.lines("s"))


def test_large_output_is_streamed(platform, agent):
    job = platform.add_job("head -c 200000000 /dev/zero > /valohai/outputs/big")
    assert job.wait(60)["status"] == "complete"
    assert job.outputs()["big"]["size"] == 200_000_000
    with open(f"/proc/{agent.process.pid}/status") as status:
        peak = next(line for line in status if line.startswith("VmHWM"))
    assert int(peak.split()[1]) < 120_000
    assert os.path.exists(agent.environment["PEON_DIR"])
