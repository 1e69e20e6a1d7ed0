"""What the player of Rok says is what Rok says: the exporter reads every fact in it."""

from exporter.observe.model.facts import Fact, RokCopy, RokJobFailed, RokJobStarted, RokUnpin
from exporter.observe.parse import rok as parse
from local import rok_texts
from tests.signals import made


def read(reason: str, text: str) -> Fact | None:
    """Return the fact that the exporter sees."""
    event = made.event(made.claim("notebook"), None, component=rok_texts.WRITER)
    readers = {"JobStarted": parse.started, "JobFailed": parse.failed}
    return readers.get(reason, parse.said)(text, event)


def test_every_fact_is_read_as_it_was_meant() -> None:
    """Claim, volume, node, sizes and both commands."""
    assert read("INFO", rok_texts.marking("shop", "notebook", "pv-1", "a")) == RokUnpin(
        "shop", "notebook", "pv-1", "a", "NodeCordoned"
    )
    begun = read("INFO", rok_texts.unpinning("notebook", "pv-1", "a"))
    assert begun == RokUnpin("", "notebook", "pv-1", "a", "")
    assert read("JobStarted", rok_texts.started("26143f83", "a")) == RokJobStarted("26143f83", "a")
    copied = RokCopy(230_400, 4096, reported=False)
    for text in (rok_texts.about_to_copy(230_400), rok_texts.copying(230_400, 3)):
        assert read("PROGRESS", text) == copied
    assert read("INFO", rok_texts.found(230_400)) == RokCopy(225, 4 * 2**20, reported=True)
    for command, opcode in ((rok_texts.WRITE, "0x8A"), (rok_texts.CLONE, "0xC3")):
        failed = read("JobFailed", rok_texts.failed(command, "rok-csi-node-ndlvl"))
        assert isinstance(failed, RokJobFailed)
        assert (failed.opcode, failed.no_space) == (opcode, True)
        assert failed.logs_in == "rok/rok-csi-node-ndlvl"


def test_all_else_that_it_says_is_no_fact() -> None:
    """So that nothing is decided by a text that only tells how far a job is."""
    for text in (
        rok_texts.BEGINNING,
        rok_texts.TAKING,
        rok_texts.CLONING,
        rok_texts.UPLOADING,
        rok_texts.marked("pv-1"),
        rok_texts.before("1"),
        rok_texts.after("2"),
    ):
        assert read("PROGRESS", text) is None


def test_sizes_are_rounded_as_rok_rounds_them() -> None:
    """As in its own pages: 53941051 blocks are 206GiB."""
    assert "(206GiB)" in rok_texts.about_to_copy(53_941_051)
    assert rok_texts.size(900 * 2**20) == "900MiB"
