"""Version numbers as components write them, to compare: of Kubernetes, kernels and images.

Only numbers are read, so a suffix of a distribution never counts. No knowledge of what a version
can do; that is the detectors'.
"""

import re
from collections.abc import Iterable
from typing import TypeAlias

Version: TypeAlias = tuple[int, int, int]

_NUMBERS = re.compile(r"v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?")


def version(text: str) -> Version | None:
    """Read `v1.28.3-gke.1`, `3.10.0-957.el7.x86_64` or `v2.1`; None for what begins otherwise."""
    found = _NUMBERS.match(text[:64])
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def image_version(images: Iterable[str], name: str) -> Version | None:
    """Return the version in the tag of the first image with this name; a digest tells none."""
    for image in images:
        path, _, tag = image[:1024].partition("@")[0].rpartition(":")
        if path.rpartition("/")[2] == name:
            return version(tag)
    return None
