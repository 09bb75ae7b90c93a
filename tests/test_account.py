"""Calls as an account makes them, against a real marketplace; and the keys it signs them with."""

from __future__ import annotations

import json
import re
import socket
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from test_connections import OK, Peer

from turkform.account import Account, CallRefusedError, CallUnansweredError, CallUnsentError, connect
from turkform.campaign import Target
from turkform.errors import EndpointError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from marketplace_server import Server

TERMS = {"Title": "T", "Description": "D", "Reward": "0.10", "AssignmentDurationInSeconds": 600}
QUESTION = (
    '<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/HTMLQuestion.xsd">'
    "<HTMLContent><![CDATA[<form>ü</form>]]></HTMLContent><FrameHeight>0</FrameHeight></HTMLQuestion>"
)


@pytest.fixture
def account(server: Server) -> Account:
    return connect(Target("local", "local"), server.url)


def publish(account: Account, token: str = "") -> str:
    more = {"UniqueRequestToken": token} if token else {}
    parameters = {**TERMS, "LifetimeInSeconds": 3600, "Question": QUESTION, **more}
    return str(account.call("CreateHIT", parameters).body["HIT"]["HITId"])


def test_an_answer_is_what_boto3_makes_of_it(account: Account, server: Server) -> None:
    made = publish(account)
    ours, theirs = account.call("GetHIT", {"HITId": made}), server.client().get_hit(HITId=made)
    assert ours.body["HIT"] == theirs["HIT"]
    assert ours.body["HIT"]["Question"] == QUESTION
    assert abs(ours.at - datetime.now(UTC)) < timedelta(minutes=1)
    assert ours.request_id


def test_a_time_is_sent_as_boto3_sends_it(account: Account) -> None:
    made, end = publish(account), datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    account.call("UpdateExpirationForHIT", {"HITId": made, "ExpireAt": end})
    assert account.call("GetHIT", {"HITId": made}).body["HIT"]["Expiration"] == end


def test_a_refusal_has_the_codes_and_the_sentence(account: Account) -> None:
    with pytest.raises(CallRefusedError, match="does not exist") as refused:
        account.call("GetHIT", {"HITId": "3NONE"})
    assert (refused.value.code, refused.value.turk_code) == ("RequestError", "HITDoesNotExist")
    assert not refused.value.throttled


def test_a_repeated_token_is_told_from_other_refusals(account: Account) -> None:
    publish(account, "once")
    with pytest.raises(CallRefusedError) as refused:
        publish(account, "once")
    assert refused.value.repeated_token


def test_pages_come_one_after_the_other_until_there_are_no_more(account: Account) -> None:
    made = {publish(account) for _ in range(101)}
    pages = [[hit["HITId"] for hit in page] for page in account.pages("ListHITs", "HITs")]
    assert len(pages[0]) == 100
    assert made <= {hit for page in pages for hit in page}


BUSY = b'HTTP/1.1 400 Bad Request\r\ncontent-length: 54\r\n\r\n{"__type":"ThrottlingException","message":"Slow down"}'
GATEWAY = b"HTTP/1.1 404 Not Found\r\ncontent-length: 6\r\n\r\n<html>"
BROKEN = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
CUT = OK.replace(b"{}", b"{,")


@pytest.fixture
def peer() -> Iterator[list[Peer]]:
    found: list[Peer] = []
    yield found
    for one in found:
        one.close()


def test_throttling_is_a_refusal_and_may_be_asked_again(peer: list[Peer]) -> None:
    peer.append(Peer([BUSY]))
    with pytest.raises(CallRefusedError, match="Slow down") as refused:
        connect(Target("local", "local"), peer[0].url).call("GetAccountBalance", {})
    assert refused.value.throttled


def test_what_is_not_the_endpoint_has_refused_by_its_status(peer: list[Peer]) -> None:
    peer.append(Peer([GATEWAY]))
    with pytest.raises(CallRefusedError, match="404"):
        connect(Target("local", "local"), peer[0].url).call("GetAccountBalance", {})


@pytest.mark.parametrize("answer", [b"", BROKEN, CUT], ids=["none", "503", "no JSON"])
def test_without_a_sound_answer_nobody_knows(peer: list[Peer], answer: bytes) -> None:
    peer.append(Peer([answer]))
    with pytest.raises(CallUnansweredError):
        connect(Target("local", "local"), peer[0].url).call("GetAccountBalance", {})


def test_without_a_connection_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(CallUnsentError, match="does not answer"):
        connect(Target("local", "local"), url).call("GetAccountBalance", {})


# --- keys -----------------------------------------------------------------------------------------


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path


def signed_by(peer: Peer) -> list[tuple[str, str]]:
    """The access key and the session token of each request."""
    found = []
    for request in peer.asked:
        text = request.decode()
        key, token = re.search(r"Credential=(\w+)/", text), re.search(r"x-amz-security-token: (\S+)", text)
        found.append((key[1] if key else "", token[1] if token else ""))
    return found


def test_a_profile_signs_with_its_session_token(peer: list[Peer], profiles: Path) -> None:
    (profiles / "config").write_text(
        "[profile lab]\naws_access_key_id = AKLAB\naws_secret_access_key = s\naws_session_token = passing\n"
    )
    peer.append(Peer([OK]))
    connect(Target("lab", peer[0].url, profile="lab")).call("GetAccountBalance", {})
    assert signed_by(peer[0]) == [("AKLAB", "passing")]


@pytest.mark.parametrize(
    ("said", "token"),
    [
        ({}, ""),
        ({"AWS_SESSION_TOKEN": "passing"}, "passing"),
        ({"AWS_SECURITY_TOKEN": "older"}, "older"),
        ({"AWS_PROFILE": "lab"}, ""),
    ],
)
def test_keys_in_the_environment_sign_as_boto3_would_have_it(
    peer: list[Peer], profiles: Path, monkeypatch: pytest.MonkeyPatch, said: dict[str, str], token: str
) -> None:
    (profiles / "config").write_text("[profile lab]\nregion = eu-west-1\n")
    for name, value in {"AWS_ACCESS_KEY_ID": "AKENV", "AWS_SECRET_ACCESS_KEY": "s", **said}.items():
        monkeypatch.setenv(name, value)
    peer.append(Peer([OK]))
    connect(Target("lab", peer[0].url)).call("GetAccountBalance", {})
    assert signed_by(peer[0]) == [("AKENV", token)]


def test_keys_that_expire_are_renewed_between_two_calls(peer: list[Peer], profiles: Path) -> None:
    count = profiles / "count"
    script = profiles / "keys.py"
    soon = (datetime.now(UTC) + timedelta(seconds=60)).isoformat()
    script.write_text(
        "import json, pathlib\n"
        f"count = pathlib.Path({str(count)!r})\n"
        "number = int(count.read_text()) + 1 if count.exists() else 1\n"
        "count.write_text(str(number))\n"
        "print(json.dumps({'Version': 1, 'AccessKeyId': f'AK{number}', 'SecretAccessKey': 's',\n"
        f"                  'SessionToken': f't{{number}}', 'Expiration': {soon!r}}}))\n"
    )
    command = json.dumps(f"{sys.executable} {script}").strip('"')
    (profiles / "config").write_text(f"[profile lab]\ncredential_process = {command}\n")
    peer.append(Peer([OK, OK]))
    account = connect(Target("lab", peer[0].url, profile="lab"))
    account.call("GetAccountBalance", {})
    account.call("GetAccountBalance", {})
    first, second = signed_by(peer[0])
    assert first[0].removeprefix("AK") == first[1].removeprefix("t")
    assert second[0].removeprefix("AK") == second[1].removeprefix("t")
    assert first != second


def test_a_profile_that_does_not_exist_is_said_at_once(profiles: Path) -> None:
    with pytest.raises(EndpointError, match="nobody"):
        connect(Target("lab", "https://tasks.example.org", profile="nobody"))


def test_without_keys_a_remote_endpoint_is_not_asked(profiles: Path) -> None:
    with pytest.raises(CallUnsentError, match="no credentials"):
        connect(Target("lab", "https://tasks.example.org")).call("GetAccountBalance", {})


def test_without_keys_a_rehearsal_is_asked_by_a_fixed_name(peer: list[Peer], profiles: Path) -> None:
    peer.append(Peer([OK]))
    connect(Target("lab", peer[0].url)).call("GetAccountBalance", {})
    assert signed_by(peer[0]) == [("LOCAL", "")]
