"""HIT layouts: a page with `${name}` placeholders, kept here, and filled in for each HIT.

On MTurk they were made on the requester website; here the marketplace's keeper adds them for a requester.

Source: "HITLayout" and "HITLayoutParameter" in the API reference (read 24 Nov 2026).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from turkform.marketplace.documents import check_question
from turkform.marketplace.protocol import parameter_error, request_error
from turkform.marketplace.store import new_id
from turkform.marketplace.tables import layouts
from turkform.marketplace.xml_schemas import NAMESPACES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turkform.marketplace.context import Context

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9_.-]+)\}")


def add_layout(context: Context, page: str, *, frame_height: int = 0) -> str:
    """Keep a page as a layout of the context's requester; return its HITLayoutId.

    `page` is HTML, or a whole HTMLQuestion document; `frame_height` in pixels, 0 for the window's.

    Raises:
        DocumentError: a page that no HIT could have.
    """
    question = page if "<HTMLQuestion" in page[:500] else _document(page, frame_height)
    check_question(question)
    layout_id = new_id()
    context.connection.execute(insert(layouts).values(id=layout_id, requester=context.requester, question=question))
    return layout_id


def _document(page: str, frame_height: int) -> str:
    return (
        f'<HTMLQuestion xmlns="{NAMESPACES}2011-11-11/HTMLQuestion.xsd"><HTMLContent><![CDATA[{_inside(page)}]]>'
        f"</HTMLContent><FrameHeight>{frame_height}</FrameHeight></HTMLQuestion>"
    )


def _inside(text: str) -> str:
    """Text as it stands in a CDATA section."""
    return text.replace("]]>", "]]]]><![CDATA[>")


def fill_in(context: Context, layout_id: str, parameters: list[Mapping[str, Any]]) -> str:
    """The question of a HIT made from a layout.

    Values are put in as they stand, as MTurk did. UNCERTAIN layouts: the codes for a placeholder without value,
    and a value without placeholder.

    Raises:
        ApiError: no such layout of the caller's; a parameter missing, repeated or unknown; the result is no question.
    """
    mine = select(layouts.c.question).where(layouts.c.id == layout_id, layouts.c.requester == context.requester)
    question = context.connection.execute(mine).scalar()
    if question is None:
        raise request_error("HITLayoutDoesNotExist", f"HITLayout {layout_id} does not exist.")
    values = {given["Name"]: given["Value"] for given in parameters}
    if len(values) < len(parameters):
        raise parameter_error("A HITLayoutParameter is given more than once.")
    wanted = set(_PLACEHOLDER.findall(question))
    for name in sorted(wanted ^ values.keys()):
        raise parameter_error(
            f"HITLayoutParameter {name} is missing." if name in wanted else f"HITLayout {layout_id} has no ${{{name}}}."
        )
    return _PLACEHOLDER.sub(lambda found: _inside(values[found[1]]), question)
