"""The settings reader: everything wrong is told at once, each with file, path and sentence."""

import enum
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import pytest

from exporter.kit.settings import SettingsError, read, read_text
from exporter.kit.values import Duration


class Colour(enum.StrEnum):
    """A choice."""

    RED = "red"
    BLUE = "blue"


class Door(msgspec.Struct, frozen=True):
    """A section with a contradiction of its own."""

    name: str
    opens: Duration = Duration(1)
    closes: Duration = Duration(2)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Doors close after they open."""
        if self.closes < self.opens:
            yield ("closes", "must not be before opens")


class House(msgspec.Struct, frozen=True):
    """One field of every sort."""

    front: Door = Door("front")
    doors: tuple[Door, ...] = ()
    colour: Colour = Colour.RED
    storeys: int = 1
    height: float = 2.5
    lit: bool = False
    key: Path | None = None
    rooms: Mapping[str, int] = {}
    tags: tuple[str, ...] = ()


def problems(text: str) -> list[str]:
    """Return what is said of a text, line by line."""
    with pytest.raises(SettingsError) as caught:
        read_text(text, "house.yaml", House)
    return [str(problem) for problem in caught.value.problems]


def test_a_good_file_is_read_whole(tmp_path: Path) -> None:
    """Sections, lists, choices, paths, mappings and durations."""
    file = tmp_path / "house.yaml"
    file.write_text(
        "front: {name: main, opens: 500ms, closes: 1m}\n"
        "doors: [{name: side}]\n"
        "colour: blue\n"
        "storeys: 3\n"
        "height: 7\n"
        "lit: true\n"
        "key: keys/front\n"
        "rooms: {kitchen: 1}\n"
        "tags: [old, small]\n"
    )
    assert read(file, House) == House(
        front=Door("main", Duration(0.5), Duration(60)),
        doors=(Door("side"),),
        colour=Colour.BLUE,
        storeys=3,
        height=7.0,
        lit=True,
        key=Path("keys/front"),
        rooms={"kitchen": 1},
        tags=("old", "small"),
    )


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}", "key: null"])
def test_what_is_not_given_is_the_default(text: str) -> None:
    """An empty file is as good as none."""
    assert read_text(text, "house.yaml", House) == House()
    assert read(None, House) == House()


def test_every_mistake_is_told_at_once() -> None:
    """Unknown keys, wrong types and units, missing keys, bad choices, contradictions."""
    text = """
front: {name: main, opens: 5m, closes: 1m}
doors: [{opens: 3}, 7]
colour: green
storeys: "3"
lit: 1
key: 5
rooms: {kitchen: x}
tags: old
window: 1
"""
    known = ["colour", "doors", "front", "height", "key", "lit", "rooms", "storeys", "tags"]
    assert problems(text) == [
        f"house.yaml: window: is not a setting; known here: {', '.join(known)}",
        "house.yaml: front.closes: must not be before opens",
        "house.yaml: doors[0].name: is missing",
        "house.yaml: doors[0].opens: a duration needs a unit: write 3s, 3m or 3h",
        "house.yaml: doors[1]: must be a section of keys, not 7",
        "house.yaml: colour: must be one of red, blue, not 'green'",
        "house.yaml: storeys: expected int, got str",
        "house.yaml: lit: expected bool, got int",
        "house.yaml: key: must be a path, not 5",
        "house.yaml: rooms.kitchen: expected int, got str",
        "house.yaml: tags: must be a list, not 'old'",
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[1, 2]", "house.yaml: must be a section of keys, not a list"),
        ("rooms:", "house.yaml: rooms: must be a section of keys, not nothing"),
        ("colour: {a: 1}", "house.yaml: colour: must be one of red, blue, not a section"),
    ],
)
def test_a_wrong_shape_is_named(text: str, sentence: str) -> None:
    """What was found is said in words."""
    assert problems(text) == [sentence]


def test_a_key_written_twice_is_a_mistake() -> None:
    """YAML would silently take the last one."""
    (told,) = problems("storeys: 1\nstoreys: 2\n")
    assert told.startswith("house.yaml: is not YAML: ")
    assert "the key 'storeys' is there twice" in told


def test_what_is_not_yaml_says_where() -> None:
    """With line and column."""
    (told,) = problems("front: [\n")
    assert "is not YAML" in told
    assert "line 2" in told


def test_a_file_that_cannot_be_read_is_a_settings_error(tmp_path: Path) -> None:
    """A missing file and one that is not text."""
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        read(tmp_path / "missing.yaml", House)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="is not UTF-8"):
        read(binary, House)
