"""Forms in files as functions of a row: what is wrong is told at the form's own line."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from campaign_files import YAML, problems, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from turkform.documents import NAMESPACES

if TYPE_CHECKING:
    from pathlib import Path

FORM = f"""\
<QuestionForm xmlns="{NAMESPACES["QuestionForm"][0]}">
  <Overview><Text>${{place}}</Text></Overview>
  <Question>
    <QuestionIdentifier>${{id}}</QuestionIdentifier>
    <QuestionContent><Text>Which bird?</Text></QuestionContent>
    <AnswerSpecification><FreeTextAnswer/></AnswerSpecification>
  </Question>
</QuestionForm>
"""
PAGE = "<p>${place}</p><form action='/mturk/externalSubmit'><input name='assignmentId'><input type='submit'></form>"
HTML = f"""\
<HTMLQuestion xmlns="{NAMESPACES["HTMLQuestion"][0]}">
  <HTMLContent><![CDATA[{PAGE}]]></HTMLContent>
  <FrameHeight>0</FrameHeight>
</HTMLQuestion>
"""
EXTERNAL = f"""\
<ExternalQuestion xmlns="{NAMESPACES["ExternalQuestion"][0]}">
  <ExternalURL>https://tasks.example.org/?at=${{place}}</ExternalURL>
  <FrameHeight>600</FrameHeight>
</ExternalQuestion>
"""
WITH_FORM = YAML.replace("{html: tasks/bird.html, frame_height: 0}", "{form: tasks/form.xml}")


def wrong(folder: Path, form: str | bytes, data: str = "") -> list[str]:
    files = {"campaign.yaml": WITH_FORM, "tasks/form.xml": form, **({"data/birds.csv": data} if data else {})}
    write(folder, files)
    return [str(problem).replace(f"{folder}/", "") for problem in problems(folder)]


@pytest.mark.parametrize("document", [FORM, HTML, EXTERNAL, "\ufeff" + FORM, FORM.replace("\n", "\r\n")])
def test_a_document_of_any_kind_is_taken(document: str, tmp_path: Path) -> None:
    assert wrong(tmp_path, document) == []


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (FORM.replace("place", "Place"), 'form.xml:2:19: error: "${Place}" is no column of birds.csv'),
        (FORM.replace("</Text>", ""), "form.xml:2:27: error: </Overview> closes nothing here: <Text> of line 2"),
        (FORM.replace("FreeText", "FreeTxt"), "form.xml:6:26: error: <FreeTxtAnswer> cannot stand here"),
        (HTML.replace("<input type='submit'>", ""), "form.xml:2:40: error: nothing in the page's form submits it"),
        (HTML.replace("0</Fr", "x</Fr"), 'form.xml:3:3: error: <FrameHeight> is "x", which is no whole number of 0'),
        (EXTERNAL.replace("https", "http"), 'form.xml:2:3: error: "http://tasks.example.org/?at=a%20lake" is not'),
        (HTML.replace("HTMLQ", "HtmlQ"), "form.xml:1:1: error: the document is <HtmlQuestion>"),
        ("", "form.xml:1:1: error: the file is not XML"),
        ("\x00", "form.xml:1:1: error: the page holds U+0000"),
        (FORM.encode("utf-16"), "form.xml:1:1: error: byte 0xff is not UTF-8"),
        ('<?xml version="1.0" encoding="latin-1"?>' + FORM + "<!-- ä -->", "form.xml:1:31: error: the document says"),
    ],
)  # fmt: skip
def test_a_document_that_mturk_would_refuse_is_refused_at_its_line(
    document: str | bytes, says: str, tmp_path: Path
) -> None:
    assert any(found.startswith(f"tasks/{says}") for found in wrong(tmp_path, document)), wrong(tmp_path, document)


def test_a_value_that_breaks_the_form_is_told_with_its_row(tmp_path: Path) -> None:
    twice = FORM.replace("</QuestionForm>", FORM.partition("</Overview>\n")[2]).replace("${id}", "${photo}", 1)
    (found,) = wrong(tmp_path, twice, "id,photo,place\nb1,x,a\nb2,b2,b\nb3,b3,c\n")
    assert found.startswith('tasks/form.xml:8:3: error: the QuestionIdentifier "b2" stands twice, first in line 3')
    assert "birds.csv:3" in found
    assert "1 more items have the same problem" in found


def test_a_form_is_a_file_of_xml(tmp_path: Path) -> None:
    yaml = WITH_FORM.replace("form.xml", "bird.html")
    (found,) = problems(write(tmp_path, {"campaign.yaml": yaml}))
    assert "html:" in found.detail


_BITS = st.sampled_from(
    [*FORM.replace(">", ">\n").split("\n"), "<", ">", "&", "]]>", "<![CDATA[", "<!--", "-->", "&#0;", "&x;", "${id}",
     "$${x}", "<!DOCTYPE x>", "<?xml version='1.0'?>", '<?xml version="1.0" encoding="utf-16"?>', "\0", "\x85",
     "<a b='", "<FormattedContent>", "</FormattedContent>", "<p>", "<MaxSelectionCount>x</MaxSelectionCount>", "\ud800"]
)  # fmt: skip


@settings(
    max_examples=int(os.environ.get("TURKFORM_EXAMPLES", "150")),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
)
@given(
    content=st.one_of(st.lists(_BITS, max_size=14).map("".join), st.binary(max_size=60)),
    name=st.sampled_from(["tasks/form.xml", "tasks/key.xml"]),
)
def test_whatever_stands_in_a_form_only_a_campaign_error_comes_out(
    content: str | bytes, name: str, tmp_path: Path
) -> None:
    data = content if isinstance(content, bytes) else content.encode(errors="surrogatepass")
    test = "    test: {form: tasks/form.xml, answer_key: tasks/key.xml, duration: 20m}\n"
    yaml = WITH_FORM.replace("    auto_granted: 100\n", test)
    problems(write(tmp_path, {"campaign.yaml": yaml, "tasks/form.xml": FORM, "tasks/key.xml": FORM, name: data}))
