"""The command line of `pvmedic`: which commands there are, and what each takes. Nothing is done."""

import argparse
from pathlib import Path

from exporter.kit import build
from exporter.kit.values import Duration
from remediator.cli.said import STATUSES
from remediator.orders import Decision

DESCRIPTION = (
    "Read Remediations and say what shall become of them, in your own name and with your own"
    " kubeconfig."
)
ORDERS = {
    Decision.APPROVE: "say yes to the plan of a Remediation, after it was shown",
    Decision.REJECT: "say no to it; its subject is left alone until it is released",
    Decision.CANCEL: "stop it before its next write",
    Decision.RELEASE: "let its subject be judged anew: you have looked",
    Decision.UNDO: "take back now what is owed, whatever the node says",
}


def parser(program: str) -> argparse.ArgumentParser:
    """Return the whole command line."""
    whole = argparse.ArgumentParser(prog=program, description=DESCRIPTION, epilog=STATUSES)
    whole.add_argument("--version", action="version", version=build.our_version())
    found = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    output, cluster = _output(), _cluster()
    both = [cluster, output]

    one = found.add_parser("list", parents=both, help="list Remediations whose episode goes on")
    which = one.add_mutually_exclusive_group()
    which.add_argument("--waiting", action="store_true", help="only those that wait for a person")
    which.add_argument("--all", action="store_true", help="those that are over, too")
    one = found.add_parser("show", parents=both, help="show all that is known of one")
    one.add_argument("name", metavar="NAME")
    one = found.add_parser(
        "why", parents=both, help="why nothing is done, and what would change that"
    )
    one.add_argument("what", help="an alert's name, a claim as namespace/name, a node, or a record")
    for decision, text in ORDERS.items():
        _order(found.add_parser(str(decision), parents=both, help=text), decision)
    word = "give your word that a node has no power: a fencing proof"
    one = found.add_parser("attest", parents=both, help=word)
    one.add_argument("node", metavar="NODE")
    one.add_argument("power", choices=["off"])
    one.add_argument("--note", default="", help="how you know it")
    one.add_argument("--expires", type=_duration, default=Duration(3600.0), help="default: 1h")
    one.add_argument("--uid", default="", help="of the Node object, where it is gone")
    _approver(one)
    found.add_parser("attestations", parents=both, help="list what people have attested")
    one = found.add_parser("pause", parents=both, help="the kill switch: begin nothing from now on")
    one.add_argument("--reason", default="", help="why, for those who wonder")
    _namespace(one)
    _namespace(found.add_parser("resume", parents=both, help="take the kill switch off"))
    one = found.add_parser("simulate", parents=both, help="what would become of alerts in a file")
    one.add_argument("file", type=Path, metavar="FILE", help="a notification, an alert, or a list")
    one.add_argument("--config", type=Path, metavar="SETTINGS", help="the remediator's settings")
    one.add_argument("--look", action="store_true", help="look at the cluster with your own rights")
    _plan(
        found.add_parser(
            "plan",
            parents=[output],
            help="ask the running remediator what it would do; nothing is recorded",
        )
    )
    one = found.add_parser("check-config", help="say what is wrong with the remediator's settings")
    one.add_argument("file", type=Path, metavar="FILE")
    one = found.add_parser(
        "check-access", parents=both, help="whether an account has the remediator's rights"
    )
    one.add_argument(
        "--as",
        dest="account",
        default="",
        metavar="USER",
        help="such as system:serviceaccount:pvmedic:pvmedic-remediator; default:"
        " who you are, which in a pod is the pod's account",
    )
    one.add_argument(
        "--medik8s",
        default="",
        metavar="NAMESPACE",
        help="where the setting medik8s_leases is used: what it says",
    )
    one.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        help="the remediator's settings: what they make necessary is asked for, too",
    )
    one.add_argument(
        "--bare-pods",
        action="append",
        default=[],
        metavar="NAMESPACE",
        help="where its pods without owner may be deleted and made again",
    )
    one.add_argument(
        "--rok",
        default="",
        metavar="NAMESPACE",
        help="where the setting rok.exec.namespace is used: what it says",
    )
    _namespace(one)
    one = found.add_parser(
        "roles", help="print the role that the remediator's settings need beyond those that ship"
    )
    one.add_argument("file", type=Path, metavar="FILE")
    return whole


def _order(one: argparse.ArgumentParser, decision: Decision) -> None:
    one.add_argument("name", metavar="NAME")
    one.add_argument(
        "--expires",
        type=_duration,
        metavar="TIME",
        help="from when on it counts no more, as in 1h; a day at the latest",
    )
    one.add_argument(
        "--wait",
        nargs="?",
        type=_duration,
        const=Duration(300.0),
        metavar="TIME",
        help="tell on until it was dealt with, for at most this long (5m); exit"
        " status 1 if it is void",
    )
    _approver(one)
    if decision in (Decision.APPROVE, Decision.UNDO):
        one.add_argument("--yes", action="store_true", help="do not ask")
    if decision is Decision.APPROVE:
        one.add_argument(
            "--plan",
            default="",
            metavar="HASH",
            help="the plan that you have seen; no other one is approved",
        )


def _plan(one: argparse.ArgumentParser) -> None:
    one.add_argument("signal", metavar="SIGNAL")
    one.add_argument("subject", nargs="+", metavar="LABEL=VALUE")
    one.add_argument(
        "--url",
        default="",
        help="the remediator's address; default: the environment"
        " variable PVMEDIC_URL, or http://127.0.0.1:9822 as after `kubectl -n pvmedic"
        " port-forward deploy/pvmedic-remediator 9822`",
    )
    one.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="holds the token of its setting reading.token_file; default: PVMEDIC_TOKEN_FILE",
    )
    one.add_argument("--ca", type=Path, metavar="FILE", help="who signed its certificate")


def _output() -> argparse.ArgumentParser:
    one = argparse.ArgumentParser(add_help=False)
    one.add_argument("-o", "--output", choices=["text", "json"], default="text")
    return one


def _cluster() -> argparse.ArgumentParser:
    one = argparse.ArgumentParser(add_help=False)
    one.add_argument("--kubeconfig", type=Path, metavar="FILE", help="default: what kubectl takes")
    one.add_argument("--context", default="", help="of the kubeconfig; default: its current one")
    return one


def _namespace(one: argparse.ArgumentParser) -> None:
    one.add_argument("-n", "--namespace", default="pvmedic", help="the remediator's; pvmedic")


def _approver(one: argparse.ArgumentParser) -> None:
    one.add_argument(
        "--approver",
        default="",
        metavar="NAME",
        help="your name, where the API server does not tell it (before 1.27)",
    )


def _duration(text: str) -> Duration:
    try:
        return Duration.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
