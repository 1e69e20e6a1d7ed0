"""The Multi-Attach Event: both wordings, every tail, and texts that are broken on the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe.model.facts import MultiAttachBlocked as Blocked
from exporter.observe.parse.multi_attach import blocked

OLD = 'Multi-Attach error for volume "pvc-1" '
NEW = 'Waiting for detach for volume "pvc-1" '
EXCLUSIVE = "Volume is already exclusively attached to one node"
TAILS = {
    f"{EXCLUSIVE} and can't be attached to another": Blocked("pvc-1"),
    f"{EXCLUSIVE}, waiting on detach before it can be attached to another node": Blocked("pvc-1"),
    "Volume is already used by pod(s) a, b-1.x": Blocked("pvc-1", ("a", "b-1.x")),
    "Volume is already used by pod(s) a and 2 pod(s) in different namespaces": Blocked(
        "pvc-1", ("a",), 2
    ),
    "Volume is already used by 3 pod(s) in different namespaces": Blocked("pvc-1", (), 3),
}
every_tail = pytest.mark.parametrize(("tail", "facts"), TAILS.items(), ids=range(len(TAILS)))


@every_tail
@pytest.mark.parametrize("prefix", [OLD, NEW, f"(combined from similar events): {OLD}"])
def test_both_wordings_and_every_tail_are_read(prefix: str, tail: str, facts: Blocked) -> None:
    """Aggregated or not."""
    assert blocked(prefix + tail) == facts


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ('Multi-Attach error for volume "pvc-1', Blocked("pvc-1")),
        (f"{OLD}Volume is already used by pod(s) a, b", Blocked("pvc-1", ("a", "b"))),
        (f"{OLD}Volume is already used by pod(s) a, ", Blocked("pvc-1", ("a",))),
        (f"{OLD}Volume is already used by pod(s) a and 2 po", Blocked("pvc-1", ("a",))),
        (f"{OLD}Volume is already used by pod(s) %!d(MISSING)", Blocked("pvc-1")),
        ("Multi-Attach error for volume %!q(MISSING) Volume", Blocked("%!q(MISSING)")),
    ],
    ids=range(6),
)
def test_a_text_that_was_cut_or_mangled_gives_what_is_left(text: str, facts: Blocked) -> None:
    """Cut at 1024 bytes, or formatted twice by old releases."""
    assert blocked(text) == facts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Multi-Attach error",
        "Multi-Attach error for volume",
        'AttachVolume.Attach failed for volume "pvc-1" : rpc error',
        'x Multi-Attach error for volume "pvc-1"',
    ],
    ids=range(5),
)
def test_another_text_is_about_something_else(text: str) -> None:
    """Also one that lost the volume's name."""
    assert blocked(text) is None


@given(st.text())
def test_no_text_raises(text: str) -> None:
    """Neither bare, nor behind what is expected."""
    for prefix in ("", OLD, "Waiting for detach for volume ", f"{OLD}Volume is already used by "):
        found = blocked(prefix + text)
        assert found is None or isinstance(found, Blocked)


@given(st.sampled_from(sorted(TAILS)), st.integers(min_value=0))
def test_a_text_cut_anywhere_never_raises_nor_names_another_volume(tail: str, cut: int) -> None:
    """A shorter text says less, not something else."""
    found = blocked((OLD + tail)[:cut])
    assert found is None or "pvc-1".startswith(found.volume)
