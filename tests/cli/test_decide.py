"""A person's word: for the plan that was shown, in their own name, and waited for."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from exporter.observe.errors import Forbidden, NotFound, NotInstalled, Unreachable
from remediator import approvals, store
from remediator.cli.cluster import REVIEWS
from remediator.cli.decide import Wish, decide, refusal
from remediator.cli.said import DONE, NO, UNUSABLE, Said
from remediator.orders import Decision
from remediator.record import DecisionRecord, HistoryEntry, LedgerEntry, Phase, Record, Status
from tests.cli.scripted import ANN, Scripted, wire
from tests.story.objects import DEAD, NAME, NOW, planned, record

WAITS = record(phase=Phase.AWAITING_APPROVAL, plan=planned())
APPROVE = Wish(NAME, Decision.APPROVE)
SURE = Wish(NAME, Decision.APPROVE, sure=True)


class Somebody:
    """A person who answers, or nobody."""

    def __init__(self, *, there: bool = True, answer: bool = True) -> None:
        """Answer everything alike."""
        self.there = there
        self.answer = answer
        self.told: list[str] = []
        self.asked: list[str] = []

    def tell(self, lines: Sequence[str]) -> None:
        """Remember."""
        self.told.extend(lines)

    def agrees(self, question: str) -> bool:
        """Answer."""
        self.asked.append(question)
        return self.answer


def said(api: Scripted, wish: Wish, person: Somebody | None = None) -> Said:
    """Say it and return the answer."""
    return asyncio.run(decide(api, wish, person or Somebody(), 100, lambda: NOW))


def test_a_yes_names_the_plan_that_was_shown() -> None:
    """In the person's own name, for this very record."""
    api, ann = Scripted(WAITS), Somebody()
    answer = said(api, msgspec.structs.replace(APPROVE, expires=3600.0), ann)
    assert answer.status == DONE
    assert any(planned().hash in line for line in ann.told)
    assert ann.asked == [f"approve {NAME}?"]
    (sent,) = api.bodies("POST", approvals.PATH)
    assert sent["spec"] == {
        "remediation": NAME,
        "remediationUID": WAITS.uid,
        "decision": "approve",
        "approver": ANN,
        "planHash": planned().hash,
        "expires": "2027-01-15T09:00:00Z",
    }


@pytest.mark.parametrize("decision", Decision)
def test_what_was_said_goes_with_the_record(decision: Decision) -> None:
    """Its owner is the very Remediation, and holds nothing up while that is deleted."""
    owes = LedgerEntry("AddTaint", DEAD, NOW)
    api = Scripted(msgspec.structs.replace(WAITS, status=with_debt(WAITS, owes)))
    assert said(api, Wish(NAME, decision, sure=True)).status == DONE
    (sent,) = api.bodies("POST", approvals.PATH)
    assert sent["metadata"]["ownerReferences"] == [
        {
            "apiVersion": "pvmedic.dev/v1alpha1",
            "kind": "Remediation",
            "name": NAME,
            "uid": WAITS.uid,
        }
    ]


def with_debt(about: Record, owes: LedgerEntry) -> Status:
    """Return the status of a record that owes something as well."""
    return msgspec.structs.replace(about.status, ledger=(owes,))


@pytest.mark.parametrize(
    ("person", "status"),
    [(Somebody(answer=False), NO), (Somebody(there=False), UNUSABLE)],
    ids=["says no", "is not there"],
)
def test_without_a_clear_yes_nothing_is_said(person: Somebody, status: int) -> None:
    """A script has to say --yes, or name the plan."""
    api = Scripted(WAITS)
    assert said(api, APPROVE, person).status == status
    assert api.bodies("POST", approvals.PATH) == []


@pytest.mark.parametrize(
    "wish", [SURE, msgspec.structs.replace(APPROVE, plan=planned().hash)], ids=["--yes", "--plan"]
)
def test_a_script_says_what_it_means(wish: Wish) -> None:
    """Nobody is asked then."""
    api, nobody = Scripted(WAITS), Somebody(there=False)
    assert said(api, wish, nobody).status == DONE
    assert nobody.asked == []
    assert len(api.bodies("POST", approvals.PATH)) == 1


@pytest.mark.parametrize(
    ("of", "wish", "why"),
    [
        (record(phase=Phase.SETTLED), SURE, "nothing waits for it any more"),
        (record(phase=Phase.DEFERRED), SURE, "has no plan yet"),
        (WAITS, msgspec.structs.replace(APPROVE, plan="another"), "not another that you have seen"),
        (WAITS, Wish(NAME, Decision.UNDO), "owes nothing"),
        (record(phase=Phase.FAILED), Wish(NAME, Decision.REJECT), "it is Failed"),
    ],
    ids=["too late", "no plan", "another plan", "no debt", "no to what has failed"],
)
def test_what_would_be_void_is_not_said(of: Record, wish: Wish, why: str) -> None:
    """The sentence says why."""
    wish = msgspec.structs.replace(wish, name=of.name)
    api = Scripted(of)
    answer = said(api, wish)
    assert answer.status == NO
    assert why.replace("it is", f"{of.name} is") in answer.lines[0]
    assert api.bodies("POST", approvals.PATH) == []


def test_an_undo_is_asked_about_a_cancel_is_not() -> None:
    """The one changes the cluster, the other stops that."""
    owing = record(phase=Phase.HOLDING, ledger=(LedgerEntry("AddTaint", DEAD, NOW),))
    ann = Somebody()
    assert said(Scripted(owing), Wish(NAME, Decision.UNDO), ann).status == DONE
    assert said(Scripted(WAITS), Wish(NAME, Decision.CANCEL), ann).status == DONE
    assert ann.asked == [f"undo {NAME}?"]


def dealt_with(void: str = "") -> Record:
    """Return the record on which the approval was noted."""
    name = f"{NAME}-approve-1"
    decision = DecisionRecord(name, "uid-1", "approve", ANN, NOW, planned().hash, void)
    return record(
        phase=Phase.RUNNING,
        message="every guard allows it",
        plan=planned(),
        decisions=(decision,),
        history=(HistoryEntry(NOW, Phase.RUNNING, "every guard allows it"),),
    )


def test_what_becomes_of_a_word_is_waited_for() -> None:
    """And the story is told meanwhile."""
    api, ann = Scripted(WAITS), Somebody()
    api.on(f"GET {store.PATH}/{NAME}", wire(WAITS), wire(WAITS), wire(dealt_with()))
    answer = said(api, msgspec.structs.replace(SURE, wait=30.0), ann)
    assert answer.status == DONE
    assert answer.lines == ("it counts. Running: every guard allows it",)
    assert ann.told[-1].endswith("Running: every guard allows it")


def test_a_word_that_is_void_is_a_no() -> None:
    """With the remediator's own sentence."""
    api = Scripted(WAITS)
    api.on(f"GET {store.PATH}/{NAME}", wire(WAITS), wire(dealt_with("it has expired")))
    answer = said(api, msgspec.structs.replace(SURE, wait=30.0))
    assert (answer.status, answer.lines) == (NO, ("void: it has expired",))


def test_an_api_server_that_is_away_for_a_moment_is_waited_for() -> None:
    """The word was said already."""
    api = Scripted(WAITS)
    away = Unreachable("no answer in time")
    api.on(f"GET {store.PATH}/{NAME}", wire(WAITS), away, wire(dealt_with()))
    assert said(api, msgspec.structs.replace(SURE, wait=30.0)).status == DONE


def test_a_remediator_that_does_not_answer_is_not_waited_for_without_end() -> None:
    """The word stays, and counts later."""
    answer = said(Scripted(WAITS), msgspec.structs.replace(SURE, wait=0.01))
    assert answer.status == NO
    assert "was not dealt with in time" in answer.lines[0]


def test_an_older_api_server_is_asked_in_its_own_version() -> None:
    """And where it knows none, the person names themselves."""
    api = Scripted(WAITS)
    api.answers[f"POST {REVIEWS[1]}"] = api.answers.pop(f"POST {REVIEWS[0]}")
    assert said(api, SURE).status == DONE
    api.answers.pop(f"POST {REVIEWS[1]}")
    with pytest.raises(NotInstalled, match="--approver NAME"):
        said(api, SURE)
    assert said(api, msgspec.structs.replace(SURE, approver="ann")).status == DONE


def test_a_name_that_is_none_asks_for_no_other_object() -> None:
    """A path is made of it."""
    with pytest.raises(NotFound, match="is no name"):
        said(Scripted(WAITS), Wish("../nodes", Decision.CANCEL))


def test_an_admission_policys_own_sentence_is_what_a_person_reads() -> None:
    """The rest is machinery."""
    text = "create x: not allowed (403): x is forbidden: Policy 'p' denied request: you are ben"
    assert refusal(Forbidden(text)) == "refused by the API server: you are ben"
    assert refusal(Forbidden("create x: no")) == "create x: no"
