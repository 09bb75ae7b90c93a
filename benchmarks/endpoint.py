"""An endpoint that costs next to nothing: canned answers, so that what is measured is the client.

    python -m benchmarks.endpoint [--delay SECONDS] [--limit CALLS_A_SECOND] [--account FILE]

Prints its URL. It knows the dozen operations that publishing and planning need, checks nothing, signs
nothing, and keeps of a HIT its marker and its end. `--limit` refuses what a token bucket of that rate and a
tenth of it as burst does not hold; `--delay` answers so much later. GET /figures tells what it has seen.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from array import array
from pathlib import Path
from typing import Any

import httptools
import msgspec
import uvloop

PAGE = 100
_HEAD = (
    b"HTTP/1.1 %d OK\r\ndate: %s\r\nx-amzn-requestid: 00000000-0000-4000-8000-000000000000\r\n"
    b"content-type: application/x-amz-json-1.1\r\ncontent-length: %d\r\n\r\n"
)
_HIT = (
    b'{"HITId":"3BENCHMARK%020d","HITTypeId":"3BENCHMARKTYPE","HITGroupId":"3BENCHMARKGROUP",'
    b'"CreationTime":%d.0,"Title":"Judge the tone of a sentence","Description":"Read it and choose.",'
    b'"Question":%s,"Keywords":"text, tone","HITStatus":"Assignable","MaxAssignments":%d,"Reward":"0.05",'
    b'"AutoApprovalDelayInSeconds":259200,"Expiration":%d.0,"AssignmentDurationInSeconds":300,'
    b'"RequesterAnnotation":"%s","QualificationRequirements":[],"HITReviewStatus":"NotReviewed",'
    b'"NumberOfAssignmentsPending":0,"NumberOfAssignmentsAvailable":%d,"NumberOfAssignmentsCompleted":0}'
)


class Create(msgspec.Struct):
    """What is read of a CreateHITWithHITType."""

    Question: msgspec.Raw
    RequesterAnnotation: str
    MaxAssignments: int
    LifetimeInSeconds: int


class Endpoint:
    """The account, and what was asked of it."""

    def __init__(self, limit: float, account: Path | None) -> None:
        self.markers: list[bytes] = []
        self.made = array("d")
        self.lasts = array("d")
        self.question = json.dumps("<p>" + "x" * 2000).encode()
        self.places = 1
        self.types: list[dict[str, Any]] = []
        self.limit, self.room, self.filled = limit, limit / 10, time.monotonic()
        self.calls, self.throttled = 0, 0
        self.taken = array("d")
        self.refused = array("d")
        if account is not None:
            self._read(account)

    def _read(self, account: Path) -> None:
        with account.open("rb") as lines:
            self.types = [json.loads(next(lines))]
            made, last = json.loads(next(lines))
            self.markers = [line.rstrip() for line in lines]
        self.made = array("d", [made]) * len(self.markers)
        self.lasts = array("d", [last]) * len(self.markers)

    def answer(self, operation: str, body: bytes) -> tuple[int, bytes]:
        """One call."""
        self.calls += 1
        if self.limit and not self._room():
            self.throttled += 1
            self.refused.append(time.monotonic())
            return 400, b'{"__type":"ThrottlingException","message":"Rate exceeded"}'
        self.taken.append(time.monotonic())
        return 200, getattr(self, operation)(body)

    def _room(self) -> bool:
        now = time.monotonic()
        self.room = min(self.limit / 10, self.room + (now - self.filled) * self.limit)
        self.filled = now
        if self.room < 1:
            return False
        self.room -= 1
        return True

    def figures(self) -> bytes:
        """What was asked so far: calls, refusals, and when calls were taken and refused."""
        return json.dumps(
            {"calls": self.calls, "throttled": self.throttled, "hits": len(self.markers),
             "taken": list(self.taken), "refused": list(self.refused)}
        ).encode()  # fmt: skip

    # the operations, by their API names

    def CreateHITWithHITType(self, body: bytes) -> bytes:  # noqa: D102, N802
        asked = msgspec.json.decode(body, type=Create)
        now = time.time()
        self.markers.append(asked.RequesterAnnotation.encode())
        self.made.append(int(now))
        self.lasts.append(int(now) + asked.LifetimeInSeconds)
        self.question, self.places = bytes(asked.Question), asked.MaxAssignments
        return b'{"HIT":' + self._hit(len(self.markers) - 1) + b"}"

    def _hit(self, n: int) -> bytes:
        places = self.places
        return _HIT % (n, self.made[n], self.question, places, self.lasts[n], self.markers[n], places)

    def ListHITs(self, body: bytes) -> bytes:  # noqa: D102, N802
        start = int(json.loads(body).get("NextToken", 0))
        numbers = range(start, min(start + PAGE, len(self.markers)))
        more = b'"NextToken":"%d",' % numbers.stop if numbers.stop < len(self.markers) else b""
        return b'{%s"NumResults":%d,"HITs":[%s]}' % (more, len(numbers), b",".join([self._hit(n) for n in numbers]))

    def GetHIT(self, body: bytes) -> bytes:  # noqa: D102, N802
        return b'{"HIT":' + self._hit(int(json.loads(body)["HITId"][10:])) + b"}"

    def CreateHITType(self, _: bytes) -> bytes:  # noqa: D102, N802
        return b'{"HITTypeId":"3BENCHMARKTYPE"}'

    def GetAccountBalance(self, _: bytes) -> bytes:  # noqa: D102, N802
        return b'{"AvailableBalance":"99999999.00"}'

    def CreateQualificationType(self, body: bytes) -> bytes:  # noqa: D102, N802
        made = {**json.loads(body), "QualificationTypeId": "3BENCHMARKRECORD", "CreationTime": time.time()}
        self.types.append(made)
        return json.dumps({"QualificationType": made}).encode()

    def ListQualificationTypes(self, _: bytes) -> bytes:  # noqa: D102, N802
        return json.dumps({"QualificationTypes": self.types, "NumResults": len(self.types)}).encode()


class Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, endpoint: Endpoint, delay: float) -> None:
        self.endpoint, self.delay = endpoint, delay
        self.parser = httptools.HttpRequestParser(self)
        self.operation, self.parts, self.url = "", [], b""

    def connection_made(self, transport: Any) -> None:
        """Asyncio's."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Asyncio's."""
        self.parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        """Httptools'."""
        self.url = url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Httptools'."""
        if name.lower() == b"x-amz-target":
            self.operation = value.decode().rpartition(".")[2]

    def on_body(self, part: bytes) -> None:
        """Httptools'."""
        self.parts.append(part)

    def on_message_complete(self) -> None:
        """Httptools'."""
        body, self.parts = b"".join(self.parts), []
        if self.url == b"/figures":
            self.write(200, self.endpoint.figures())
            return
        status, answer = self.endpoint.answer(self.operation, body)
        if self.delay:
            asyncio.get_running_loop().call_later(self.delay, self.write, status, answer)
        else:
            self.write(status, answer)

    def write(self, status: int, body: bytes) -> None:
        """Answer."""
        date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime()).encode()
        self.transport.write(_HEAD % (status, date, len(body)) + body)


async def serve(delay: float, limit: float, account: Path | None) -> None:
    """Answer until killed."""
    endpoint = Endpoint(limit, account)
    server = await asyncio.get_running_loop().create_server(lambda: Client(endpoint, delay), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--delay", type=float, default=0.0)
    options.add_argument("--limit", type=float, default=0.0)
    options.add_argument("--account", type=Path)
    asked = options.parse_args()
    uvloop.run(serve(asked.delay, asked.limit, asked.account))
