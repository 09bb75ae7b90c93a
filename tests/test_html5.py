"""HTML as MTurk read it, held against the marketplace's own reader; and whom a page loads from."""

from __future__ import annotations

import pytest

from turkform import html5
from turkform.marketplace import html_rules

PAGES = [
    ("<p>a</p></p></input><br>", ""),
    ("<!doctype html><html><head><title>x</title></head><body><form></form></body></html>", ""),
    ("<p>a</p><body>", "<body>"),
    ("<div></div><html><body class='x'>", "<body class='x'>"),
    ("text <body>", "<body>"),
    ("<style>p{}</style><script>if (a<b) {}</script><body><p>", ""),
    ("<template><p></template><body>", ""),
    ("<!-- <p> --><body>", ""),
    ('<input type="text"name="a">', 'name="a"'),
    ("<input type='text'name=a>", "name=a"),
    ('<input type="text"/>', ""),
    ("<p title='a\"b' lang=\"c'd\">", ""),
    ("<textarea><body></textarea><body>", "<body>"),
    ("</p></body><body>", "<body>"),
    ("<![CADTA[x]]><![if IE]><p><![CDATA[<body>]]><body>", "<body>"),
    ("<p><![x", ""),
    ("<img src=\"data:image/svg+xml,<svg x='1'y='2'/>\">", ""),
]


@pytest.mark.parametrize(("page", "at"), PAGES, ids=[page for page, _ in PAGES])
def test_what_mturk_refused_is_found_at_its_place_and_the_marketplace_agrees(page: str, at: str) -> None:
    found = html5.problems(page)
    assert [page[problem.offset :][: len(at)] for problem in found] == ([at] if at else [])
    assert len(html_rules.problems(page)) == len(found)


@pytest.mark.parametrize(
    ("page", "hosts"),
    [
        ('<script src="https://a.example/x.js"></script><img src="//b.example/y.png">', ["a.example", "b.example"]),
        ('<a href="https://a.example/">read</a>', []),
        ('<link rel=stylesheet href="https://a.example/x.css">', ["a.example"]),
        ("<style>@import 'https://a.example/x'; p {background: url(http://b.example/p)}</style>",
         ["a.example", "b.example"]),
        ('<img srcset="https://a.example/1 1x, https://b.example/2 2x">', ["a.example", "b.example"]),
        ('<p style="background: url(\'https://a.example/x\')">', ["a.example"]),
        ('<img src="data:image/png;base64,AAAA"><img src="/relative"><img src="https://[">', []),
    ],
)  # fmt: skip
def test_every_host_that_a_browser_asks_is_named(page: str, hosts: list[str]) -> None:
    assert html5.hosts(page) == hosts
