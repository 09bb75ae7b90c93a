"""Question forms: every kind of content and every kind of answer, in a real browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from browser import chromium
from tasks_for_people import form, publish

from turkform.marketplace.website import question_forms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from marketplace_server import Server
    from playwright.sync_api import Browser

STYLES = ("radiobutton", "checkbox", "list", "dropdown", "combobox", "multichooser")
WORDS = "".join(
    f"<Selection><SelectionIdentifier>{w}</SelectionIdentifier><Text>Word {w}</Text></Selection>" for w in "abc"
)
PICTURE = (
    "<Binary><MimeType><Type>image</Type><SubType>png</SubType></MimeType><DataURL>https://example.org/x.png</DataURL>"
    "<AltText>A cat</AltText></Binary>"
)
PICTURED = WORDS.replace("<Text>Word a</Text>", PICTURE)


def question(name: str, answer: str, content: str = "<Text>?</Text>", *, required: bool = False) -> str:
    return (
        f"<Question><QuestionIdentifier>{name}</QuestionIdentifier><DisplayName>{name}</DisplayName>"
        f"<IsRequired>{str(required).lower()}</IsRequired><QuestionContent>{content}</QuestionContent>"
        f"<AnswerSpecification>{answer}</AnswerSpecification></Question>"
    )


def selection(style: str, most: int = 1, other: str = "", words: str = WORDS) -> str:
    return (
        f"<SelectionAnswer><MaxSelectionCount>{most}</MaxSelectionCount><StyleSuggestion>{style}</StyleSuggestion>"
        f"<Selections>{words}{other}</Selections></SelectionAnswer>"
    )


def text(constraints: str = "", rest: str = "") -> str:
    return f"<FreeTextAnswer><Constraints>{constraints}</Constraints>{rest}</FreeTextAnswer>"


MEDIA = "".join(PICTURE.replace("image", kind).replace("A cat", f"Some {kind}") for kind in ("image", "audio", "video"))
ALL = form(
    f"<Overview><Title>Title</Title>{MEDIA}</Overview>",
    *(question(style, selection(style)) for style in STYLES),
    *(question(f"{style}-2", selection(style, 2)) for style in STYLES),
    question("other", selection("checkbox", 3, "<OtherSelection/>")),
    question("pictures", selection("dropdown", words=PICTURED)),
    question("number", text('<IsNumeric minValue="1" maxValue="9"/>'), required=True),
    question("length", text('<Length minLength="2" maxLength="4"/>', "<DefaultText>abc</DefaultText>")),
    question("lines", text(rest="<NumberOfLinesSuggestion>3</NumberOfLinesSuggestion>")),
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def test_every_kind_of_answer_can_be_given_and_comes_back(server: Server, browser: Browser) -> None:
    hit = publish(server.client(), ALL)["HITId"]
    with browser.new_context() as context:
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.goto(f"{server.url}/hits/{hit}")
        page.get_by_role("button", name="Accept").click()
        page.wait_for_url("**/assignments/*")
        task = page.frame_locator("#task")
        media = [task.locator(f"{tag}[src]").count() for tag in (".overview img", "audio", "video")]
        assert media == [1, 1, 1]
        for style in STYLES:
            for name, words in ((style, "b"), (f"{style}-2", "ac")):
                menu = task.locator(f"select[name='{name}']")
                if menu.count():
                    menu.select_option(list(words))
                for word in words if not menu.count() else "":
                    task.locator(f"input[name='{name}'][value='{word}']").check()
        task.locator("input[name=other][value=a]").check()
        task.get_by_label("Something else").first.check()
        task.locator("input[name=other][type=text]").fill("my own")
        task.get_by_role("radio", name="A cat").check()
        number = task.locator("input[name=number]")
        assert [number.get_attribute(name) for name in ("min", "max", "required")] == ["1", "9", ""]
        number.fill("7")
        assert task.locator("input[name=length]").input_value() == "abc"
        task.locator("textarea[name=lines]").fill("one\ntwo")
        task.get_by_role("button", name="Submit").click()
        page.get_by_text("What you handed in").wait_for()
    answer = server.client().list_assignments_for_hit(HITId=hit)["Assignments"][0]["Answer"]
    found = {
        name: re.findall(r"<(?:FreeText|SelectionIdentifier|OtherSelectionText)>([^<]*)<", rest)
        for name, rest in re.findall(r"<QuestionIdentifier>(.*?)</QuestionIdentifier>(.*?)</Answer>", answer, re.DOTALL)
    }
    several = {f"{style}-2": ["a", "c"] for style in STYLES}
    assert found == {style: ["b"] for style in STYLES} | several | {
        "other": ["a", "my own"], "pictures": ["a"], "number": ["7"], "length": ["abc"], "lines": ["one&#13;\ntwo"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "menu"),
    [
        (selection("dropdown"), "yes"),
        (selection("radiobutton"), "no"),
        (selection("list", words=PICTURED), "no"),
        (selection("dropdown", other="<OtherSelection/>"), "no"),
    ],
)
def test_a_menu_is_shown_where_it_was_suggested_and_can_hold_the_answers(answer: str, menu: str) -> None:
    assert question_forms.read(form(question("q", answer))).questions[0].menu is (menu == "yes")


def test_an_address_of_another_scheme_is_not_shown() -> None:
    content = PICTURE.replace("https://example.org/x.png", "javascript:alert(1)")
    asked = question_forms.read(form(question("q", text(), content))).questions[0]
    assert asked.content[0].url == ""


def test_formatted_content_is_cut_down_to_its_subset_when_it_is_shown() -> None:
    hostile = "<![CDATA[<p onclick=\"x()\">a<script>x()</script><b>b</b></p><a href='javascript:x()'>c</a>]]>"
    asked = question_forms.read(
        form(question("q", text(), f"<FormattedContent>{hostile}</FormattedContent>"))
    ).questions[0]
    assert "script" not in asked.content[0].text
    assert "onclick" not in asked.content[0].text
