"""Input files: from their address or from the cache, whole and checked."""

import hashlib
import json
import os
import sys
import uuid

from tests.agent.support.fake_platform import AgentProcess, wait_until


def entry(*files, **changes):
    base = {
        "name": "data",
        "input_id": "in-1",
        "keep_directories": "none",
        "optional": False,
        "download": "always",
    }
    return dict(base, files=list(files), **changes)


def file_of(platform, name, content, **known):
    path = f"/data/{uuid.uuid4().hex}/{name}"
    url = platform.serve(path, content)
    return dict({"filename": name, "url": url, "headers": {}, "uri": url, "metadata": []}, **known)


def downloads(platform, file):
    path = file["url"][len(platform.url) :]
    return [headers for method, requested, headers in platform.requests if requested == path]


def test_inputs_are_there_and_described(platform, agent):
    file = file_of(platform, "sub/a.csv", b"1,2,3\n", metadata=[{"k": "v"}])
    job = platform.add_job(
        "cat /valohai/inputs/data/sub/a.csv; cp /valohai/config/inputs.json /valohai/outputs",
        inputs=[entry(file)],
    )
    assert job.wait()["status"] == "complete"
    assert job.lines("o") == ["1,2,3"]
    described = json.loads(job.content("inputs.json"))["data"]["files"][0]
    assert described["path"] == "/valohai/inputs/data/sub/a.csv"
    assert described["size"] == 6
    assert described["checksums"]["sha256"] == hashlib.sha256(b"1,2,3\n").hexdigest()
    assert described["metadata"] == [{"k": "v"}]
    said = "\n".join(job.lines("s"))
    assert "input 'data': sub/a.csv downloaded, 6 B, md5" in said


def test_missing_input_is_a_clear_error(platform, agent):
    file = file_of(platform, "a", None)
    job = platform.add_job("echo never", inputs=[entry(file)])
    finish = job.wait()
    assert finish["status"] == "error"
    assert finish["reason"] == "input 'data': 404 Not Found for {}".format(file["url"])
    assert finish["reason"] in job.lines("s")
    assert job.lines("o") == []


def test_missing_optional_input_is_said(platform, agent):
    job = platform.add_job("echo runs", inputs=[entry(file_of(platform, "a", None), optional=True)])
    assert job.wait()["status"] == "complete"
    assert any("going on without it" in line for line in job.lines("s"))


def test_unreachable_input(platform, agent):
    file = {"filename": "a", "url": "http://127.0.0.1:9/a", "uri": "http://127.0.0.1:9/a"}
    finish = platform.add_job("true", inputs=[entry(file)]).wait(60)
    assert finish["status"] == "error"
    assert "no answer from http://127.0.0.1:9/a" in finish["reason"]


def test_two_files_of_one_name(platform, agent):
    first, second = file_of(platform, "a", b"1"), file_of(platform, "a", b"2")
    finish = platform.add_job("true", inputs=[entry(first, second)]).wait()
    assert finish["status"] == "error"
    assert first["uri"] in finish["reason"]
    assert second["uri"] in finish["reason"]


def test_datum_is_downloaded_once(platform, agent):
    file = file_of(platform, "a", b"content", datum_id=str(uuid.uuid4()))
    for _ in range(2):
        job = platform.add_job("cat /valohai/inputs/data/a", inputs=[entry(file)])
        assert job.wait()["status"] == "complete"
        assert job.lines("o") == ["content"]
    assert len(downloads(platform, file)) == 1
    assert any("found in cache" in line for line in job.lines("s"))


def test_no_data_cache(platform, agent):
    file = file_of(platform, "a", b"content", datum_id=str(uuid.uuid4()))
    for _ in range(2):
        platform.add_job("true", inputs=[entry(file)], variables={"VH_NO_DATA_CACHE": "yes"}).wait()
    assert len(downloads(platform, file)) == 2


def test_clean_empties_the_caches(platform, agent):
    file = file_of(platform, "a", b"content", datum_id=str(uuid.uuid4()))
    platform.add_job("true", inputs=[entry(file)], variables={"VH_CLEAN": "1"}).wait()
    platform.add_job("true", inputs=[entry(file)]).wait()
    assert len(downloads(platform, file)) == 2


def test_two_agents_share_a_cache(own_platform, tmp_path):
    file = file_of(own_platform, "a", b"content", datum_id=str(uuid.uuid4()))
    for name in ("first", "second"):
        agent = AgentProcess(
            own_platform, tmp_path / name, sys.executable, CACHE_DIR=str(tmp_path / "cache")
        ).start()
        try:
            job = own_platform.add_job("cat /valohai/inputs/data/a", inputs=[entry(file)])
            assert job.wait()["status"] == "complete"
            assert job.lines("o") == ["content"]
        finally:
            agent.stop()
    assert len(downloads(own_platform, file)) == 1


def test_expired_addresses_are_asked_for_again(platform, agent):
    """All at once: one question to the platform for many files."""
    files = [file_of(platform, f"f{number}", b"x", datum_id=str(uuid.uuid4())) for number in range(50)]
    expired = [dict(file, url=platform.serve("/expired/" + file["datum_id"], expire)) for file in files]
    job = platform.add_job("ls /valohai/inputs/data | wc -l", inputs=[entry(*expired)])
    job.fresh_inputs = [entry(*files)]
    assert job.wait()["status"] == "complete"
    assert job.lines("o") == ["50"]
    asked = [path for _, path, _ in platform.requests if job.id in path and path.endswith("/inputs")]
    assert len(asked) == 1


def expire(handler):
    handler.send_response(403)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def test_changed_content_behind_an_address_is_an_alert(platform, agent):
    file = file_of(platform, "a", b"old")
    project = str(uuid.uuid4())
    alerts = []
    for content in (b"old", b"old", b"new", b"new"):
        platform.files[file["url"][len(platform.url) :]] = content
        job = platform.add_job("true", inputs=[entry(file)], project_id=project)
        assert job.wait()["status"] == "complete"
        alerts.append([alert["text"] for alert in job.facts("alert")])
    assert [len(texts) for texts in alerts] == [0, 0, 1, 0]
    assert file["url"] in alerts[2][0]
    assert hashlib.sha256(b"new").hexdigest() in alerts[2][0]


def test_inputs_cannot_be_changed_for_the_next_job(platform, agent):
    file = file_of(platform, "a", b"content", datum_id=str(uuid.uuid4()))
    job = platform.add_job(
        "echo changed > /valohai/inputs/data/a; cat /valohai/inputs/data/a", inputs=[entry(file)]
    )
    job.wait()
    assert job.lines("o") == ["content"]


def test_address_with_etag_is_asked_again(platform, agent):
    content = {"value": b"old", "etag": '"1"'}

    def answer(handler):
        if handler.headers.get("If-None-Match") == content["etag"]:
            handler.send_response(304)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        handler.send_response(200)
        handler.send_header("ETag", content["etag"])
        handler.send_header("Content-Length", str(len(content["value"])))
        handler.end_headers()
        handler.wfile.write(content["value"])

    file = file_of(platform, "a", answer)
    seen = []
    for _ in range(3):
        job = platform.add_job("cat /valohai/inputs/data/a", inputs=[entry(file)])
        job.wait()
        seen.extend(job.lines("o"))
        if len(seen) == 2:
            content.update(value=b"new", etag='"2"')
    assert seen == ["old", "old", "new"]


def test_broken_download_goes_on_where_it_broke(platform, agent):
    data = bytes(range(256)) * 4000

    def answer(handler):
        start = int((handler.headers.get("Range") or "bytes=0-")[6:-1])
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(data) - start))
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        handler.end_headers()
        handler.wfile.write(data[start : start + 400_000])
        handler.close_connection = True

    file = file_of(platform, "a", answer, sha256=hashlib.sha256(data).hexdigest())
    job = platform.add_job("sha256sum < /valohai/inputs/data/a", inputs=[entry(file)])
    assert job.wait()["status"] == "complete"
    assert job.lines("o")[0].split()[0] == hashlib.sha256(data).hexdigest()
    assert len(downloads(platform, file)) == 3


def test_content_that_is_not_what_was_announced(platform, agent):
    finish = platform.add_job("true", inputs=[entry(file_of(platform, "a", b"x", md5="0" * 32))]).wait()
    assert finish["status"] == "error"
    assert "is damaged: md5 is" in finish["reason"]


def test_user_name_and_password_in_the_address(platform, agent):
    file = file_of(platform, "a", b"x")
    plain = file["url"]
    file["url"] = file["url"].replace("http://", "http://me:s%20ecret@")
    job = platform.add_job("true", inputs=[entry(file)])
    assert job.wait()["status"] == "complete"
    file["url"], headers = plain, None
    (headers,) = downloads(platform, file)
    assert headers["Authorization"] == "Basic bWU6cyBlY3JldA=="
    assert "ecret" not in "\n".join(job.lines())


def test_on_demand_input_is_not_downloaded(platform, agent):
    file = file_of(platform, "a", b"x")
    job = platform.add_job(
        "ls /valohai/inputs/data; touch /valohai/inputs/data/a", inputs=[entry(file, download="on-demand")]
    )
    assert job.wait()["status"] == "complete"
    assert job.lines("o") == []
    assert downloads(platform, file) == []


def test_many_inputs_in_parallel(platform, agent):
    files = [file_of(platform, f"f{number}", b"x" * number) for number in range(300)]
    job = platform.add_job("ls /valohai/inputs/data | wc -l", inputs=[entry(*files)])
    assert job.wait()["status"] == "complete"
    assert job.lines("o") == ["300"]
    assert len(job.lines("s")) < 130


def page_of(files, following=None, **more):
    return {"files": [dict(file, input="data") for file in files], "left_out": [], "next": following, **more}


def asked_for_pages(platform, job):
    return [path for _, path, _ in platform.requests if job.id in path and path.endswith("/inputs/files")]


def run_with_pages(platform, pages, command="ls /valohai/inputs/data | wc -l", first=0, **inputs):
    return platform.add_job(command, inputs=[entry(**inputs)], next_files=first, pages=pages)


def test_files_come_page_by_page(platform, agent):
    files = [[file_of(platform, f"f{page}-{number}", b"x") for number in range(20)] for page in range(3)]
    pages = [page_of(files[0], 1), page_of([], 2), page_of(files[1], 3), page_of(files[2])]
    job = run_with_pages(
        platform,
        lambda after: pages[after],
        "ls /valohai/inputs/data | wc -l; cp /valohai/config/inputs.json /valohai/outputs",
    )
    assert job.wait()["status"] == "complete"
    assert job.lines("o") == ["60"]
    described = json.loads(job.content("inputs.json"))["data"]
    assert {file["name"] for file in described["files"]} == {
        file["filename"] for page in files for file in page
    }
    assert all(file["checksums"]["sha256"] for file in described["files"])
    assert described["input_id"] == "in-1"
    assert len(asked_for_pages(platform, job)) == 4


def test_expired_addresses_of_a_page_are_asked_for_once(platform, agent):
    """Those in users' stores, which have no datum, too."""
    fresh = [file_of(platform, f"f{number}", b"x", storage_uri=f"s3://b/{number}") for number in range(20)]
    old = [dict(file, url=platform.serve("/expired/" + uuid.uuid4().hex, expire)) for file in fresh]
    answers = [page_of(old), page_of(fresh)]
    job = run_with_pages(platform, lambda after: answers.pop(0))
    assert job.wait()["status"] == "complete"
    assert job.lines("o") == ["20"]
    assert len(asked_for_pages(platform, job)) == 2


def test_a_page_may_end_earlier_when_it_is_asked_for_again(platform, agent):
    fresh = [file_of(platform, f"f{number}", b"x", storage_uri=f"s3://b/{number}") for number in range(20)]
    old = [dict(file, url=platform.serve("/expired/" + uuid.uuid4().hex, expire)) for file in fresh]
    first = [page_of(old)]
    pages = {0: page_of(fresh[:10], 1), 1: page_of(fresh[10:])}
    job = run_with_pages(platform, lambda after: first.pop() if first else pages[after])
    assert job.wait()["status"] == "complete"
    assert job.lines("o") == ["20"]


def test_a_store_that_is_away_for_a_moment_is_waited_for(platform, agent):
    file = file_of(platform, "a", b"x")
    answers = [(503, {"message": "away"}), (503, {"message": "away"}), page_of([file])]
    job = run_with_pages(platform, lambda after: answers.pop(0), "cat /valohai/inputs/data/a")
    assert job.wait()["status"] == "complete"
    assert job.lines("o") == ["x"]


def test_files_that_cannot_be_had_end_it_with_the_servers_words(platform, agent):
    job = run_with_pages(platform, lambda after: (422, {"message": "Input 'data': no store holds it."}))
    finish = job.wait()
    assert (finish["status"], finish["reason"]) == ("error", "Input 'data': no store holds it.")


def test_what_an_optional_input_goes_without_is_said(platform, agent):
    left = {"input": "data", "why": "s3://b/* matches no file in its data store."}
    job = run_with_pages(platform, lambda after: page_of([], left_out=[left]), "echo runs", optional=True)
    assert job.wait()["status"] == "complete"
    assert any("matches no file" in line and "optional" in line for line in job.lines("s"))


def test_two_files_of_one_name_on_different_pages(platform, agent):
    first, second = (file_of(platform, "same", content) for content in (b"1", b"2"))
    pages = [page_of([first], 1), page_of([second])]
    finish = run_with_pages(platform, lambda after: pages[after]).wait()
    assert finish["status"] == "error"
    assert "would both be the file 'same'" in finish["reason"]


def test_cache_stays_within_its_size(own_platform, tmp_path):
    agent = AgentProcess(own_platform, tmp_path / "agent", sys.executable, CACHE_SIZE="3M").start()
    try:
        for _ in range(5):
            file = file_of(own_platform, "a", os.urandom(1_000_000), datum_id=str(uuid.uuid4()))
            own_platform.add_job("true", inputs=[entry(file)]).wait()
        cache = os.path.join(agent.environment["PEON_DIR"], "cache", "data")
        wait_until(lambda: len(os.listdir(cache)) <= 3, 5, "old entries are gone")
        assert len(os.listdir(cache)) >= 2
    finally:
        agent.stop()
