"""Routes of logs and metadata."""

from django.urls import URLPattern, URLResolver, path

from executions.api import events, log, metadata

E = "executions/<str:ref>"

urlpatterns: list[URLPattern | URLResolver] = [
    # Before everything with a reference: it is a literal name.
    path(
        "executions/multi_download_metadata_csv/",
        metadata.MultiMetadataCsvView.as_view(),
        name="execution-multi-metadata-csv",
    ),
    path(f"{E}/events/", events.EventsView.as_view(), name="execution-events"),
    path(f"{E}/status-events/", events.StatusEventsView.as_view(), name="execution-status-events"),
    path(f"{E}/log/", log.LogWindowView.as_view(), name="execution-log"),
    path(f"{E}/log/search/", log.LogSearchView.as_view(), name="execution-log-search"),
    path(f"{E}/log/download/", log.LogDownloadView.as_view(), name="execution-log-download"),
    path(f"{E}/stats/", log.StatsView.as_view(), name="execution-stats"),
    path(f"{E}/metadata/", metadata.MetadataView.as_view(), name="execution-metadata"),
    path(f"{E}/metadata/series/", metadata.MetadataSeriesView.as_view(), name="execution-metadata-series"),
    path(f"{E}/metadata/csv/", metadata.MetadataCsvView.as_view(), name="execution-metadata-csv"),
]
