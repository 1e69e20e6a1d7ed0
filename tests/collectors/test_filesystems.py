"""What a node shows of its mounts and its kernel's log."""

from exporter.collectors import OF_OBJECTS, filesystems
from exporter.observe import model
from exporter.observe.model import Cause, FaultCount, Kind
from tests.signals import made


def test_a_node_shows_its_mounts_by_state_and_the_workers_that_hang() -> None:
    """Zeros among them: a state that is never seen would have no series to compare with."""
    count = model.MountCount("a", well=40, troubled=2, unasked=1, stuck=2)
    found = list(OF_OBJECTS[Kind.MOUNT_COUNT](count))
    states = {dict(s.labels)["state"]: s.value for f, s in found if f is filesystems.MOUNTS}
    assert states == {"well": 40, "troubled": 2, "unasked": 1}
    (stuck,) = [sample for family, sample in found if family is filesystems.STUCK]
    assert (dict(stuck.labels), stuck.value) == ({"node": "a"}, 2)


def test_a_node_shows_what_its_kernel_said_and_what_was_lost() -> None:
    """By the type of the file system and the cause."""
    log = model.KernelLog("a", 100, 7, (FaultCount("xfs", Cause.XFS_DUPLICATE_UUID, 3),))
    found = {family.name: sample for family, sample in OF_OBJECTS[Kind.KERNEL_LOG](log)}
    errors = found["pvmedic_filesystem_errors_total"]
    assert dict(errors.labels) == {"node": "a", "fstype": "xfs", "reason": "XfsDuplicateUuid"}
    assert errors.value == 3
    assert found["pvmedic_kernel_log_lines_total"].value == 100
    assert found["pvmedic_kernel_log_lost_lines_total"].value == 7


def test_other_objects_show_nothing_here() -> None:
    """Each function is for one kind."""
    assert list(filesystems.of_mounts(made.mount())) == []
    assert list(filesystems.of_log(made.kernel_fault())) == []
