"""Real accounts: signatures, secrets, and requesters kept apart."""

from __future__ import annotations

import http.client
import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from marketplace_server import STORES, KeeperError, Real, real, requester, running
from sqlalchemy import select

from turkform.marketplace.store import Store
from turkform.marketplace.tables import requesters

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TARGET = "MTurkRequesterServiceV20170117.GetAccountBalance"
KIND = {"Description": "D", "QualificationTypeStatus": "Active"}
_NAMES = (f"requester {n}" for n in itertools.count())


@pytest.fixture(scope="module", params=STORES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    with real(tmp_path_factory.mktemp("real"), store=request.param) as found:
        yield found


@pytest.fixture(scope="module")
def keys(server: Real) -> tuple[str, str]:
    return server.keys("signer")


@pytest.mark.parametrize(
    ("operation", "given"),
    [
        ("create_worker_block", {"Reason": "R"}),
        ("delete_worker_block", {}),
        ("associate_qualification_with_worker", {"QualificationTypeId": ""}),
    ],
)
def test_a_worker_id_that_is_nobodys_is_refused(
    server: Real, keys: tuple[str, str], operation: str, given: dict[str, str]
) -> None:
    client = server.client(keys)
    if "QualificationTypeId" in given:
        made = client.create_qualification_type(Name=next(_NAMES), **KIND)["QualificationType"]
        given = {"QualificationTypeId": made["QualificationTypeId"]}
    with pytest.raises(ClientError, match=r'The value "A1NOBODY" is not valid for the parameter WorkerId\.'):
        getattr(client, operation)(WorkerId="A1NOBODY", **given)
    getattr(client, operation)(WorkerId=server.let_in("A1SOMEBODY"), **given)


def signed(keys: tuple[str, str], url: str, *, service: str = "mturk-requester", age: timedelta = timedelta()) -> Any:
    """A request as boto3 signs it, that long ago; its headers can be altered before it is sent."""

    class Aged(SigV4Auth):
        def add_auth(self, request: Any) -> None:
            request.context["timestamp"] = (datetime.now(UTC) - age).strftime("%Y%m%dT%H%M%SZ")
            self._modify_request_before_signing(request)
            text = self.string_to_sign(request, self.canonical_request(request))
            self._inject_signature_to_request(request, self.signature(text, request))

    headers = {"X-Amz-Target": TARGET, "Content-Type": "application/x-amz-json-1.1", "Host": urlsplit(url).netloc}
    found = AWSRequest("POST", url + "/", headers, b"{}")
    Aged(Credentials(*keys), service, "eu-west-9").add_auth(found)
    return found


def answered(url: str, request: Any, *, body: bytes = b"{}", path: str = "/") -> tuple[int, str]:
    """The status and, of a refusal, its type."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    connection.request("POST", path, body, dict(request.headers.items()))
    answer = connection.getresponse()
    found = json.loads(answer.read())
    connection.close()
    return answer.status, found.get("__type", "")


def test_a_signed_call_is_answered_for_any_region_and_again_within_its_time(
    server: Real, keys: tuple[str, str]
) -> None:
    request = signed(keys, server.url, age=timedelta(minutes=14))
    assert answered(server.url, request) == (200, "")
    assert answered(server.url, request) == (200, "")


@pytest.mark.parametrize("age", [timedelta(minutes=16), timedelta(minutes=-16)])
def test_a_signature_is_good_for_fifteen_minutes_either_way(
    server: Real, keys: tuple[str, str], age: timedelta
) -> None:
    assert answered(server.url, signed(keys, server.url, age=age)) == (403, "InvalidSignatureException")


def test_a_forged_signature_is_refused(server: Real, keys: tuple[str, str]) -> None:
    assert answered(server.url, signed((keys[0], "guessed"), server.url)) == (403, "InvalidSignatureException")


def test_a_key_that_nobody_has_is_refused(server: Real) -> None:
    assert answered(server.url, signed(("TFNOBODY", "x"), server.url)) == (403, "UnrecognizedClientException")


def test_a_signature_for_another_service_is_refused(server: Real, keys: tuple[str, str]) -> None:
    request = signed(keys, server.url, service="sqs")
    assert answered(server.url, request) == (403, "InvalidSignatureException")


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Amz-Target", TARGET.replace("GetAccountBalance", "ListHITs")),
        ("Host", "elsewhere.example"),
        ("X-Amz-Date", "20260101T000000Z"),
        ("X-Amz-Date", "yesterday"),
        ("Content-Type", "application/json"),
    ],
)
def test_an_altered_header_is_refused(server: Real, keys: tuple[str, str], header: str, value: str) -> None:
    request = signed(keys, server.url)
    request.headers.replace_header(header, value)
    assert answered(server.url, request) == (403, "InvalidSignatureException")


def test_an_altered_body_is_refused(server: Real, keys: tuple[str, str]) -> None:
    found = answered(server.url, signed(keys, server.url), body=b'{"MaxResults": 1}')
    assert found == (403, "InvalidSignatureException")


def test_a_query_that_no_signature_covers_is_refused(server: Real, keys: tuple[str, str]) -> None:
    found = answered(server.url, signed(keys, server.url), path="/?Action=DeleteHIT")
    assert found == (403, "InvalidSignatureException")


def test_an_operation_that_is_not_signed_is_refused(server: Real, keys: tuple[str, str]) -> None:
    request = signed(keys, server.url)
    text = request.headers["Authorization"].replace(";x-amz-target", "")
    request.headers.replace_header("Authorization", text)
    assert answered(server.url, request) == (403, "InvalidSignatureException")


def test_a_session_is_refused(server: Real, keys: tuple[str, str]) -> None:
    request = signed(keys, server.url)
    request.headers["X-Amz-Security-Token"] = "session"
    assert answered(server.url, request) == (403, "UnrecognizedClientException")


def test_a_call_without_a_signature_is_refused(server: Real, keys: tuple[str, str]) -> None:
    request = signed(keys, server.url)
    del request.headers["Authorization"]
    assert answered(server.url, request) == (403, "MissingAuthenticationTokenException")


def test_a_client_may_sign_for_whatever_name_it_knows(server: Real, keys: tuple[str, str]) -> None:
    assert answered(server.url, signed(keys, "https://mturk-requester.us-east-1.amazonaws.com")) == (200, "")


def test_there_is_no_control_of_a_real_marketplace(server: Real) -> None:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=20)
    connection.request("POST", "/control/clock", b"{}", {"Host": "localhost", "Authorization": "Bearer "})
    assert connection.getresponse().status == 403
    connection.close()


def test_requesters_never_see_each_other(server: Real) -> None:
    one, other = (server.client(server.keys(next(_NAMES))) for _ in range(2))
    made = one.create_qualification_type(Name="Trained", **KIND)["QualificationType"]["QualificationTypeId"]
    assert other.create_qualification_type(Name="Trained", **KIND)["QualificationType"]["QualificationTypeId"] != made
    one.create_worker_block(WorkerId=server.let_in("A1BAD"), Reason="r")
    assert other.list_worker_blocks()["NumResults"] == 0
    owned = other.list_qualification_types(MustBeRequestable=False, MustBeOwnedByCaller=True)
    assert made not in {kind["QualificationTypeId"] for kind in owned["QualificationTypes"]}
    with pytest.raises(ClientError, match="does not exist"):
        other.delete_qualification_type(QualificationTypeId=made)


def test_a_requester_spends_what_it_was_credited(server: Real) -> None:
    name = next(_NAMES)
    client = server.client(server.keys(name, "1.50"))
    assert client.get_account_balance()["AvailableBalance"] == "1.50"
    server.requester("credit", name, "20")
    assert client.get_account_balance()["AvailableBalance"] == "21.50"
    assert server.requester("list").count(f"\t21.50\t0.00\tenabled\t{name}\n") == 1


def test_a_disabled_requester_is_refused_until_that_is_undone(server: Real) -> None:
    name = next(_NAMES)
    client = server.client(server.keys(name))
    client.get_account_balance()
    assert "\tdisabled\t" in server.requester("disable", name)
    with pytest.raises(ClientError) as caught:
        client.get_account_balance()
    assert caught.value.response["Error"]["Code"] == "UnrecognizedClientException"
    server.requester("disable", name, "--undo")
    client.get_account_balance()


def test_a_layout_makes_hits(server: Real, tmp_path: Path) -> None:
    name, page = next(_NAMES), tmp_path / "page.html"
    client = server.client(server.keys(name))
    page.write_text("<!DOCTYPE html><html><body><form><p>${animal}</p><input name=a></form></body></html>")
    layout = server.requester("layout", str(page), "--requester", name).strip()
    hit = client.create_hit(
        Title="T", Description="D", Reward="0.05", AssignmentDurationInSeconds=60, LifetimeInSeconds=600,
        HITLayoutId=layout, HITLayoutParameters=[{"Name": "animal", "Value": "cat"}],
    )["HIT"]  # fmt: skip
    assert "<p>cat</p>" in hit["Question"]


def test_a_secret_rests_sealed_and_is_told_once(server: Real) -> None:
    name = next(_NAMES)
    access, secret = server.keys(name)
    assert secret not in server.requester("list")
    store = Store(server.store)
    with store.transaction() as connection:
        rest = connection.execute(select(requesters).where(requesters.c.access_key == access)).one()
    store.close()
    assert secret not in str(rest)
    assert server.master.read_text().strip() not in str(rest)


def test_what_is_logged_says_who_did_what_and_nothing_more(server: Real) -> None:
    access, secret = server.keys(next(_NAMES))
    client = server.client((access, secret))
    client.create_worker_block(WorkerId=server.let_in("A1LOGGED"), Reason="a private reason")
    with pytest.raises(ClientError):
        client.get_hit(HITId="3ABC")
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    mine = [line for line in lines if line.get("access_key") == access]
    assert [(line["operation"], line["status"], line["code"]) for line in mine] == [
        ("CreateWorkerBlock", 200, None), ("GetHIT", 400, "AWS.MechanicalTurk.HITDoesNotExist")
    ]  # fmt: skip
    told = server.log.read_text()
    assert not any(text in told for text in (secret, "private reason", "A1LOGGED", "Signature="))


# --- stores and keys -------------------------------------------------------------------------------


def refusal(*words: str) -> str:
    with pytest.raises(KeeperError) as caught:
        requester(*words)
    return str(caught.value)


def test_a_rotated_master_key_opens_and_the_old_one_does_not(tmp_path: Path) -> None:
    with real(tmp_path) as server:
        keys = server.keys("lab")
    at = ("--store", server.store, "--master-key")
    new = tmp_path / "new.key"
    assert requester("rotate-master", "--new", str(new), *at, str(server.master)).startswith("2 secrets are sealed")
    assert "this is not the master key of this store" in refusal("list", *at, str(server.master))
    with real(tmp_path, store=server.store, master=new) as again:
        assert again.client(keys).get_account_balance()["AvailableBalance"] == "100.00"


def test_a_running_server_takes_a_rotated_key_from_its_file(tmp_path: Path) -> None:
    with real(tmp_path) as server:
        keys, new = server.keys("lab"), tmp_path / "new.key"
        server.requester("rotate-master", "--new", str(new))
        new.replace(server.master)
        assert server.client(keys).get_account_balance()["AvailableBalance"] == "100.00"


def test_a_master_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    key = tmp_path / "master.key"
    at = ("--store", f"sqlite:///{tmp_path / 'm.sqlite'}", "--master-key", str(key))
    requester("add", "lab", *at)
    assert key.stat().st_mode & 0o777 == 0o600
    key.chmod(0o640)
    assert f"others can read the master key in {key}. Run: chmod 600 {key}" in refusal("list", *at)


def test_a_lost_master_key_is_not_made_anew(tmp_path: Path) -> None:
    key = tmp_path / "master.key"
    at = ("--store", f"sqlite:///{tmp_path / 'm.sqlite'}", "--master-key", str(key))
    requester("add", "lab", *at)
    key.unlink()
    assert f"the master key of this store is not in {key}" in refusal("add", "other", *at)
    assert not key.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("add", "lab"), 'there is a requester "lab" already'),
        (("add", "no\tname"), "is not a name"),
        (("add", "x", "--balance", "100000000"), '"100000000" is not an amount'),
        (("add", "x", "--balance", "1.234"), '"1.234" is not an amount of dollars, like 25 or 25.50'),
        (("credit", "lab", "five"), '"five" is not an amount'),
        (("disable", "nobody"), 'there is no requester "nobody"'),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    at = ("--store", f"sqlite:///{tmp_path / 'm.sqlite'}", "--master-key", str(tmp_path / "master.key"))
    requester("add", "lab", *at)
    assert message in refusal(*words, *at)


def test_a_rehearsals_store_is_for_rehearsals_and_a_real_one_for_real(tmp_path: Path) -> None:
    with running(tmp_path, store="sqlite"):
        pass
    key = str(tmp_path / "master.key")
    at = f"sqlite:///{tmp_path / 'marketplace.sqlite'}"
    assert "is one of a rehearsal" in refusal("add", "lab", "--store", at, "--master-key", key)
    with real(tmp_path, store=f"sqlite:///{tmp_path / 'real.sqlite'}") as server:
        pass
    with pytest.raises(AssertionError), running(tmp_path, store=server.store):
        pass


def test_in_rehearsal_requesters_are_kept_through_the_running_server(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        at = ("--control-file", str(tmp_path / "server.json"))
        told = requester("add", "lab", "--balance", "7", *at)
        client = server.client(told.splitlines()[2].removeprefix("aws_access_key_id = "))
        assert client.get_account_balance()["AvailableBalance"] == "7.00"
        assert "there is no requester" in refusal("credit", "nobody", "1", *at)
        assert requester("list", *at).endswith("\tenabled\tlab\n")
