"""The shortfall: what a claim asks for less what it has."""

from exporter.collectors import FAMILIES, FURTHER, expansion_failed
from exporter.observe.signals.expansion_failed import ExpansionFailed, subject_of
from tests.signals import made

DATA = subject_of("web", "data")


def test_a_claim_that_does_not_grow_says_by_how_much() -> None:
    """Bytes, under the claim's labels."""
    view = made.view([made.claim(requested=30, capacity=10)])
    signal = ExpansionFailed().decide(DATA, view)
    (found,) = expansion_failed.further(DATA, signal, view)
    assert found[0].name == "pvmedic_expansion_shortfall_bytes"
    assert (found[1].labels, found[1].value) == (DATA.labels, 20)
    assert FURTHER["expansion_failed"] is expansion_failed.further
    assert expansion_failed.SHORTFALL in FAMILIES


def test_without_the_signal_there_is_no_series() -> None:
    """Sparse: a claim that has what it asks for shows nothing, and a missing one neither."""
    view = made.view([made.claim(requested=10, capacity=10)])
    assert not list(expansion_failed.further(DATA, None, view))
    assert not list(expansion_failed.further(subject_of("web", "gone"), None, view))
