"""The public API, endpoint by endpoint. Alice owns the project, Bob works in it, Charlie is a stranger."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from audit.models import AuditEvent
from executions import queue
from executions.api import schemas
from executions.models import Execution
from executions.types import Status
from projects.models import OrganizationVariable, ProjectVariable, VariableGroup
from tests.support import factories

URL = "/api/v0/executions/"
NOWHERE = "01a00000-0000-0000-0000-000000000000"


@pytest.fixture
def commit(project):
    return factories.make_commit(project)


@pytest.fixture
def environment(db):
    return factories.make_environment("local")


@pytest.fixture
def make(project, commit, environment):
    def make(**fields: Any) -> Execution:
        return factories.make_execution(project, commit=commit, environment=environment, **fields)

    return make


def payload(commit, /, **extra: Any) -> dict[str, Any]:
    return {"project": str(commit.project_id), "commit": commit.identifier, "step": "train", **extra}


def numbers(client: APIClient, query: str = "") -> list[int]:
    answer = client.get(f"{URL}?{query}")
    assert answer.status_code == 200, answer.content
    return [row["counter"] for row in answer.json()["results"]]


class TestCreate:
    def test_alice_and_bob_may(self, alice_api, bob_api, commit, environment):
        for number, client in enumerate((alice_api, bob_api), 1):
            answer = client.post(URL, payload(commit), format="json")
            assert answer.status_code == 201, answer.content
            assert answer.json()["counter"] == number

    def test_for_a_stranger_the_project_does_not_exist(self, charlie_api, commit, environment):
        answer = charlie_api.post(URL, payload(commit), format="json")
        assert answer.status_code == 404
        assert not Execution.objects.exists()

    def test_a_reader_is_forbidden(self, charlie, charlie_api, commit, environment):
        factories.make_collaborator(commit.project, charlie, is_read_only=True)
        answer = charlie_api.post(URL, payload(commit), format="json")
        assert answer.status_code == 403
        assert set(answer.json()) == {"message", "detail", "code"}
        assert not Execution.objects.exists()

    def test_anonymous_is_asked_to_log_in(self, anonymous_api, commit):
        answer = anonymous_api.post(URL, payload(commit), format="json")
        assert answer.status_code == 401
        assert not Execution.objects.exists()

    def test_what_the_official_client_sends(self, api, commit, environment):
        body = payload(
            commit,
            inputs={"dataset": ["https://example.com/a", "s3://q/w"][:1]},
            parameters={"epochs": 9, "learning_rate": 0.001, "name": None},
            environment="local", image="img:1", title="mytitle",
            environment_variables={"FOO": "bar", "MODE": "1"},
            environment_variable_groups=[], tags=["t1", "t2"],
            runtime_config={"autorestart": True, "kubernetes": {"containers": {"workload": {"resources": {}}}}},
            runtime_config_preset="pre1", priority=1, time_limit=3600.0,
        )  # fmt: skip
        answer = api.post(URL, body, format="json").json()
        assert answer["interpolated_command"] == "python train.py --epochs=9 --learning_rate=0.001"
        assert answer["parameters"] == {"epochs": 9, "learning_rate": 0.001}
        assert answer["inputs"] == [{"name": "dataset", "urls": ["https://example.com/a"]}]
        assert answer["status"] == "created"
        assert answer["environment"]["slug"] == "local"
        assert answer["time_limit"] == 3600
        assert answer["tags"] == ["t1", "t2"]
        assert answer["url"] == f"http://testserver/api/v0/executions/{answer['id']}/"
        owner = f"http://testserver/p/alice/{commit.project.name}/"
        assert answer["urls"]["display"] == f"{owner}execution/{answer['id']}/"
        assert answer["urls"]["stop"] == f"{answer['url']}stop/"
        assert answer["duration"] is None

    def test_minimal_form(self, api, commit, environment):
        answer = api.post(URL, payload(commit), format="multipart")
        assert answer.status_code == 201, answer.content
        execution = Execution.objects.get()
        assert execution.inherit_environment_variables
        assert execution.parameters["epochs"] == 3

    def test_form_urlencoded(self, api, commit, environment):
        body = f'project={commit.project_id}&commit=main&step=train&parameters={{"epochs": 4}}'
        answer = api.post(URL, body, content_type="application/x-www-form-urlencoded")
        assert answer.status_code == 201, answer.content
        assert answer.json()["parameters"]["epochs"] == 4

    def test_plain_text_inputs_and_a_branch_name(self, api, commit, environment):
        answer = api.post(
            URL, payload(commit, commit="main", inputs={"dataset": "https://x/y"}), format="json"
        )
        assert answer.json()["inputs"] == [{"name": "dataset", "urls": ["https://x/y"]}]

    def test_nulls_mean_not_said(self, api, commit, environment):
        names = set(payload(commit)) | {"project"}
        fields = ["environment", "image", "command", "title", "inputs", "parameters", "environment_variables", "tags",
                  "environment_variable_groups", "inherit_environment_variables", "time_limit", "priority",
                  "runtime_config", "runtime_config_preset", "stop_expression"]  # fmt: skip
        answer = api.post(URL, payload(commit, **{f: None for f in fields if f not in names}), format="json")
        assert answer.status_code == 201, answer.content

    def test_unknown_environment(self, api, commit, environment):
        answer = api.post(URL, payload(commit, environment="foo"), format="json")
        assert answer.status_code == 400
        message = "Object with slug or primary key foo does not exist."
        assert answer.json() == {"environment": [{"message": message, "code": "does_not_exist"}]}

    def test_every_fault_in_one_shape(self, api, commit, environment):
        body = payload(
            commit, parameters={"epochs": "many", "no": 1}, inputs={"unknown": ["https://x"]}, priority=-1
        )
        answer = api.post(URL, body, format="json")
        assert answer.status_code == 400
        assert set(answer.json()) == {"parameters", "inputs", "priority"}
        assert all(set(fault) == {"message", "code"} for faults in answer.json().values() for fault in faults)

    @pytest.mark.parametrize(
        ("extra", "field"),
        [
            ({"project": "x"}, "project"),
            ({"commit": "x" * 300}, "commit"),
            ({"commit": "nowhere"}, "commit"),
            ({"step": "nowhere"}, "step"),
            ({"inputs": []}, "inputs"),
            ({"inputs": {"dataset": 5}}, "inputs"),
            ({"inputs": {"dataset": [{}]}}, "inputs"),
            ({"parameters": "x"}, "parameters"),
            ({"environment_variables": ["A=B"]}, "environment_variables"),
            ({"runtime_config": {"no_output_timeout": "soon"}}, "runtime_config"),
            ({"time_limit": "soon"}, "time_limit"),
            ({"title": "a\x00b"}, "title"),
            ({"priority": 10**30}, "priority"),
            ({"environment": "\x00"}, "environment"),
        ],
    )
    def test_bad_values_name_their_field(self, api, commit, environment, extra, field):
        answer = api.post(URL, payload(commit, **extra), format="json")
        assert answer.status_code == 400, answer.content
        assert list(answer.json()) == [field]
        assert not Execution.objects.exists()

    def test_few_queries(self, api, commit, environment):
        api.post(URL, payload(commit), format="json")
        with CaptureQueriesContext(connection) as queries:
            api.post(URL, payload(commit), format="json")
        assert len(queries) <= 14, [query["sql"][:100] for query in queries]


class TestDetail:
    def test_three_references(self, api, make):
        first, last = make(), make()
        project = first.project_id
        assert api.get(f"{URL}{first.pk}/").json()["counter"] == 1
        assert api.get(f"{URL}{project}:1/").json()["id"] == str(first.pk)
        assert api.get(f"{URL}{project}:latest/").json()["id"] == str(last.pk)

    def test_bob_sees_it_and_charlie_does_not(self, bob_api, charlie_api, make):
        execution = make()
        for ref in (execution.pk, f"{execution.project_id}:1", f"{execution.project_id}:latest"):
            assert bob_api.get(f"{URL}{ref}/").status_code == 200
            answer = charlie_api.get(f"{URL}{ref}/")
            assert answer.status_code == 404
            assert answer.json()["message"] == f"Execution {ref} does not exist."

    @pytest.mark.parametrize("ref", ["x", NOWHERE, f"{NOWHERE}:1", f"{NOWHERE}:latest", f"{NOWHERE}:", f"{NOWHERE}:-1",
                                     f"{NOWHERE}:9999999999999999999", f"{NOWHERE}:٣", ":1", "a:b:c"])  # fmt: skip
    def test_references_that_name_nothing(self, api, ref):
        assert api.get(f"{URL}{ref}/").status_code == 404

    def test_shape_is_the_documented_one(self, api, make):
        execution = make()
        answer = api.get(f"{URL}{execution.pk}/").json()
        assert set(answer) == set(schemas.ExecutionDetail().fields)
        row = api.get(f"{URL}?project={execution.project_id}").json()["results"][0]
        assert set(row) == set(schemas.ExecutionRow().fields)
        for name, nested in schemas.ExecutionRow().fields.items():
            if hasattr(nested, "fields"):
                assert set(row[name]) == set(nested.fields), name

    def test_exclude_with_spaces(self, api, make):
        answer = api.get(f"{URL}{make().pk}/?exclude=metadata, events,outputs,unknown").json()
        assert not {"metadata", "events", "outputs"} & set(answer)
        assert "tags" in answer

    def test_without_the_last_slash(self, api, make):
        answer = api.get(f"{URL}{make().pk}", follow=True)
        assert answer.status_code == 200

    def test_position_in_the_queue(self, api, make):
        first, second, started = (
            make(status=Status.QUEUED),
            make(status=Status.QUEUED),
            make(status=Status.STARTED),
        )
        for execution in (first, second):
            queue.enqueue(queue.job_of(execution))
        positions = [api.get(f"{URL}{e.pk}/").json()["queue_position"] for e in (first, second, started)]
        assert positions == [0, 1, None]

    def test_query_count(self, api, make):
        execution = make(status=Status.COMPLETE)
        with CaptureQueriesContext(connection) as queries:
            api.get(f"{URL}{execution.pk}/?exclude=metadata,events,outputs")
        assert len(queries) <= 2


class TestList:
    def test_newest_first_and_only_what_one_may_see(self, alice_api, bob_api, charlie_api, make):
        for _ in range(3):
            make()
        assert numbers(alice_api) == numbers(bob_api) == [3, 2, 1]
        assert numbers(charlie_api) == []
        assert numbers(charlie_api, f"project={Execution.objects.first().project_id}") == []

    def test_filters(self, api, make, project, bob):
        make(status=Status.COMPLETE, step="one", tags=["a"], title="Big run")
        make(status=Status.STARTED, step="two", tags=["a", "b"], creator=bob)
        make(status=Status.ERROR, step="one")
        base = f"project={project.pk}&ordering=counter&"
        for query, expected in {
            "status=complete": [1],
            "status=complete&status=error": [1, 3],
            "status=incomplete": [2],
            "status=incomplete&status=error": [2, 3],
            "status=completed": [],
            "status=": [1, 2, 3],
            "step=one": [1, 3],
            "counter=1&counter=3": [1, 3],
            "counter=x": [],
            f"creator={bob.pk}": [2],
            "creator=<none>": [],
            "tag=a": [1, 2],
            "tag=a&tag=b": [2],
            "title=big": [1],
            "search=two": [2],
            "search=%233": [3],
            "task=x": [],
            "whatever=1": [1, 2, 3],
            "limit=2": [1, 2],
            "limit=2&offset=2": [3],
            "offset=10": [],
            "limit=9001&ordering=-counter&deleted=false": [3, 2, 1],
        }.items():
            assert numbers(api, base + query) == expected, query
        assert numbers(api, "project=nonsense") == []

    @pytest.mark.parametrize(
        "name", ["counter", "ctime", "mtime", "status", "step", "title", "environment", "nonsense"]
    )
    def test_orderings(self, api, make, name):
        make(), make()
        forward, backward = numbers(api, f"ordering={name}"), numbers(api, f"ordering=-{name}")
        assert sorted(forward) == sorted(backward) == [1, 2]

    def test_alerts_are_counted_in_rows_and_told_in_the_detail(self, api, make):
        alert = {"kind": "input_changed", "text": "It has changed.", "time": "2026-01-01T00:00:00Z"}
        make(runtime_facts={"alerts": [alert, alert]})
        make(runtime_facts={"host": "node"})
        rows = api.get(URL + "?include=alerts").json()["results"]
        assert sorted((row["n_alerts"], row["alerts"]) for row in rows) == [(0, []), (2, [alert, alert])]
        detail = api.get(URL + next(row["id"] for row in rows if row["n_alerts"]) + "/").json()
        assert (detail["n_alerts"], detail["alerts"]) == (2, [alert, alert])

    def test_deleted_ones_have_their_own_list(self, api, make, project):
        execution = make(status=Status.COMPLETE)
        assert api.delete(f"{URL}{project.pk}:1/").status_code == 204
        assert numbers(api) == []
        assert numbers(api, "deleted=True") == [1]
        assert api.get(f"{URL}{execution.pk}/").json()["deleted"] is True

    def test_page_shape(self, api, make):
        make(), make()
        page = api.get(f"{URL}?limit=1").json()
        assert page["count"] == 2
        assert page["next"].startswith("http://testserver/api/v0/executions/?limit=1&offset=1")
        assert page["previous"] is None
        assert api.get(f"{URL}?limit=1&no_count=true").json()["count"] is None

    def test_include_adds_bulky_fields(self, api, make):
        make(parameters={"epochs": 1})
        row = api.get(f"{URL}?include=parameters,command&exclude=urls").json()["results"][0]
        assert row["parameters"] == {"epochs": 1}
        assert "command" in row
        assert "urls" not in row

    @pytest.mark.parametrize("query", ["", "include=parameters,stop_expression,inputs,cumulative_metadata"])
    def test_query_count_does_not_grow(self, api, make, query):
        counts = []
        for number in (2, 18):
            for _ in range(number):
                make()
            with CaptureQueriesContext(connection) as queries:
                assert (
                    api.get(f"{URL}?project={Execution.objects.first().project_id}&{query}").status_code
                    == 200
                )
            counts.append(len(queries))
        assert counts[0] == counts[1] <= 8

    def test_variables_are_read_at_once_for_all_rows_and_projects(self, api, alice):
        acme = factories.make_organization("acme", owners=(alice,))
        counts = []
        for number in (1, 6):
            for place in range(number):
                project = factories.make_project(acme, f"p{number}-{place}")
                ProjectVariable.objects.create(project=project, name="OF_PROJECT", value="x" * 8, secret=True)
                group = VariableGroup.objects.create(organization=acme, name=f"group-{number}-{place}")
                group.variables.create(name="OF_GROUP", value="y" * 8, secret=True)
                group.projects.add(project)
                own = {"OF_PROJECT": "typed", "OF_GROUP": "typed", "OF_ALL": "typed", "OWN": "shown"}
                for _ in range(3):
                    factories.make_execution(project, environment_variables=own)
            OrganizationVariable.objects.get_or_create(
                organization=acme, name="OF_ALL", defaults={"value": "z" * 8, "secret": True}
            )
            with CaptureQueriesContext(connection) as queries:
                rows = api.get(f"{URL}?include=environment_variables").json()["results"]
            counts.append(len(queries))
        assert len(rows) == 21
        shown = {"OF_PROJECT": "", "OF_GROUP": "", "OF_ALL": "", "OWN": "shown"}
        assert all(row["environment_variables"] == shown for row in rows)
        assert counts[0] == counts[1]


class TestStop:
    def test_what_waits_stops_at_once(self, bob_api, make):
        execution = make(status=Status.QUEUED)
        answer = bob_api.post(f"{URL}{execution.pk}/stop/")
        assert (answer.status_code, answer.json()) == (200, {"message": "OK"})
        execution.refresh_from_db()
        assert execution.status == Status.STOPPED

    def test_a_running_one_stops_gently_then_at_once(self, api, make):
        execution = make(status=Status.STARTED)
        for status, killed in ((Status.STOPPING, False), (Status.STOPPING, True)):
            assert api.post(f"{URL}{execution.pk}/stop/").json() == {"message": "OK"}
            execution.refresh_from_db()
            assert (execution.status, execution.kill_requested_at is not None) == (status, killed)

    def test_one_that_ended_stays_as_it_is(self, api, make):
        execution = make(status=Status.COMPLETE)
        assert api.post(f"{URL}{execution.pk}/stop/").json() == {"message": "OK"}
        execution.refresh_from_db()
        assert execution.status == Status.COMPLETE

    def test_a_stranger_finds_nothing_and_a_reader_is_forbidden(self, charlie, charlie_api, make):
        execution = make(status=Status.STARTED)
        assert charlie_api.post(f"{URL}{execution.pk}/stop/").status_code == 404
        factories.make_collaborator(execution.project, charlie, is_read_only=True)
        assert charlie_api.post(f"{URL}{execution.pk}/stop/").status_code == 403
        execution.refresh_from_db()
        assert execution.status == Status.STARTED


class TestChange:
    def test_title_and_tags(self, api, make):
        execution = make(title="old", tags=["x"])
        answer = api.patch(f"{URL}{execution.pk}/", {"title": "new", "tags": ["b", "a", "b"]}, format="json")
        assert (answer.json()["title"], answer.json()["tags"]) == ("new", ["b", "a"])
        assert api.put(f"{URL}{execution.pk}/", {"title": ""}, format="json").json()["tags"] == ["b", "a"]
        execution.refresh_from_db()
        assert (execution.title, execution.tags) == ("", ["b", "a"])

    def test_tags_are_added(self, api, make):
        execution = make(tags=["a"])
        answer = api.post(f"{URL}{execution.pk}/tags/", {"tags": ["b", "a"]}, format="json")
        assert answer.json() == {"tags": ["a", "b"]}

    @pytest.mark.parametrize(
        "body", [{"tags": "x"}, {"tags": ["t" * 200]}, {"title": "t" * 300}, {"title": "\x00"}]
    )
    def test_bad_values_change_nothing(self, api, make, body):
        execution = make(title="old", tags=["x"])
        answer = api.patch(f"{URL}{execution.pk}/", body, format="json")
        assert answer.status_code == 400
        execution.refresh_from_db()
        assert (execution.title, execution.tags) == ("old", ["x"])

    def test_strangers_and_readers(self, charlie, charlie_api, make):
        execution = make(title="old", status=Status.COMPLETE)
        calls = [
            lambda: charlie_api.patch(f"{URL}{execution.pk}/", {"title": "new"}, format="json"),
            lambda: charlie_api.post(f"{URL}{execution.pk}/tags/", {"tags": ["x"]}, format="json"),
            lambda: charlie_api.delete(f"{URL}{execution.pk}/"),
        ]
        assert [call().status_code for call in calls] == [404, 404, 404]
        factories.make_collaborator(execution.project, charlie, is_read_only=True)
        assert [call().status_code for call in calls] == [403, 403, 403]
        execution.refresh_from_db()
        assert (execution.title, execution.tags, execution.deleted_at) == ("old", [], None)


class TestDelete:
    def test_only_after_the_end(self, api, make, project):
        execution = make(status=Status.STARTED)
        answer = api.delete(f"{URL}{execution.pk}/")
        assert answer.status_code == 409
        assert "Stop it first" in answer.json()["message"]
        execution.refresh_from_db()
        assert execution.deleted_at is None

    def test_twice_is_once_and_latest_skips_it(self, api, make, project):
        first, last = make(status=Status.COMPLETE), make(status=Status.COMPLETE)
        assert api.delete(f"{URL}{last.pk}/").status_code == 204
        last.refresh_from_db()
        deleted_at = last.deleted_at
        assert api.delete(f"{URL}{last.pk}/").status_code == 204
        last.refresh_from_db()
        assert last.deleted_at == deleted_at
        assert api.get(f"{URL}{project.pk}:latest/").json()["id"] == str(first.pk)


class TestSpec:
    def test_posting_it_repeats_the_execution(self, api, commit, environment):
        body = payload(
            commit, parameters={"epochs": 7, "verbose": True}, tags=["t"], environment_variables={"A": "b"}
        )
        first = api.post(URL, body, format="json").json()
        spec = api.get(f"{URL}{first['id']}/spec/").json()
        assert json.loads(json.dumps(spec)) == spec
        second = api.post(URL, spec, format="json").json()
        for field in ("interpolated_command", "parameters", "inputs", "environment_variables", "tags", "runtime_config",
                      "time_limit", "image", "title", "priority"):  # fmt: skip
            assert second[field] == first[field], field
        assert api.get(f"{URL}{second['id']}/spec/").json() == spec

    def test_the_audit_log_says_what_was_copied(self, api, commit, environment):
        first = api.post(URL, payload(commit), format="json").json()
        copy = api.post(URL, payload(commit, copied_from=first["id"]), format="json").json()
        said = {
            event.target_id: event.after.get("copied_from")
            for event in AuditEvent.objects.filter(kind="execution.created")
        }
        assert said == {first["id"]: None, copy["id"]: f"#{first['counter']}"}

    def test_what_one_does_not_see_in_the_project_cannot_have_been_copied(
        self, api, commit, environment, alice, charlie
    ):
        foreign = factories.make_execution(factories.make_project(charlie))
        own_but_elsewhere = factories.make_execution(factories.make_project(alice))
        for execution in (foreign, own_but_elsewhere):
            body = payload(commit, copied_from=str(execution.pk))
            assert api.post(URL, body, format="json").status_code == 404
        assert not AuditEvent.objects.filter(kind="execution.created").exists()

    def test_a_stranger_finds_nothing(self, charlie_api, make):
        assert charlie_api.get(f"{URL}{make().pk}/spec/").status_code == 404


def test_notebooks_are_refused_in_the_one_shape(api):
    answer = api.post("/api/v0/notebook-executions/", {"project": NOWHERE}, format="json")
    assert answer.status_code == 501
    assert set(answer.json()) == {"message", "detail", "code"}
