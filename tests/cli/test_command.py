"""The command as it is typed: arguments, texts for errors, exit statuses."""

import json
from pathlib import Path

import pytest

from exporter.observe.errors import (
    Forbidden,
    NotFound,
    NotInstalled,
    ObserveError,
    Unauthorized,
    Unreachable,
)
from remediator.cli.__main__ import main, sentence
from remediator.cli.said import DONE, NO, UNANSWERED, UNUSABLE
from tests.intake.notifications import alert
from tests.story.objects import NAME

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be nobody: no kubeconfig, no pod."""
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "PVMEDIC_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def kubeconfig(directory: Path, server: str) -> Path:
    """Write one for a server."""
    path = directory / "kubeconfig"
    path.write_text(
        json.dumps(
            {
                "clusters": [{"name": "c", "cluster": {"server": server}}],
                "users": [{"name": "u", "user": {"token": "t"}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )
    )
    return path


def test_without_a_kubeconfig_it_says_how_to_name_one(nowhere: Path, capsys: Capture) -> None:
    """And asks nobody."""
    assert nowhere.is_dir()
    assert main(["list"]) == UNANSWERED
    assert "--kubeconfig or KUBECONFIG" in capsys.readouterr().err


def test_an_api_server_that_is_away_is_said(nowhere: Path, capsys: Capture) -> None:
    """Not a traceback."""
    path = kubeconfig(nowhere, "http://127.0.0.1:1")
    assert main(["show", NAME, "--kubeconfig", str(path)]) == UNANSWERED
    assert "cannot connect to 127.0.0.1:1" in capsys.readouterr().err


def test_a_context_that_there_is_none_of_is_said(nowhere: Path, capsys: Capture) -> None:
    """Not another cluster is asked instead."""
    path = kubeconfig(nowhere, "http://127.0.0.1:1")
    assert main(["list", "--kubeconfig", str(path), "--context", "y"]) == UNANSWERED
    assert "cannot use the kubeconfig" in capsys.readouterr().err


def test_settings_are_checked_as_the_remediator_does(nowhere: Path, capsys: Capture) -> None:
    """Every mistake on a line of its own."""
    path = nowhere / "remediator.yaml"
    path.write_text("webhook: {token_file: /t}\n")
    assert main(["check-config", str(path)]) == DONE
    path.write_text("mode: maybe\nlimits: {cooldown: 5}\n")
    assert main(["check-config", str(path)]) == UNUSABLE
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 3
    assert all(line.startswith(str(path)) for line in told)


def test_an_alert_is_simulated_without_any_server(nowhere: Path, capsys: Capture) -> None:
    """As text, and as data."""
    path = nowhere / "alert.json"
    path.write_text(json.dumps(alert()))
    assert main(["simulate", str(path)]) == DONE
    assert "a Remediation would be made" in capsys.readouterr().out
    assert main(["simulate", str(path), "-o", "json"]) == DONE
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["outcome"], found["remediation"]) == ("Recorded", NAME)
    assert main(["simulate", str(nowhere / "none")]) == UNUSABLE


@pytest.mark.parametrize(
    "typed", [["node_lost", "node"], ["node_lost", "node=a"]], ids=["no label", "no token"]
)
def test_a_question_that_lacks_something_is_not_sent(
    nowhere: Path, capsys: Capture, typed: list[str]
) -> None:
    """It says what."""
    assert nowhere.is_dir()
    assert main(["plan", *typed]) == UNUSABLE
    assert capsys.readouterr().err.startswith("pvmedic: ")


@pytest.mark.parametrize(
    "typed",
    [[], ["approve"], ["attest", "node-a", "on"], ["approve", "x", "--expires", "60"], ["nothing"]],
)
def test_what_cannot_be_understood_is_a_mistake_of_usage(capsys: Capture, typed: list[str]) -> None:
    """As every command says it."""
    with pytest.raises(SystemExit) as ended:
        main(typed)
    assert ended.value.code == UNUSABLE
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Unauthorized("401"), "log in to the cluster again"),
        (Forbidden("create x: not allowed (403): denied request: you are ben"), "you are ben"),
        (NotInstalled("list x"), "pvmedic is not installed in this cluster"),
        (NotFound("get x"), "not there"),
        (Unreachable("no answer in time"), "no answer in time"),
    ],
)
def test_every_error_is_a_plain_sentence(error: ObserveError, words: str) -> None:
    """For who typed the command."""
    assert words in sentence(error)


def test_help_says_the_exit_statuses(capsys: Capture) -> None:
    """A script is written from it."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == DONE
    text = " ".join(capsys.readouterr().out.split())
    for status in (DONE, NO, UNUSABLE, UNANSWERED):
        assert f"{status} " in text.partition("Exit status:")[2]
