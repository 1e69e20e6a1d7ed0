"""attachment_stuck: a volume is being attached to a node, or detached from it, and it does not end.

How it is recognised (storage.k8s.io/v1 VolumeAttachment, csi-attacher to 4.13): one that is not
`attached` and not being deleted is attaching; one with a deletionTimestamp is detaching, whatever
`attached` says, until the object is gone. Since: creationTimestamp, or deletionTimestamp. The times
of attachError and detachError are those of the last try and say nothing about the age. The reason
is what the error's text says; without any text nobody has tried: no csi-attacher runs for the
driver, or it hangs. In-tree volumes have no such object: `multi_attach` shows what waits for them.
"""

from collections.abc import Iterable, Iterator

from exporter.observe import model
from exporter.observe.model import Cause, Change, Kind, Object, Signal, SinceSource, Subject
from exporter.observe.signals import base
from exporter.observe.view import View, Want

ATTACH = "attach"
DETACH = "detach"

CAUSES = frozenset(
    {
        Cause.ATTACHER_SILENT,
        Cause.CONFLICT,
        Cause.DRIVER_NOT_REGISTERED,
        Cause.INVALID,
        Cause.NODE_LIMIT,
        Cause.NO_SPACE,
        Cause.NOT_ATTACHED,
        Cause.NOT_FOUND,
        Cause.OPERATION_PENDING,
        Cause.PERMISSION,
        Cause.PRECONDITION,
        Cause.QUOTA,
        Cause.RECOVERED_RWX_VOLUME,
        Cause.STILL_IN_USE,
        Cause.TIMEOUT,
        Cause.UNREACHABLE,
        Cause.OTHER,
    }
)
"""Causes that an attach or a detach can have; others are of mounts, snapshots or claims."""


def subject_of(attachment: str) -> Subject:
    """Return the subject for a VolumeAttachment's name."""
    return Subject((("volumeattachment", attachment),))


class AttachmentStuck:
    """Sees it.

    Reasons: NodeLost (the node is NotReady or gone, whatever the error says), AttacherSilent (no
    error at all), else the cause in the error's text.
    """

    name = "attachment_stuck"
    meaning = "A volume is being attached to a node, or detached from it, and it does not end."
    subject_labels = ("volumeattachment",)
    named_labels = (
        "persistentvolume",
        "namespace",
        "persistentvolumeclaim",
        "node",
        "driver",
        "operation",
    )
    reasons = frozenset({"NodeLost", *(cause.value for cause in CAUSES)})
    since_sources = frozenset({SinceSource.OBJECT, SinceSource.FIRST_SEEN})
    patience = 360.0
    needs = frozenset({Kind.ATTACHMENT})
    helps = frozenset({Kind.VOLUME, Kind.NODE})
    starts = frozenset({Kind.ATTACHMENT})

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Name an attachment that is under way."""
        del view
        if not isinstance(obj, model.Attachment) or not _operation(obj):
            return ()
        return (subject_of(obj.name),)

    def touched(self, change: Change, view: View) -> Iterator[Subject]:
        """Name the attachments that an object speaks of."""
        for obj in base.versions(change):
            match obj:
                case model.Attachment():
                    yield subject_of(obj.name)
                case model.Volume():
                    yield from _under_way(view.attachments_of(obj.name))
                case model.Node() if base.node_moved(change):
                    yield from _under_way(view.attachments_on(obj.name))
                case _:
                    pass

    def reads(self, subject: Subject, view: View) -> Iterator[Want]:
        """The attachment, then its volume and node."""
        name = subject["volumeattachment"]
        yield Want(Kind.ATTACHMENT, name=name)
        attachment = view.attachment(name)
        if attachment is None:
            return
        if attachment.node:
            yield Want(Kind.NODE, name=attachment.node)
        if attachment.volume:
            yield Want(Kind.VOLUME, name=attachment.volume)

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal while the attachment is neither done nor gone."""
        attachment = view.attachment(subject["volumeattachment"])
        operation = _operation(attachment) if attachment is not None else ""
        if attachment is None or not operation:
            return None
        detaching = operation == DETACH
        since = attachment.deletion if detaching else attachment.created
        error = attachment.detach_error if detaching else attachment.attach_error
        namespace, claim = base.claim_of(attachment, view) or ("", "")
        named = {
            "persistentvolume": attachment.volume,
            "namespace": namespace,
            "persistentvolumeclaim": claim,
            "node": attachment.node,
            "driver": attachment.driver,
            "operation": operation,
        }
        lost = view.sees(Kind.NODE) and base.lost(view.node(attachment.node))
        return Signal(
            name=self.name,
            subject=subject,
            since=since,
            since_source=SinceSource.FIRST_SEEN if since is None else SinceSource.OBJECT,
            reason="NodeLost" if lost else _reason(error),
            named=tuple((label, named[label]) for label in self.named_labels),
            evidence=tuple(_evidence(attachment, operation, error, lost=lost)),
        )


def _operation(attachment: model.Attachment) -> str:
    if attachment.deletion is not None:
        return DETACH
    return "" if attachment.attached else ATTACH


def _under_way(attachments: Iterable[model.Attachment]) -> list[Subject]:
    return [subject_of(one.name) for one in attachments if one.name and _operation(one)]


def _reason(error: model.Failure | None) -> str:
    if error is None:
        return Cause.ATTACHER_SILENT.value
    return error.cause.value if error.cause in CAUSES else base.OTHER


def _evidence(
    attachment: model.Attachment, operation: str, error: model.Failure | None, *, lost: bool
) -> Iterator[str]:
    volume = attachment.volume or "(inline)"
    where = f"{'to' if operation == ATTACH else 'from'} node {attachment.node}"
    yield f"{attachment.driver} was asked to {operation} volume {volume} {where}"
    if lost:
        yield f"node {attachment.node} is not Ready or gone"
    if error is not None:
        yield f"its last try failed: {error.text}"
    else:
        yield "no error is written: nobody seems to have tried"
