"""External pages and layouts: their addresses and parameters, checked where they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from campaign_files import YAML, problems, read, write

from turkform.offsite import address_problem

if TYPE_CHECKING:
    from pathlib import Path

QUESTION = "{html: tasks/bird.html, frame_height: 0}"
URL = "https://tasks.example.org/?at=${place}"


def with_question(question: str) -> dict[str, str]:
    return {"campaign.yaml": YAML.replace(QUESTION, question)}


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://tasks.example.org/label?a=1", ""),
        ("http://localhost:8000/x", ""),
        ("http://127.0.0.1/x", ""),
        ("http://tasks.example.org/", "is not https"),
        ("tasks.example.org/label", "is no https URL"),
        ("https:///x", "is no https URL"),
        ("https://[", "is no URL"),
        ("https://x.org:port/", "is no URL"),
        ("https://x.org/a b", "characters that no URL can"),
        ("ftp://x.org/", "is no https URL"),
        ("javascript:alert(1)", "is no https URL"),
        ("tasks/question.xml", "is no https URL"),
    ],
)
def test_an_address_is_one_that_workers_can_open(url: str, says: str) -> None:
    found = address_problem(url)
    assert says in found[0] if found else not says


@pytest.mark.parametrize(
    ("question", "says"),
    [
        (f'{{external: "{URL}"}}', ""),
        (f'{{external: "{URL}", frame_height: 700}}', ""),
        ('{external: "https://${place}.example.org/"}', "a placeholder stands in the host"),
        ('{external: "${photo}"}', ""),
        ('{external: "${place}"}', '"a lake" holds characters that no URL can'),
        ('{external: "https://x.org/?at=${Place}"}', "Did you mean ${place}?"),
        ('{external: "http://x.org/?at=${place}"}', "Write https://x.org/?at=a%20lake"),
        ('{layout: {id: 3ABC, parameters: {where: "At ${place}"}}}', ""),
        ('{layout: {id: 3ABC, parameters: {where: "At ${Place}"}}}', "Did you mean ${place}?"),
        ("{layout: {id: abc}}", 'layout.id: "abc" is not an id'),
        ("{layout: {id: 3ABC, parameters: {where: 3}}}", 'Write "3", in quotes'),
        ("{layout: {id: 3ABC}, frame_height: 3}", "frame_height belongs to html and external questions"),
        (f'{{html: tasks/bird.html, external: "{URL}"}}', "the question is two things: html and external"),
        ("{}", "the question does not say what workers see"),
        ("{htlm: tasks/bird.html}", "Did you mean html?"),
        ('{external: "https://x.org/?r=${var.reward}&at=${place}&e=${env}"}', ""),
        ('{external: "https://x.org/?r=${var.rewrad}&at=${place}"}', "Did you mean ${var.reward}?"),
    ],
)  # fmt: skip
def test_what_a_question_elsewhere_lacks_is_told_in_the_campaign(question: str, says: str, tmp_path: Path) -> None:
    found = problems(write(tmp_path, with_question(question)))
    if not says:
        assert found == []
        return
    assert says in f"{found[0].summary} {found[0].detail}", found
    assert found[0].location is not None
    assert len(found) == 1 or "place" in question


def test_a_layout_gets_its_parameters_and_no_question(tmp_path: Path) -> None:
    desired = read(write(tmp_path, with_question('{layout: {id: 3ABC, parameters: {where: "At ${place}", n: "1"}}}')))
    template = desired.sources["pilot"].template
    assert template.parameters({"place": "a lake"}) == {
        "HITLayoutId": "3ABC",
        "HITLayoutParameters": [{"Name": "n", "Value": "1"}, {"Name": "where", "Value": "At a lake"}],
    }
    other = read(write(tmp_path, with_question('{layout: {id: 3ABC, parameters: {where: "In ${place}", n: "1"}}}')))
    row = {"place": "a lake"}
    assert template.fingerprint(row) != other.sources["pilot"].template.fingerprint(row)
