"""What "wrong fs type" of an XFS volume most likely means, by kernel, plugin and origin.

Candidates by versions alone. What the kernel itself said is next door, in `kernel`.
"""

from exporter.observe.model import Cause
from exporter.observe.model.versions import Version, image_version
from exporter.observe.view import View

_KNOWS_REFLINK: Version = (4, 9, 0)
_MAKES_REFLINK: Version = (2, 1, 0)
_MOUNTS_CLONES: Version = (2, 1, 1)


def by_versions(kernel: Version | None, ceph_csi: Version | None, *, cloned: bool) -> Cause:
    """Return what "wrong fs type" of an XFS volume most likely means, by versions alone.

    A clone needs `nouuid`, which ceph-csi lacked before 2.1.1. An old kernel cannot mount what a
    newer mkfs.xfs made, whatever is installed now: that file system stays as it is.
    """
    old_kernel = kernel is not None and kernel < _KNOWS_REFLINK
    if old_kernel and ceph_csi == _MAKES_REFLINK:
        return Cause.XFS_UNSUPPORTED
    if cloned and ceph_csi is not None and ceph_csi < _MOUNTS_CLONES:
        return Cause.XFS_DUPLICATE_UUID
    return Cause.XFS_UNSUPPORTED if old_kernel else Cause.WRONG_FS_TYPE


def ceph_csi(driver: str, node: str, view: View) -> Version | None:
    """Return the version of the node's ceph-csi plugin; None for other drivers."""
    for pod in view.plugins_on(node):
        if pod.plugin is not None and pod.plugin.driver == driver:
            found = image_version(pod.plugin.images, "cephcsi")
            if found is not None:
                return found
    return None
