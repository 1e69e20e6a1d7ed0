"""Node.spec.providerID -> the cloud instance behind a node. Pure; nothing here looks anything up.

The text is written by the cloud provider or by whoever starts the kubelet. A wrong reading of it
would ask about the wrong machine, so every form that is not known exactly is no instance at all.
"""

import re
from typing import Literal

import msgspec

_AWS = re.compile(r"aws://(?:/(?P<zone>[a-z0-9-]*))?/(?P<id>i-[0-9a-f]{1,32})")
# A region is words and one number. In a zone's name it comes first; what follows is a letter
# (us-east-1a), a local zone (us-west-2-lax-1a) or a Wavelength zone (us-east-1-wl1-bos-wlz-1).
_REGION = re.compile(r"[a-z]{2,8}(?:-[a-z]{2,16}){1,3}-[0-9]{1,2}(?=[a-z-])")


class Instance(msgspec.Struct, frozen=True):
    """One machine at a cloud provider; `zone` and `region` are empty where the text has none."""

    cloud: Literal["aws"]
    zone: str
    region: str
    instance_id: str


def instance_of(provider_id: str) -> Instance | None:
    """Return the instance that a providerID names; None for Fargate, other clouds, other texts.

    Known forms are `aws:///ZONE/i-HEX`, `aws:////i-HEX` and `aws:///i-HEX`.
    """
    found = _AWS.fullmatch(provider_id)
    if found is None:
        return None
    zone = found["zone"] or ""
    region = _REGION.match(zone)
    return Instance("aws", zone, region[0] if region else "", found["id"])
