"""A file is followed through all that happens to logs: each line comes once, or it is a gap."""

from __future__ import annotations

import gzip
import os
import shutil
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.observe.log_file import PIECE, Place
from exporter.observe.parse.whole_lines import LONGEST
from exporter.observe.tail import Tail

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the log will be."""
    return tmp_path / "glusterd.log"


def write(path: Path, content: str) -> None:
    """Write more of a file."""
    with path.open("ab") as file:
        file.write(content.encode())


def look(tail: Tail) -> list[str]:
    """Return the lines that one look gives."""
    return b"".join(tail.pieces()).decode().splitlines()


def looks(tail: Tail) -> list[str]:
    """Return the lines that come until nothing does: a file that was put away is left slowly."""
    return [line for _ in range(4) for line in look(tail)]


def test_it_begins_at_the_end_of_what_is_there(path: Path) -> None:
    """Old lines are no news; the half line at the end is none either."""
    write(path, "old\nha")
    tail = Tail([path])
    assert look(tail) == []
    write(path, "lf\nnew\n")
    assert look(tail) == ["new"]
    assert (tail.gaps, tail.behind) == (0, 0)


def test_a_file_that_appears_later_is_read_from_its_beginning(path: Path) -> None:
    """Glusterd is started after us; also under its old name."""
    tail = Tail([path, path.with_name("old-name.log")])
    assert look(tail) == []
    assert not tail.found
    write(path.with_name("old-name.log"), "first\n")
    assert look(tail) == ["first"]
    assert tail.found


def test_half_a_line_waits_for_its_other_half(path: Path) -> None:
    """Whoever writes is not asked to be quick."""
    path.touch()
    tail = Tail([path])
    look(tail)
    for piece, lines in (("a", []), ("b\nc", ["ab"]), ("\n\n", ["c", ""])):
        write(path, piece)
        assert look(tail) == lines


def test_a_renamed_file_is_read_to_its_end_first(path: Path) -> None:
    """Glusterd writes into the old one until it is told; a last half line is a line."""
    write(path, "0\n")
    tail = Tail([path])
    look(tail)
    write(path, "1\n")
    path.rename(path.with_name("glusterd.log.1"))
    write(path.with_name("glusterd.log.1"), "2\n")
    assert look(tail) == ["1", "2"]
    write(path, "4\n")
    assert look(tail) == []
    write(path.with_name("glusterd.log.1"), "3 half")
    assert looks(tail) == ["3 half", "4"]
    write(path, "5\n")
    assert look(tail) == ["5"]
    assert tail.gaps == 0


def test_files_are_put_away_while_an_older_one_is_still_read(path: Path) -> None:
    """A flood: more is written between two looks than one look reads."""
    path.touch()
    tail = Tail([path], most=1)
    look(tail)
    for number in range(3):
        write(path, f"{number}\n")
        path.rename(path.with_name(f"glusterd.log-{number}"))
        write(path, f"next {number}\n")
        look(tail)
    assert tail.behind > 0


def test_an_emptied_file_is_read_on_from_its_copy(path: Path) -> None:
    """What logrotate calls copytruncate, with lines that were not read yet."""
    write(path, "0\n")
    tail = Tail([path])
    look(tail)
    write(path, "1\n2 ha")
    assert look(tail) == ["1"]
    write(path, "lf\n3\n")
    shutil.copy(path, path.with_name("glusterd.log.1"))
    os.truncate(path, 0)
    write(path, "4\n")
    assert looks(tail) == ["2 half", "3", "4"]
    assert tail.gaps == 0


def test_a_file_that_was_emptied_and_is_longer_again_is_another(path: Path) -> None:
    """Its size says nothing; its first bytes do."""
    write(path, "old\n")
    tail = Tail([path])
    look(tail)
    os.truncate(path, 0)
    write(path, "new line that is longer\n")
    assert looks(tail) == ["new line that is longer"]
    assert tail.gaps == 1


def test_a_compressed_file_is_never_opened(path: Path) -> None:
    """What was not read before it was packed is a gap."""
    write(path, "0\n1\n")
    tail = Tail([path])
    look(tail)
    write(path, "2\n")
    with gzip.open(path.with_name("glusterd.log.1.gz"), "wb") as packed:
        packed.write(path.read_bytes())
    os.truncate(path, 0)
    write(path, "3\n")
    assert looks(tail) == ["3"]
    assert tail.gaps == 1


def test_a_copy_that_takes_the_file_s_place_is_the_same_file(path: Path) -> None:
    """As editors and `mv` do."""
    write(path, "0\n")
    tail = Tail([path])
    look(tail)
    write(path, "1\n")
    shutil.copy(path, path.with_name("other"))
    write(path.with_name("other"), "2\n")
    path.with_name("other").rename(path)
    assert looks(tail) == ["1", "2"]


def test_it_goes_on_where_an_earlier_run_stopped(path: Path) -> None:
    """Also within a line."""
    write(path, "0\n")
    first = Tail([path])
    look(first)
    write(path, "1\n2 ha")
    assert look(first) == ["1"]
    write(path, "lf\n")
    second = Tail([path], first.place)
    assert look(second) == ["2 half"]
    assert second.gaps == 0


@pytest.mark.parametrize("copied", [False, True])
def test_what_was_put_away_meanwhile_is_read_first(path: Path, *, copied: bool) -> None:
    """Renamed, or copied and emptied, while we were not running."""
    write(path, "0\n")
    first = Tail([path])
    look(first)
    write(path, "1\n")
    away = path.with_name("glusterd.log-20210201")
    if copied:
        shutil.copy(path, away)
        os.truncate(path, 0)
    else:
        path.rename(away)
    write(path, "2\n")
    second = Tail([path], first.place)
    assert looks(second) == ["1", "2"]
    assert second.gaps == 0


def test_a_place_that_fits_nothing_begins_at_the_end_and_says_so(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Another file of another time, under the same number perhaps."""
    write(path, "0\n")
    place = Place(path.stat().st_ino, 2, 2, "another")
    tail = Tail([path], place)
    assert look(tail) == []
    write(path, "1\n")
    assert look(tail) == ["1"]
    assert tail.gaps == 1
    assert "is not what was read before" in caplog.text


def test_a_place_waits_for_a_file_that_is_not_there(path: Path) -> None:
    """The directory is mounted later than we start."""
    write(path, "0\n")
    first = Tail([path])
    look(first)
    write(path, "1\n")
    path.rename(path.with_name("hidden"))
    second = Tail([path], first.place)
    assert look(second) == []
    path.with_name("hidden").rename(path)
    assert look(second) == ["1"]


def test_a_line_of_a_hundred_megabytes_is_counted_and_not_held(path: Path) -> None:
    """Memory stays what a piece needs."""
    write(path, "0\n")
    tail = Tail([path], most=2**40)
    look(tail)
    with path.open("ab") as file:
        for _ in range(100):
            file.write(b"x" * 1_000_000)
        file.write(b"\nafter\n")
    tracemalloc.start()
    try:
        lines = look(tail)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (lines, tail.too_long) == (["after"], 1)
    assert peak < 4 * LONGEST


def test_a_restart_within_a_line_that_is_too_long_skips_the_rest_of_it(path: Path) -> None:
    """What is left of it could look like anything."""
    path.touch()
    first = Tail([path])
    look(first)
    write(path, "x" * (LONGEST + 1))
    look(first)
    second = Tail([path], first.place)
    write(path, "[not a line\nafter\n")
    assert look(second) == ["after"]


def test_who_falls_behind_says_by_how_much(path: Path) -> None:
    """One look reads so much and no more; the next goes on."""
    path.touch()
    tail = Tail([path], most=PIECE)
    look(tail)
    line = "x" * 1023
    some = PIECE // 1024
    write(path, f"{line}\n" * 3 * some)
    counts: list[tuple[int, int]] = []
    while len(counts) < 3:
        counts.append((len(look(tail)), tail.behind))
    assert counts == [(some, 2 * PIECE), (some, PIECE), (some, 0)]


def test_what_is_no_file_is_an_error_and_not_a_hang(path: Path) -> None:
    """A fifo has no end. When it is a file, it is read."""
    os.mkfifo(path)
    tail = Tail([path])
    with pytest.raises(OSError, match="no regular file"):
        look(tail)
    path.unlink()
    path.mkdir()
    with pytest.raises(OSError, match="no regular file"):
        look(tail)
    path.rmdir()
    write(path, "0\n")
    look(tail)
    write(path, "1\n")
    assert look(tail) == ["1"]


STEPS = st.lists(
    st.sampled_from(["write", "half", "rename", "copy", "look", "restart"]), max_size=30
)


@given(STEPS)
@settings(max_examples=150, deadline=None)
def test_whatever_happens_each_line_comes_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    """In order, through any rotations and restarts; looks are more frequent than rotations."""
    path = tmp_path_factory.mktemp("log") / "glusterd.log"
    write(path, "begin\n")
    tail = Tail([path], most=64)
    assert look(tail) == []
    content, read = "", ""
    for number, step in enumerate(steps):
        match step:
            case "write" | "half":
                text = f"{number}" + ("\n" if step == "write" else "")
                write(path, text)
                content += text
            case "rename" | "copy":
                read += "\n".join([*looks(tail), ""])
                away = path.with_name(f"glusterd.log.{number}")
                if not content.endswith("\n") and content:
                    write(path, "\n")
                    content += "\n"
                if step == "rename":
                    path.rename(away)
                else:
                    shutil.copy(path, away)
                    os.truncate(path, 0)
                write(path, f"{number} first\n")
                content += f"{number} first\n"
            case "look":
                read += "\n".join([*look(tail), ""])
            case _:
                place = tail.place
                tail.close()
                tail = Tail([path], place, most=64)
    write(path, "\n")
    content += "\n"
    read += "\n".join([*looks(tail), *looks(tail), ""])
    tail.close()
    assert [line for line in read.split("\n") if line] == [
        line for line in content.split("\n") if line
    ]
    assert tail.gaps == 0
