"""attest, pause and resume: what is made, in whose name, and what is said of it."""

import asyncio

import pytest

from exporter.observe.errors import Conflict, NotFound, NotInstalled
from remediator.cli import attest, attestation, switch
from remediator.cli.attest import Word
from remediator.cli.cluster import REVIEWS
from remediator.cli.said import DONE, NO
from tests.cli.scripted import ANN, MADE, Scripted
from tests.story.objects import DEAD, NOW

NODE = f"/api/v1/nodes/{DEAD}"
MAPS = "/api/v1/namespaces/pvmedic/configmaps"
MAP = f"{MAPS}/pvmedic-pause"
SPEC = {
    "node": DEAD,
    "nodeUID": "uid-1",
    "power": "Off",
    "attester": ANN,
    "expires": "2027-01-15T09:00:00Z",
    "note": "I pulled the plug",
}
MADE_ONE = {"metadata": {"name": "w", "creationTimestamp": MADE}, "spec": SPEC}
THERE = {"data": {"by": "ben", "why": "storage is being moved", "since": MADE}}


def test_a_word_about_a_node_is_for_this_node_object_and_ends() -> None:
    """In the person's own name."""
    api = Scripted()
    api.on(f"GET {NODE}", {"metadata": {"name": DEAD, "uid": "uid-1", "resourceVersion": "1"}})
    api.on(f"POST {attestation.PATH}", MADE_ONE)
    word = Word(DEAD, 3600.0, "I pulled the plug")
    answer = asyncio.run(attest.attest(api, word, NOW))
    assert answer.status == DONE
    (sent,) = api.bodies("POST", attestation.PATH)
    assert sent["spec"] == SPEC
    assert f"{DEAD} is Off, says {ANN}" in answer.lines[0]


def test_a_node_whose_object_is_gone_needs_the_uid_that_it_had() -> None:
    """A later node of the same name is not meant."""
    api = Scripted()
    api.on(f"GET {NODE}", NotFound("no"))
    api.on(f"POST {attestation.PATH}", MADE_ONE)
    with pytest.raises(NotFound, match="--uid"):
        asyncio.run(attest.attest(api, Word(DEAD, 60.0), NOW))
    assert asyncio.run(attest.attest(api, Word(DEAD, 60.0, uid="u"), NOW)).status == DONE


def test_all_words_are_listed() -> None:
    """Newest first."""
    api = Scripted()
    old = {**MADE_ONE, "metadata": {"name": "v", "creationTimestamp": "2027-01-01T08:00:00Z"}}
    api.on(f"GET {attestation.PATH}", {"items": [old, MADE_ONE]}, {"items": []})
    answer = asyncio.run(attest.listed(api, NOW, 100))
    assert [line.split()[0] for line in answer.lines] == ["NAME", "w", "v"]
    assert asyncio.run(attest.listed(api, NOW, 100)).data == []


def test_the_switch_says_who_put_it_on_and_why() -> None:
    """For those who wonder at night."""
    api = Scripted()
    api.on(f"POST {MAPS}", {})
    answer = asyncio.run(switch.pause(api, "pvmedic", "storage is being moved", NOW))
    assert answer.status == DONE
    (sent,) = api.bodies("POST", MAPS)
    assert sent["metadata"]["name"] == "pvmedic-pause"
    assert sent["data"] == {"by": ANN, "why": "storage is being moved", "since": MADE}


def test_a_switch_that_is_on_stays_whoever_put_it_on() -> None:
    """Its reason is not overwritten."""
    api = Scripted()
    api.on(f"POST {MAPS}", Conflict("there"))
    api.on(f"GET {MAP}", THERE)
    answer = asyncio.run(switch.pause(api, "pvmedic", "mine", NOW))
    assert answer.status == DONE
    assert "on already: ben" in answer.lines[0]


def test_an_old_api_server_that_tells_no_name_is_no_reason_not_to_stop() -> None:
    """The audit log knows who it was."""
    api = Scripted()
    api.on(f"POST {REVIEWS[0]}", NotInstalled("no"))
    api.on(f"POST {MAPS}", {})
    assert asyncio.run(switch.pause(api, "pvmedic", "", NOW)).status == DONE


def test_the_switch_comes_off_with_a_word_about_who_had_put_it_on() -> None:
    """And once it is off, there is nothing to take off."""
    api = Scripted()
    api.on(f"GET {MAP}", THERE, NotFound("no"))
    api.on(f"DELETE {MAP}", {})
    answer = asyncio.run(switch.resume(api, "pvmedic"))
    assert answer.status == DONE
    assert "storage is being moved" in answer.lines[0]
    assert asyncio.run(switch.resume(api, "pvmedic")).status == NO
