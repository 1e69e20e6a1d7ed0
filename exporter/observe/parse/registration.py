"""What node-driver-registrar says when a kubelet does not take its driver: a cause, or nothing.

Read from a container's last words, in both generations of its log (1.0 to 2.12, 2.13 and newer) and
as the kubelet words it. Web pages and terminals make other dashes and quotes of those in the
source, and people paste them back: all are accepted. No text raises.
"""

import re

from exporter.observe.model.facts import Cause
from exporter.observe.parse import causes

_PLAIN = str.maketrans({"\u2013": "-", "\u2014": "-", "\u201c": '"', "\u201d": '"', "\u2019": "'"})
_FAILED = re.compile(
    r"""
      Registration\ process\ failed\ with\ error
    | RegisterPlugin\ error\ ?-
    | PluginRegistered:\ ?false
    | plugin_registered:\ ?false
    | Failed\ to\ initialize\ CSINode
    | (?:plugin\ registration | plugin\ validation )\ failed\ with\ err
    """,
    re.VERBOSE,
)
_END = 8192
"""Characters that are read, from the end: last words come last."""


def cause(text: str) -> Cause | None:
    """Say why the kubelet refused; None where the text is about something else."""
    plain = text[-_END:].translate(_PLAIN)
    found = _FAILED.search(plain)
    return causes.cause(plain[found.start() :]) if found is not None else None
