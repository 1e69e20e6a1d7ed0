"""The remediator's roles as they ship: made from what the program declares."""

import roles
from remediator.cli.rights import granted
from remediator.handlers import HANDLERS
from remediator.rights import ENGINE


def test_the_remediators_roles_are_made_from_what_the_program_declares() -> None:
    """`make generate` writes them; whoever edits them by hand would lose it, and is told here."""
    for path, text in roles.generated().items():
        assert path.read_text() == text, f"{path.name}: make generate writes it anew"


def test_every_handler_says_which_rights_it_needs_and_why() -> None:
    """A sentence for the person who grants them; none says one right twice, with two reasons."""
    for grant in granted():
        assert grant.why.endswith(".")
    for grants in (ENGINE, *(handler.rights for handler in HANDLERS)):
        said = [
            (one.namespace, one.group, resource, verb, one.names)
            for one in grants
            for resource in one.resources
            for verb in one.verbs
        ]
        assert len(said) == len(set(said))
