"""Layouts: kept for a requester by the marketplace's keeper, filled in by each HIT."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

import pytest
from botocore.exceptions import ClientError
from marketplace_server import Server, running, store_url
from marketplace_world import TERMS, World, page

from turkform.marketplace.context import Context
from turkform.marketplace.documents import DocumentError
from turkform.marketplace.layouts import add_layout
from turkform.marketplace.origins import Origins
from turkform.marketplace.payments import fees_named
from turkform.marketplace.settings import Settings
from turkform.marketplace.store import Store, requester_id

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = Settings(rehearsal=True, origins=Origins.rehearsal(1), fees=fees_named("none"))
PAGE = "<!DOCTYPE html><html><body><form><img src='${image_url}'>${text}</form></body></html>"


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    folder = tmp_path_factory.mktemp("layouts")
    url = store_url("sqlite", folder)
    with running(folder, store=url) as server:
        yield server, url


@pytest.fixture
def w(where: tuple[Server, str]) -> World:
    return World(*where)


def layout(w: World, content: str = PAGE) -> str:
    store = Store(w.store)
    try:
        with store.transaction() as connection:
            return add_layout(Context(connection, requester_id(w.key), 0.0, SETTINGS), content)
    finally:
        store.close()


def made(w: World, layout_id: str, **values: str) -> dict[str, Any]:
    parameters = [{"Name": name, "Value": value} for name, value in values.items()]
    answer: dict[str, Any] = w.client.create_hit(
        **TERMS, LifetimeInSeconds=600, HITLayoutId=layout_id, HITLayoutParameters=parameters
    )
    hit: dict[str, Any] = w.client.get_hit(HITId=answer["HIT"]["HITId"])["HIT"]
    return hit


@pytest.mark.parametrize("content", [PAGE, page(PAGE[27:-14])])
def test_a_hit_shows_the_layout_with_its_values(w: World, content: str) -> None:
    layout_id = layout(w, content)
    hit = made(w, layout_id, image_url="https://example.org/1.jpg", text="a <b>cat</b> ]]> here")
    assert hit["HITLayoutId"] == layout_id
    assert "<img src='https://example.org/1.jpg'>a <b>cat</b> ]]]]><![CDATA[> here</form>" in hit["Question"]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"text": "t"}, "image_url is missing"),
        ({"text": "t", "image_url": "u", "more": "m"}, r"has no \$\{more\}"),
        ({"text": "x" * 65_536, "image_url": "u"}, "must not be larger than 65535 bytes"),
    ],
)
def test_values_must_be_those_of_the_layout_and_fit(w: World, values: dict[str, str], says: str) -> None:
    with pytest.raises(ClientError, match=says) as caught:
        made(w, layout(w), **values)
    assert caught.value.response["Error"]["Code"] == "ParameterValidationError"


def test_a_layout_is_one_requesters_own(w: World) -> None:
    with pytest.raises(w.client.exceptions.RequestError, match="does not exist"):
        made(w.another(), layout(w), text="t", image_url="u")


def test_a_page_that_no_hit_could_have_is_no_layout(w: World) -> None:
    with pytest.raises(DocumentError, match="body"):
        layout(w, "<body><body>")


def test_a_rehearsal_says_when_it_knows_an_access_key(where: tuple[Server, str]) -> None:
    with pytest.raises(HTTPError) as refused:
        where[0].control("requester/layout", requester="NEVERCALLED", page=PAGE)
    said = refused.value.read().decode()
    assert "a rehearsal knows an access key from its first call" in said
