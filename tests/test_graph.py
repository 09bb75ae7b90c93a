"""The graph of a campaign and of a plan: every edge once, every name quoted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from campaign_files import read, write
from plan_documents import HOSTILE, RICH, document, step

from turkform.graph import Graph, dot, mermaid, of_campaign, of_plan
from turkform.loader import load

QUOTED = r'"(?:[^"\\]|\\.)*"'
BRACKETED = r'\["(?:[\w ._-]|#\d+;|<br>)*"\]'
QUICKSTART = Path(__file__).parent.parent / "campaigns" / "quickstart"


def edges(graph: Graph) -> set[tuple[str, str]]:
    assert len(graph.edges) == len(set(graph.edges))
    return set(graph.edges)


def test_a_campaigns_graph_says_what_each_resource_needs() -> None:
    graph = of_campaign(load(QUICKSTART).campaign)
    assert edges(graph) == {
        ("qualification_type.pilot", "grant.pilot"),
        ("qualification_type.pilot", "hit_type.judge"),
        ("hit_type.judge", "batch.sentences"),
        ("grant.pilot", "batch.sentences"),
    }


def test_a_plans_graph_says_what_each_step_waits_for() -> None:
    plan = document(
        step("create", "hit_type.label", after=["record"]),
        step("create", "record"),
        step("create", "batch.pilot", "create", after=["hit_type.label"]),
        step("update", "batch.pilot", "move", after=["hit_type.label"]),
        step("delete", "qualification_type.old", after=["batch.pilot"]),
    )
    graph = of_plan(plan)
    assert edges(graph) == {
        ("record", "hit_type.label"),
        ("hit_type.label", "batch.pilot"),
        ("batch.pilot", "-qualification_type.old"),
    }
    assert [line[:2] for line in graph.nodes["batch.pilot"][1:]] == ["+ ", "~ "]


@pytest.mark.parametrize("plan", [RICH, HOSTILE], ids=["rich", "hostile"])
def test_every_name_is_quoted_in_both_languages(plan: dict[str, object]) -> None:
    graph = of_plan(plan)
    node_or_edge = rf'  {QUOTED}( \[label={QUOTED}(, fillcolor="#\w+")?\]| -> {QUOTED});'
    assert all(re.fullmatch(node_or_edge, line) for line in dot(graph).splitlines()[3:-1])
    node_or_edge = rf"  n\d+({BRACKETED}| --> n\d+)|  style n\d+ fill:#\w+,color:#\w+"
    assert all(re.fullmatch(node_or_edge, line) for line in mermaid(graph).splitlines()[1:])


def test_the_file_of_no_network_is_enough(tmp_path: Path) -> None:
    write(tmp_path)
    assert of_campaign(read(tmp_path).campaign).nodes
