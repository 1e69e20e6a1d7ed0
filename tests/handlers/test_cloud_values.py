"""What is asked of a cloud: the same disk whenever the same Remediation asks, like the others."""

import pytest

from exporter.observe.model.machines import DiskAttachment, DiskReading, GroupReading
from remediator.cloud import LONGEST_TOKEN, new_disk, ours, tags, token

UID = "0d9c9d3e-6a0b-4f43-9a57-0b3f6f1f2c11"


def like(**more: object) -> DiskReading:
    """Return a disk that the node has."""
    given = {"type": "gp3", "encrypted": True, "kms_key": "arn:key", "iops": 3000, **more}
    return DiskReading("vol-1", "in-use", 600, zone="z", **given)  # type: ignore[arg-type]


def test_a_token_is_of_the_remediation_and_fits() -> None:
    """Stable, ASCII, and short enough; what makes none is refused before EC2 is asked."""
    assert token(UID) == token(UID) == f"pvmedic-{UID}"
    assert len(token(UID)) <= LONGEST_TOKEN
    for bad in ("", "ü", "x" * 57):
        with pytest.raises(ValueError, match="no client token"):
            token(bad)


@pytest.mark.parametrize(
    ("of", "iops", "throughput", "key"),
    [
        (like(), 3000, 250, "arn:key"),
        (like(throughput=500), 3000, 500, "arn:key"),
        (like(type="gp2"), None, None, "arn:key"),
        (like(type="io2", iops=9000), 9000, None, "arn:key"),
        (like(encrypted=False), 3000, 250, ""),
    ],
)
def test_a_disk_is_typed_and_encrypted_as_the_node_s_others(
    of: DiskReading, iops: int | None, throughput: int | None, key: str
) -> None:
    """And a gp3 one is fast enough to copy snapshots to."""
    made = new_disk(UID, node="a", cluster="c", zone="z", gib=1200, like=of)
    assert (made.gib, made.zone, made.type, made.encrypted) == (1200, "z", of.type, of.encrypted)
    assert (made.iops, made.throughput, made.kms_key) == (iops, throughput, key)
    assert made.token == token(UID)


def test_only_a_disk_with_all_our_tags_is_ours() -> None:
    """Of this Remediation, node and cluster; no tags are nobody's."""
    wanted = tags(UID, "a", "c")
    assert ours(like(tags={**wanted, "Name": "x"}), wanted)
    for key in wanted:
        assert not ours(like(tags={**wanted, key: "other"}), wanted)
    assert not ours(like(), wanted)
    assert not ours(like(), {})
    with pytest.raises(ValueError, match="nobody"):
        tags("", "a", "c")


def test_readings_say_where_a_disk_is() -> None:
    """An attachment that is over is none; the serial is what NVMe says."""
    there = DiskAttachment("i-1", "/dev/xvdba", "busy")
    over = DiskAttachment("i-2", "/dev/xvdba", "detached")
    disk = like(attachments=(over, there))
    assert disk.on("i-1") == there == disk.elsewhere("i-3")
    assert disk.on("i-2") is disk.elsewhere("i-1") is None
    assert disk.serial == "vol1"
    assert GroupReading("g", 1, 2, 3, "InService", protected=False).can_shrink
    assert not GroupReading("g", 2, 2, 3, "InService", protected=False).can_shrink
