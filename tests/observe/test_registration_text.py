"""A registrar's last words: both generations of its log, any dash or quote, and broken ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe.model import Cause
from exporter.observe.parse.registration import cause

SKEW = (
    "plugin registration failed with err: error updating CSINode object with CSI driver node info:"
    " error updating CSINode: timed out waiting for the condition; caused by: the server could not"
    " find the requested resource"
)
DASHES = ("--", "-", "\u2013", "\u2014")


@pytest.mark.parametrize("dash", DASHES)
@pytest.mark.parametrize(
    "text",
    [
        (
            "Registration process failed with error: RegisterPlugin error {0} {1}, restarting"
            " registration container."
        ),
        (
            '"Registration process failed with error, restarting registration container"'
            ' err="RegisterPlugin error {0} {1}"'
        ),
        (
            "\u201cRegistration process failed with error\u201d"
            " err=\u201cRegisterPlugin error {0} {1}\u201d"
        ),
        (
            "Received NotifyRegistrationStatus call: &RegistrationStatus{{PluginRegistered:false,"
            "Error:RegisterPlugin error {0} {1},}}"
        ),
        (
            'Received NotifyRegistrationStatus call: plugin_registered:false error:"RegisterPlugin'
            ' error {0} {1}"'
        ),
        "E0519 03:09:58.343558 1 main.go:89] RegisterPlugin error {0} {1}",
    ],
)
def test_every_generation_says_why(text: str, dash: str) -> None:
    """The innermost cause counts, not the waiting around it."""
    assert cause(text.format(dash, SKEW)) is Cause.API_MISSING


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ("failed to get plugin info using RPC GetInfo at socket /x, err: x", Cause.OTHER),
        ("dial failed at socket /x.sock, err: context deadline exceeded", Cause.TIMEOUT),
        ("plugin validation failed with err: versions differ", Cause.OTHER),
        ("[error a, the server could not find the requested resource]", Cause.API_MISSING),
        ("rpc error: code = Unavailable desc = connection refused", Cause.UNREACHABLE),
        ("csinodes is forbidden: User x cannot patch", Cause.PERMISSION),
        ("", Cause.OTHER),
    ],
)
def test_other_causes_are_those_of_every_storage_error(inner: str, expected: Cause) -> None:
    """One table for all."""
    assert cause(f"RegisterPlugin error -- {inner}") is expected


def test_a_kubelet_that_gave_up_says_the_same() -> None:
    """It wrote this before it ended."""
    text = "Failed to initialize CSINode: error updating CSINode annotation: timed out waiting for"
    assert (
        cause(f"{text} the condition; caused by: the server could not find the requested resource")
        is Cause.API_MISSING
    )
    assert cause(f"{text} the condition") is Cause.TIMEOUT


@pytest.mark.parametrize("text", ["", "panic: runtime error", "Lost connection to CSI driver"])
def test_other_last_words_are_about_something_else(text: str) -> None:
    """The registrar ends for other reasons too."""
    assert cause(text) is None


@given(st.text(), st.integers(min_value=0, max_value=300))
def test_no_text_raises(text: str, cut: int) -> None:
    """Neither bare, nor behind what is expected, nor cut."""
    for prefix in ("", "RegisterPlugin error -- ", f"RegisterPlugin error -- {SKEW}"[:cut]):
        found = cause(prefix + text)
        assert found is None or isinstance(found, Cause)


def test_a_megabyte_is_read_from_its_end() -> None:
    """Last words come last."""
    assert cause("x" * 1_000_000 + f" RegisterPlugin error -- {SKEW}") is Cause.API_MISSING
