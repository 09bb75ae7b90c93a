"""The list of tasks, as a worker sees it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from marketplace_server import STORES, Server, running
from surfing import as_worker
from tasks_for_people import PAGE, html_question, publish

if TYPE_CHECKING:
    from collections.abc import Iterator

QUESTION = html_question(PAGE)
_NUMBERS = itertools.count()


@pytest.fixture(scope="module", params=STORES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("browse"), store=request.param) as found:
        yield found


@pytest.fixture
def client(server: Server) -> Any:
    """A requester of its own for every test."""
    return server.client(f"KEY{next(_NUMBERS)}")


def qualification(client: Any, name: str) -> str:
    given = {"Name": name, "Description": "D", "QualificationTypeStatus": "Active"}
    made: str = client.create_qualification_type(**given)["QualificationType"]["QualificationTypeId"]
    return made


def needs(type_id: str, guards: str = "Accept") -> list[dict[str, Any]]:
    return [{"QualificationTypeId": type_id, "Comparator": "Exists", "ActionsGuarded": guards}]


def test_a_group_shows_what_it_pays_asks_and_takes(server: Server, client: Any) -> None:
    for _ in range(2):
        publish(client, QUESTION, Title="Zebras", Description="Count the stripes.", Keywords="animals,stripes")
    seen = as_worker(server, "A1LOOKS").get("/?q=zebras").text
    expected = ("1 group of tasks", "Zebras", "Count the stripes.", "2 tasks", "10 minutes each", "$0.10", "stripes")
    assert [word for word in expected if word not in seen] == []


def test_words_are_sought_in_titles_descriptions_keywords_and_requesters(server: Server, client: Any) -> None:
    hit = publish(client, QUESTION, Title="Yaks", Description="In the mountains.", Keywords="wool,50% off")
    requester = as_worker(server, "A1LOOKS").get("/?q=yaks").text.partition("by ")[2].split()[0]
    for text in ("YAKS", "mountains", "wool", "yaks+wool", "50%25+off", requester):
        assert hit["HITGroupId"] in as_worker(server, "A1LOOKS").get(f"/?q={text}").source
    assert "0 groups" in as_worker(server, "A1LOOKS").get("/?q=yaks+feathers").text


def test_a_smallest_reward_and_an_order_can_be_asked_for(server: Server, client: Any) -> None:
    for cents in ("0.05", "0.30", "0.20"):
        publish(client, QUESTION, Title=f"Xylo {cents}", Reward=cents)
    seen = as_worker(server, "A1LOOKS").get("/?q=xylo&pay=0.20&sort=reward").text
    assert "2 groups" in seen
    assert seen.index("$0.30") < seen.index("Xylo 0.20")


@pytest.mark.parametrize(
    "query", ["pay=nan", "pay=-1", "pay=1e9", "sort=x", "from=-5", "from=99999999999", "q='", "q=%25_%5C", "q=%FF"]
)
def test_whatever_is_asked_for_is_answered_with_a_page(server: Server, query: str) -> None:
    assert as_worker(server, "A1LOOKS").get(f"/?{query}").status == 200


@pytest.mark.parametrize("path", ["/?q=%00", "/hits/%00", "/assignments/%00", "/qualifications?q=%00", "/static/%00"])
def test_a_character_that_no_text_has_is_refused(server: Server, path: str) -> None:
    assert as_worker(server, "A1LOOKS").get(path).status in {400, 404}


def test_what_may_not_be_discovered_is_not_listed(server: Server, client: Any) -> None:
    type_id = qualification(client, "Secret")
    publish(client, QUESTION, Title="Wombats", QualificationRequirements=needs(type_id, "DiscoverPreviewAndAccept"))
    assert "0 groups" in as_worker(server, "A1OUT").get("/?q=wombats").text
    client.associate_qualification_with_worker(QualificationTypeId=type_id, WorkerId="A1IN")
    assert "1 group" in as_worker(server, "A1IN").get("/?q=wombats").text


def test_a_requirement_is_named_with_whether_it_is_met(server: Server, client: Any) -> None:
    type_id = qualification(client, "Knows voles")
    publish(client, QUESTION, Title="Voles", QualificationRequirements=needs(type_id))
    seen = as_worker(server, "A1OUT").get("/?q=voles").text
    assert "You do not qualify yet Not met: Knows voles : you have it" in seen
    assert "0 groups" in as_worker(server, "A1OUT").get("/?q=voles&mine=1").text
    client.associate_qualification_with_worker(QualificationTypeId=type_id, WorkerId="A1VOLES")
    assert "You qualify Met: Knows voles" in as_worker(server, "A1VOLES").get("/?q=voles&mine=1").text


def test_a_blocked_worker_is_told_so(server: Server, client: Any) -> None:
    publish(client, QUESTION, Title="Urchins")
    client.create_worker_block(WorkerId="A1BLOCKED", Reason="because")
    seen = as_worker(server, "A1BLOCKED").get("/?q=urchins").text
    assert "Not for you: the requester blocked you" in seen
    assert "because" not in seen


def test_a_long_list_comes_in_pages(server: Server, client: Any) -> None:
    for number in range(21):
        publish(client, QUESTION, Title=f"Toads {number}")
    surfer = as_worker(server, "A1LOOKS")
    assert "1 to 20 of 21 More" in surfer.get("/?q=toads").text
    assert "Earlier 21 to 21 of 21" in surfer.get("/?q=toads&from=20").text


def test_what_requesters_write_is_text_and_nothing_else(server: Server, client: Any) -> None:
    hostile = "<img src=x onerror=alert(1)>\"'>{{ 7*7 }}"
    publish(client, QUESTION, Title=f"Snakes {hostile}", Description=hostile, Keywords=hostile)
    page = as_worker(server, "A1LOOKS").get("/?q=snakes")
    assert "<img" not in page.source
    assert "49" not in page.text
    assert "Snakes <img src=x onerror=alert(1)>" in page.text
    assert "<img" not in as_worker(server, "A1LOOKS").get("/?q=%3Cimg%20src=x%3E%22'").source
