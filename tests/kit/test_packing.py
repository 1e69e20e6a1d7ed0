"""One gzip member of many pieces: every reader gets the bytes back."""

import gzip
import subprocess
import zlib

from hypothesis import given
from hypothesis import strategies as st

from exporter.kit.packing import Part, gzipped, plain

PIECES = st.lists(st.one_of(st.binary(), st.builds(Part, st.lists(st.binary()))))


@given(PIECES)
def test_pieces_are_one_member_with_all_bytes(pieces: list[bytes | Part]) -> None:
    """Also for a reader that stops after the first member, and again from what is remembered."""
    wanted = b"".join(map(bytes, pieces))
    for _ in range(2):
        body = b"".join(gzipped(pieces))
        assert gzip.decompress(body) == wanted
        reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
        assert reader.decompress(body) == wanted
        assert reader.eof
        assert reader.unused_data == b""
        assert b"".join(plain(pieces)) == wanted


def test_the_programs_of_others_read_it() -> None:
    """Gzip's own, for one."""
    body = b"".join(gzipped([Part([b"a 1\n"] * 1000), b"b 2\n"]))
    done = subprocess.run(["gzip", "-dc"], input=body, capture_output=True, check=False)  # noqa: S607 -- wherever it is
    assert done.returncode == 0
    assert done.stdout == b"a 1\n" * 1000 + b"b 2\n"


def test_a_part_is_of_its_moment_and_packed_once() -> None:
    """What it was made of may change afterwards."""
    lines = [b"a 1\n", b"b 2\n"]
    part = Part(tuple(lines))
    lines.clear()
    assert bytes(part) == b"a 1\nb 2\n"
    assert part.packed() is part.packed()
