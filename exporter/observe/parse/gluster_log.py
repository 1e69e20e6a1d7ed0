"""The glusterd log of GlusterFS 3.12 to 11: whole lines become facts.

Grammar: signals reference 8.1 to 8.3. What a line means is decided by its text and by the function
that wrote it; numbers of messages moved between versions. Most lines mean nothing and must cost
next to nothing: one pattern runs over all of them at once, and stops only at a line that begins
like a rule's, or like no line. That is about twice as fast as searching for the rules' words, and
ten times as fast as asking each line. No bytes raise. Counting and remembering are not done here.
"""

import re
from datetime import tzinfo

from exporter.observe.model.gluster_lines import LogFact, Scanned
from exporter.observe.parse import gluster_texts, log_times
from exporter.observe.parse.gluster_texts import Said

_FOLDED = b'The message "'

# `[^x]*+` is much faster than a set of characters, and possessive, so nothing is tried twice.
_SHAPE = rb"\[.{19}\..{6}(?: [+-]....)?+\] [A-Z] (?:\[MSGID: [0-9]++\] )?+\[[^ ]*+(?<=\]) "
_CALM_LINE = _SHAPE + rb"[0-9]*+-[^ ]*+ " + gluster_texts.NO_RULE + rb".*+\n"
_CONTINUED = rb"[^\[T\n].*+\n|\n"
"""Part of a text of several lines. A folded text begins with T."""
_CALM = re.compile(rb"(?:" + _CALM_LINE + rb"|" + _CONTINUED + rb")*+")

_TIME = rb"([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6})(?: ([+-][0-9]{4}))?"
_PLACE = rb"\[[^ \]\n]{1,120}:[0-9]{1,7}:([^ \]\n]{1,200})\] "
_DOMAIN = rb"[0-9]{0,9}-[^ \n]{0,255} "
_BACKTRACE = rb"\(.*\] ?\)+ (?=[0-9]{0,9}-)"
_LINE = re.compile(
    rb"\["
    + _TIME
    + rb"\] [MACEWNIDT] (?:\[MSGID: [0-9]{1,10}\] )?"
    + _PLACE
    + rb"(?:"
    + _BACKTRACE
    + rb")?"
    + _DOMAIN
)
_REPEAT = re.compile(
    _FOLDED
    + rb"[MACEWNIDT] \[MSGID: [0-9]{1,10}\] "
    + _PLACE
    + _DOMAIN
    + rb'(.*)" repeated ([0-9]{1,9}) times between \['
    + _TIME
    + rb"\] and \["
    + _TIME
    + rb"\]\s*$"
)


def scan(block: bytes, zone: tzinfo) -> Scanned:
    """Read whole lines; `zone` is that of times which do not name theirs."""
    if block and not block.endswith(b"\n"):
        block += b"\n"
    facts: list[LogFact] = []
    unparsed = at = 0
    calm, size = _CALM.match, len(block)
    while (run := calm(block, at)) is not None and (start := run.end()) < size:
        at = block.index(b"\n", start) + 1
        line = block[start:at]
        if line.startswith(b"["):
            fact, fits = _plain(line, zone)
            unparsed += not fits
        else:
            fact = _repeated(line, zone)
        if fact is not None:
            facts.append(fact)
    return Scanned(block.count(b"\n"), unparsed, tuple(facts))


def _plain(line: bytes, zone: tzinfo) -> tuple[LogFact | None, bool]:
    """Return what a line says, and whether it is one."""
    found = _LINE.match(line)
    if found is None:
        return None, False
    moment, offset, function = found.groups()
    at = log_times.unix(moment, offset, zone)
    if at is None:
        return None, False
    return gluster_texts.fact(line[found.end() :].rstrip(), Said(at, at, 1, function)), True


def _repeated(line: bytes, zone: tzinfo) -> LogFact | None:
    """Return what a text says that came more often than it was written."""
    found = _REPEAT.match(line)
    if found is None:
        return None
    function, text, times, began, its_offset, ended, offset = found.groups()
    first, last = log_times.unix(began, its_offset, zone), log_times.unix(ended, offset, zone)
    if first is None or last is None or int(times) < 1:
        return None
    return gluster_texts.fact(text.rstrip(), Said(last, first, int(times), function))
