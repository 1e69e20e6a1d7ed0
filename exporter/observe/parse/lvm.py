"""LVM's own report of volume groups: `vgs --reportformat json --units b --nosuffix`.

Numbers stand in quotes (`json`) or not (`json_std`, newer versions). A group of several rows is one
group; two of one name with different uuids are two: a copied disk makes such. What is no number is
not known, a row without a name no group. No text raises.
"""

import msgspec

COLUMNS = ("vg_name", "vg_uuid", "vg_size", "vg_free", "pv_count")
"""What to ask for."""

LARGEST = 2**63
"""A size, or a number of disks, that no machine has."""


class VolumeGroup(msgspec.Struct, frozen=True, order=True):
    """One group. Sizes are bytes, `disks` its physical volumes; None: not said."""

    name: str
    uuid: str
    size: int | None = None
    free: int | None = None
    disks: int | None = None


class WireGroup(msgspec.Struct, gc=False):
    """One row."""

    vg_name: str | None = None
    vg_uuid: str | None = None
    vg_size: str | int | float | None = None
    vg_free: str | int | float | None = None
    pv_count: str | int | float | None = None


class WireReport(msgspec.Struct):
    """One report of possibly several."""

    vg: list[WireGroup] | None = None


class WireAnswer(msgspec.Struct):
    """All that the command says."""

    report: list[WireReport] | None = None


_answer = msgspec.json.Decoder(WireAnswer)


def groups(said: bytes) -> tuple[VolumeGroup, ...] | None:
    """Return the groups by name, each once; None for what is no such report."""
    try:
        found = _answer.decode(said)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if found.report is None:
        return None
    rows = [row for one in found.report for row in one.vg or ()]
    by_name: dict[tuple[str, str], VolumeGroup] = {}
    for row in rows:
        if row.vg_name:
            key = (row.vg_name, row.vg_uuid or "")
            sizes = (whole(row.vg_size), whole(row.vg_free), whole(row.pv_count))
            by_name.setdefault(key, VolumeGroup(*key, *sizes))
    return tuple(by_name[key] for key in sorted(by_name))


def whole(number: str | float | None) -> int | None:
    """Return a whole number that is not negative; None for anything else."""
    if isinstance(number, str):
        text = number.strip()
        plain = text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST))
        number = int(text) if plain else None
    if number is None or not 0 <= number < LARGEST or number != int(number):
        return None
    return int(number)
