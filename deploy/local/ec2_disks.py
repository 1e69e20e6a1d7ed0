"""Disks of the EC2 endpoint: what EC2 refuses and moto does not, and how disks go wrong.

EC2 remembers client tokens, attaches a disk once, in its zone, under a free name, and tells in
DescribeVolumes whether a disk ends with its machine. Pure.
"""

from __future__ import annotations

import enum
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from http import HTTPStatus

from local.ec2_answers import NAMESPACE, error

Form = dict[str, list[str]]

WRITES = frozenset(
    {
        "CreateVolume",
        "AttachVolume",
        "DetachVolume",
        "DeleteVolume",
        "ModifyInstanceAttribute",
        "SetInstanceProtection",
        "TerminateInstanceInAutoScalingGroup",
    }
)


class DiskFault(enum.StrEnum):
    """How a call that changes something can go wrong, or what is told of a disk afterwards."""

    ATTACHING = "attaching"
    """An attachment never gets beyond it."""
    BUSY = "busy"
    """A detached disk stays in use."""
    ERROR = "error"
    """Every disk is in state error."""
    STALE = "stale"
    """DescribeVolumes does not tell yet that a disk ends with its machine."""
    UNSEEN = "unseen"
    """DescribeVolumes does not know yet what was made."""
    DONE_BUT_FAILED = "done_but_failed"
    """Done, and answered with HTTP 500."""
    FAILED = "failed"
    """Not done, and answered with HTTP 503."""
    NO_CAPACITY = "no_capacity"
    MISMATCH = "mismatch"
    THROTTLED = "throttled"
    FORBIDDEN = "forbidden"


REFUSALS = {
    DiskFault.FAILED: (503, "Unavailable", "The service is unavailable."),
    DiskFault.NO_CAPACITY: (500, "InsufficientVolumeCapacity", "There is not enough capacity."),
    DiskFault.MISMATCH: (400, "IdempotentParameterMismatch", "The token was used before."),
    DiskFault.THROTTLED: (503, "RequestLimitExceeded", "Request limit exceeded."),
    DiskFault.FORBIDDEN: (403, "UnauthorizedOperation", "You are not authorized. Encoded ..."),
}


@dataclass
class Disks:
    """What moto does not keep: answers by client token, and which disks end with a machine."""

    fault: DiskFault | None = None
    made: dict[str, tuple[Form, str]] = field(default_factory=dict)
    end_with_machine: set[str] = field(default_factory=set)

    def instead(self, action: str, form: Form) -> tuple[int, str] | None:
        """Return HTTP status and body of an answer for which moto is not asked."""
        if action not in WRITES:
            return None
        if self.fault in REFUSALS:
            status, code, text = REFUSALS[self.fault]
            return status, error(code, text)
        token = first(form, "ClientToken")
        if action == "CreateVolume" and token in self.made:
            words, answer = self.made[token]
            if words == _asked(form):
                return HTTPStatus.OK, answer
            status, code, text = REFUSALS[DiskFault.MISMATCH]
            return status, error(code, text)
        return None

    def refused(self, form: Form, volumes: str, instances: str) -> tuple[int, str] | None:
        """Return what EC2 says to an AttachVolume that moto would do."""
        volume = _item(volumes, "volumeSet")
        instance = _item(instances, ".//instancesSet")
        if volume is None or instance is None:
            return None
        if volume.find(_tag("attachmentSet/item")) is not None:
            return _refusal("VolumeInUse", f"{first(form, 'VolumeId')} is already attached")
        zone = instance.findtext(_tag("placement/availabilityZone"), "")
        if volume.findtext(_tag("availabilityZone"), "") != zone:
            return _refusal("InvalidVolume.ZoneMismatch", "The volume is in another zone.")
        device = first(form, "Device")
        taken = instance.iterfind(_tag("blockDeviceMapping/item/deviceName"))
        if device in [one.text for one in taken]:
            text = f"Invalid value '{device}' for unixDevice. It is already in use"
            return _refusal("InvalidParameterValue", text)
        return None

    def done(self, action: str, form: Form, answer: str) -> tuple[int, str]:
        """Remember what was done, and return the answer to it."""
        if action == "CreateVolume" and (token := first(form, "ClientToken")):
            self.made[token] = (_asked(form), answer)
        if action == "ModifyInstanceAttribute":
            volume = first(form, "BlockDeviceMapping.1.Ebs.VolumeId")
            ends = first(form, "BlockDeviceMapping.1.Ebs.DeleteOnTermination") == "true"
            (self.end_with_machine.add if ends else self.end_with_machine.discard)(volume)
        if action in WRITES and self.fault is DiskFault.DONE_BUT_FAILED:
            return 500, error("InternalError", "An internal error has occurred")
        return HTTPStatus.OK, answer

    def told(self, answer: str) -> str:
        """Return moto's DescribeVolumes answer as EC2 gives it."""
        root = ET.fromstring(answer)  # noqa: S314 - written by our own child process
        found = root.find(_tag("volumeSet"))
        if found is not None and self.fault is DiskFault.UNSEEN:
            found.clear()
        for volume in root.iterfind(_tag("volumeSet/item")):
            if self.fault is DiskFault.ERROR:
                _set(volume, "status", "error")
            name = volume.findtext(_tag("volumeId"), "")
            for attachment in volume.iterfind(_tag("attachmentSet/item")):
                ends = name in self.end_with_machine and self.fault is not DiskFault.STALE
                _set(attachment, "deleteOnTermination", str(ends).lower())
                if self.fault in (DiskFault.ATTACHING, DiskFault.BUSY):
                    _set(attachment, "status", str(self.fault))
        return ET.tostring(root, encoding="unicode", xml_declaration=True)


def first(form: Form, name: str) -> str:
    """Return the form's value, empty without one."""
    return form.get(name, [""])[0]


def _asked(form: Form) -> Form:
    return {name: values for name, values in form.items() if name != "ClientToken"}


def _refusal(code: str, text: str) -> tuple[int, str]:
    return HTTPStatus.BAD_REQUEST, error(code, text)


def _item(answer: str, inside: str) -> ET.Element | None:
    root = ET.fromstring(answer)  # noqa: S314 - written by our own child process
    return root.find(_tag(f"{inside}/item"))


def _tag(path: str) -> str:
    parts = path.split("/")
    return "/".join(part if part in ("", ".") else f"{{{NAMESPACE}}}{part}" for part in parts)


def _set(parent: ET.Element, name: str, text: str) -> None:
    found = parent.find(_tag(name))
    (ET.SubElement(parent, _tag(name)) if found is None else found).text = text
