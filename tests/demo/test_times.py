"""How much a scene asked for, by the remediator's own count."""

from __future__ import annotations

from demo.times import asked


def test_what_was_asked_is_counted_with_what_of_it_wrote() -> None:
    """Reads of every kind, writes of every kind, and no Lease."""
    name = "pvmedic_kube_requests_total"
    counts = {
        ("nodes", "list"): 5,
        ("remediations", "watch"): 2,
        ("pods", "get"): 1,
        ("persistentvolumeclaims", "patch"): 1,
        ("events", "create"): 3,
        ("leases", "update"): 100,
    }
    lines = [
        f'{name}{{resource="{resource}",verb="{verb}"}} {count}'
        for (resource, verb), count in counts.items()
    ]
    text = f"# TYPE {name} counter\n" + "\n".join(lines) + "\n"
    assert asked(text).startswith("The remediator has asked the API server 12 times, 4 of them")
