"""The IAM policies that the installation page shows: exactly the calls that the program makes."""

import json
import re

from tests.manifests.shipped import HERE

ROOT = HERE.parents[1]
CALLS = ("exporter/observe/ec2.py", "exporter/observe/machines.py", "remediator/ec2.py")
NEEDED_FOR_TAGS = {"ec2:CreateTags"}
"""What no call of its own is: EC2 asks for it where a disk is made with tags."""


def policies() -> list[dict[str, list[dict[str, object]]]]:
    """Return the JSON documents of the page."""
    blocks = re.findall(r"```json\n(.*?)```", (HERE / "README.md").read_text(), re.DOTALL)
    return [json.loads(block) for block in blocks]


def actions(policy: dict[str, list[dict[str, object]]]) -> set[str]:
    """Return what a policy allows."""
    found: set[str] = set()
    for statement in policy["Statement"]:
        said = statement["Action"]
        found |= {said} if isinstance(said, str) else set(map(str, said))  # type: ignore[call-overload]
    return found


def called() -> set[str]:
    """Return the operations that the code names, as IAM names them."""
    found = set()
    for path in CALLS:
        for name in re.findall(r'"([a-z]+(?:_[a-z]+)+)"', (ROOT / path).read_text()):
            service = "autoscaling" if "auto_scaling" in name or "protection" in name else "ec2"
            found.add(f"{service}:{''.join(word.capitalize() for word in name.split('_'))}")
    return found


def test_the_whole_policy_allows_exactly_what_is_called() -> None:
    """What is missing would stop a repair in the middle; what is too much, nobody needs."""
    looking, whole = policies()
    assert actions(looking) == {"ec2:DescribeInstances"}
    assert actions(whole) == called() | NEEDED_FOR_TAGS


def test_what_changes_something_is_bound_to_a_tag() -> None:
    """Only looking is allowed everywhere: EC2 knows no other way."""
    for statement in policies()[1]["Statement"]:
        assert ("Condition" in statement) == (statement["Sid"] != "Look")
