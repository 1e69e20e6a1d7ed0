"""rok-csi's Events: every wording of the seeds, both quotings, cut, mangled; none raises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe.model import KubeEvent
from exporter.observe.model.facts import (
    Fact,
    RokCopy,
    RokJobFailed,
    RokJobStarted,
    RokUnpin,
    RwxClear,
    RwxRecovering,
)
from exporter.observe.parse import events

JOB = "493cb10c-6110-46b4-8bb8-cd017bce9f14"
NODE = "ip-192-168-148-206.eu-central-1.compute.internal"
VOLUME = "pvc-894803e1-c992-4c05-be25-f79e7f9d8873"
BACKING = "pvc-06dad9fe-4a24-4a85-a123-b5426581a856"
COPIED = RokCopy(52424704, 4096)
KCQ = "SCSI_KCQ_LOGICAL_UNIT_NOT_READY_SPACE_ALLOCATION_IN_PROGRESS"
LOGS = "Run `kubectl logs -n rok rok-csi-node-ndlvl -c csi-node' for more information"
POD = "rok/rok-csi-node-ndlvl"


def scsi(opcode: str, errno: str = "No space left on device (28)", kcq: str = KCQ) -> str:
    """Return a JobFailed text."""
    return (
        f"Job Failed: SCSI command {opcode} failed with status `SCSI_STATUS_CHECK_CONDITION' and"
        f" KCQ `{kcq}' (errno: {errno}): {LOGS}"
    )


def said(reason: str, text: str, component: str = "rok-csi") -> Fact | None:
    """Return what an Event with this text says."""
    event = KubeEvent(
        namespace="kubeflow-user",
        name="snap.17",
        uid="u",
        version="1",
        reason=reason,
        message=text,
        component=component,
        about_kind="VolumeSnapshot",
        about_namespace="kubeflow-user",
        about_name="snap",
        count=1,
        last=1.0,
    )
    return events.fact(text, event)


@pytest.mark.parametrize(
    ("reason", "text", "fact"),
    [
        ("JobStarted", f"Starting job `{JOB}' (worker `{NODE}')...", RokJobStarted(JOB, NODE)),
        ("JobStarted", f"Starting job '{JOB}' (worker '{NODE}')...", RokJobStarted(JOB, NODE)),
        ("JobStarted", "Starting job `4ad3-43-932b' (worker", RokJobStarted("4ad3-43-932b", "")),
        ("JobStarted", f"Starting job `{JOB}' (worker `ip-192", RokJobStarted(JOB, "")),
        (
            "PROGRESS",
            "[ 31%] About to copy 52424704 changed blocks of size 4KiB (200GiB)...",
            COPIED,
        ),
        (
            "PROGRESS",
            "[ 34%] Copying 52424704 changed blocks of size 4KiB (200GiB)... (20%)",
            COPIED,
        ),
        (
            "PROGRESS",
            (
                "[ 31%] Dropping... About to copy 1 changed blocks of size 4KiB (4KiB)... Copying 3"
                " changed blocks of size 2MiB"
            ),
            RokCopy(3, 2**21),
        ),
        ("PROGRESS", "[ 1%] About to copy 7 changed blocks of size 512B (9EiB)", RokCopy(7, 512)),
        (
            "INFO",
            (
                "Found 51200 blocks of size 4MiB (200GiB) reported as changed by the"
                " underlying storage device Found 52424704 blocks of size 4KiB (200GiB) in use by"
                " the filesystem"
            ),
            RokCopy(51200, 4 * 2**20, reported=True),
        ),
        (
            "INFO",
            (
                f"Marking PVC 'kubeflow-user/nb' (PV '{VOLUME}'), bound on cordoned node '{NODE}',"
                " for unpinning (unpin reason: 'NodeCordoned')..."
            ),
            RokUnpin("kubeflow-user", "nb", VOLUME, NODE, "NodeCordoned"),
        ),
        (
            "INFO",
            f"Marking PVC 'kubeflow-user/nb' (PV '{VOLUME}'), bound on node '{NODE}', for unpinn",
            None,
        ),
        (
            "INFO",
            f"Unpinning PVC `nb' (PV `{VOLUME}') from node `{NODE}'...",
            RokUnpin("", "nb", VOLUME, NODE, ""),
        ),
        (
            "JobFailed",
            scsi("0x8A(SCSI_OPCODE_WRITE16)"),
            RokJobFailed("0x8A", 28, no_space=True, logs_in=POD),
        ),
        (
            "JobFailed",
            scsi("0xc3(SCSI_OPCODE_ROK_CLONE_FISK)"),
            RokJobFailed("0xC3", 28, no_space=True, logs_in=POD),
        ),
        (
            "JobFailed",
            scsi("0x8A(SCSI_OPCODE_WRITE16)").split("(28)")[0],
            RokJobFailed("0x8A", 28, no_space=True),
        ),
        (
            "JobFailed",
            scsi("0x8A(SCSI_OPCODE_WRITE16)", errno="Input/output error (5)"),
            RokJobFailed("0x8A", 5, no_space=False, logs_in=POD),
        ),
        (
            "JobFailed",
            scsi("0x8A(SCSI_OPCODE_WRITE16)", kcq="SCSI_KCQ_MEDIUM_ERROR"),
            RokJobFailed("0x8A", 28, no_space=False, logs_in=POD),
        ),
        ("JobFailed", "Job Failed: Aborted", RokJobFailed("", 0, no_space=False)),
        ("JobFailed", "%!x(MISSING)", RokJobFailed("", 0, no_space=False)),
        (
            "WARNING",
            (
                f"About to recover access-server volume '{BACKING}': You will need to stop any Pods"
                f" which are currently using RWX volume '{VOLUME}'"
            ),
            RwxRecovering(BACKING, VOLUME),
        ),
        (
            "WARNING",
            f"About to recover access-server volume `{BACKING}': You will need to stop any P",
            RwxRecovering(BACKING, ""),
        ),
        (
            "INFO",
            f"All Pods using RWX volume '{VOLUME}' are gone: You can start using the volume again",
            RwxClear(VOLUME),
        ),
    ],
)
def test_a_text_says(reason: str, text: str, fact: Fact | None) -> None:
    """Also behind an aggregation prefix, which readers are not shown but may meet."""
    assert said(reason, text) == fact
    assert said(reason, f"(combined from similar events): {text}") == fact


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("INFO", "Successfully completed pre-snapshot verification"),
        ("INFO", f"PV `{VOLUME}' already marked for unpinning"),
        ("PROGRESS", "[ 1%] Retrieving volume metadata... Suspending volume..."),
        ("PROGRESS", "Copying 5 changed blocks of size 4XiB"),
        ("PROGRESS", "Copying 5 changed blocks of size"),
        ("PROGRESS", "Copying 5 changed blocks of size 0KiB"),
        ("PROGRESS", f"Copying {'9' * 40} changed blocks of size 4KiB"),
        ("PROGRESS", f"Copying {'9' * 18} changed blocks of size 999999TiB"),
        ("WARNING", "Something else"),
        ("JobStarted", "Starting job"),
    ],
)
def test_a_text_says_nothing_of_these(reason: str, text: str) -> None:
    """No unit is guessed, and a size that no machine has is no size."""
    assert said(reason, text) is None


@pytest.mark.parametrize("reason", ["JobStarted", "JobFailed", "INFO", "PROGRESS", "WARNING"])
def test_others_may_use_the_same_reasons(reason: str) -> None:
    """INFO and WARNING are anybody's."""
    assert said(reason, f"All Pods using RWX volume '{VOLUME}' are gone", "my-operator") is None


@given(
    st.sampled_from(["JobStarted", "JobFailed", "INFO", "PROGRESS", "WARNING"]),
    st.text()
    | st.lists(
        st.sampled_from(
            [
                "Starting job `",
                "' (worker `",
                "Copying ",
                "Found ",
                "9" * 18,
                " changed blocks of size ",
                " blocks of size ",
                "4KiB",
                " reported as changed",
                "(errno: ",
                "(28)",
                "KCQ `",
                "SPACE_ALLOCATION",
                "'",
                "`",
                "%!x(MISSING)",
                "All Pods using RWX volume '",
                "About to recover access-server volume '",
            ]
        )
    ).map("".join),
)
def test_no_text_raises(reason: str, text: str) -> None:
    """Whatever a text is, it is a fact or nothing, and a size is one that can exist."""
    fact = said(reason, text)
    assert not isinstance(fact, RokCopy) or 0 <= fact.changed_bytes < 2**63
