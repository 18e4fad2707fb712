"""Datasets, versions and aliases as people make them."""

from typing import Any
from uuid import uuid4

import pytest

from audit.models import AuditEvent
from common.errors import DomainError
from datastores.datasets import access, contents, selectors, services
from datastores.datasets.errors import (
    AliasNameTaken,
    DatasetForbidden,
    DatasetNameRefused,
    DatasetNameTaken,
    DatasetOwnerRefused,
    DatasetProjectsRefused,
    ExcludeRefused,
    FilesRefused,
    VersionNameTaken,
)
from datastores.datasets.services import NewVersion
from datastores.models import Dataset, DatasetVersion, DatasetVersionAliasMove
from tests.support import factories
from tests.support.tenants import Tenant

pytestmark = pytest.mark.django_db


@pytest.fixture
def dataset(project: Any) -> Dataset:
    return factories.make_dataset(project, name="images")


def names(version: DatasetVersion) -> list[str]:
    return list(contents.files_of(version).values_list("name", flat=True))


class TestNames:
    @pytest.mark.parametrize("name", ["images", "Big data 2", "naïve", "a.b_c-d", "x" * 128, "画像"])
    def test_that_fit(self, alice: Any, project: Any, name: str) -> None:
        made = services.create_dataset(
            actor=alice, owner=alice.owner, name=f" {name} ", project_ids=[project.pk]
        )
        assert made.name == name

    @pytest.mark.parametrize(
        "name",
        [
            "",
            "  ",
            "a/b",
            "a\\b",
            "a?b",
            "a#b",
            "a*b",
            "{parameter:x}",
            "a\nb",
            "a\0b",
            "a\u200bb",
            "..",
            "x" * 129,
            "d1046317-aba3-4d2b-b14b-3705af6b5b6c",
        ],
    )
    def test_that_do_not(self, alice: Any, project: Any, name: str) -> None:
        with pytest.raises(DatasetNameRefused):
            services.create_dataset(actor=alice, owner=alice.owner, name=name, project_ids=[project.pk])
        assert not Dataset.objects.exists()

    def test_are_there_once_for_an_owner_whatever_their_case(self, alice: Any, project: Any) -> None:
        services.create_dataset(actor=alice, owner=alice.owner, name="Images", project_ids=[project.pk])
        for name in ("images", "IMAGES"):
            with pytest.raises(DatasetNameTaken):
                services.create_dataset(actor=alice, owner=alice.owner, name=name, project_ids=[project.pk])
        other = factories.make_project()
        assert other.creator is not None
        services.create_dataset(actor=other.creator, owner=other.owner, name="images", project_ids=[other.pk])

    def test_of_deleted_ones_stay_taken(self, alice: Any, dataset: Dataset) -> None:
        services.delete_dataset(dataset=dataset, actor=alice)
        assert not access.datasets_for(alice).exists()
        with pytest.raises(DatasetNameTaken, match="was deleted"):
            services.create_dataset(actor=alice, owner=alice.owner, name="images", project_ids=None)

    def test_latest_is_no_name(self, alice: Any, dataset: Dataset) -> None:
        datum = factories.make_datum(dataset.projects.get())
        with pytest.raises(DatasetNameRefused, match="newest version"):
            services.create_version(dataset=dataset, actor=alice, new=NewVersion("Latest", [datum.pk]))


class TestSharing:
    def test_with_every_project_is_for_those_who_work_in_the_organization(
        self, acme: Tenant, rival: Tenant
    ) -> None:
        made = services.create_dataset(actor=acme.member, owner=acme.organization.owner, name="x")
        assert made.for_every_project
        with pytest.raises(DatasetOwnerRefused):
            services.create_dataset(actor=rival.owner, owner=acme.organization.owner, name="y")

    def test_names_projects_of_the_owner_in_which_one_works(self, acme: Tenant, rival: Tenant) -> None:
        mine = factories.make_project(acme.organization)
        foreign = factories.make_project(rival.organization)
        hidden = factories.make_project(acme.organization, team=factories.make_team(acme.organization))
        for refused in (foreign, hidden):
            with pytest.raises(DatasetProjectsRefused):
                services.create_dataset(
                    actor=acme.member,
                    owner=acme.organization.owner,
                    name="x",
                    project_ids=[mine.pk, refused.pk],
                )
        assert not Dataset.objects.exists()
        made = services.create_dataset(
            actor=acme.member, owner=acme.organization.owner, name="x", project_ids=[mine.pk]
        )
        with pytest.raises(DatasetForbidden):
            services.share_dataset(dataset=made, actor=acme.member, project_ids=None)
        services.share_dataset(dataset=made, actor=acme.owner, project_ids=[hidden.pk])
        assert list(made.projects.all()) == [hidden]
        assert not access.datasets_for(acme.member).exists()
        services.share_dataset(dataset=made, actor=acme.owner, project_ids=None)
        assert access.datasets_for(acme.member).get() == made

    def test_ends_with_the_project_that_goes_to_another_owner(self, acme: Tenant, rival: Tenant) -> None:
        project = factories.make_project(acme.organization)
        collaborator = factories.make_user()
        factories.make_collaborator(project, collaborator)
        dataset = factories.make_dataset(project)
        assert access.usable_by(project).get() == dataset
        assert access.datasets_for(collaborator).get() == dataset
        project.owner = rival.organization.owner
        project.save()
        assert not access.usable_by(project).exists()
        assert not access.datasets_for(collaborator).exists()
        assert not access.capabilities_on(collaborator, dataset)


class TestVersions:
    def test_hold_the_files_in_the_order_of_their_names(
        self, alice: Any, project: Any, dataset: Dataset
    ) -> None:
        files = [factories.make_datum(project, name=name, content=b"12345") for name in ("b", "a/x", "a")]
        made = services.create_version(
            dataset=dataset,
            actor=alice,
            new=NewVersion("v1", [f.pk for f in files], notes=" first ", tags=["t"]),
        )
        assert names(made) == ["a", "a/x", "b"]
        assert (made.file_count, made.size_bytes, made.creator) == (3, 15, alice)
        assert (made.notes, made.tags, made.uri) == ("first", ["t"], "dataset://images/v1")
        assert AuditEvent.objects.filter(kind="dataset_version.created", target_id=str(made.pk)).exists()

    def test_take_over_those_of_another_without_some(
        self, alice: Any, project: Any, dataset: Dataset
    ) -> None:
        old = [
            factories.make_datum(project, name=n) for n in ("a.txt", "b.txt", "img/1.png", "img/deep/2.png")
        ]
        first = factories.make_dataset_version(dataset, *old, name="v1")
        newer = factories.make_datum(project, name="a.txt", content=b"newer")
        made = services.create_version(
            dataset=dataset, actor=alice,
            new=NewVersion("v2", [newer.pk], base=first, exclude=["b.txt", "img/*.png"]),
        )  # fmt: skip
        assert names(made) == ["a.txt", "img/deep/2.png"]
        assert contents.files_of(made).get(name="a.txt").datum == newer
        assert made.previous_version == first
        assert names(first) == ["a.txt", "b.txt", "img/1.png", "img/deep/2.png"]

    @pytest.mark.parametrize(
        ("pattern", "left"), [("img/", ["a"]), ("**.png", ["a"]), ("img/*", ["a", "img/d/2.png"])]
    )
    def test_patterns(
        self, alice: Any, project: Any, dataset: Dataset, pattern: str, left: list[str]
    ) -> None:
        files = [factories.make_datum(project, name=n) for n in ("a", "img/1.png", "img/d/2.png")]
        first = factories.make_dataset_version(dataset, *files)
        new = NewVersion("v2", base=first, exclude=[pattern])
        assert names(services.create_version(dataset=dataset, actor=alice, new=new)) == left

    def test_exclude_that_matches_nothing(self, alice: Any, project: Any, dataset: Dataset) -> None:
        first = factories.make_dataset_version(dataset, factories.make_datum(project, name="a"), name="v1")
        for base in (first, None):
            with pytest.raises(ExcludeRefused, match="b\\.txt"):
                services.create_version(
                    dataset=dataset, actor=alice, new=NewVersion("v2", base=base, exclude=["a", "b.txt"])
                )
        assert DatasetVersion.objects.get() == first

    def test_without_files_are_none(self, alice: Any, project: Any, dataset: Dataset) -> None:
        first = factories.make_dataset_version(dataset, factories.make_datum(project, name="a"))
        for new in (NewVersion("v2"), NewVersion("v2", base=first, exclude=["a"])):
            with pytest.raises(FilesRefused, match="no files"):
                services.create_version(dataset=dataset, actor=alice, new=new)
        assert DatasetVersion.objects.count() == 1

    def test_names_are_given_once(self, alice: Any, project: Any, dataset: Dataset) -> None:
        datum = factories.make_datum(project)
        first = services.create_version(dataset=dataset, actor=alice, new=NewVersion("v1", [datum.pk]))
        services.set_alias(version=first, actor=alice, name="production")
        for name in ("V1", "Production"):
            with pytest.raises(VersionNameTaken):
                services.create_version(dataset=dataset, actor=alice, new=NewVersion(name, [datum.pk]))
        assert DatasetVersion.objects.count() == 1

    def test_take_only_files_of_projects_in_which_one_works(self, acme: Tenant, rival: Tenant) -> None:
        dataset = factories.make_dataset(owner=acme.organization)
        hidden = factories.make_project(acme.organization, team=factories.make_team(acme.organization))
        foreign = factories.make_project(rival.organization)
        factories.make_collaborator(foreign, acme.member)
        for project in (hidden, foreign):
            with pytest.raises(FilesRefused, match="not a file"):
                services.create_version(
                    dataset=dataset,
                    actor=acme.member,
                    new=NewVersion("v1", [factories.make_datum(project).pk]),
                )
        with pytest.raises(FilesRefused, match="not a file"):
            services.create_version(dataset=dataset, actor=acme.member, new=NewVersion("v1", [uuid4()]))
        assert not DatasetVersion.objects.exists()

    def test_take_no_purged_files(self, alice: Any, project: Any, dataset: Dataset) -> None:
        from common import clock

        datum = factories.make_datum(project, name="gone.txt", purged_at=clock.now())
        with pytest.raises(FilesRefused, match=r"gone\.txt was purged"):
            services.create_version(dataset=dataset, actor=alice, new=NewVersion("v1", [datum.pk]))

    def test_are_made_by_those_who_work_there(
        self, alice: Any, bob: Any, charlie: Any, dataset: Dataset
    ) -> None:
        datum = factories.make_datum(dataset.projects.get())
        looker = factories.make_user()
        factories.make_collaborator(dataset.projects.get(), looker, is_read_only=True)
        for stranger in (charlie, looker):
            with pytest.raises(DatasetForbidden):
                services.create_version(dataset=dataset, actor=stranger, new=NewVersion("v1", [datum.pk]))
        services.create_version(dataset=dataset, actor=bob, new=NewVersion("v1", [datum.pk]))

    def test_of_the_same_name_at_once(self, alice: Any, project: Any, dataset: Dataset) -> None:
        """The database has the last word, too."""
        from django.db import IntegrityError, transaction

        factories.make_dataset_version(dataset, factories.make_datum(project), name="v1")
        with pytest.raises(IntegrityError), transaction.atomic():
            DatasetVersion.objects.create(dataset=dataset, name="V1")

    def test_descriptions_change_and_files_do_not(self, alice: Any, project: Any, dataset: Dataset) -> None:
        version = factories.make_dataset_version(dataset, factories.make_datum(project, name="a"))
        services.change_version(version=version, actor=alice, tags=["x"], properties={"k": [1]}, notes="n")
        version.refresh_from_db()
        assert (version.tags, version.properties, version.notes, names(version)) == (
            ["x"],
            {"k": [1]},
            "n",
            ["a"],
        )
        with pytest.raises(DomainError):
            services.change_version(version=version, actor=alice, tags=[""])


class TestMeaning:
    def test_of_an_address(self, alice: Any, project: Any, dataset: Dataset) -> None:
        datum = factories.make_datum(project)
        assert selectors.find_version(dataset, "latest") is None
        first = factories.make_dataset_version(dataset, datum, name="V1")
        second = factories.make_dataset_version(dataset, datum, name="v2")
        services.set_alias(version=first, actor=alice, name="production")
        for reference, meant in (
            ("latest", second), ("LATEST", second), ("v1", first), ("v2", second), ("Production", first),
            (str(first.pk), first), ("v3", None), ("", None), (str(uuid4()), None),
        ):  # fmt: skip
            assert selectors.find_version(dataset, reference) == meant, reference


class TestAliases:
    def test_move_and_remember(self, alice: Any, bob: Any, project: Any, dataset: Dataset) -> None:
        datum = factories.make_datum(project)
        first, second = (factories.make_dataset_version(dataset, datum, name=name) for name in ("v1", "v2"))
        alias = services.set_alias(version=first, actor=alice, name="prod")
        services.set_alias(version=second, actor=bob, name="PROD")
        services.set_alias(version=second, actor=bob, name="prod")
        assert selectors.find_version(dataset, "prod") == second
        services.delete_alias(alias=alias, actor=alice)
        assert selectors.find_version(dataset, "prod") is None
        moves = [(m.previous_version, m.version, m.mover) for m in selectors.moves_of(dataset)]
        assert moves == [(second, None, alice), (first, second, bob), (None, first, alice)]

    def test_names_of_versions_are_none(self, alice: Any, project: Any, dataset: Dataset) -> None:
        version = factories.make_dataset_version(dataset, factories.make_datum(project), name="v1")
        with pytest.raises(AliasNameTaken):
            services.set_alias(version=version, actor=alice, name="V1")
        for name in ("latest", "a/b", ""):
            with pytest.raises(DatasetNameRefused):
                services.set_alias(version=version, actor=alice, name=name)
        assert not DatasetVersionAliasMove.objects.exists()


class TestDifference:
    def test_is_by_name_and_content(self, project: Any, dataset: Dataset) -> None:
        same, changed, gone = (
            factories.make_datum(project, name=n, content=n.encode()) for n in ("a", "b", "c")
        )
        copy = factories.make_datum(project, name="a", content=b"a")
        other = factories.make_datum(project, name="b", content=b"other")
        fresh = factories.make_datum(project, name="d")
        old = factories.make_dataset_version(dataset, same, changed, gone)
        new = factories.make_dataset_version(dataset, copy, other, fresh)
        found = contents.difference(old, new)
        assert [f.name for f in found.added] == ["d"]
        assert [f.name for f in found.removed] == ["c"]
        assert [(f.name, f.datum) for f in found.changed] == [("b", other)]
