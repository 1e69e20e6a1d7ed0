"""Version numbers of Kubernetes, kernels and images, and texts that are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe.model.versions import Version, image_version, version


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v1.28.3-gke.1", (1, 28, 3)),
        ("v1.11.0+d4cacc0", (1, 11, 0)),
        ("3.10.0-957.el7.x86_64", (3, 10, 0)),
        ("6.1", (6, 1, 0)),
        ("v2.1-canary", (2, 1, 0)),
        ("devel", None),
        ("", None),
        ("v1", None),
        ("99999999999.1", None),
    ],
)
def test_the_numbers_of_a_version_are_read(text: str, expected: Version | None) -> None:
    """What a distribution adds does not count."""
    assert version(text) == expected


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (("registry/x/cephcsi:v2.1.0",), (2, 1, 0)),
        (("registry:5000/cephcsi:v2.1.0@sha256:ab",), (2, 1, 0)),
        (("cephcsi:v3.0.0", "cephcsi:v2.1.0"), (3, 0, 0)),
        (("registry/not-cephcsi:v2.1.0",), None),
        (("registry/cephcsi@sha256:ab",), None),
        (("registry:5000/cephcsi",), None),
        (("cephcsi:canary",), None),
        ((), None),
    ],
)
def test_an_images_version_is_in_its_tag(images: tuple[str, ...], expected: Version | None) -> None:
    """A digest or another image says nothing."""
    assert image_version(images, "cephcsi") == expected


@given(st.text())
def test_no_text_raises(text: str) -> None:
    """As a version, and as an image."""
    version(text)
    version(f"v{text}")
    image_version((text, f"cephcsi:{text}"), "cephcsi")
