"""What waits for what, as a drawing: Graphviz dot or Mermaid, of a campaign or of a plan.

In: what a campaign declares, or a plan document. Out: text in a drawing language. Names come from whoever wrote the
campaign; both languages get them quoted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from turkform.kinds.resource import Address
from turkform.printable import clean
from turkform.wording import SYMBOLS, sentence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from turkform.campaign import Campaign

    Document = Mapping[str, Any]

_FILL = {"create": "#dff5e3", "update": "#fdf0d0", "replace": "#f3e0f7", "delete": "#fde4e2", "wait": "#e0e8fd"}
_LONGEST = 60


@dataclass(slots=True)
class Graph:
    """Nodes by address, each with what is said of it and how it is filled; edges from what comes first."""

    nodes: dict[str, list[str]] = field(default_factory=dict)
    fills: dict[str, str] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)

    def add(self, node: str, *lines: str, action: str = "") -> None:
        """A node, or more lines under one that is there; the last action fills it."""
        self.nodes.setdefault(node, []).extend(lines)
        if action in _FILL:
            self.fills[node] = _FILL[action]


def of_campaign(campaign: Campaign) -> Graph:
    """Everything that is declared, and what it needs."""
    graph = Graph()
    addresses = list(_declared(campaign))
    for address in addresses:
        graph.add(str(address), str(address))
    for address in addresses:
        before = (name for name in campaign.prerequisites(address) if name in graph.nodes)
        graph.edges += [(name, str(address)) for name in before]
    return graph


def _declared(campaign: Campaign) -> Iterator[Address]:
    for name, wanted in campaign.qualification_types.items():
        yield Address("qualification_type", name)
        if wanted.workers:
            yield Address("grant", name)
    for name, hit_type in campaign.hit_types.items():
        yield Address("hit_type", name)
        if hit_type.notify:
            yield Address("notification", name)
    if campaign.blocks:
        yield Address("block")
    for name in campaign.batches:
        yield Address("batch", name)


def of_plan(document: Document) -> Graph:
    """The steps of a plan, in the order that their edges leave free."""
    graph = Graph()
    for step in document["steps"]:
        node = _node(step)
        said = sentence(step, document)
        short = said if len(said) <= _LONGEST else said[: _LONGEST - 1] + "…"
        if node not in graph.nodes:
            graph.add(node, str(step["address"]))
        graph.add(node, f"{SYMBOLS[step['action']]} {short or step['action']}", action=step["action"])
        graph.edges += [(before, node) for before in step.get("after", ()) if (before, node) not in graph.edges]
    return graph


def _node(step: Mapping[str, Any]) -> str:
    takes = step["action"] == "delete" and not step["address"].startswith("batch.")
    return f"-{step['address']}" if takes else str(step["address"])


def dot(graph: Graph) -> str:
    """For `dot -Tsvg`."""
    lines = ["digraph turkform {", "  rankdir=LR;", '  node [shape=box, style="rounded,filled", fillcolor=white];']
    for node, lines_of in graph.nodes.items():
        fill = f', fillcolor="{graph.fills[node]}"' if node in graph.fills else ""
        lines.append(f"  {_quoted(node)} [label={_quoted(*lines_of)}{fill}];")
    lines += [f"  {_quoted(before)} -> {_quoted(after)};" for before, after in graph.edges]
    return "\n".join([*lines, "}"])


def _quoted(*lines: str) -> str:
    escaped = (clean(line).replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(escaped) + '"'


def mermaid(graph: Graph) -> str:
    """For a Markdown page: put it between ```mermaid and ```."""
    names = {node: f"n{number}" for number, node in enumerate(graph.nodes)}
    lines = ["flowchart LR"]
    lines += [f'  {names[node]}["{"<br>".join(map(_entities, said))}"]' for node, said in graph.nodes.items()]
    lines += [f"  {names[before]} --> {names[after]}" for before, after in graph.edges]
    lines += [f"  style {names[node]} fill:{fill},color:#1d2430" for node, fill in graph.fills.items()]
    return "\n".join(lines)


def _entities(text: str) -> str:
    """Mermaid reads `#NUMBER;` as the character."""
    return "".join(char if char.isalnum() or char in " ._-" else f"#{ord(char)};" for char in clean(text))
