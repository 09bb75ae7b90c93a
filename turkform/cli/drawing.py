"""How a campaign stands, in lines for a terminal.

In: the document of `results`. Out: text; whatever may come from a stranger is cleaned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turkform.cli.reports import invocation
from turkform.printable import clean, many

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from turkform.cli.session import Session


def lines(session: Session, document: Mapping[str, Any], *, batches: bool = True) -> Iterator[str]:
    """The document for people, a line at a time; without `batches`, only what they come to."""
    total, price = document["total"], document["price"]
    yield f"{clean(document['campaign'])} in {document['environment']} at {document['now']}"
    for name, batch in document["batches"].items() if batches else ():
        turn = f", round {batch['round']}" if batch["round"] != 1 else ""
        yield from ("", f"batch.{clean(name)}{turn}", *_standing(batch))
    if not batches or len(document["batches"]) > 1:
        yield from ("", "in all", *_standing(total))
    budget = f" of ${price['budget']}" if price["budget"] is not None else ""
    on_hold = f", ${price['on_hold']} on hold" if price.get("on_hold") else ""
    yield from ("", f"committed  ${price['committed']}{budget}; balance ${price['balance']}{on_hold}")
    if total["unread"]["calls"]:
        yield f"not read   {_unread(total['unread'])}: {invocation(session, 'status --exact')}"
    yield from _others(document)
    yield from (f"  ! {warning['about']}: {clean(warning['text'])}" for warning in document["warnings"])
    yield from (f"  · {clean(note)}" for note in document["notes"])
    if document["changes"]:
        yield f"{many(document['changes'], 'step')} to apply: {invocation(session, 'plan')}"


def _unread(unread: Mapping[str, int]) -> str:
    words = {"answers": many(unread["answers"], "answer"), "reviews": many(unread["reviews"], "review")}
    return f"{' and '.join(words[name] for name in words if unread[name])}, at most {many(unread['calls'], 'call')}"


def _standing(one: Mapping[str, Any]) -> Iterator[str]:
    """One batch, or all of them."""
    ends = f", ends {one['ends']}" if one["ends"] else ""
    rows = f" for {one['rows']:,} rows" if "rows" in one else ""
    gone = f", {one['gone']['hits']:,} gone with their answers stored" if one["gone"]["hits"] else ""
    yield f"  HITs       {one['hits']:,}{rows}: {one['live']:,} open, {one['expired']:,} over{gone}{ends}"
    yield f"  work       {_bar(one)} {progress(one)}"
    yield (
        f"             {one['open']:,} free, {one['pending']:,} in work, {one['submitted']:,} to review, "
        f"{_reviewed(one)}"
    )
    if one["median_seconds"] is not None:
        yield (
            f"  measured   half took {_time(one['median_seconds'])} or less, half paid ${one['hourly']} an hour or less"
            f" ({many(one['stored'], 'answer')})"
        )
    if one["pace"] is not None and one["open"] + one["pending"]:
        done = f": all handed in about {one['done_at']}" if one["done_at"] else ""
        yield f"  pace       {one['pace']:,} an hour{done}"
    if one["auto_approval"]["next"]:
        yield f"  approval   by itself from {one['auto_approval']['next']} on"
    yield f"  money      ${one['committed']} committed, {spent(one)} spent"


def progress(one: Mapping[str, Any]) -> str:
    """`4 of 9 assignments handed in`."""
    from turkform.results import handed_in

    done, total = handed_in(one)
    return f"{done:,} of {total:,} assignments handed in"


def spent(one: Mapping[str, Any]) -> str:
    """The sum, and whether it is one."""
    return f"{'' if one['spent_exact'] else 'at most '}${one['spent']}"


def _reviewed(one: Mapping[str, Any]) -> str:
    count = one["reviewed"] + one["gone"]["answers"]
    known = one["approved"] + one["rejected"]
    told = f": {one['approved']:,} approved, {one['rejected']:,} rejected" if known else ""
    return f"{count:,} reviewed{told}" + (f", {count - known:,} not read" if known and count > known else "")


def _time(seconds: int) -> str:
    from datetime import timedelta

    from turkform.times import format_duration

    return format_duration(timedelta(seconds=seconds))


def _bar(one: Mapping[str, Any], width: int = 24) -> str:
    from turkform.results import handed_in

    done, total = handed_in(one)
    full = width * done // total if total else 0
    return "[" + "#" * full + "." * (width - full) + "]"


def _others(document: Mapping[str, Any]) -> Iterator[str]:
    """Whatever else the account holds: counted, and named where it was asked for."""
    elsewhere = document.get("elsewhere")
    if elsewhere is None:
        count = document["foreign"] + sum(document["others"].values())
        if count:
            yield f"elsewhere  {many(count, 'HIT')} in this account not of this campaign (--all tells whose)"
        return
    for holding in elsewhere["campaigns"]:
        yield from ("", f"campaign {clean(holding['name'])}", *_holding(holding))
    for holding in elsewhere["foreign"]:
        name = f'"{clean(holding["name"])}", HIT type {clean(holding["hit_type"])}'
        yield from ("", f"no campaign of turkform made these: {name}", *_holding(holding))
    if not elsewhere["campaigns"] and not elsewhere["foreign"]:
        yield "elsewhere  nothing: this account holds no HIT of anyone else's"


def _holding(holding: Mapping[str, Any]) -> Iterator[str]:
    yield f"  HITs       {holding['hits']:,}" + (f", the last ends {holding['ends']}" if holding["ends"] else "")
    yield (
        f"  work       {holding['open']:,} free, {holding['pending']:,} in work, {holding['submitted']:,} to review, "
        f"{holding['reviewed']:,} reviewed"
    )
    yield f"  committed  ${holding['committed']}"
