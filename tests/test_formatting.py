"""`fmt` changes how a campaign file looks, and nothing that it says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from campaign_files import YAML, write
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from turkform.cli.app import app
from turkform.errors import CampaignError
from turkform.formatting import WIDTH, formatted
from turkform.messages import keys_at
from turkform.yaml_tree import Node, read_tree

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

HERE = Path("x.yaml")
ROOT = Path(__file__).parent.parent

UNTIDY = """\
# yaml-language-server: $schema=birds.json

# Who we are.
campaign: 'birds'   # for good
turkform: 1
batches:
    # the first
    pilot:
        hit_type: label      # terms
        lifetime:   7d
        assignments: 3


        question: { html: 'bird.html' ,
           frame_height: 0 } # a page
        # limit: 20
    # second: {}
hit_types:
  label:
    description: |-   # shown
        Two lines,
          the second deeper.
    title: Which bird
       is this?
    requirements:
    - qualification: trained    # first
      at_least: 1
    -
      # grown up
      system: adult
    - {system: locale, in: [US, 'GB', # two
        "it's"]}
# the end
"""
TIDY = """\
# yaml-language-server: $schema=birds.json

turkform: 1
# Who we are.
campaign: "birds"   # for good

hit_types:
  label:
    title: Which bird
      is this?
    description: |-  # shown
      Two lines,
        the second deeper.
    requirements:
      - qualification: trained  # first
        at_least: 1
      # grown up
      - system: adult
      - system: locale
        in:
          - US
          - "GB"                      # two
          - "it's"

batches:
  # the first
  pilot:
    hit_type: label          # terms

    question: {html: "bird.html", frame_height: 0}  # a page
    assignments: 3
    lifetime: 7d
    # limit: 20
  # second: {}
# the end
"""


def form(text: str) -> str:
    return formatted(HERE, text.encode(), keys_at)


def values(node: Node | None) -> Any:
    """What a tree says, as plain values; a text in quotes is not what it is without."""
    if node is None:
        return None
    if node.entries is not None:
        return {name: values(value) for name, (_, value) in node.entries.items()}
    if node.parts is not None:
        return [values(part) for part in node.parts]
    return (type(node.value).__name__, node.value)


def test_an_untidy_file_becomes_a_tidy_one() -> None:
    assert form(UNTIDY) == TIDY


@pytest.mark.parametrize(
    "text",
    [
        UNTIDY,
        YAML,
        "",
        "# only this\n\n\n\n",
        "a: |+2\n    b\n\n\nc: d\n",
        "a:\n - |+  # why\n    one\n\n   # deep\nb: {}",
    ],
)
def test_what_was_formatted_stays_as_it_is(text: str) -> None:
    assert form(form(text)) == form(text)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("a:   1\r\nb: 2", "a: 1\nb: 2\n"),
        ("\ufeffa: 1", "a: 1\n"),
        ("---\na: 1\n...\n", "a: 1\n"),
        ("a: 'x'\nb: 'say \"y\"'\nc: 'it''s'\nd: '\\n'", 'a: "x"\nb: \'say "y"\'\nc: "it\'s"\nd: \'\\n\'\n'),
        ("a:\n- 1\n# of b\nb:\n- - 2\n  - 3", "a:\n  - 1\n# of b\nb:\n  - - 2\n    - 3\n"),
        ("b: &x [1]\nturkform: *x", "b: &x [1]\nturkform: *x\n"),
        ("a: {b: 1, c: }", "a: {b: 1, c: }\n"),
        ("a: &x\n  b: 1\nc: *x", "a: &x\n  b: 1\nc: *x\n"),
        ("a: [b: 1, {}, []]", "a: [{b: 1}, {}, []]\n"),
        ("a:\n  - &x\n    b: 1\n  - &y 2", "a:\n  - &x\n    b: 1\n  - &y 2\n"),
        ('a: "one\n      two \\\n      three"', 'a: "one\n  two \\\n  three"\n'),
        ("? a\n: b\n", "a: b\n"),
        ("a: [b,\n  c]   # list", "a: [b, c]  # list\n"),
        ("a:    # map\n      b: 1", "a:    # map\n  b: 1\n"),
        ("a: |\n    b", "a: |-\n  b\n"),
        ("a:\n  - >2-\n      b\n", "a:\n  - >2-\n      b\n"),
    ],
)
def test_each_way_to_write_it_has_one_form(wrong: str, right: str) -> None:
    assert form(wrong) == right


def test_a_map_in_braces_that_is_too_long_for_a_line_becomes_a_key_a_line() -> None:
    words = [f"word{n}" for n in range(40)]
    assert form(f"a: {{b: [{', '.join(words)}], c: 1}}") == (
        "a:\n  b:\n" + "".join(f"    - {word}\n" for word in words) + "  c: 1\n"
    )


@pytest.mark.parametrize("path", sorted(ROOT.glob("campaigns/*/*.yaml")), ids=lambda path: path.parent.name)
def test_our_own_campaigns_are_formatted(path: Path) -> None:
    assert formatted(path, path.read_bytes(), keys_at) == path.read_text()


def test_what_is_no_yaml_is_told_as_validate_tells_it() -> None:
    with pytest.raises(CampaignError) as caught:
        form("a: 'b\n")
    assert caught.value.diagnostics[0].location


# --- laws --------------------------------------------------------------------------------------------------

PLAIN = st.sampled_from(["a", "0.10", "7d", "${var.x}", "true", "~", "one two", "a#b", "https://x.org/?a=1", "-1", "é"])
KEYS = st.sampled_from(["a", "b", "turkform", "campaign", "title", "batches", "pilot", "hit_type", "'q k'", '"d"'])
QUOTED = st.sampled_from(["'single'", "'it''s'", "'say \"x\"'", '"double"', '"a\\tb"', "'# no comment'", "'1'", "''"])
BLOCKS = st.sampled_from([["|", "one", "  two"], [">-", "one", "", "two"], ["|+  # why", "one", ""], ["|2", "  one"]])
COMMENT = st.sampled_from(["# one", "#two", "# three: [x]", "#"])


@st.composite
def flows(draw: DrawFn, depth: int) -> str:
    """A value in one line, or in several with a comment."""
    if depth == 0 or draw(st.booleans()):
        return draw(QUOTED | PLAIN.filter(lambda text: "," not in text))
    gap = draw(st.sampled_from(["", " ", "\n        ", "  # c\n        "]))
    parts = draw(st.lists(flows(depth - 1), max_size=3))
    if draw(st.booleans()):
        return "[" + gap + f",{gap or ' '}".join(parts) + "]"
    keys = draw(st.lists(KEYS, min_size=len(parts), max_size=len(parts), unique_by=lambda key: key.strip("'\"")))
    return "{" + gap + f",{gap or ' '}".join(f"{k}: {p}" for k, p in zip(keys, parts, strict=True)) + " }"


@st.composite
def blocks(draw: DrawFn, depth: int, indent: int) -> list[str]:
    """A map or a list over several lines, with comments above, beside and below."""
    pad, is_map = " " * indent, draw(st.booleans()) or indent == 0
    keys = draw(st.lists(KEYS, min_size=1, max_size=4, unique_by=lambda key: key.strip("'\"")))
    lines: list[str] = []
    for key in keys:
        lines += draw(st.lists(st.sampled_from(["", pad + "# above", "# far left", " " * (indent + 3) + "# deep"])))
        head = pad + (f"{key}:" if is_map else "-")
        beside = draw(st.sampled_from(["", "", " # beside", "     #far"]))
        kind = draw(st.sampled_from(["flow", "block", "text"] if depth else ["flow", "text"]))
        if kind == "flow":
            lines.append(f"{head} {draw(flows(2))}{beside}")
        elif kind == "text":
            first, *rest = draw(BLOCKS)
            lines += [f"{head} {first}", *(pad + "   " + line if line else "" for line in rest)]
        else:
            deeper = indent + draw(st.integers(1, 4))
            lines += [head + beside, *draw(blocks(depth - 1, deeper))]
    return lines


def files() -> SearchStrategy[str]:
    return blocks(3, 0).map("\n".join).filter(lambda text: read(text) is not None)


def read(text: str) -> Node | None:
    try:
        return read_tree(HERE, text.encode())
    except CampaignError:
        return None


@settings(max_examples=int(os.environ.get("TURKFORM_EXAMPLES", "60")), deadline=None)
@given(files())
def test_parse_after_format_is_parse_and_format_after_format_is_format(text: str) -> None:
    once = form(text)
    assert values(read(once)) == values(read(text))
    assert form(once) == once
    assert once.endswith("\n")
    assert not any(line != line.rstrip() for line in once.splitlines())
    assert "|" in once or ">" in once or "\n\n\n" not in once


@settings(max_examples=50, deadline=None)
@given(files())
def test_the_order_of_known_keys_does_not_depend_on_the_order_they_were_written_in(text: str) -> None:
    tree = read(text)
    keys = [line for line in form(text).splitlines() if line[:1] not in (" ", "#", "", "-")]
    known = [k for k in ("turkform", "campaign", "title", "batches") if k in (tree.entries or {})] if tree else []
    assert "|+" in text or [k for key in keys if (k := key.split(":")[0]) in known] == known


# --- the command -------------------------------------------------------------------------------------------


def run(folder: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["-C", str(folder), "fmt", *words])
    return result.exit_code, result.output


def test_fmt_writes_what_it_names_and_check_only_tells(tmp_path: Path) -> None:
    write(tmp_path, {"campaign.yaml": YAML.replace("title: Birds", "title:   Birds"), "more.yaml": "title:  x"})
    (tmp_path / "campaign.yaml").chmod(0o640)
    before = (tmp_path / "campaign.yaml").read_text()
    code, said = run(tmp_path, "--check")
    assert (code, (tmp_path / "campaign.yaml").read_text()) == (1, before)
    assert said == f"would change {tmp_path}/campaign.yaml\nwould change {tmp_path}/more.yaml\n"
    code, said = run(tmp_path, "--diff")
    assert code == 0
    assert "-title:   Birds in photos\n+title: Birds in photos\n" in said
    assert (tmp_path / "campaign.yaml").read_text() == before
    code, said = run(tmp_path)
    assert (code, said) == (0, f"formatted {tmp_path}/campaign.yaml\nformatted {tmp_path}/more.yaml\n")
    assert (tmp_path / "campaign.yaml").read_text() != before
    assert (tmp_path / "campaign.yaml").stat().st_mode & 0o777 == 0o640
    assert run(tmp_path, "--check") == (0, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["campaign.yaml", "data", "more.yaml", "tasks"]


def test_a_line_is_never_longer_than_it_has_to_be() -> None:
    text = form("a: {" + ", ".join(f"k{n}: 1" for n in range(14)) + "}")
    assert max(map(len, text.splitlines())) <= WIDTH
