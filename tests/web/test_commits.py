import pytest
from django.test import Client

from common import clock
from projects.models import Project, Repository
from projects.web.links import web_link
from tests.support import factories
from tests.web.addresses import page


def test_commits_show_where_they_come_from_and_whether_they_run(
    project: Project, alice_browser: Client
) -> None:
    factories.make_commit(project, description="Good one", ref_names=["main"])
    factories.make_commit(
        project, description="Bad one", ref_names=["topic"], config=None,
        config_errors=[{"line": 4, "message": "'command' is a required property"}],
    )  # fmt: skip
    factories.make_commit(project, identifier="~" + "a" * 64, adhoc=True, ref_names=[])
    text = alice_browser.get(page("commits", project)).content.decode()
    for expected in ("Good one", "main", "broken", "line 4", "ad-hoc", "~aaaaaaa"):
        assert expected in text
    only = alice_browser.get(page("commits", project) + "?ref=topic").content.decode()
    assert "Bad one" in only
    assert "Good one" not in only


def test_list_does_not_read_configurations_one_by_one(
    project: Project, alice_browser: Client, django_assert_max_num_queries
) -> None:
    for _ in range(20):
        factories.make_commit(project)
    with django_assert_max_num_queries(9):
        alice_browser.get(page("commits", project))


def test_commit_page_marks_the_faulty_line(project: Project, alice_browser: Client) -> None:
    commit = factories.make_commit(
        project, yaml_source="- step:\n    name: x\n", config=None, config_errors=[{"line": 2, "message": "no image"}],
    )  # fmt: skip
    text = alice_browser.get(page("commit", project, identifier=commit.identifier)).content.decode()
    assert 'class="code-line is-wrong" id="L2"' in text
    assert "no image" in text


def test_code_of_a_commit_is_downloaded(
    project: Project, alice_browser: Client, charlie_browser: Client
) -> None:
    commit = factories.make_commit(project)
    address = page("commit_code", project, identifier=commit.identifier)
    answer = alice_browser.get(address)
    assert answer["Content-Type"] == "application/gzip"
    assert f"{project.name}-{commit.short_identifier}.tar.gz" in answer["Content-Disposition"]
    assert len(b"".join(answer.streaming_content)) == commit.archive_size_bytes
    assert charlie_browser.get(address).status_code == 404


def test_links_to_known_hosts_only() -> None:
    assert web_link("git@github.com:acme/churn.git", "abc") == (
        "GitHub",
        "https://github.com/acme/churn/commit/abc",
    )
    assert web_link("https://user@gitlab.com/a/b/c.git") == ("GitLab", "https://gitlab.com/a/b/c")
    assert web_link("ssh://git@bitbucket.org/a/b") == ("Bitbucket", "https://bitbucket.org/a/b")
    assert web_link("https://git.example.com/a/b.git") is None
    assert web_link("/srv/git/code") is None


def test_fetch_without_a_repository_is_refused_in_words(project: Project, alice_browser: Client) -> None:
    answer = alice_browser.post(page("project_fetch", project), headers={"HX-Request": "true"})
    assert answer.status_code == 400
    assert "no repository" in answer.content.decode()


def test_reader_cannot_fetch(project: Project, charlie, charlie_browser: Client) -> None:
    Repository.objects.create(project=project, url="https://git.example.com/a.git")
    factories.make_collaborator(project, charlie, is_read_only=True)
    assert charlie_browser.post(page("project_fetch", project)).status_code == 403


@pytest.mark.parametrize("since", ["", "x", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "2026-01-01\0"])
def test_a_moment_that_is_none_counts_as_now(project: Project, alice_browser: Client, since: str) -> None:
    Repository.objects.create(
        project=project, url="https://git.example.com/a.git", last_fetched_at=clock.now()
    )
    answer = alice_browser.get(page("project_fetch_status", project), {"since": since})
    assert answer.status_code == 200
