"""The one exception of this package: a sentence for the person who started the cluster."""

from __future__ import annotations


class LocalClusterError(Exception):
    """Something is missing here or did not start; the text says what and where to look."""
