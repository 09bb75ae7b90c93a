"""Every view of a plan document: kept as goldens, bounded in size, harmless whatever stands in it."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from plan_documents import HOSTILE, REPLACED, VIEWED, huge

from turkform.markdown import LARGEST, LEVELS, markdown
from turkform.render import draw
from turkform.webpage import webpage

GOLDENS = Path(__file__).parent / "goldens"
VIEWS = {
    "txt": lambda document: draw(document, full=True, width=100).plain + "\n",
    "md": markdown,
    "html": webpage,
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", VIEWED)
def test_a_view_is_drawn_as_it_was_looked_at(name: str, view: str) -> None:
    """After a change that is meant: `python tests/test_views.py`, look at them, commit them."""
    assert VIEWS[view](VIEWED[name]) == (GOLDENS / f"{name}.{view}").read_text(encoding="utf-8")


@pytest.mark.parametrize("steps", [1, 30, 300])
def test_markdown_fits_a_comment_and_keeps_price_and_what_cannot_be_undone(steps: int) -> None:
    text = markdown(huge(steps))
    assert len(text) < LARGEST
    assert "at most \\$16\\.70" in text
    items = f"{steps * 100_000:,} items"
    assert f"Cannot be undone: {steps:,} step{'s' if steps > 1 else ''}, {items}, ${steps}.00" in text
    named = min(steps, LEVELS[-1].graves)
    assert all(f"`batch.b{n}`" in text for n in range(named))


def test_a_parser_finds_nothing_of_a_hostile_campaign_to_be_markup_in_markdown() -> None:
    named, words = r"<code>(&#\d+;|[\w\s])*</code>", "4 steps, in order|Task |, before and after"
    ours = re.compile(rf"(</?(details|summary|sub)>|{named}|{words}|\s)*|</?(sub|code)>")
    parsed = MarkdownIt("commonmark").enable("table").parse(markdown(HOSTILE))
    tokens = [token for block in parsed for token in (block, *(block.children or ()))]
    assert {token.type for token in tokens} & {"link_open", "image", "hr"} == set()
    for token in tokens:
        if token.type in {"html_block", "html_inline"}:
            assert ours.fullmatch(token.content), token.content
        if token.type == "text":
            assert not re.search(r"[@#]\w|\x1b", token.content), token.content
    assert [token.tag for token in tokens if token.type == "heading_open"] == ["h3"]


class _Tags(HTMLParser):
    """Every tag of a page with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize("document", [HOSTILE, REPLACED], ids=["hostile", "replaced"])
def test_the_web_page_has_no_script_no_link_and_only_sandboxed_frames(document: dict[str, Any]) -> None:
    parser = _Tags()
    parser.feed(webpage(document))
    names = {tag for tag, _ in parser.tags}
    assert not names & {"script", "img", "link", "a", "object", "embed", "form", "base"}
    frames = [attributes for tag, attributes in parser.tags if tag == "iframe"]
    assert len(frames) == 2
    assert all(frame["sandbox"] == "" and "src" not in frame for frame in frames)
    assert not any(name.startswith("on") for _, attributes in parser.tags for name in attributes)
    policy = next(a["content"] for tag, a in parser.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none';")


def test_the_web_page_names_the_hosts_a_task_would_load_from() -> None:
    page = webpage(REPLACED)
    assert "<code>pictures.example.org</code>" in page
    assert "mturk.com</code>" not in page


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    GOLDENS.mkdir(exist_ok=True)
    for kept, shown in VIEWED.items():
        for suffix, drawn in VIEWS.items():
            (GOLDENS / f"{kept}.{suffix}").write_text(drawn(shown), encoding="utf-8")
