"""providerID texts: the forms that are read, and everything else, which is no instance."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe.parse.provider_id import Instance, instance_of


@pytest.mark.parametrize(
    ("text", "zone", "region"),
    [
        ("aws:///us-east-1a/i-0abc", "us-east-1a", "us-east-1"),
        ("aws:///ap-southeast-2c/i-0abc", "ap-southeast-2c", "ap-southeast-2"),
        ("aws:///us-gov-west-1b/i-0abc", "us-gov-west-1b", "us-gov-west-1"),
        ("aws:///cn-northwest-1a/i-0abc", "cn-northwest-1a", "cn-northwest-1"),
        ("aws:///us-west-2-lax-1a/i-0abc", "us-west-2-lax-1a", "us-west-2"),
        ("aws:///us-east-1-wl1-bos-wlz-1/i-0abc", "us-east-1-wl1-bos-wlz-1", "us-east-1"),
        ("aws:///rack7/i-0abc", "rack7", ""),
        ("aws:////i-0abc", "", ""),
        ("aws:///i-0abc", "", ""),
    ],
)
def test_an_instance_is_read_with_its_zone_and_region(text: str, zone: str, region: str) -> None:
    """Ordinary, government, local and Wavelength zones, and texts without a zone."""
    assert instance_of(text) == Instance("aws", zone, region, "i-0abc")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "i-0abc",
        "aws:///us-east-1c/0b1f2a9c-2f0e/fargate-ip-10-0-1-2.ec2.internal",
        "aws:///us-east-1c/fargate-ip-10-0-1-2.ec2.internal",
        "aws:///us-east-1a/mi-0abc",
        "aws:///us-east-1a/i-",
        "aws:///us-east-1a/i-0abc/",
        "aws:///us-east-1a/i-0abc\n",
        "aws:///us-east-1a/I-0ABC",
        "aws://us-east-1a/i-0abc",
        "aws-mock:///us-east-1a/i-0abc",
        "azure:///subscriptions/x/resourceGroups/y/providers/z/virtualMachines/i-0abc",
        "gce://project/us-central1-a/i-0abc",
        "kind://podman/kind/i-0abc",
    ],
)
def test_any_other_text_is_no_instance(text: str) -> None:
    """Fargate, other clouds and texts that are almost right."""
    assert instance_of(text) is None


@given(st.text())
def test_no_text_makes_the_parser_raise(text: str) -> None:
    """Arbitrary text gives an instance or None."""
    assert instance_of(text) is None or text.startswith("aws://")


@given(st.from_regex(r"aws://[/a-z0-9-]*/i-[0-9a-f]+", fullmatch=True))
def test_texts_close_to_the_real_form_keep_their_instance_id(text: str) -> None:
    """What is read out of a text stands in it, at its end."""
    found = instance_of(text)
    assert found is None or (text.endswith("/" + found.instance_id) and found.zone in text)
