"""filesystem_readonly: a claim is mounted on a node, and its file system cannot be used there.

How it is recognised: the node itself looks, every 15 seconds. ReadOnly is a file system that was
to be written to and that the kernel has turned read-only, most often because of an error; a mount
that was meant to be read-only is none, nor is a claim that is ReadOnlyMany. Hung does not answer
within 5 seconds, NotConnected is a FUSE mount whose program has ended, StaleHandle a server that
does not know the directory any more, IoError a device or a file system that has shut down. It ends
by itself as soon as the mount answers, or is gone.

Any Linux; ext4 shows `emergency_ro` instead of `ro` since 6.15. What a server alone refuses (an NFS
export that is read-only there, EBADF of an open file) cannot be seen from here.

Nothing says since when: it is when we first saw it. The claim is known from the PersistentVolume;
while that cannot be read, namespace and claim are empty, and the volumes of one node are told
together. The kernel's own lines about the device are evidence, where its log may be read.
"""

from collections.abc import Iterable, Iterator

from exporter.observe import model
from exporter.observe.model import Change, Kind, MountProblem, Object, Signal, SinceSource, Subject
from exporter.observe.signals import base
from exporter.observe.view import View, Want

_WORST = tuple(MountProblem)
_READ_ONLY_MANY = {"ReadOnlyMany"}


def subject_of(namespace: str, claim: str, node: str) -> Subject:
    """Return the subject for a claim on a node; the claim may be unknown."""
    return Subject((("namespace", namespace), ("persistentvolumeclaim", claim), ("node", node)))


class FilesystemReadonly:
    """Sees it. Reasons: what is wrong with the mount."""

    name = "filesystem_readonly"
    meaning = "The file system of a claim cannot be used on a node that has it mounted."
    subject_labels = ("namespace", "persistentvolumeclaim", "node")
    named_labels = ("persistentvolume", "fstype", "driver")
    reasons = frozenset(problem.value for problem in MountProblem)
    since_sources = frozenset({SinceSource.FIRST_SEEN})
    patience = 60.0
    needs = frozenset({Kind.MOUNT})
    helps = frozenset({Kind.VOLUME, Kind.KERNEL_FAULT})
    starts = frozenset({Kind.MOUNT})

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Name the claim of a mount: only those in trouble are kept."""
        if not isinstance(obj, model.Mount):
            return ()
        return (subject_of(*_claim(view.volume(obj.name)), obj.node),)

    def touched(self, change: Change, view: View) -> Iterator[Subject]:
        """Name the claims that an object speaks of."""
        for obj in base.versions(change):
            match obj:
                case model.Mount():
                    yield from self.suspects(obj, view)
                case model.Volume():
                    for mount in view.mounts_of(obj.name):
                        yield subject_of(*_claim(obj), mount.node)
                        yield subject_of("", "", mount.node)
                case model.KernelFault():
                    for mount in view.mounts_on(obj.node):
                        if mount.device == obj.device:
                            yield from self.suspects(mount, view)
                case _:
                    pass

    def reads(self, subject: Subject, view: View) -> Iterator[Want]:
        """What the node says of its mounts and of its kernel; then the volumes in trouble."""
        node = subject["node"]
        yield Want(Kind.MOUNT, name=node)
        yield Want(Kind.KERNEL_FAULT, name=node)
        for mount in view.mounts_on(node):
            yield Want(Kind.VOLUME, name=mount.name)

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal while any mount of this claim on this node is in trouble."""
        node = subject["node"]
        wanted = (subject["namespace"], subject["persistentvolumeclaim"])
        mounts = [
            mount
            for mount in view.mounts_on(node)
            if _claim(view.volume(mount.name)) == wanted and not _meant(mount, view)
        ]
        if not mounts:
            return None
        worst = min(mounts, key=lambda mount: (_WORST.index(mount.problem), mount.name))
        volume = view.volume(worst.name)
        named = {
            "persistentvolume": worst.name,
            "fstype": worst.fs_type,
            "driver": volume.driver if volume is not None else worst.driver,
        }
        return Signal(
            name=self.name,
            subject=subject,
            since=None,
            since_source=SinceSource.FIRST_SEEN,
            reason=worst.problem.value,
            named=tuple((label, named[label]) for label in self.named_labels),
            evidence=tuple(_evidence(worst, mounts, view)),
        )


def _claim(volume: model.Volume | None) -> tuple[str, str]:
    """Return namespace and name of a volume's claim; both empty when it is not known."""
    if volume is None or not volume.claim_name:
        return ("", "")
    return (volume.claim_namespace, volume.claim_name)


def _meant(mount: model.Mount, view: View) -> bool:
    """Whether nobody was to write there anyway."""
    volume = view.volume(mount.name)
    if mount.problem is not MountProblem.READ_ONLY or volume is None:
        return False
    return set(volume.access_modes) == _READ_ONLY_MANY


def _evidence(worst: model.Mount, mounts: list[model.Mount], view: View) -> Iterator[str]:
    on = f", device {worst.device}" if worst.device else ""
    yield f"{worst.path or worst.name} on node {worst.node} is {worst.problem}{on}"
    others = sorted(mount.name for mount in mounts if mount is not worst)
    if others:
        yield f"as are the volumes {', '.join(others)}"
    faults = [f for f in view.faults_on(worst.node) if f.device and f.device == worst.device]
    for fault in sorted(faults, key=lambda fault: (fault.last, fault.name)):
        yield f"the kernel, {fault.count} times: {fault.text}"
