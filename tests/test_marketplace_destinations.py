"""What leaves for SQS and SNS carries the signature that botocore makes of it."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from turkform.marketplace.destinations import Destination, request_to

BODY = json.dumps({"Events": [{"EventType": "Ping"}], "Text": "ä & b=c + 100%"})
QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/some-queue_1"
TOPIC = "arn:aws:sns:us-west-2:123456789012:topic"
KEYS = {"access_key": "AKIDEXAMPLE", "secret_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}


@pytest.mark.parametrize(
    "to",
    [
        Destination(QUEUE, "sqs", "eu-west-1", QUEUE),
        Destination("https://sns.us-west-2.amazonaws.com/", "sns", "us-west-2", TOPIC),
    ],
    ids=["SQS", "SNS"],
)
def test_the_signature_is_the_one_botocore_makes(to: Destination) -> None:
    payload, headers = request_to(to, KEYS, BODY.encode())
    authorization = headers.pop("Authorization")
    request = AWSRequest("POST", to.url, headers, payload)
    request.context["timestamp"] = headers["X-Amz-Date"]
    signer = SigV4Auth(Credentials(KEYS["access_key"], KEYS["secret_key"]), to.service, to.region)
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    names = signer.signed_headers(signer.headers_to_sign(request))
    scope = f"Credential={KEYS['access_key']}/{signer.credential_scope(request)}"
    assert authorization == f"AWS4-HMAC-SHA256 {scope}, SignedHeaders={names}, Signature={signature}"


def test_the_message_is_what_the_service_takes_it_for() -> None:
    payload, headers = request_to(Destination(QUEUE, "sqs", "eu-west-1", QUEUE), KEYS, BODY.encode())
    assert headers["X-Amz-Target"] == "AmazonSQS.SendMessage"
    assert json.loads(payload) == {"QueueUrl": QUEUE, "MessageBody": BODY}
    topic = Destination("https://sns.us-west-2.amazonaws.com/", "sns", "us-west-2", TOPIC)
    form = parse_qs(request_to(topic, KEYS, BODY.encode())[0].decode())
    assert (form["Action"], form["TopicArn"], form["Message"]) == (["Publish"], [TOPIC], [BODY])
