"""Campaigns as people write them: what is read, and what is said about what is wrong."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from campaign_files import DATA, FILES, PAGE, YAML, problems, read, write
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from turkform.campaign import AWS_ENDPOINTS
from turkform.errors import CampaignError
from turkform.loader import declared_environments, load
from turkform.money import MTURK, NONE, Money
from turkform.yaml_tree import read_tree

if TYPE_CHECKING:
    from pathlib import Path


def test_a_campaign_is_read_with_its_data_and_its_variables(tmp_path: Path) -> None:
    desired = read(write(tmp_path))
    assert desired.campaign.hit_types["label"].reward == Money(15)
    assert desired.campaign.batches["pilot"].assignments == 3
    assert desired.campaign.batches["pilot"].lifetime == timedelta(days=7)
    assert [item.key for item in desired.sources["pilot"].items()] == ["b1", "b2", "b3"]
    assert desired.grants == {"trained": {"A1EXAMPLE": 90}}
    assert desired.blocks == {"A2EXAMPLE": "Random answers"}
    assert desired.variables == {"reward": "0.15", "many": "3"}
    (note,) = desired.diagnostics
    assert (note.severity, note.summary) == ("note", "bird.html loads from photos.example.org")


def test_every_file_read_is_an_input_with_its_sha256(tmp_path: Path) -> None:
    before = read(write(tmp_path)).inputs
    assert set(before) == set(FILES)
    (tmp_path / "data/birds.csv").write_text(DATA.replace("a lake", "a pond"))
    after = read(tmp_path).inputs
    assert {name for name in after if after[name] != before[name]} == {"data/birds.csv"}


# --- broken campaigns --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Broken:
    """One mistake: `wrong` stands where `right` stood, `bad` begins where the message must point.

    `offer` is what the message says to write instead; pasted over `bad` it must validate, or `paste` for all of
    `wrong` where a paste is not enough (a key is added, a row removed).
    """

    name: str
    right: str
    wrong: str
    bad: str
    offer: str
    says: str = ""
    paste: str = ""
    file: str = "campaign.yaml"

    @property
    def repaired(self) -> str:
        """The file after somebody did what the message says."""
        return FILES[self.file].replace(self.right, self.paste or self.wrong.replace(self.bad, self.offer))


_TWO = "lifetime: 7d\n    ends: 2026-12-24T00:00:00Z"
_ROW = "data/birds.csv"
_OTHER = YAML.partition("  label:")[2].partition("batches:")[0]
_OTHER = f"  other:{_OTHER}    notify: {{sqs: 'https://q.example.org/', events: [HITExpired]}}\n"
BROKEN = [
    Broken("unknown key", "title: Birds", "titel: Birds", "titel", "title"),
    Broken("key of the API", "    reward: $", "    Reward: $", "Reward", "reward"),
    Broken("missing key", "    reward: ${var.reward}\n", "", "label:", "reward: 0.15", paste="    reward: 0.15\n"),
    Broken("part of a cent", '"0.15"', "0.155", "0.155", "0.16"),
    Broken("no amount", '"100.00"', "1,50", "1,50", "1.50"),
    Broken("cents in words", '"0.15"', "15 cents", "15 cents", "0.15"),
    Broken("currency in words", '"100.00"', "100 USD", "100 USD", "100.00"),
    Broken("share as a fraction", "30%", "0.3", "0.3", "30%"),
    Broken("per cent", "at_least: 80", "at_least: 80%", "80%", "80"),
    Broken("page alone", "{html: tasks/bird.html, frame_height: 0}", "tasks/bird.html", "tasks/bird.html",
           "{html: tasks/bird.html}"),
    Broken("file alone", "{A1EXAMPLE: 90}", "quals.csv", "quals.csv", "{file: quals.csv}", paste="{A1EXAMPLE: 90}"),
    Broken("no locale", "[US, GB]", "[USA]", "USA", "US"),
    Broken("seconds", "assignment_duration: 10m", "assignment_duration: 600", "600", "10m"),
    Broken("too long", "lifetime: 7d", "lifetime: 400d", "400d", "365d"),
    Broken("no such unit", "10m", "10min", "10min", "10m"),
    Broken("choice", "status: open", "status: opened", "opened", "open"),
    Broken("number in quotes", "${var.many}", '"3"', '"3"', "3"),
    Broken("number with a point", "${var.many}", "3.0", "3.0", "3"),
    Broken("number too small", "${var.many}", "0", "0", "1"),
    Broken("list as text", "[birds, photos]", "birds, photos", "birds, photos", "[birds, photos]"),
    Broken("locale", "[US, GB]", "[us, GB]", "us", "US"),
    Broken("truth", "at_least: 80, ", "exists: yes, ", "yes", "true"),
    Broken("hit type", "hit_type: label", "hit_type: lable", "lable", "label"),
    Broken("qualification", "qualification: trained", "qualification: traind", "traind", "trained"),
    Broken("campaign's name", "campaign: birds", "campaign: Birds 1", "Birds 1", "birds-1"),
    Broken("resource's name", "  pilot:", "  Pilot:", "Pilot", "pilot"),
    Broken("worker's id", "A2EXAMPLE", "a2example", "a2example", "A2EXAMPLE"),
    Broken("variable", "${var.many}", "${var.mnay}", "${var.mnay}", "${var.many}"),
    Broken("variable's type", "default: 3", "default: 3.5", "3.5", "3"),
    Broken("no such reference", "${var.many}", "${many}", "${many}", "${var.many}"),
    Broken("key column", "key: id", "key: ID", "ID", "id"),
    Broken("no key", "    key: id\n", "", "pilot:", "key: id", "no key", "    key: id\n"),
    Broken("file", "data/birds.csv", "data/bird.csv", "data/bird.csv", "data/birds.csv"),
    Broken("endpoint", "endpoint: local", "endpoint: locl", "locl", "local"),
    Broken("plain http", "https://tasks", "http://tasks", "http://tasks", "https://tasks"),
    Broken("fees", "fees: none", "fees: 20", "20", "20%"),
    Broken("share", "30%", "30", "30", "30%"),
    Broken("colon in a text", 'name: "Birds: trained"', "name: Birds: trained", ": trained", 'name: "Birds: trained"',
           ": ", 'name: "Birds: trained"'),
    Broken("tag", "title: Birds", "title: !!str Birds", "!!str", "Remove it", "str", "title: Birds"),
    Broken("number as key", "{A2EXAMPLE: Random answers}", "{2: x}", "2", '"2"', paste="{}"),
    Broken("day without a time", "lifetime: 7d", "ends: 2026-12-24", "2026-12-24", "2026-12-24T00:00:00Z"),
    Broken("two ends", "lifetime: 7d", _TWO, "ends:", "Remove one", paste="lifetime: 7d"),
    Broken("reserved name", '"Birds: trained"', '"turkform: birds"', '"turkform: birds"', '"birds"'),
    Broken("column of the page", "${place}", "${Place}", "${Place}", "${place}", file="tasks/bird.html"),
    Broken("a script's own", "<p>", "<p>${x.y} ", "${x.y}", "$${x.y}", file="tasks/bird.html"),
    Broken("ragged row", 'b3,https://photos.example.org/3.jpg,"a town, by night"', "b3,x.jpg,one, two", "b3",
           '"one, two"', "4 values", 'b3,x.jpg,"one, two"', _ROW),
    Broken("double key", "b3,", "b1,", "b1,", "Remove one row", "line 2 and line 4", "b4,", _ROW),
    Broken("no key value", "b2,", ",", ",", "a key of its own", "no id", "b2,", _ROW),
    Broken("double column", "id,photo,", "id,photo,id,photo", "id", "id_2", paste="id,photo,", file=_ROW),
    Broken("minutes in words", "assignment_duration: 10m", "assignment_duration: 10 minutes", "10 minutes", "10m"),
    Broken("hours by the clock", "assignment_duration: 10m", "assignment_duration: 01:30:00", "01:30:00", "1h30m"),
    Broken("minutes of ISO 8601", "assignment_duration: 10m", "assignment_duration: PT10M", "PT10M", "10m"),
    Broken("semicolons", "id,photo,place", "id;photo;place", "id;", "commas", '";"', "id,photo,place", _ROW),
    Broken("tabs", "id,photo,place", "id\tphoto\tplace", "id\t", "*.tsv", "tabs", "id,photo,place", _ROW),
    Broken("event", "keywords: [birds", "notify: {sqs: 'https://q.org/q', events: [HITExpird]}\n    keywords: [birds",
           "HITExpird", "HITExpired"),
    Broken("queue", "keywords: [birds", "notify: {sqs: q.org, events: [HITExpired]}\n    keywords: [birds", "q.org",
           "Write it like https://", paste="keywords: [birds"),
    Broken("two notices", "batches:", _OTHER + "batches:", "other:", "terms differ", "equal terms", "batches:"),
    Broken("requirements", "[US, GB]}", "[US, GB]}\n      - {system: locale, in: [FR]}", "{system: locale, in: [FR]}",
           "remove one", "nobody can meet this", "[US, GB]}"),
]  # fmt: skip


def _at(text: str, line: int, column: int) -> str:
    return text.split("\n")[line - 1][column - 1 :]


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case.name)
def test_a_mistake_is_named_at_its_place_and_what_the_message_offers_validates(case: Broken, tmp_path: Path) -> None:
    assert FILES[case.file].count(case.right) == 1, "the case changes one place"
    wrong = FILES[case.file].replace(case.right, case.wrong)
    found = problems(write(tmp_path, {case.file: wrong}))
    messages = "\n".join(map(str, found))
    assert found
    place = found[0].location
    assert place is not None
    assert place.path == tmp_path / case.file, messages
    assert _at(wrong, place.line, place.column).startswith(case.bad), messages
    assert (case.says or case.bad.strip('":')) in found[0].summary, messages
    assert case.offer in f"{found[0].summary}\n{found[0].detail}", messages
    assert problems(write(tmp_path, {case.file: case.repaired})) == []


def test_all_problems_are_told_at_once_in_file_order(tmp_path: Path) -> None:
    yaml = YAML.replace("10m", "600").replace("hit_type: label", "hit_type: lable").replace("title: Birds", "titel: B")
    page, data = PAGE.replace("${place}", "${Place}"), DATA.replace("b3,", "b1,")
    found = problems(write(tmp_path, {"campaign.yaml": yaml, "tasks/bird.html": page, "data/birds.csv": data}))
    texts = {tmp_path / "campaign.yaml": yaml, tmp_path / "tasks/bird.html": page, tmp_path / "data/birds.csv": data}
    places = [p.location for p in found if p.location]
    begins = [_at(texts[p.path], p.line, p.column)[:5] for p in places]
    assert begins == ["titel", "600", "lable", "b1,ht", "${Pla"]
    assert [place.path.name for place in places[2:]] == ["campaign.yaml", "birds.csv", "bird.html"]


@pytest.mark.parametrize(
    ("yaml", "says"),
    [
        ("", "is empty"),
        ("# nothing\n", "is empty"),
        ("- 1\n", "a list"),
        ("text\n", '"text"'),
        ("a: &x [*x]\n", "inside the very value"),
        ("a: *x\n", "no anchor"),
        ("a: 1\n<<: {b: 2}\n", "merge key"),
        ("a: 1\na: 2\n", "twice, first in line 1"),
        ("1: x\n", "is not text"),
        ("? [a]\n: b\n", "expected"),
        ("a: 1\n---\nb: 2\n", "second document"),
        ("a: [" * 60 + "]" * 60, "deep"),
        ("a: 1\n\tb: 2\n", "tab"),
        ("a: {b: ${var.c}}\n", "needs quotes"),
        ("a: @b\n", "needs quotes"),
        ("a: 'b\n", "not YAML"),
        ("title: \x00\n", "U+0000"),
        ('title: "a\\0b"\n', "U+0000"),
        ('reward: "\\0"\n', "U+0000"),
        ('"\\0": a\n', "U+0000"),
        ('title: "\\ud800"\n', "U+D800"),
        ("turkform: 2\ncampaign: x\n", "format"),
    ],
)
def test_yaml_that_is_no_campaign_is_told_with_its_place(yaml: str, says: str, tmp_path: Path) -> None:
    found = problems(write(tmp_path, {"campaign.yaml": yaml}))
    assert says in "\n".join(map(str, found))
    assert all(problem.location and problem.location.path.name == "campaign.yaml" for problem in found)


def test_anchors_are_read_and_alias_bombs_are_not(tmp_path: Path) -> None:
    shared = YAML.replace("    status: active", "    status: active\n    keywords: &words [birds, photos]")
    shared = shared.replace("    keywords: [birds, photos]", "    keywords: *words")
    assert read(write(tmp_path, {"campaign.yaml": shared})).campaign.qualification_types["trained"].keywords
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
    )
    found = problems(write(tmp_path, {"campaign.yaml": bomb}))
    assert "unfold" in found[0].summary


def test_data_in_yaml_gets_the_advice_to_use_a_file(tmp_path: Path) -> None:
    blocks = "".join(f"  A{n}: spam\n" for n in range(11_000))
    found = problems(write(tmp_path, {"campaign.yaml": f"turkform: 1\ncampaign: x\nblocks:\n{blocks}"}))
    assert "file of rows" in found[0].detail


def test_yaml_1_2_decides_what_a_scalar_is(tmp_path: Path) -> None:
    text = "[yes, off, 0.10, 1e2, 007, 0o17, 0x1F, 2026-12-24, ~, null, True, 'true', 1_000, 12:30, .inf]"
    tree = read_tree(tmp_path / "x.yaml", text.encode())
    assert tree is not None
    values = [part.value for part in tree.parts or ()]
    assert values == [
        "yes", "off", Decimal("0.10"), Decimal("1e2"), 7, 15, 31, "2026-12-24", None, None, True, "true", "1_000",
        "12:30", ".inf",
    ]  # fmt: skip


def test_a_value_left_out_is_told_at_its_key(tmp_path: Path) -> None:
    (found,) = problems(write(tmp_path, {"campaign.yaml": YAML.replace("title: Birds in photos", "title:")}))
    assert str(found.location).endswith("campaign.yaml:3:1")


# --- several files -----------------------------------------------------------------------------------------


def test_further_files_add_sections(tmp_path: Path) -> None:
    more = "turkform: 1\nbatches:\n  second:\n    hit_type: label\n    question: {html: tasks/bird.html}\n"
    more += "    items: data/birds.csv\n    key: id\n    lifetime: 1d\n"
    desired = read(write(tmp_path, {"more.yaml": more}))
    assert set(desired.campaign.batches) == {"pilot", "second"}
    assert "more.yaml" in desired.inputs


def test_one_address_in_two_files_is_an_error_that_names_both(tmp_path: Path) -> None:
    more = "batches:\n  pilot: {hit_type: label}\ntitle: Other\n"
    found = problems(write(tmp_path, {"more.yaml": more}))
    assert [str(p.location) for p in found] == [f"{tmp_path}/more.yaml:2:3", f"{tmp_path}/more.yaml:3:1"]
    assert f"{tmp_path}/campaign.yaml:{YAML[: YAML.index('  pilot:')].count(chr(10)) + 1}:3" in found[0].summary


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("  pilot:\n", "  other: {hit_type: label, lifetime: 1d, id: pilot}\n  pilot:\n", "one id"),
        ("  trained:\n", '  again: {name: "birds:  TRAINED", description: x}\n  trained:\n', "one name"),
        ("status: active", "status: active\n    workers: {A1EXAMPLE: 1}", "twice"),
        ("{A2EXAMPLE: Random answers}", "{A2EXAMPLE: x, file: blocks.csv}", "go together"),
        ("{system: locale, in: [US, GB]}", "{system: locale, id: 3ABC}", "two things"),
        ("{system: locale, in: [US, GB]}", "{at_least: 80}", "of what"),
        ("{system: locale, in: [US, GB]}", "{system: locale}", "in:"),
        ("{system: locale, in: [US, GB]}", "{system: masters, at_least: 1, at_most: 2}", "two comparisons"),
        ("{system: locale, in: [US, GB]}", "{system: percent_approved, in: [US]}", "takes numbers"),
    ],
    ids=str,
)  # fmt: skip
def test_what_does_not_go_together_is_refused(right: str, wrong: str, says: str, tmp_path: Path) -> None:
    found = problems(write(tmp_path, {"campaign.yaml": YAML.replace(right, wrong)}))
    assert says in "\n".join(map(str, found))


# --- variables and environments ----------------------------------------------------------------------------


def test_values_come_from_the_command_line_then_the_process_then_the_environment_then_the_default(
    tmp_path: Path,
) -> None:
    write(tmp_path)

    def reward(environment: str | None, variables: dict[str, str], environ: dict[str, str]) -> str:
        desired = load(tmp_path, environment=environment, variables=variables, environ=environ)
        return str(desired.campaign.hit_types["label"].reward)

    process = {"TURKFORM_VAR_reward": "0.30"}
    assert reward("lab", {"reward": "0.40"}, process) == "0.40"
    assert reward("lab", {}, process) == "0.30"
    assert reward("lab", {}, {}) == "0.20"
    assert reward("local", {}, {}) == "0.15"


def test_texts_are_filled_in_and_a_doubled_dollar_is_a_literal_one(tmp_path: Path) -> None:
    yaml = YAML.replace("title: Which bird is this?", 'title: "$${x} ${env} ${var.many} ${env:WHO}"')
    write(tmp_path, {"campaign.yaml": yaml})
    desired = load(tmp_path, environment="lab", environ={"WHO": "us"})
    assert desired.campaign.hit_types["label"].title == "${x} lab 3 us"


def test_another_environment_may_name_what_is_not_set_here(tmp_path: Path) -> None:
    yaml = YAML.replace("    fees: none", '    fees: none\n    journal: "${env:NOWHERE}"')
    write(tmp_path, {"campaign.yaml": yaml})
    assert read(tmp_path, "local")
    (found,) = problems(tmp_path, "lab")
    assert "NOWHERE is not set" in found.summary


def test_secrets_are_never_put_where_people_see_them(tmp_path: Path) -> None:
    yaml = YAML.replace("title: Which bird is this?", 'title: "${env:AWS_SECRET_ACCESS_KEY}"')
    write(tmp_path, {"campaign.yaml": yaml})
    with pytest.raises(CampaignError) as caught:
        load(tmp_path, environ={"AWS_SECRET_ACCESS_KEY": "hidden value"})
    assert "secret" in str(caught.value.diagnostics[0])
    assert "hidden value" not in str(caught.value.diagnostics)


@pytest.mark.parametrize(
    ("yaml", "says"),
    [
        (YAML.replace(', default: "0.15"', ""), "reward has no value"),
        (YAML.replace("many: {type: integer", "many: {type: whole"), "not one of"),
        (YAML.replace("default: 3", "default: [3]"), "list or a map"),
        (YAML.replace('variables: {reward: "0.20"}', "variables: {rewrd: 1}"), "no variable rewrd"),
        (YAML.replace("${var.many}", "${var.many"), "not closed"),
    ],
)
def test_variables_are_checked_where_they_are_declared(yaml: str, says: str, tmp_path: Path) -> None:
    environment = "lab" if "rewrd" in yaml else None
    found = problems(write(tmp_path, {"campaign.yaml": yaml}), environment)
    assert says in "\n".join(map(str, found))


def test_an_unknown_variable_on_the_command_line_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CampaignError) as caught:
        read(write(tmp_path), rewad="1")
    assert "--var reward" in str(caught.value.diagnostics[0])


def _environments(text: str) -> str:
    start, end = YAML.index("environments:"), YAML.index("qualification_types:")
    return YAML[:start] + text + YAML[end:]


def test_no_environment_declared_is_the_local_marketplace(tmp_path: Path) -> None:
    desired = read(write(tmp_path, {"campaign.yaml": _environments("")}))
    assert (desired.target.name, desired.target.endpoint) == ("local", "local")
    assert declared_environments(tmp_path) == ("local",)


def test_production_is_never_chosen_silently(tmp_path: Path) -> None:
    write(tmp_path, {"campaign.yaml": _environments("environments: {production: {endpoint: production}}\n")})
    (found,) = problems(tmp_path)
    assert "--env production" in found.detail
    assert declared_environments(tmp_path) == ("production",)
    assert load(tmp_path, environ={"TURKFORM_ENV": "production"}).target.endpoint == AWS_ENDPOINTS["production"]


def test_an_unknown_environment_is_told_with_the_known_ones(tmp_path: Path) -> None:
    (found,) = problems(write(tmp_path), "lob")
    assert "lab" in found.detail


def test_a_target_says_everything(tmp_path: Path) -> None:
    write(tmp_path)
    local, lab = read(tmp_path).target, read(tmp_path, "lab").target
    assert (local.fees, local.balance, local.rate, local.concurrency) == (MTURK, "enforce", None, 8)
    assert local.journal == str(tmp_path / ".turkform/local/journal.sqlite")
    assert (lab.fees, lab.endpoint, lab.rate) == (NONE, "https://tasks.example.org", 20)
    write(tmp_path, {"campaign.yaml": _environments("environments: {aws: {endpoint: sandbox}}\n")})
    aws = read(tmp_path, "aws").target
    assert (aws.endpoint, aws.balance, aws.rate, aws.sandbox) == (AWS_ENDPOINTS["sandbox"], "warn", 2, True)


@pytest.mark.parametrize(
    ("journal", "says"),
    [
        ("postgresql://me:hidden@db/x", "password"),
        ("postgresql://db/x", "a database's address stands in the file"),
        ("/var/lib/x.sqlite", "out of the campaign"),
        ("../x.sqlite", "out of the campaign"),
        ("data", "is a folder"),
    ],
)
def test_a_journal_lies_beside_the_campaign(journal: str, says: str, tmp_path: Path) -> None:
    yaml = YAML.replace("{endpoint: local}", f'{{endpoint: local, journal: "{journal}"}}')
    (found,) = problems(write(tmp_path, {"campaign.yaml": yaml}))
    assert says in found.summary
    assert "hidden" not in str(found)


def test_an_operator_may_put_the_journal_anywhere(tmp_path: Path) -> None:
    yaml = YAML.replace("{endpoint: local}", '{endpoint: local, journal: "${env:TURKFORM_JOURNAL}"}')
    write(tmp_path, {"campaign.yaml": yaml})
    desired = load(tmp_path, environ={"TURKFORM_JOURNAL": "/var/lib/birds.sqlite"})
    assert desired.target.journal == "/var/lib/birds.sqlite"


@pytest.mark.parametrize(
    ("url", "says"),
    [("postgresql://ann:hidden@db/journals", ""), ("mysql://ann:hidden@db/journals", '"mysql" is not PostgreSQL')],
)
def test_a_journal_on_postgresql_is_named_by_the_machine(url: str, says: str, tmp_path: Path) -> None:
    yaml = YAML.replace("{endpoint: local}", '{endpoint: local, journal: "${env:TURKFORM_JOURNAL}"}')
    write(tmp_path, {"campaign.yaml": yaml})
    if not says:
        assert load(tmp_path, environ={"TURKFORM_JOURNAL": url}).target.journal == url
        return
    with pytest.raises(CampaignError) as caught:
        load(tmp_path, environ={"TURKFORM_JOURNAL": url})
    (found,) = (problem for problem in caught.value.diagnostics if problem.severity == "error")
    assert says in found.summary
    assert "hidden" not in str(found)


def test_where_credentials_go_is_the_machines_choice_where_it_makes_one(tmp_path: Path) -> None:
    write(tmp_path, {"campaign.yaml": YAML.replace("{endpoint: local}", '{endpoint: "https://evil.example"}')})
    pins = {"TURKFORM_ENDPOINT": "https://tasks.example.org", "TURKFORM_PROFILE": "plans"}
    target = load(tmp_path, environ=pins).target
    assert (target.endpoint, target.profile) == ("https://tasks.example.org", "plans")


def test_a_pinned_endpoint_is_checked_like_a_declared_one(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(CampaignError) as caught:
        load(tmp_path, environ={"TURKFORM_ENDPOINT": "http://tasks.example.org"})
    assert "TURKFORM_ENDPOINT" in caught.value.diagnostics[0].summary


# --- what may be read --------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["..", "absolute", "link", "git", "own"])
def test_no_file_outside_of_the_work_tree_is_read(way: str, tmp_path: Path) -> None:
    folder = tmp_path / "campaign"
    (tmp_path / "secret.csv").write_text(DATA)
    names = {"..": "../secret.csv", "absolute": str(tmp_path / "secret.csv"), "link": "data/link.csv"}
    names |= {"git": ".git/x.csv", "own": ".turkform/x.csv"}
    write(folder, {"campaign.yaml": YAML.replace("data/birds.csv", names[way]), ".git/x.csv": DATA})
    write(folder, {"campaign.yaml": YAML.replace("data/birds.csv", names[way]), ".turkform/x.csv": DATA})
    (folder / "data/link.csv").symlink_to(tmp_path / "secret.csv")
    (found,) = problems(folder)
    assert found.location is not None
    assert _at((folder / "campaign.yaml").read_text(), found.location.line, found.location.column) == names[way]
    if way == "absolute":
        assert load(folder, environ={}, allow_outside=[tmp_path])


def test_the_git_work_tree_is_the_boundary(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "shared.csv").write_text(DATA)
    desired = read(write(tmp_path / "birds", {"campaign.yaml": YAML.replace("data/birds.csv", "../shared.csv")}))
    assert "../shared.csv" in desired.inputs


@pytest.mark.parametrize("name", ["campaign.yaml", "tasks/bird.html", "data/birds.csv"])
@pytest.mark.parametrize("kind", ["folder", "pipe", "loop", "empty", "latin", "utf-16", "gone"])
def test_no_kind_of_file_makes_turkform_fail_or_wait(name: str, kind: str, tmp_path: Path) -> None:
    path = write(tmp_path) / name
    content = path.read_text()
    path.unlink()
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "loop":
            path.symlink_to(path)
        case "empty":
            path.touch()
        case "latin":
            path.write_bytes(content.replace("a", "\xe9").encode("latin-1"))
        case "utf-16":
            path.write_text(content, encoding="utf-16")
    found = problems(tmp_path)
    if not (name == "tasks/bird.html" and kind == "empty"):
        assert found
    assert kind != "pipe" or stat.S_ISFIFO(path.lstat().st_mode)


def test_a_folder_without_a_campaign_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "campaign.yml").touch()
    (found,) = problems(tmp_path)
    assert "Rename campaign.yml" in found.detail
    (found,) = problems(tmp_path / "nowhere")
    assert "no folder" in found.summary


def test_workers_come_from_files_too(tmp_path: Path) -> None:
    yaml = YAML.replace("{A1EXAMPLE: 90}", "{file: w.csv}").replace("{A2EXAMPLE: Random answers}", "{file: b.csv}")
    rosters = {"w.csv": "worker_id,value,note\nA1,90,x\nA2,-5,y\n", "b.csv": "reason,worker_id\nspam,A3\n"}
    desired = read(write(tmp_path, {"campaign.yaml": yaml, **rosters}))
    assert desired.grants == {"trained": {"A1": 90, "A2": -5}}
    assert desired.blocks == {"A3": "spam"}
    assert {"w.csv", "b.csv"} <= set(desired.inputs)


@pytest.mark.parametrize(
    ("roster", "says"),
    [
        ("worker,value\nA1,1\n", 'Rename the column "worker"'),
        ("worker_id,value\na1,1\n", "Write A1"),
        ("worker_id,value\nA1,90%\n", '"90%" is not a whole number'),
        ("worker_id,value\nA1,99999999999\n", "not a whole number"),
        ("worker_id,value\nA1,1\nA1,2\n", "line 2 and line 3"),
        ("", "is empty"),
    ],
)
def test_a_roster_is_checked_row_by_row(roster: str, says: str, tmp_path: Path) -> None:
    yaml = YAML.replace("{A1EXAMPLE: 90}", "{file: w.csv}")
    found = problems(write(tmp_path, {"campaign.yaml": yaml, "w.csv": roster}))
    assert says in "\n".join(map(str, found))
    assert str(found[0].location).startswith(str(tmp_path / "w.csv"))


def test_what_makes_no_difference_is_a_note(tmp_path: Path) -> None:
    data = "".join(f"{line},{n}\n" for n, line in enumerate(DATA.splitlines()))
    desired = read(write(tmp_path, {"data/birds.csv": data}))
    (note,) = [note for note in desired.diagnostics if "loads from" not in note.summary]
    assert (note.severity, "does not use" in note.summary) == ("note", True)


# --- anything at all ---------------------------------------------------------------------------------------

_BITS = st.sampled_from(
    [b"a: ", b"\n", b"  ", b"- ", b"{", b"}", b"[", b"]", b"&a ", b"*a", b"!!int ", b"${var.x}", b"|\n", b"'", b'"',
     b"\\", b"%YAML 1.1\n", b"---\n", b"? ", b": ", b"\t", b"\xff", b"\x00", b"\xef\xbb\xbf", b"#", b"<<: ", b"1e9",
     b"hit_types:\n  a: ", b"batches:\n  b: {question: {html: p.html}, items: d.csv}\n", b"variables: {x: ", b"~",
     b"\xe2\x80\xa8", b"@", b"%TAG ! x:\n", b'"\\UFFFFFFFF"', b"9" * 50]
)  # fmt: skip
_CHAOS = st.one_of(st.binary(max_size=60), st.lists(_BITS, max_size=25).map(b"".join))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=_CHAOS)
@example(content=b'a: "\\UFFFFFFFF"')
@example(content=b"%YAML 9.9\n--- a")
@example(content=b"a: &b\n- *b")
def test_whatever_stands_in_the_yaml_only_a_campaign_error_comes_out(content: bytes, tmp_path: Path) -> None:
    write(tmp_path, {"campaign.yaml": content})
    problems(tmp_path)
    write(tmp_path, {"campaign.yaml": YAML.encode() + content})
    problems(tmp_path)


_ROWS = st.lists(
    st.sampled_from([b"id", b",", b"\n", b"\r", b'"', b"b1", b"\x00", b"\xff", b"{", b"}", b":", b'"id"', b"[1,2]",
                     b"NaN", b"1e999", b"\\ud800", b"${id}", b"{{ id }}", b"{% include 'x' %}", b"{{ row.x }}", b"]]>",
                     b"<form>",
                     b"{% for a in row %}", b"{{ 9 ** 9 ** 9 }}", b"{{ 'a' * 999999999 }}", b"$${", b"\xef\xbf\xbf"]),
    max_size=25,
).map(b"".join)  # fmt: skip


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    data=st.one_of(st.binary(max_size=60), _ROWS),
    page=st.one_of(st.binary(max_size=60), _ROWS),
    suffix=st.sampled_from(["csv", "tsv", "jsonl"]),
    template=st.sampled_from(["html", "html.j2"]),
)
def test_whatever_stands_in_data_and_pages_only_a_campaign_error_comes_out(
    data: bytes, page: bytes, suffix: str, template: str, tmp_path: Path
) -> None:
    yaml = YAML.replace("bird.html", f"p.{template}").replace("birds.csv", f"d.{suffix}")
    write(tmp_path, {"campaign.yaml": yaml, f"data/d.{suffix}": data, f"tasks/p.{template}": page})
    for problem in problems(tmp_path):
        str(problem)
