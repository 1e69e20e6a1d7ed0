"""Settings from environment variables: they go before the file, none is passed over."""

import enum
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import pytest

from exporter.kit.described import leaves, setting
from exporter.kit.environment import name_of
from exporter.kit.settings import SettingsError, read_text
from exporter.kit.values import Address, Duration
from exporter.settings import Settings as ExporterSettings
from remediator.settings import Settings as RemediatorSettings


class Colour(enum.StrEnum):
    """A choice."""

    RED = "red"
    BLUE = "blue"


class Door(msgspec.Struct, frozen=True):
    """A section."""

    name: Annotated[str, setting("What it is called.")]
    opens: Duration = Duration(1)
    closes: Duration = Duration(2)
    key: Path | None = None

    def problems(self) -> Iterator[tuple[str, str]]:
        """Doors close after they open."""
        if self.closes < self.opens:
            yield ("closes", "must not be before opens")


class House(msgspec.Struct, frozen=True):
    """One setting of every sort."""

    door: Door = Door("front")
    listen: Address = Address("a", 1)
    colour: Annotated[Colour, setting("Which colour.")] = Colour.RED
    storeys: int = 1
    lit: bool = False
    tags: tuple[str, ...] = ()
    rooms: dict[str, int] = {}


FILE = "storeys: 2\ndoor: {name: main, key: old}\n"
SERVICES = {
    "PVMEDIC_EXPORTER_SERVICE_HOST": "10.96.1.2",
    "PVMEDIC_EXPORTER_SERVICE_PORT": "9821",
    "PVMEDIC_EXPORTER_SERVICE_PORT_METRICS": "9821",
    "PVMEDIC_EXPORTER_PORT": "tcp://10.96.1.2:9821",
    "PVMEDIC_EXPORTER_PORT_9821_TCP": "tcp://10.96.1.2:9821",
    "PVMEDIC_EXPORTER_PORT_9821_TCP_PROTO": "tcp",
    "PVMEDIC_EXPORTER_PORT_9821_TCP_PORT": "9821",
    "PVMEDIC_EXPORTER_PORT_9821_TCP_ADDR": "fd00::2",
    "PVMEDIC_SERVICE_HOST": "10.96.1.3",
    "PVMEDIC_PORT": "udp://10.96.1.3:53",
}


def problems(environ: dict[str, str], text: str = FILE) -> list[str]:
    """Return what is said, line by line."""
    with pytest.raises(SettingsError) as caught:
        read_text(text, "house.yaml", House, environ)
    return [str(problem) for problem in caught.value.problems]


def test_every_sort_of_setting_can_be_given() -> None:
    """Texts as they are, everything else as YAML; a section only in part."""
    found = read_text(
        FILE,
        "house.yaml",
        House,
        {
            "PVMEDIC_DOOR_OPENS": "500ms",
            "PVMEDIC_DOOR_KEY": "",
            "PVMEDIC_LISTEN": "[::1]:80",
            "PVMEDIC_COLOUR": "blue",
            "PVMEDIC_STOREYS": "3",
            "PVMEDIC_LIT": "true",
            "PVMEDIC_TAGS": "[old, small]",
            "PVMEDIC_ROOMS": "{kitchen: 1}",
            "HOME": "/",
            "pvmedic_listen": "not ours",
        },
    )
    assert found == House(
        door=Door("main", opens=Duration(0.5)),
        listen=Address("::1", 80),
        colour=Colour.BLUE,
        storeys=3,
        lit=True,
        tags=("old", "small"),
        rooms={"kitchen": 1},
    )


def test_a_text_that_looks_like_a_number_stays_a_text() -> None:
    """A name may be 007 or null."""
    assert read_text("", "x", House, {"PVMEDIC_DOOR_NAME": "007"}).door.name == "007"
    assert read_text("", "x", House, {"PVMEDIC_DOOR_NAME": "null"}).door.name == "null"


def test_a_mistake_is_told_with_the_variables_name() -> None:
    """Wrong types, choices, parts of a list, contradictions with the file."""
    assert problems(
        {
            "PVMEDIC_STOREYS": "many",
            "PVMEDIC_COLOUR": "green",
            "PVMEDIC_ROOMS": "{kitchen: x}",
            "PVMEDIC_DOOR_CLOSES": "1ms",
            "PVMEDIC_TAGS": "[",
        }
    ) == [
        "environment: PVMEDIC_TAGS: is not YAML",
        "environment: PVMEDIC_DOOR_CLOSES: must not be before opens",
        "environment: PVMEDIC_COLOUR: must be one of red, blue, not 'green'",
        "environment: PVMEDIC_STOREYS: expected int, got str",
        "environment: PVMEDIC_ROOMS.kitchen: expected int, got str",
    ]


def test_a_variable_that_names_no_setting_is_a_mistake() -> None:
    """The known ones are named."""
    (told,) = problems({"PVMEDIC_STORIES": "3"})
    assert told.startswith("environment: PVMEDIC_STORIES: is not a setting; known are ")
    assert "PVMEDIC_STOREYS" in told


def test_what_kubernetes_says_of_services_is_passed_over() -> None:
    """Exactly those shapes, with such values."""
    assert read_text(FILE, "x", House, SERVICES) == read_text(FILE, "x", House)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PVMEDIC_EXPORTER_PORT", "9821"),
        ("PVMEDIC_EXPORTER_SERVICE_HOST", "my host"),
        ("PVMEDIC_EXPORTER_SERVICE_PORT", "http"),
        ("PVMEDIC_EXPORTER_PORT_9821_TCP_ADDRESS", "10.0.0.1"),
        ("PVMEDIC_", "x"),
        ("PVMEDIC_SERVICE", "x"),
    ],
)
def test_what_only_looks_like_them_is_a_mistake(name: str, value: str) -> None:
    """A typing error must not hide behind Kubernetes."""
    (told,) = problems({name: value})
    assert told.startswith(f"environment: {name}: is not a setting")


def test_a_file_that_is_wrong_stays_wrong() -> None:
    """A section that is none is not repaired by a variable within it."""
    told = problems({"PVMEDIC_DOOR_NAME": "x"}, "door: 3\n")
    assert told == ["house.yaml: door: must be a section of keys, not 3"]
    assert "must be a section of keys" in problems({"PVMEDIC_STOREYS": "1"}, "[1]")[0]


@pytest.mark.parametrize(
    "into", [ExporterSettings, RemediatorSettings], ids=["exporter", "remediator"]
)
def test_no_two_settings_have_the_same_variable(into: type[msgspec.Struct]) -> None:
    """Dots and underscores become the same."""
    names = [name_of(path) for path, _ in leaves(into)]
    assert len(names) == len(set(names))
