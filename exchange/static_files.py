"""Static files with a hash in their names, so that browsers keep them for ever and never mix two releases."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedFiles(CompressedManifestStaticFilesStorage):
    """Our pages are ES modules that import each other: those addresses get their hashes, too."""

    support_js_module_import_aggregation = True
