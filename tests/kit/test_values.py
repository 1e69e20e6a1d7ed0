"""Durations and addresses as people write them."""

import pytest

from exporter.kit.values import Address, Duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30.0), ("5m", 300.0), ("1h30m", 5400.0), ("250ms", 0.25), ("2d", 172800.0)],
)
def test_a_duration_has_a_unit(text: str, seconds: float) -> None:
    """Each unit, and several after each other."""
    assert Duration.parse(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "s", "5 m", "-5s", "5min", "5s!", None, True, ["5s"]])
def test_anything_else_is_no_duration(text: object) -> None:
    """The sentence says how to write one."""
    with pytest.raises(ValueError, match="is not a duration: write number and unit"):
        Duration.parse(text)


@pytest.mark.parametrize("number", [5, 0.5])
def test_a_bare_number_is_refused_with_the_ways_to_write_it(number: float) -> None:
    """Seconds or minutes: nobody can tell."""
    with pytest.raises(ValueError, match=f"needs a unit: write {number}s, {number}m or {number}h"):
        Duration.parse(number)


def test_a_duration_prints_with_its_unit() -> None:
    """So that a message can be pasted back."""
    assert str(Duration.parse("1m30s")) == "90s"


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("0.0.0.0:9821", "0.0.0.0", 9821), ("localhost:0", "localhost", 0), ("[::1]:80", "::1", 80)],  # noqa: S104 -- only read
)
def test_an_address_is_read_and_printed_alike(text: str, host: str, port: int) -> None:
    """Port 0 asks for a free one; IPv6 stands in brackets."""
    assert Address.parse(text) == (host, port)
    assert str(Address.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["9821", ":9821", "host:", "host:x", "host:70000", "::1:80", 9822, None]
)
def test_anything_else_is_no_address(text: object) -> None:
    """The sentence says what it is not."""
    with pytest.raises(ValueError, match="is not an address"):
        Address.parse(text)
