"""EC2's answers in XML: those that go wrong on command, and corrections of moto's. Pure."""

from __future__ import annotations

import datetime as dt
import enum
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

# As moto writes it: without the slash that AWS puts at the end.
NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15"
ACCOUNT = "123456789012"
OTHER_ACCOUNT = "999988887777"
HIBERNATED_CODE = "Client.UserInitiatedHibernate"
HIBERNATED_TEXT = f"{HIBERNATED_CODE}: User initiated hibernate"
ET.register_namespace("", NAMESPACE)


class Fault(enum.StrEnum):
    """How DescribeInstances can go wrong."""

    THROTTLED = "throttled"
    FORBIDDEN = "forbidden"
    TIMEOUT = "timeout"
    GARBAGE = "garbage"
    ANOTHER_ACCOUNT = "another_account"
    HIBERNATED = "hibernated"
    NOT_FOUND = "not_found"
    EMPTY = "empty"


@dataclass
class Known:
    """What moto does not keep: launch times (Unix seconds) after a start, and who hibernates."""

    launched: dict[str, float] = field(default_factory=dict)
    hibernated: set[str] = field(default_factory=set)


def instead(fault: Fault, instances: list[str]) -> tuple[int, str] | None:
    """Return HTTP status and body of a fault that needs no real answer, else None."""
    asked = instances[0] if instances else "i-0"
    match fault:
        case Fault.THROTTLED:
            return 503, error("RequestLimitExceeded", "Request limit exceeded.")
        case Fault.FORBIDDEN:
            text = "You are not authorized to perform this operation."
            return 403, error("UnauthorizedOperation", text)
        case Fault.NOT_FOUND:
            text = f"The instance ID '{asked}' does not exist"
            return 400, error("InvalidInstanceID.NotFound", text)
        case Fault.GARBAGE:
            return 200, "<html><body>It works!"
        case Fault.EMPTY:
            return 200, (
                f'<DescribeInstancesResponse xmlns="{NAMESPACE}"><requestId>r-0</requestId>'
                "<reservationSet/></DescribeInstancesResponse>"
            )
        case _:
            return None


def corrected(answer: str, known: Known, *, account: str) -> str:
    """Return moto's DescribeInstances answer with real EC2's owner, launch time and reason."""
    root = ET.fromstring(answer)  # noqa: S314 - written by our own child process
    for reservation in root.iter(f"{{{NAMESPACE}}}reservationSet"):
        for item in reservation:
            _set(item, "ownerId", account)
    for item in root.iterfind(f".//{{{NAMESPACE}}}instancesSet/{{{NAMESPACE}}}item"):
        instance = item.findtext(f"{{{NAMESPACE}}}instanceId", "")
        if instance in known.launched:
            moment = dt.datetime.fromtimestamp(known.launched[instance], dt.UTC)
            _set(item, "launchTime", moment.strftime("%Y-%m-%dT%H:%M:%S.000Z"))
        state = item.findtext(f"{{{NAMESPACE}}}instanceState/{{{NAMESPACE}}}name", "")
        if instance in known.hibernated and state == "stopped":
            _set(item, "reason", "User initiated hibernate")
            reason = _child(item, "stateReason")
            _set(reason, "code", HIBERNATED_CODE)
            _set(reason, "message", HIBERNATED_TEXT)
    return ET.tostring(root, encoding="unicode", xml_declaration=True)


def error(code: str, text: str) -> str:
    """Return an error answer in XML."""
    return (
        f"<Response><Errors><Error><Code>{code}</Code><Message>{text}</Message></Error></Errors>"
        "<RequestID>00000000-0000-0000-0000-000000000000</RequestID></Response>"
    )


def _set(parent: ET.Element, name: str, text: str) -> None:
    _child(parent, name).text = text


def _child(parent: ET.Element, name: str) -> ET.Element:
    found = parent.find(f"{{{NAMESPACE}}}{name}")
    return ET.SubElement(parent, f"{{{NAMESPACE}}}{name}") if found is None else found
