"""One whole life of a campaign, by three clients that know nothing of us but the endpoint.

boto3 runs it in every test run; the AWS CLI and the JavaScript SDK, which npm installs first, in the full-size run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from marketplace_server import running
from marketplace_world import KEY, TERMS, TEST, page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from marketplace_server import Server

    Call: TypeAlias = Callable[..., dict[str, Any]]

HERE = Path(__file__).parent / "clients"


@contextmanager
def boto3(server: Server, _: Path) -> Iterator[Call]:
    client = server.client("BOTO")

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        try:
            found: dict[str, Any] = getattr(client, xform_name(operation))(**parameters)
        except ClientError as error:
            return {"error": str(error)}
        return found

    yield call


@contextmanager
def aws_cli(server: Server, folder: Path) -> Iterator[Call]:
    aws = Path(sys.executable).with_name("aws")
    secrets = {"AWS_ACCESS_KEY_ID": "CLI", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
    environment = {**os.environ, **secrets, "AWS_CONFIG_FILE": str(folder / "none")}

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        command = [str(aws), "mturk", xform_name(operation, "-"), "--endpoint-url", server.url, "--output", "json"]
        line = [*command, "--cli-input-json", json.dumps(parameters)]
        done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            assert "An error occurred (RequestError)" in done.stderr, done.stderr
            return {"error": done.stderr}
        found: dict[str, Any] = json.loads(done.stdout or "{}")
        return found

    yield call


@contextmanager
def javascript(server: Server, folder: Path) -> Iterator[Call]:
    shutil.copytree(HERE, folder / "clients")
    npm, node = shutil.which("npm"), shutil.which("node")
    assert npm, "the JavaScript SDK needs Node.js and npm"
    assert node
    quiet = ["--no-audit", "--no-fund", "--silent"]
    subprocess.run([npm, "install", *quiet], cwd=folder / "clients", check=True)
    with subprocess.Popen(
        [node, "calls.mjs", server.url, "JAVASCRIPT"], cwd=folder / "clients",
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None

        def call(operation: str, **parameters: Any) -> dict[str, Any]:
            print(json.dumps({"operation": operation, "parameters": parameters}), file=process.stdin, flush=True)
            assert process.stdout is not None
            found: dict[str, Any] = json.loads(process.stdout.readline())
            return found

        yield call
        process.stdin.close()


CLIENTS = [boto3, pytest.param(aws_cli, marks=pytest.mark.heavy), pytest.param(javascript, marks=pytest.mark.heavy)]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_whole_life_goes_the_same_way_with_every_client(client: Any, tmp_path: Path) -> None:
    with running(tmp_path) as server, client(server, tmp_path) as call:
        live(server, call)


def live(server: Server, call: Call) -> None:
    """Qualification with a test, type, HITs, work, review, bonus, expiry, deletion."""
    kind = call(
        "CreateQualificationType", Name="Trained", Description="d", QualificationTypeStatus="Active",
        Test=TEST, AnswerKey=KEY, TestDurationInSeconds=600,
    )  # fmt: skip
    trained = kind["QualificationType"]["QualificationTypeId"]
    server.control("worker/request", type=trained, worker="A1GOOD", answers={"animal": "cat"})
    server.control("worker/request", type=trained, worker="A1POOR", answers={"animal": "dog"})
    score = call("GetQualificationScore", QualificationTypeId=trained, WorkerId="A1GOOD")["Qualification"]
    assert (score["IntegerValue"], score["Status"]) == (75, "Granted")
    needed = {"QualificationTypeId": trained, "Comparator": "GreaterThan", "IntegerValues": [50]}
    terms = call("CreateHITType", **TERMS, QualificationRequirements=[needed])["HITTypeId"]
    given = {"HITTypeId": terms, "LifetimeInSeconds": 3600, "MaxAssignments": 2, "Question": page()}
    made = [call("CreateHITWithHITType", **given, UniqueRequestToken=f"t{n}") for n in range(2)]
    hits = [answer["HIT"]["HITId"] for answer in made]
    assert hits[1] in call("CreateHITWithHITType", **given, UniqueRequestToken="t1")["error"]
    listed = call("ListHITs", MaxResults=100)
    assert {hit["HITId"] for hit in listed["HITs"]} == {*hits}
    with pytest.raises(OSError, match="409"):
        server.control("worker/accept", hit=hits[0], worker="A1POOR")
    call("AssociateQualificationWithWorker", QualificationTypeId=trained, WorkerId="A1POOR", IntegerValue=60)
    for worker in ("A1GOOD", "A1POOR"):
        server.control("worker/submit", hit=hits[0], worker=worker, answers={"label": f"by {worker}"})
    reviewable = call("ListReviewableHITs", HITTypeId=terms)["HITs"]
    assert [hit["HITId"] for hit in reviewable] == hits[:1]
    good, poor = call("ListAssignmentsForHIT", HITId=hits[0], AssignmentStatuses=["Submitted"])["Assignments"]
    assert "<FreeText>by A1GOOD</FreeText>" in good["Answer"]
    call("ApproveAssignment", AssignmentId=good["AssignmentId"], RequesterFeedback="thank you")
    call("RejectAssignment", AssignmentId=poor["AssignmentId"], RequesterFeedback="not quite")
    bonus = {"WorkerId": "A1GOOD", "AssignmentId": good["AssignmentId"], "BonusAmount": "0.50", "Reason": "well done"}
    call("SendBonus", **bonus, UniqueRequestToken="once")
    assert "already been processed" in call("SendBonus", **bonus, UniqueRequestToken="once")["error"]
    paid = call("ListBonusPayments", HITId=hits[0])["BonusPayments"]
    assert [payment["BonusAmount"] for payment in paid] == ["0.50"]
    call("UpdateExpirationForHIT", HITId=hits[1], ExpireAt=1_420_070_400)
    assert call("GetHIT", HITId=hits[1])["HIT"]["HITStatus"] == "Reviewable"
    for hit in hits:
        call("DeleteHIT", HITId=hit)
    assert "currently in the state 'Disposed'" in call("DeleteHIT", HITId=hits[0])["error"]
    assert call("ListHITs")["HITs"] == []
    # Two places at 0.10 + 0.02, one approved; a bonus at 0.50 + 0.10; the second HIT was never worked on.
    balance = call("GetAccountBalance")
    assert (balance["AvailableBalance"], balance["OnHoldBalance"]) == ("9999.28", "0.00")
    call("DeleteQualificationType", QualificationTypeId=trained)
