"""Plan documents to draw: rich, quiet, refused, one that replaces tasks, a hostile one, a huge one."""

from __future__ import annotations

from typing import Any


def items(count: int, prefix: str = "img-", listed: int | None = None, **detail: str) -> dict[str, Any]:
    keys = [{"key": f"{prefix}{n}", **detail} for n in range(1, (count if listed is None else listed) + 1)]
    return {"count": count, "listed": keys, "sha256": f"{prefix}{count}"}


def step(action: str, address: str, op: str = "", *, price: str = "0.00", **more: Any) -> dict[str, Any]:
    return {"action": action, "address": address, "op": op, "operations": [], "leaves": "free", "price": price, **more}


def document(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    price = {
        "total": "16.70",
        "committed_before": "21.24",
        "committed_after": "37.94",
        "budget": "400.00",
        "balance": "9978.76",
    }
    return {
        "format_version": "1.0",
        "campaign": "image-labels",
        "title": "Image labels, autumn 2026",
        "environment": "local",
        "endpoint": "local",
        "command": "apply",
        "made_at": "2026-11-24T10:00:00Z",
        "valid_until": "2026-11-25T10:00:00Z",
        "fees": "mturk-2015-07-22",
        "price": price,
        "steps": list(steps),
        "batches": {},
        "samples": [],
        "notes": [],
        "refusals": [],
        "intent": "1" * 64,
        "digest": "2" * 64,
    } | more


HIT_TYPE = step(
    "create",
    "hit_type.label",
    operations=["CreateHITType"],
    leaves="trace",
    parameters={
        "Title": "Label one photo",
        "Description": "Say which animal is in the photo.",
        "Keywords": "images,labels",
        "Reward": "0.15",
        "AssignmentDurationInSeconds": 600,
        "QualificationRequirements": [
            {
                "QualificationTypeId": {"ref": "qualification_type.trained"},
                "Comparator": "GreaterThanOrEqualTo",
                "IntegerValues": [80],
                "ActionsGuarded": "DiscoverPreviewAndAccept",
            }
        ],
    },
)
RICH = document(
    step("create", "record", operations=["CreateQualificationType"], leaves="trace"),
    step(
        "create",
        "qualification_type.trained",
        operations=["CreateQualificationType"],
        leaves="trace",
        fields=[
            {"field": "name", "observed": "(none)", "desired": "Image labels: trained"},
            {"field": "description", "observed": "(none)", "desired": "Passed the five-question training test."},
        ],
    ),
    step(
        "create",
        "grant.trained",
        operations=["AssociateQualificationWithWorker"],
        leaves="person",
        items={"count": 2, "listed": [{"key": "A1", "value": "90"}, {"key": "A2", "value": "85"}], "sha256": "g"},
    ),
    HIT_TYPE,
    step("create", "batch.pilot", "create", price="10.80", leaves="money", items=items(40)),
    step(
        "update",
        "batch.main",
        "move",
        price="5.90",
        leaves="money",
        items=items(118, "photo-"),
        fields=[{"field": "reward", "observed": "0.15", "desired": "0.20"}],
    ),
    step("replace", "batch.main", "replace", leaves="final", items=items(3, "new-")),
    step("delete", "batch.main", "retire", leaves="final", items=items(1, "gone-"), fact="untouched", narrower="wait"),
    step(
        "create",
        "block",
        operations=["CreateWorkerBlock"],
        leaves="person",
        items={"count": 1, "listed": [{"key": "A9", "value": "Random answers in pilot"}], "sha256": "b"},
    ),
    step("wait", "batch.main", "wait", reason="1 item: 1 assignment in work; delete when done", items=items(1, "w-")),
    batches={"batch.main": {"notes": {"kept terms": 7}}},
    notes=["batch.main: 7 with work keep the old terms"],
    samples=[{"address": 'batch.pilot["img-1"]', "before": None, "after": "<p>one</p>\n" * 60}],
)

PAGE = (
    '<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/HTMLQuestion.xsd">'
    "<HTMLContent><![CDATA[<!DOCTYPE html>\n<form action='https://www.mturk.com/mturk/externalSubmit'>\n"
    "<p>{words}</p>\n{more}<input name='animal'>\n</form>\n]]></HTMLContent><FrameHeight>0</FrameHeight></HTMLQuestion>"
)
REPLACED = document(
    step("replace", "batch.main", "replace", leaves="final", items=items(2), fact="untouched", narrower="keep"),
    batches={"batch.main": {"notes": {"kept question": 1}}},
    samples=[
        {
            "address": 'batch.main["img-1"]',
            "before": PAGE.format(words="Which animal?", more=""),
            "after": PAGE.format(
                words="Which animal is it?", more="<img src='https://pictures.example.org/1.jpg' alt=''>\n"
            ),
        }
    ],
    notes=["batch.main: 1 on an older question, 2 places still open there; `turkform close` them to stop"],
)
QUIET = document()
REFUSED = document(refusals=["batch.pilot: 9 to 10 is impossible. Set assignments to 9"])

EVIL = "\x1b]0;owned\x07\u202e\x9b2J"
MARKUP = (
    EVIL + "</code></iframe><script>alert(1)</script><img src=//evil.example/x onerror=alert(1)> @everyone #1 "
    "[x](javascript:alert(1)) ![x](//evil.example/y) `` | ``` \n# heading\n* list www.evil.example https://evil.example"
)
HOSTILE = document(
    step(
        "create",
        "grant.trained",
        leaves="person",
        items={"count": 1, "listed": [{"key": MARKUP, "value": MARKUP, "observed": MARKUP}], "sha256": "x"},
    ),
    step("update", "batch.main", "rekey", items=items(1, MARKUP, observed=MARKUP)),
    step("wait", "batch.main", "wait", reason=MARKUP, items=items(1, MARKUP)),
    step("update", "hit_type.x", fields=[{"field": "title", "observed": MARKUP, "desired": MARKUP}]),
    title=MARKUP,
    campaign=MARKUP,
    endpoint=MARKUP,
    notes=[MARKUP],
    refusals=[MARKUP],
    samples=[
        {"address": MARKUP, "before": PAGE.format(words="x", more=""), "after": PAGE.format(words=MARKUP, more="")}
    ],
)

VIEWED = {"rich": RICH, "replaced": REPLACED, "quiet": QUIET, "refused": REFUSED, "hostile": HOSTILE}
"""Plans whose every view is kept in `goldens/`."""


def huge(steps: int) -> dict[str, Any]:
    """As much of everything as a plan can hold."""
    long = "`|<&@#* " * 60
    listed = [{"key": f"{long}{n}", "value": long, "observed": long} for n in range(1000)]
    item = {"count": 100_000, "listed": listed, "sha256": "h"}
    each = [
        step("delete", f"batch.b{n}", "retire", leaves="final", price="1.00", items=item, fact="untouched")
        for n in range(steps)
    ]
    fields = [{"field": f"f{n}", "observed": long, "desired": long} for n in range(10)]
    each += [step("update", f"hit_type.t{n}", price="1.00", fields=fields) for n in range(steps)]
    sample = {"address": long, "before": long * 10, "after": (long + "\n") * 500}
    return document(*each, title=long * 9, notes=[long * 9] * steps, refusals=[long * 9] * steps, samples=[sample] * 3)
