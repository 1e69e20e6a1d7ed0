"""check-access: every right is asked for, what is missing and what is too much is named."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from exporter.observe.kube.api import GET_SECONDS
from remediator.cli.check_access import OTHER, SELF, check
from remediator.cli.rights import UNWANTED, More, needed
from remediator.cli.said import DONE, NO, Said
from remediator.rights import MEDIK8S
from tests.cli.scripted import Scripted

ACCOUNT = "system:serviceaccount:pvmedic:pvmedic-remediator"


class Judged(Scripted):
    """An API server that allows what a test names as `verb resource`."""

    def __init__(self, *refused: str, granted: tuple[str, ...] = (), minor: str = "36") -> None:
        """Allow all that is needed but `refused`, and `granted` besides; be of a version."""
        super().__init__()
        self.version = {"major": "1", "minor": minor}
        wanted = {f"{one.verb} {one.resource}" for one in needed("pvmedic")}
        self.allowed = (wanted | set(granted)) - set(refused)

    async def send(
        self,
        method: str,
        where: str,
        body: bytes | None = None,
        *,
        content_type: str = "application/json",
        params: Mapping[str, str] | None = None,
        timeout: float = GET_SECONDS,  # noqa: ASYNC109 -- the client's own signature
    ) -> bytes:
        """Judge one review."""
        del content_type, params, timeout
        if where == "/version":
            return json.dumps(self.version).encode()
        spec: dict[str, Any] = json.loads(body or b"{}")["spec"]
        self.sent.append((method, where, spec))
        asked = spec["resourceAttributes"]
        sub = f"/{asked['subresource']}" if asked["subresource"] else ""
        right = f"{asked['verb']} {asked['resource']}{sub}"
        return json.dumps({"status": {"allowed": right in self.allowed}}).encode()


def said(api: Judged, account: str = "") -> Said:
    """Check."""
    return asyncio.run(check(api, account, "pvmedic"))


def test_an_account_with_exactly_the_rights_is_well() -> None:
    """Each was asked for, and each that it must not have."""
    api = Judged()
    assert said(api).status == DONE
    assert len(api.sent) == len(needed("pvmedic")) + len(UNWANTED)
    assert {where for _, where, _ in api.sent} == {SELF}


def test_what_is_missing_is_named_with_what_it_is_for() -> None:
    """So that an administrator can mend it."""
    answer = said(Judged("patch nodes", "get configmaps"))
    assert answer.status == NO
    assert answer.lines[0].startswith("MISSING  patch nodes: The out-of-service taint")
    assert "get configmaps pvmedic-pause in namespace pvmedic" in answer.lines[1]
    assert "lacks 2 of" in answer.lines[-1]


def test_what_is_too_much_is_named() -> None:
    """A program that can say yes to its own plans needs no people."""
    answer = said(Judged(granted=("create remediationapprovals", "create pods/exec")))
    assert answer.status == NO
    text = "\n".join(answer.lines)
    assert "TOO MUCH create remediationapprovals.pvmedic.dev" in text
    assert "TOO MUCH create pods/exec" in text


def test_an_older_server_needs_what_would_be_too_much_on_a_newer_one() -> None:
    """Before 1.26 a pod of a dead node is deleted by force."""
    right = "delete pods"
    assert said(Judged(granted=(right,), minor="25+")).status == DONE
    assert "MISSING  delete pods" in said(Judged(minor="25+")).lines[0]
    assert "TOO MUCH delete pods" in said(Judged(granted=(right,), minor="26")).lines[0]


def test_another_account_is_asked_about_with_the_groups_that_it_has() -> None:
    """Rights of all service accounts count for it, too."""
    api = Judged()
    said(api, ACCOUNT)
    assert {where for _, where, _ in api.sent} == {OTHER}
    spec = api.sent[0][2]
    assert spec["user"] == ACCOUNT
    assert spec["groups"] == [
        "system:authenticated",
        "system:serviceaccounts",
        "system:serviceaccounts:pvmedic",
    ]


def test_where_medik8s_leases_are_taken_their_rights_are_needed_too() -> None:
    """Only there, and in the namespace that the setting names."""
    api = Judged(granted=tuple(f"{verb} leases" for verb in MEDIK8S.verbs))
    answer = asyncio.run(check(api, "", "pvmedic", More(medik8s="health")))
    asked = [spec["resourceAttributes"] for _, _, spec in api.sent]
    there = [one for one in asked if one["namespace"] == "health"]
    assert [one["verb"] for one in there] == list(MEDIK8S.verbs)
    assert {one["resource"] for one in there} == {"leases"}
    assert answer.status == DONE


def test_where_commands_run_on_nodes_their_rights_are_needed_too() -> None:
    """Commands in the namespace that the setting names alone; a drain goes everywhere."""
    everywhere = ("list poddisruptionbudgets", "create pods/eviction")
    answer = asyncio.run(check(Judged(granted=everywhere), "", "pvmedic", More(rok="disks")))
    assert [line.partition(":")[0] for line in answer.lines[:-1]] == [
        f"MISSING  {verb} pods/exec in namespace disks" for verb in ("create", "get")
    ]
    answer = asyncio.run(check(Judged(), "", "pvmedic", More(rok="disks")))
    assert "MISSING  list poddisruptionbudgets.policy: " in "\n".join(answer.lines)
    assert "MISSING  create pods/eviction: " in "\n".join(answer.lines)
