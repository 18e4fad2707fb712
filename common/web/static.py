"""Storage of collected static files."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # no stubs
    """Names carry a hash of the content, also in what JavaScript modules import, so that all may be cached for ever."""

    support_js_module_import_aggregation = True
