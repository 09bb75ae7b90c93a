"""A request is signed as botocore would sign it."""

from __future__ import annotations

from datetime import UTC, datetime
from unittest import mock

from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from turkform.signature import REGION, SERVICE, Keys, Signer

PRINTABLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=60)


@given(
    host=st.sampled_from(["localhost:8750", "tasks.example.org", "[::1]:8750"]),
    path=st.sampled_from(["/", "/mturk", "/a/b%20c"]),
    body=st.binary(max_size=300),
    keys=st.builds(Keys, PRINTABLE, PRINTABLE, st.one_of(st.just(""), PRINTABLE)),
    at=st.integers(1_700_000_000, 2_000_000_000),
)
def test_the_signature_is_botocores(host: str, path: str, body: bytes, keys: Keys, at: int) -> None:
    ours = Signer(host, path).headers("MTurkRequesterServiceV20170117.ListHITs", body, keys, at)
    sent = {k: v for k, v in ours.items() if k in {"content-type", "x-amz-target"}}
    request = AWSRequest("POST", f"http://{host}{path}", headers={**sent, "host": host}, data=body)
    signer = auth.SigV4Auth(Credentials(keys.access, keys.secret, keys.token or None), SERVICE, REGION)
    with mock.patch.object(auth, "get_current_datetime", return_value=datetime.fromtimestamp(at, UTC)):
        signer.add_auth(request)
    assert ours["authorization"] == request.headers["Authorization"]
    assert ours.get("x-amz-security-token") == request.headers.get("X-Amz-Security-Token")


def test_another_day_or_secret_makes_another_key() -> None:
    signer, keys = Signer("localhost", "/"), Keys("A", "one")
    first, again, day, secret = (
        signer.headers("T", b"", k, at)["authorization"].rpartition("=")[2]
        for k, at in ((keys, 1e9), (keys, 1e9), (keys, 1e9 + 86_400), (Keys("A", "two"), 1e9))
    )
    assert first == again
    assert len({first, day, secret}) == 3
