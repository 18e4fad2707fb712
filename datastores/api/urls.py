"""Routes of data, aliases and stores. Literal addresses come before the ones with an id."""

from django.urls import path

from datastores.api import adoptions, aliases, retention, stores, views
from datastores.api.datasets import packaging
from datastores.api.datasets import views as datasets

urlpatterns = [
    path("data/", views.DatumListView.as_view(), name="datum-list"),
    path("data/uploads/", views.UploadView.as_view(), name="datum-upload"),
    path("data/metadata/apply/", views.ApplyPropertiesView.as_view(), name="datum-apply-properties"),
    path("data/<uuid:datum_id>/", views.DatumDetailView.as_view(), name="datum-detail"),
    path("data/<uuid:datum_id>", views.DatumDetailView.as_view(schema=None)),  # clients ask without a slash
    path("data/<uuid:datum_id>/download/", views.DatumDownloadView.as_view(), name="datum-download"),
    path("data/<uuid:datum_id>/download_url/", views.DatumDownloadView.as_view(), name="datum-download-url"),
    path("data/<uuid:datum_id>/preview/", views.DatumPreviewView.as_view(), name="datum-preview"),
    path("data/<uuid:datum_id>/purge/", views.DatumPurgeView.as_view(), name="datum-purge"),
    path("data/<uuid:datum_id>/metadata/", views.DatumPropertiesView.as_view(), name="datum-properties"),
    path("data/<uuid:datum_id>/renew-upload/", views.UploadRenewView.as_view(), name="datum-upload-renew"),
    path("data/<uuid:datum_id>/complete/", views.UploadCompleteView.as_view(), name="datum-upload-complete"),
    path("datum-aliases/", aliases.AliasListView.as_view(), name="datum-alias-list"),
    path("datum-aliases/resolve/", aliases.AliasResolveView.as_view(), name="datum-alias-resolve"),
    path("datum-aliases/<uuid:alias_id>/", aliases.AliasDetailView.as_view(), name="datum-alias-detail"),
    path(
        "datum-aliases/<uuid:alias_id>/history/",
        aliases.AliasHistoryView.as_view(),
        name="datum-alias-history",
    ),
    path(
        "projects/<uuid:project_id>/retention-rules/",
        retention.RuleListView.as_view(),
        name="retention-rule-list",
    ),
    path("retention-rules/<uuid:rule_id>/", retention.RuleDetailView.as_view(), name="retention-rule-detail"),
    path(
        "retention-rules/<uuid:rule_id>/dry-run/",
        retention.RuleDryRunView.as_view(),
        name="retention-rule-dry-run",
    ),
    path(
        "retention-rules/<uuid:rule_id>/files/",
        retention.RuleFilesView.as_view(),
        name="retention-rule-files",
    ),
    path(
        "retention-rules/<uuid:rule_id>/enable/",
        retention.RuleEnableView.as_view(),
        name="retention-rule-enable",
    ),
    path(
        "retention-rules/<uuid:rule_id>/disable/",
        retention.RuleDisableView.as_view(),
        name="retention-rule-disable",
    ),
    path("datasets/", datasets.DatasetListView.as_view(), name="dataset-list"),
    path("datasets/<uuid:dataset_id>/", datasets.DatasetDetailView.as_view(), name="dataset-detail"),
    path("datasets/<uuid:dataset_id>", datasets.DatasetDetailView.as_view(schema=None)),
    path("dataset-versions/", datasets.VersionListView.as_view(), name="dataset-version-list"),
    path(
        "dataset-versions/<uuid:version_id>/",
        datasets.VersionDetailView.as_view(),
        name="dataset-version-detail",
    ),
    path("dataset-versions/<uuid:version_id>", datasets.VersionDetailView.as_view(schema=None)),
    path(
        "dataset-versions/<uuid:version_id>/files/",
        datasets.VersionFilesView.as_view(),
        name="dataset-version-files",
    ),
    path(
        "dataset-versions/<uuid:version_id>/diff/",
        datasets.VersionDiffView.as_view(),
        name="dataset-version-diff",
    ),
    path(
        "dataset-versions/<uuid:version_id>/packaging/",
        packaging.VersionPackagingView.as_view(),
        name="dataset-version-packaging",
    ),
    path(
        "dataset-version-aliases/", datasets.VersionAliasListView.as_view(), name="dataset-version-alias-list"
    ),
    path(
        "dataset-version-aliases/<uuid:alias_id>/",
        datasets.VersionAliasDetailView.as_view(),
        name="dataset-version-alias-detail",
    ),
    path("stores/", stores.StoreListView.as_view(), name="store-list"),
    path("stores/download/", stores.StoreDownloadView.as_view(), name="store-download"),
    path("stores/<uuid:store_id>/", stores.StoreDetailView.as_view(), name="store-detail"),
    path("stores/<uuid:store_id>/test/", stores.StoreTestView.as_view(), name="store-test"),
    path("stores/<uuid:store_id>/adopt/", adoptions.StoreAdoptView.as_view(), name="store-adopt"),
    path("adoptions/", adoptions.AdoptionListView.as_view(), name="adoption-list"),
    path("adoptions/<uuid:adoption_id>/", adoptions.AdoptionDetailView.as_view(), name="adoption-detail"),
    path(
        "adoptions/<uuid:adoption_id>/results/",
        adoptions.AdoptionResultsView.as_view(),
        name="adoption-results",
    ),
    path(
        "adoptions/<uuid:adoption_id>/cancel/", adoptions.AdoptionCancelView.as_view(), name="adoption-cancel"
    ),
]
