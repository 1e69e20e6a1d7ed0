"""Remediation resources: what is written is what is read, times are times, versions bind."""

import asyncio
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect

from exporter.observe.errors import Conflict, Garbage, NotFound
from remediator.record import (
    AlertRef,
    HistoryEntry,
    LedgerEntry,
    Phase,
    PlanRecord,
    Reading,
    Record,
    Seen,
    Spec,
    Status,
    StepRecord,
    StepState,
    VerdictRecord,
)
from remediator.store import KEY_LABEL, Store
from tests.intake.resources import Resources
from tests.story.objects import DEAD, NAME, NOW, SIGNAL, SUBJECT

CRD = Path(__file__).parents[2] / "deploy/manifests/access/crd.yaml"
SPEC = Spec(
    signal=SIGNAL,
    subject={"node": DEAD},
    subject_text=f"node={DEAD}",
    episode=1,
    alert=AlertRef(
        fingerprint="f1",
        starts_at=NOW - 60.5,
        alertname="NodeLost",
        receiver="pvmedic",
        labels={"node": DEAD, "startsAt": "not a time", "at": "neither"},
    ),
)
FULL = Status(
    phase=Phase.HOLDING,
    message="holding",
    seen=Seen.GONE,
    last_alert_at=NOW - 10.25,
    phase_since=NOW - 5.125,
    gone_since=NOW - 4.0,
    acted_at=NOW - 30.567,
    over_at=NOW + 600.999,
    plan=PlanRecord(
        hash="abc",
        goal="goal",
        steps=(
            StepRecord(
                kind="AddTaint",
                target=DEAD,
                target_uid="uid-a",
                params={"key": "k", "at": "kept"},
                state=StepState.DONE,
                at=NOW - 29.001,
                detail="seen done",
            ),
        ),
        used_claims=("web/rows",),
        claim_uids={"web/rows": "uid-rows"},
    ),
    verdicts=(VerdictRecord("mode", "Allowed"), VerdictRecord("fencing_proof", "Deferred", "r")),
    readings=(
        Reading(
            "ec2",
            "i-0a",
            "stopped",
            NOW - 62.5,
            account="1",
            launched_at=NOW - 9000.0,
            off_since=NOW - 99.0,
        ),
        Reading("ec2", "i-0a", "stopped", NOW - 32.25, hibernated=True),
    ),
    ledger=(
        LedgerEntry(
            kind="AddTaint",
            target=DEAD,
            at=NOW - 30.567,
            target_uid="uid-a",
            prior={"bootID": "b1", "closedAt": "kept"},
            done={"key": "k"},
            closed=True,
            closed_at=NOW - 1.0,
            note="taken back",
        ),
    ),
    would_have_acted=True,
    history=(HistoryEntry(NOW - 60.0, Phase.DEFERRED, "wait"),),
)


def opened() -> tuple[Resources, Store, Record]:
    """Return resources with one new record, and the store that made it."""
    resources = Resources()
    kept = Store(resources)
    return resources, kept, asyncio.run(kept.create(SPEC))


def test_a_new_record_is_named_labelled_and_known_at_once() -> None:
    """The next alert finds it without a list."""
    resources, kept, record = opened()
    assert record.name == NAME
    assert (record.uid, record.version, record.created) == (f"uid-{NAME}", "1", NOW)
    assert record.spec == SPEC
    assert kept.newest(SIGNAL, SUBJECT) == record
    assert resources.objects[NAME]["apiVersion"] == "pvmedic.dev/v1alpha1"
    assert resources.objects[NAME]["metadata"]["labels"] == {KEY_LABEL: NAME.split("-")[4]}


def test_a_full_record_is_read_as_it_was_written() -> None:
    """Every field, every time, to the millisecond."""
    resources, kept, record = opened()
    full = msgspec.structs.replace(record, status=FULL)
    saved = asyncio.run(kept.save(full))
    assert saved == msgspec.structs.replace(full, version="2")
    again = Store(resources)
    asyncio.run(again.load())
    assert again.all() == (saved,)


def test_saving_what_was_read_changes_nothing() -> None:
    """Times do not creep with every save."""
    resources, kept, record = opened()
    saved = asyncio.run(kept.save(msgspec.structs.replace(record, status=FULL)))
    first = resources.objects[NAME]["status"]
    for _ in range(3):
        saved = asyncio.run(kept.save(saved))
    assert resources.objects[NAME]["status"] == first


@given(st.floats(min_value=0.0, max_value=4e9))
def test_any_time_survives_to_the_millisecond(when: float) -> None:
    """And from then on it is always the same."""
    record = Record("x", "u", "1", NOW, SPEC, Status(acted_at=when))
    kept = asyncio.run(saved_and_read(record))
    assert kept.status.acted_at == pytest.approx(when, abs=0.000502)
    assert asyncio.run(saved_and_read(kept)).status.acted_at == kept.status.acted_at


async def saved_and_read(record: Record) -> Record:
    """Write a record and return what is read."""
    resources = Resources()
    made = await Store(resources).create(record.spec)
    return await Store(resources).save(msgspec.structs.replace(made, status=record.status))


def test_times_are_written_as_rfc_3339_in_utc() -> None:
    """So that kubectl and the schema understand them."""
    resources, kept, record = opened()
    asyncio.run(kept.save(msgspec.structs.replace(record, status=FULL)))
    written = resources.objects[NAME]
    assert written["spec"]["alert"]["startsAt"] == "2027-01-15T07:58:59.500Z"
    assert written["status"]["phaseSince"] == "2027-01-15T07:59:54.875Z"
    assert written["status"]["actedAt"] == "2027-01-15T07:59:29.433Z"
    assert written["status"]["readings"][0]["readAt"] == "2027-01-15T07:58:57.500Z"
    assert written["status"]["plan"]["steps"][0]["targetUID"] == "uid-a"


def test_labels_and_parameters_are_not_taken_for_times() -> None:
    """Whatever their names are."""
    resources, kept, record = opened()
    asyncio.run(kept.save(msgspec.structs.replace(record, status=FULL)))
    assert resources.objects[NAME]["spec"]["alert"]["labels"]["startsAt"] == "not a time"
    assert resources.objects[NAME]["status"]["ledger"][0]["prior"]["closedAt"] == "kept"


def test_a_record_that_exists_is_a_conflict_and_known_from_then_on() -> None:
    """Somebody was faster: fine."""
    resources, _, record = opened()
    late = Store(resources)
    with pytest.raises(Conflict):
        asyncio.run(late.create(SPEC))
    assert late.newest(SIGNAL, SUBJECT) == record


def test_a_save_over_a_newer_version_is_a_conflict_and_shows_the_newer_one() -> None:
    """Optimistic concurrency; the next tick goes on from what is there."""
    resources, kept, record = opened()
    other = Store(resources)
    asyncio.run(other.load())
    newer = asyncio.run(other.save(msgspec.structs.replace(record, status=FULL)))
    with pytest.raises(Conflict):
        asyncio.run(kept.save(record))
    assert kept.all() == (newer,)


def test_a_save_of_a_deleted_record_is_not_found() -> None:
    """It is not made again."""
    resources, kept, record = opened()
    resources.objects.clear()
    with pytest.raises(NotFound):
        asyncio.run(kept.save(record))
    assert resources.objects == {}


def test_a_list_forgets_what_people_deleted_and_keeps_what_was_written_meanwhile() -> None:
    """A list is as old as its beginning."""
    resources, kept, _ = opened()
    other = msgspec.structs.replace(SPEC, subject={"node": "node-z"})
    resources.objects.clear()
    resources.write_meanwhile = kept.create(other)
    asyncio.run(kept.load())
    assert [one.spec for one in kept.all()] == [other]
    resources.objects.clear()
    asyncio.run(kept.load())
    assert kept.all() == ()


def test_a_record_that_turns_out_to_be_gone_is_held_no_more() -> None:
    """Or every alert about its subject would be known to what nobody will ever carry on."""
    resources, kept, record = opened()
    resources.objects.clear()
    with pytest.raises(NotFound):
        asyncio.run(kept.save(record))
    assert kept.newest(SIGNAL, SUBJECT) is None
    assert kept.all() == ()


def test_the_newest_episode_is_found_by_its_number() -> None:
    """Not by name, where 10 comes before 9."""
    kept = Store(Resources())
    for episode in (9, 10, 2):
        asyncio.run(kept.create(msgspec.structs.replace(SPEC, episode=episode)))
    newest = kept.newest(SIGNAL, SUBJECT)
    assert newest is not None
    assert newest.spec.episode == 10


def test_the_store_knows_nothing_before_the_first_list() -> None:
    """The engine and the webhook wait for it."""
    resources, _, _ = opened()
    kept = Store(resources)
    assert not kept.loaded
    asyncio.run(kept.load())
    assert kept.loaded


def test_a_resource_that_is_not_ours_to_read_does_not_hide_the_others() -> None:
    """Another version may have written it."""
    resources, _, record = opened()
    strange = json.loads(json.dumps(resources.objects[NAME]))
    strange["metadata"]["name"] = "strange"
    strange["status"] = {"phase": "Dancing"}
    resources.objects["strange"] = strange
    resources.objects["empty"] = {"metadata": {"name": "empty"}}
    kept = Store(resources)
    asyncio.run(kept.load())
    assert kept.all() == (record,)


def test_unknown_fields_of_a_newer_version_are_skipped() -> None:
    """A rollback can still read the records."""
    resources, _, record = opened()
    resources.objects[NAME]["status"]["mood"] = {"name": "calm"}
    kept = Store(resources)
    asyncio.run(kept.load())
    assert [one.name for one in kept.all()] == [record.name]


def test_a_list_that_is_none_is_garbage() -> None:
    """An ObserveError, so that it is tried again."""

    class Broken(Resources):
        async def send(self, *_: object, **__: object) -> bytes:
            return b"<html>"

    with pytest.raises(Garbage):
        asyncio.run(Store(Broken()).load())


def schema() -> dict[str, Any]:
    """Return the schema of a Remediation."""
    crd = yaml.safe_load(CRD.read_text())
    (version,) = crd["spec"]["versions"]
    found: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return found


def differences(kind: inspect.Type, there: dict[str, Any], path: str) -> Iterator[str]:
    """Name where a type of ours and a schema do not agree."""
    match kind:
        case inspect.StructType(fields=fields):
            yield from different_fields(fields, there, path)
        case inspect.UnionType(types=types):
            (only,) = [one for one in types if not isinstance(one, inspect.NoneType)]
            yield from differences(only, there, path)
        case inspect.VarTupleType(item_type=item):
            if there["type"] != "array":
                yield f"{path} is a list"
            yield from differences(item, there["items"], f"{path}[]")
        case inspect.DictType():
            if there.get("additionalProperties") != {"type": "string"}:
                yield f"{path} maps text to text"
        case inspect.EnumType(cls=cls):
            if there["type"] != "string" or there.get("enum", list(cls)) != list(cls):
                yield f"{path} is one of {list(cls)}"
        case _:
            if (there["type"], there.get("format") == "date-time") != PLAIN[type(kind)]:
                yield f"{path} is {kind}"


PLAIN = {
    inspect.FloatType: ("string", True),
    inspect.StrType: ("string", False),
    inspect.IntType: ("integer", False),
    inspect.BoolType: ("boolean", False),
}
"""How a type stands in a schema, and whether it is a time."""


def different_fields(
    fields: Iterable[inspect.Field], there: dict[str, Any], path: str
) -> Iterator[str]:
    """Name fields that are not in both, or not the same in both."""
    names = {field.encode_name: field for field in fields}
    known = there.get("properties", {})
    yield from (f"{path}.{one} is not in both" for one in names.keys() ^ known.keys())
    required = {one for one, field in names.items() if field.required}
    if required != set(there.get("required", [])):
        yield f"{path} requires {sorted(required)}"
    for one in names.keys() & known.keys():
        yield from differences(names[one].type, known[one], f"{path}.{one}")
        is_time = one == "at" or one.endswith(("At", "Since"))
        if is_time != (known[one].get("format") == "date-time"):
            yield f"{path}.{one} is named like a time, or is one and is not"


@pytest.mark.parametrize(("ours", "section"), [(Spec, "spec"), (Status, "status")])
def test_the_resources_schema_and_the_record_are_the_same(
    ours: type[msgspec.Struct], section: str
) -> None:
    """A field that the schema lacks would be dropped by the API server, silently."""
    there = schema()["properties"][section]
    assert list(differences(inspect.type_info(ours), there, section)) == []


def test_the_schemas_defaults_are_the_records() -> None:
    """We leave out what is at its default."""
    status = schema()["properties"]["status"]["properties"]
    assert status["phase"]["default"] == Status().phase
    assert status["seen"]["default"] == Status().seen
    steps = status["plan"]["properties"]["steps"]["items"]["properties"]
    assert steps["state"]["default"] == StepRecord("k", "t").state


def test_the_columns_of_kubectl_show_fields_that_exist() -> None:
    """`kubectl get remediations` is for people."""
    (version,) = yaml.safe_load(CRD.read_text())["spec"]["versions"]
    for column in version["additionalPrinterColumns"]:
        first, *rest = column["jsonPath"].strip(".").split(".")
        if first != "metadata":
            there = schema()["properties"][first]
            for name in rest:
                there = there["properties"][name]


def test_a_full_status_is_what_the_schema_allows() -> None:
    """Every key that is written exists there."""
    resources, kept, record = opened()
    asyncio.run(kept.save(msgspec.structs.replace(record, status=FULL)))
    for section in ("spec", "status"):
        written, there = resources.objects[NAME][section], schema()["properties"][section]
        assert list(strangers(written, there)) == []


def strangers(value: object, there: dict[str, Any]) -> Iterator[str]:
    """Name written keys that a schema does not have."""
    if isinstance(value, dict) and "properties" in there:
        for name, item in value.items():
            if name in there["properties"]:
                yield from strangers(item, there["properties"][name])
            else:
                yield name
    if isinstance(value, list):
        for item in value:
            yield from strangers(item, there["items"])
