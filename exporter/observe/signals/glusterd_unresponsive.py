"""glusterd_unresponsive: a node's glusterd does not do what it is asked, dead or alive.

How it is recognised (GlusterFS 3.12 to 11): `gluster get-state` fails, does not end in time or
cannot write what it knows, or glusterd ends again and again. Bricks serve data without it; what
stops is every change and every new mount. A glusterd that starts with thousands of volumes does not
answer for a long time, and is well: `alive` says whether its process lives.

Since: the time in the facts is our own, when asking began to fail, and begins anew with the
program. So it is when we first saw it, which the state file keeps.
"""

from collections.abc import Iterable, Iterator

from exporter.observe import model
from exporter.observe.model import Change, Kind, Object, Signal, SinceSource, Subject
from exporter.observe.signals import base
from exporter.observe.view import View, Want

subject_of = base.node_subject


class GlusterdUnresponsive:
    """Sees it. Reasons: as `GlusterdProblem`; with Restarting and StateUnwritable it may answer."""

    name = "glusterd_unresponsive"
    meaning = "The glusterd of a node does not answer as it should."
    subject_labels = ("node",)
    named_labels = ("alive",)
    reasons = frozenset({*map(str, model.GlusterdProblem), base.OTHER})
    since_sources = frozenset({SinceSource.FIRST_SEEN})
    patience = 120.0
    needs = frozenset({Kind.GLUSTERD})
    helps: frozenset[Kind] = frozenset()
    starts = frozenset({Kind.GLUSTERD})

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Name the node of a glusterd that does not answer well."""
        del view
        if not isinstance(obj, model.Glusterd) or _well(obj):
            return ()
        return (subject_of(obj.name),)

    def touched(self, change: Change, view: View) -> Iterator[Subject]:
        """Name the node."""
        del view
        for obj in base.versions(change):
            if isinstance(obj, model.Glusterd):
                yield subject_of(obj.name)

    def reads(self, subject: Subject, view: View) -> Iterator[Want]:
        """The node's glusterd."""
        del view
        yield Want(Kind.GLUSTERD, name=subject["node"])

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal while it does not answer, or not as it should."""
        found = view.glusterd(subject["node"])
        if found is None or _well(found):
            return None
        reason = found.reason if found.reason in self.reasons else base.OTHER
        answers = "answers" if found.answers else "does not answer"
        return Signal(
            name=self.name,
            subject=subject,
            since=None,
            since_source=SinceSource.FIRST_SEEN,
            reason=reason,
            named=(("alive", _ALIVE[found.alive]),),
            evidence=(f"glusterd {answers}: {found.reason or 'no reason given'}",),
        )


def _well(glusterd: model.Glusterd) -> bool:
    return glusterd.answers and not glusterd.reason


_ALIVE = {True: "yes", False: "no", None: ""}
