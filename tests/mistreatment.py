"""Any bytes in any file of a campaign: what may come of it, for hypothesis here and atheris in `benchmarks`.

In: the name of a target and the bytes for its file. Out: nothing, or a `BrokenError`: an error that no user should see,
or a file that was read though it lies outside of the campaign.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from turkform.errors import CampaignError, TurkformError
from turkform.files import Files
from turkform.form_pages import open_form
from turkform.formatting import formatted
from turkform.inspection import Inspection
from turkform.items import check_items, read_items
from turkform.loader import load
from turkform.messages import keys_at
from turkform.migration import migrate
from turkform.questions import open_template
from turkform.yaml_tree import read_tree, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

YAML = """\
turkform: 1
campaign: birds
variables: {reward: {type: money, default: "0.15"}}
environments: {local: {endpoint: local}}
qualification_types:
  trained:
    name: "Birds: trained"
    description: Passed the training.
    test: {form: quals/test.xml, answer_key: quals/key.xml, duration: 20m}
    workers: {file: quals/workers.csv}
hit_types:
  label: &label
    title: Which bird is this?
    description: Name the bird in one photo.
    keywords: [birds, 'photos']   # two
    reward: ${var.reward}
    assignment_duration: 10m
    requirements:
      - {qualification: trained, at_least: 80}
      - {system: locale, in: [US, GB]}
batches:
  csv: &csv {hit_type: label, question: {html: tasks/bird.html}, items: data/birds.csv, key: id, lifetime: 7d}
  tsv: {hit_type: label, question: {html: tasks/bird.html.j2}, items: data/birds.tsv, key: id, lifetime: 7d}
  jsonl:
    hit_type: label
    question: {form: tasks/form.xml}
    items: data/birds.jsonl
    key: [id, place]
    lifetime: 7d
  away:
    hit_type: label
    question: {external: "https://x.example/?b=${id}"}
    items: data/birds.csv
    key: id
    lifetime: 1d
blocks: {file: blocks.csv}
budget: "100.00"
policies: {max_deletes: 30%, min_hourly_pay: {rate: "8.00", expected_time: 45s}}
"""
_XSD = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas"
FORM = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<QuestionForm xmlns="{_XSD}/2017-11-06/QuestionForm.xsd"><Overview><Title>Birds</Title>
<FormattedContent><![CDATA[<p>One <b>bird</b></p>]]></FormattedContent></Overview>
<Question><QuestionIdentifier>bird</QuestionIdentifier><IsRequired>true</IsRequired>
<QuestionContent><Text>Which &amp; why?</Text></QuestionContent><AnswerSpecification><SelectionAnswer>
<StyleSuggestion>radiobutton</StyleSuggestion><Selections>
<Selection><SelectionIdentifier>duck</SelectionIdentifier><Text>Duck</Text></Selection>
<Selection><SelectionIdentifier>goose</SelectionIdentifier><Text>Goose</Text></Selection>
</Selections></SelectionAnswer></AnswerSpecification></Question></QuestionForm>
"""
KEY = f"""\
<AnswerKey xmlns="{_XSD}/2005-10-01/AnswerKey.xsd"><Question><QuestionIdentifier>bird</QuestionIdentifier>
<AnswerOption><SelectionIdentifier>duck</SelectionIdentifier><AnswerScore>1</AnswerScore></AnswerOption></Question>
<QualificationValueMapping><PercentageMapping><MaximumSummedScore>1</MaximumSummedScore></PercentageMapping>
</QualificationValueMapping></AnswerKey>
"""
PAGE = (
    "<p>A bird near ${place}</p><img src=\"${photo}\" alt=''><!-- x -->"
    "<script>`${x()}` < 1</script><input name=a required>"
)
JINJA = '{% set n = 2 %}<p>{{ place | upper }} {{ row["photo"] }}</p>{% if n > 1 %}<input name="a">{% endif %}{# x #}'
CSV = 'id,photo,place\nb1,https://x.example/1.jpg,a lake\nb2,x,"a ""wood"", by night"\n'
JSONL = '{"id": "b1", "photo": "x", "place": "a lake"}\n{"id": "b2", "photo": [1.50, null], "place": "\\u00e9"}\n'
FILES = {
    "campaign.yaml": YAML, "tasks/bird.html": PAGE, "tasks/bird.html.j2": JINJA, "tasks/form.xml": FORM,
    "data/birds.csv": CSV, "data/birds.tsv": CSV.replace(",", "\t"), "data/birds.jsonl": JSONL,
    "quals/test.xml": FORM, "quals/key.xml": KEY, "quals/workers.csv": "worker_id,value\nA1EXAMPLE,90\n",
    "blocks.csv": "worker_id,reason\nA2EXAMPLE,Random answers\n",
}  # fmt: skip
TERMS = '{"Title": "T", "Keywords": "a, b", "Reward": "0.10", "QualificationRequirements": [{"Comparator": "Exists"}]}'
FOREIGN = {
    "hittypeproperties.json": TERMS, "hitproperties.json": '{"MaxAssignments": 2, "LifetimeInSeconds": 3600}',
    "question.xml.j2": "<HTMLQuestion><HTMLContent><![CDATA[<p>{{ a }}</p>]]></HTMLContent></HTMLQuestion>",
    "data.jsonl": '{"a": "1"}\n{"a": "2"}\n',
}  # fmt: skip
BATCH = '"HITId","Title","Reward","WorkerId","Input.a","Answer.b"\n"3A","T","$0.10","A1X","1","x"\n'
WORDS = (
    b"${", b"}", b"$${", b"${var.reward}", b"{{", b"{%", b"%}", b"{% for i in range(9) %}", b"{% endfor %}", b"<<: ",
    b"&a ", b"*a", b"!!python/object:os.system ", b"? ", b"- ", b": ", b"\n", b"\r", b"\t", b'"', b"'", b"|\n ",
    b">+2\n", b"#", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xe2\x80\xa8", b"\\ud800", b"---\n",
    b"...\n", b"[", b"]", b"{", b"}", b"<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]>", b"&y;",
    b"<![CDATA[", b"]]>", b"<body>", b"../secret.txt", b"secret.csv", b"/etc/passwd", b"link.html", b"link.csv",
    b"file:", b"1e999", b"9" * 30, b"-0", b"NaN", b"true", b"null", b"~", b"items", b"key", b"html", b"external",
    b"form", b"layout", b"extends 'link.html'", b"{% include '../../../../etc/passwd' %}",
    b"{% include 'link.html' %}", b"__class__", b"|safe", b"&#0;", b"&#xD800;",
)  # fmt: skip
"""What is worth inserting: the words of the formats, and ways out of the campaign's folder."""


class BrokenError(AssertionError):
    """What must not happen, happened."""


@dataclass(frozen=True)
class Target:
    """One file to mistreat; `run` reads what it is part of."""

    file: str
    seeds: tuple[bytes, ...]
    run: Callable[[Path], Any]


def _load(folder: Path) -> None:
    """What is valid is whole: nothing that was declared is left out in silence, for that would retire it."""
    desired = load(folder, environ={})
    path = folder / "campaign.yaml"
    tree = read_tree(path, path.read_bytes())
    for section in ("qualification_types", "hit_types", "batches"):
        node = tree.get(section) if tree else None
        declared = set(node.entries or ()) if node else set()
        if declared != set(getattr(desired.campaign, section)):
            raise BrokenError(f"{section}: {declared} declared, and others read")
    if set(desired.sources) != set(desired.campaign.batches):
        raise BrokenError("a batch has no page")


def _format(folder: Path) -> None:
    path = folder / "campaign.yaml"
    try:
        once = formatted(path, path.read_bytes(), keys_at)
    except CampaignError:
        return
    except TurkformError as error:
        raise BrokenError(str(error)) from error
    if formatted(path, once.encode(), keys_at) != once:
        raise BrokenError("a formatted file is formatted again")


def _tree(folder: Path) -> None:
    tree = read_tree(folder / "campaign.yaml", (folder / "campaign.yaml").read_bytes())
    for _ in walk(tree) if tree else ():
        pass


def _rows(folder: Path, name: str) -> None:
    for problem in check_items(folder / name, ("id",)).problems:
        str(problem)


def _page(folder: Path, name: str) -> None:
    data = folder / "data/birds.csv"
    path = folder / name
    files = Files(folder)

    def read(path: Path) -> bytes:
        return files.read(os.path.relpath(path, folder))

    page = open_form(path, read) if path.suffix == ".xml" else open_template(path, read=read)
    inspection = Inspection(page, data)
    for item in read_items(data, ("id",)):
        inspection(item)
    for problem in [*page.unknown(("id", "photo", "place"), data), *inspection.problems()]:
        str(problem)


def _migrate(folder: Path) -> None:
    migrate([folder / "foreign"], "birds").write()


def _migrate_batch(folder: Path) -> None:
    migrate([folder / "batch.csv", folder / "tasks/bird.html"], "birds").write()


TARGETS = {
    **{name: Target(name, (FILES[name].encode(),), _load) for name in FILES},
    "format": Target("campaign.yaml", (YAML.encode(),), _format),
    **{f"foreign/{name}": Target(f"foreign/{name}", (FOREIGN[name].encode(),), _migrate) for name in FOREIGN},
    "tree": Target("campaign.yaml", (YAML.encode(),), _tree),
    **{
        f"rows/{name}": Target(f"data/{name}", (FILES[f"data/{name}"].encode(),), partial(_rows, name=f"data/{name}"))
        for name in ("birds.csv", "birds.tsv", "birds.jsonl")
    },
    **{
        f"page/{name}": Target(
            f"tasks/{name}", (FILES[f"tasks/{name}"].encode(),), partial(_page, name=f"tasks/{name}")
        )
        for name in ("bird.html", "bird.html.j2", "form.xml")
    },
    "batch.csv": Target("batch.csv", (BATCH.encode(),), _migrate_batch),
}


def prepare(folder: Path) -> Path:
    """A campaign, beside it a secret, and in it links that lead there."""
    home = folder / "campaign"
    (folder / "secret.txt").write_text("id,photo,place\nsecret,secret,secret\n")
    (folder / "secret.csv").write_text("worker_id,value\nASECRET,1\n")
    for name, text in {**FILES, **{f"foreign/{k}": v for k, v in FOREIGN.items()}, "batch.csv": BATCH}.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for link in ("link.csv", "tasks/link.html", "data/link.csv"):
        (home / link).symlink_to(folder / "secret.txt")
    return home


def mistreat(home: Path, name: str, data: bytes) -> None:
    """Put the bytes into the target's file, read the campaign, and put the file back.

    Raises:
        BrokenError: anything but a campaign or an error for people came of it, or a strange file was read.
    """
    target = TARGETS[name]
    path = home / target.file
    before = path.read_bytes()
    path.write_bytes(data)
    try:
        with watched(home):
            target.run(home)
    except TurkformError as error:
        str(error)
        for diagnostic in getattr(error, "diagnostics", ()):
            str(diagnostic)
    except RecursionError as error:
        raise BrokenError("the reader goes too deep") from error
    finally:
        path.write_bytes(before)


_SYSTEM = tuple({os.path.realpath(p) for p in (sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), "/dev")})
_watching: list[tuple[Path, list[str]]] = []


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" or not _watching or not isinstance(arguments[0], str | bytes | Path):
        return
    home, found = _watching[-1]
    path = os.path.realpath(os.fsdecode(arguments[0]))
    ours = (str(home.resolve()), str(Path(__file__).resolve().parent.parent / "turkform"), *_SYSTEM)
    if not any(path == root or path.startswith(root + os.sep) for root in ours):
        found.append(path)


sys.addaudithook(_audit)


@contextmanager
def watched(home: Path) -> Iterator[None]:
    """Every file that is opened meanwhile lies in the campaign, or belongs to Python or to turkform."""
    found: list[str] = []
    _watching.append((home, found))
    try:
        yield
    finally:
        _watching.pop()
        if found:
            raise BrokenError(f"read outside of the campaign: {found}")
