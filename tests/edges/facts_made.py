"""One object of each kind that a node shows, for tests of how facts travel."""

from exporter.observe import model
from exporter.observe.model import Kind, Object


def one_of_each(node: str) -> dict[Kind, Object]:
    """Return them, with every sort of field filled."""
    peer = model.Peer("u-2", "gl-2", "Peer in Cluster", connected=True)
    brick = model.Brick("gl-1", "/brick", "u-1", local=True, online=True, heal_pending=3)
    found: list[Object] = [
        model.Glusterd(node, answers=True, uuid="u-1", op_version=100000, peers=(peer,)),
        model.GlusterVolume(
            node, "web", "id", "Replicate", started=True, bricks=(brick,), options=(("a", "b"),)
        ),
        model.GlusterLog(node, lines=7, locks=(model.LockKind("not_held", 2, 5.5),)),
        model.GlusterSpace(node, (model.Space("root", "/", 10, 5),)),
        model.RokSpace(node, 100, 60, 40, "rokvg", extended=True),
        model.Mount(node, "pv-1", model.MountProblem.READ_ONLY, "ext4", "sda", 12.25),
        model.KernelFault(
            node, "sda/x", "sda", "xfs", model.Cause.XFS_DUPLICATE_UUID, 2, 1.0, 2.0, "text\u2028"
        ),
    ]
    return {model.KIND_OF[type(one)]: one for one in found}
