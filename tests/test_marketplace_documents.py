"""What MTurk took and refused as Question, Test and AnswerKey."""

import re
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from turkform.marketplace import documents, html_rules
from turkform.marketplace.documents import DocumentError, check_answer_key, check_question, check_test

Check = Callable[..., None]

XML_ERROR = "AWS.MechanicalTurk.XMLParseError"
XHTML_ERROR = "AWS.MechanicalTurk.XHTMLParseError"
SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas"

PAGE = """<!DOCTYPE html>
<html>
  <head><meta charset="utf-8"><title>Photo</title>
    <script src="https://assets.crowd.aws/crowd-html-elements.js"></script>
    <style>p > b { color: red; }</style>
  </head>
  <body class="task">
    <form method="post" action="https://www.mturk.com/mturk/externalSubmit">
      <input type="hidden" name="assignmentId" value="">
      <p>Which animal is <b>this</b>?<br/><input type=text name='animal' required></p>
      <script>if (1 < 2 && "<body>") { document.title = "a"; }</script>
    </form>
  </body>
</html>
"""


def html_question(
    page: str, *, height: str = "0", before: str = "", around: tuple[str, str] = ("<![CDATA[", "]]>")
) -> str:
    return (
        f'{before}<HTMLQuestion xmlns="{SCHEMAS}/2011-11-11/HTMLQuestion.xsd">\n'
        f"  <HTMLContent>{around[0]}{page}{around[1]}</HTMLContent>\n  <FrameHeight>{height}</FrameHeight>\n"
        "</HTMLQuestion>"
    )


def external_question(url: str, *, rest: str = "<FrameHeight>600</FrameHeight>") -> str:
    return (
        f'<ExternalQuestion xmlns="{SCHEMAS}/2006-07-14/ExternalQuestion.xsd">'
        f"<ExternalURL>{url}</ExternalURL>{rest}</ExternalQuestion>"
    )


def form(content: str, version: str = "2017-11-06") -> str:
    return f'<QuestionForm xmlns="{SCHEMAS}/{version}/QuestionForm.xsd">{content}</QuestionForm>'


def question(name: str, answer: str, *, content: str = "<Text>Which?</Text>", head: str = "") -> str:
    return (
        f"<Question><QuestionIdentifier>{name}</QuestionIdentifier>{head}"
        f"<QuestionContent>{content}</QuestionContent>"
        f"<AnswerSpecification>{answer}</AnswerSpecification></Question>"
    )


def selection(*names: str, other: str = "", style: str = "") -> str:
    choices = "".join(
        f"<Selection><SelectionIdentifier>{name}</SelectionIdentifier><Text>{name}</Text></Selection>" for name in names
    )
    return f"<SelectionAnswer>{style}<Selections>{choices}{other}</Selections></SelectionAnswer>"


def key(content: str) -> str:
    return f'<AnswerKey xmlns="{SCHEMAS}/2005-10-01/AnswerKey.xsd">{content}</AnswerKey>'


def scored(name: str, *options: tuple[str, int], default: str = "") -> str:
    return (
        f"<Question><QuestionIdentifier>{name}</QuestionIdentifier>"
        + "".join(
            "<AnswerOption>"
            + "".join(f"<SelectionIdentifier>{one}</SelectionIdentifier>" for one in chosen.split())
            + f"<AnswerScore>{score}</AnswerScore></AnswerOption>"
            for chosen, score in options
        )
        + f"{default}</Question>"
    )


def span(low: str, high: str, value: str = "1") -> str:
    return (
        f"<SummedScoreRange><InclusiveLowerBound>{low}</InclusiveLowerBound><InclusiveUpperBound>{high}"
        f"</InclusiveUpperBound><QualificationValue>{value}</QualificationValue></SummedScoreRange>"
    )


def mapping(content: str) -> str:
    return f"<QualificationValueMapping>{content}</QualificationValueMapping>"


def ranges(*spans: str) -> str:
    out = "<OutOfRangeQualificationValue>0</OutOfRangeQualificationValue>"
    return mapping(f"<RangeMapping>{''.join(spans)}{out}</RangeMapping>")


def refusal(check: Check, *arguments: str) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        check(*arguments)
    assert caught.value.detail == str(caught.value)
    return caught.value


BINARY = (
    "<Binary><MimeType><Type>image</Type><SubType>png</SubType></MimeType>"
    "<DataURL>https://example.org/a.png</DataURL><AltText>A cat</AltText></Binary>"
)
FULL_FORM = form(
    "<Overview><Title>Animals</Title><Text>Look.</Text><List><ListItem>one</ListItem></List>"
    f"<FormattedContent><![CDATA[A <b>bold</b>&nbsp;word]]></FormattedContent>{BINARY}"
    "<EmbeddedBinary><EmbeddedMimeType><Type>video</Type></EmbeddedMimeType><DataURL>https://example.org/v"
    "</DataURL><AltText>v</AltText><Width>4</Width><Height>3</Height><ApplicationParameter><Name>n</Name>"
    "<Value>v</Value></ApplicationParameter></EmbeddedBinary></Overview>"
    + question(
        "text",
        "<FreeTextAnswer><Constraints><IsNumeric minValue='-1' maxValue='9'/><Length maxLength='2'/>"
        "<AnswerFormatRegex regex='^[0-9]' flags='i' errorText='digits'/><AnswerFormatRegex regex='.'/>"
        "</Constraints><DefaultText>1</DefaultText><NumberOfLinesSuggestion>2</NumberOfLinesSuggestion>"
        "</FreeTextAnswer>",
        head="<DisplayName>First</DisplayName><IsRequired>true</IsRequired>",
    )
    + question(
        "choice",
        selection(
            "cat",
            "dog",
            style="<MinSelectionCount>0</MinSelectionCount><MaxSelectionCount>2</MaxSelectionCount>"
            "<StyleSuggestion>checkbox</StyleSuggestion>",
            other="<OtherSelection><DefaultText>?</DefaultText></OtherSelection>",
        ),
    )
)


class TestHtmlQuestion:
    @pytest.mark.parametrize(
        "page",
        [
            PAGE,
            "<p>one</p></p><input></input><li>",
            "<crowd-form><div><short-instructions></crowd-form>",
            "no markup, no form",
            "",
            "1 < 2 & 3 > 2 <3 </> <?php ?> <!doctype html> &nosuch;",
            "<p title = 'a'\tclass=b/><a href=x/y?z=1&a=b>é</a><br/><i data-x></i>",
            "<!-- <body> --><body><!--> <b> --><p id='a'/></body>",
            "<script>'<body><body>' + '<p a=\"b\"c>'</script><body>",
            "<script><!-- <script> <p a='b'c> </script> <body> --></script><body>",
            "<script><!--></script><body>",
            "<textarea><body><p a='b'c></textarea><title><body></title><style><body></style>",
            "<template><p>x</p><body></template><body>",
            "<html><head></head>\n<body>\n</body></html>",
            "<body>a</body></html><noscript>b</noscript>",
            "<p class='cut off",
            "<plaintext><body><body>",
            "<script>never closed <body><body>",
        ],
    )
    def test_a_page_with_at_most_what_browsers_repair_is_taken(self, page: str) -> None:
        check_question(html_question(page, around=("<![CDATA[", "]]>")))

    @pytest.mark.parametrize(
        ("page", "place"),
        [
            ("<body>\n <body>", "2,7"),
            ("<body></body><body>", "1,19"),
            ("<form></form>\n<body class='a'>", "2,16"),
            ("words\r\n<body>", "2,6"),
            ("<script><!-- <script></script> --></script>\n<p>\n<BODY>", "3,6"),
            ("</br><body>", "1,11"),
            ("<iframe></iframe><body>", "1,23"),
        ],
    )
    def test_a_body_tag_where_a_body_is_open_is_refused_with_its_place(self, page: str, place: str) -> None:
        error = refusal(check_question, html_question(page))
        assert error.turk_code == XHTML_ERROR
        assert error.detail.startswith(
            "There was an error parsing the HTML5 data in your request.  Please make sure the data is"
            f" well-formed and validates as HTML5. Details: Errors: <! [{place}] An “body” start tag seen but"
            " an element of the same type was already open. !> Invalid content: "
        )

    @pytest.mark.parametrize(
        ("page", "place"),
        [
            ("<div id=\"a\"class='b'>", "1,12"),
            ("<br>\n<div id='a'class>", "2,12"),
            ("<p a=''b>", "1,8"),
            ('<p a="b""c">', "1,9"),
            ("</p a='b'c>", "1,10"),
            ("<p\na\n=\n'1'b=2>", "4,4"),
        ],
    )
    def test_attributes_without_a_space_between_them_are_refused_with_their_place(self, page: str, place: str) -> None:
        error = refusal(check_question, html_question(page))
        assert error.turk_code == XHTML_ERROR
        assert f"<! [{place}] No space between attributes. !>" in error.detail

    def test_all_errors_of_a_page_are_told_in_order(self) -> None:
        error = refusal(check_question, html_question("<p a='b'c>\n<body>"))
        places = re.findall(r"<! \[(.*?)\]", error.detail)
        assert places == ["1,9", "2,6"]

    def test_the_message_about_a_page_of_errors_stays_short(self) -> None:
        error = refusal(check_question, html_question("<p a='b'c>" * 6_000))
        assert error.detail.count("<! [") == 20
        assert len(error.detail) < 3_000

    @pytest.mark.parametrize("page", [PAGE, "é" * 1000])
    @pytest.mark.parametrize(
        "around", [("<![CDATA[", "]]>"), ("<!-- c --><![CDATA[", "]]><![CDATA[]]>"), ("\n<![CDATA[", "]]>\n")]
    )
    @pytest.mark.parametrize("before", ["", '<?xml version="1.0" encoding="UTF-8"?>\n', "<!-- note -->\n", "\n"])
    def test_a_page_is_taken_however_its_xml_is_written(self, page: str, around: tuple[str, str], before: str) -> None:
        check_question(html_question(page, around=around, before=before))

    def test_a_page_may_be_escaped_instead_of_in_a_cdata_section(self) -> None:
        check_question(html_question("&lt;p a='b'&gt;x &amp; y&lt;/p&gt;", around=("", "")))
        refusal(check_question, html_question("&lt;p a='b'c&gt;", around=("", "")))

    @pytest.mark.parametrize(
        "xml",
        [
            html_question("<p>", height="-1"),
            html_question("<p>", height="tall"),
            html_question("<p>", height=""),
            html_question("<p>x</p>", around=("", "")),
            html_question("<p>", around=("<![CDATA[", "]]>")).replace("2011-11-11", "2012-11-11"),
            html_question("<p>").replace("HTMLContent", "HtmlContent"),
            html_question("\x01"),
            html_question("\ufffe"),
            html_question("\ud800"),
            html_question("a ]]> b"),
            html_question("<p>") + "<p/>",
            html_question("<p>") + "\f",
            html_question("<p>").replace("<FrameHeight>0</FrameHeight>", ""),
            html_question("<p>").replace(' xmlns="', ' xmlns:a="'),
            html_question("<p>", before='\n<?xml version="1.0"?>'),
            "",
            "just text",
            "<p>HTML as it is</p>",
            "<HTMLQuestion>",
        ],
    )
    def test_xml_that_is_not_well_formed_or_off_schema_is_refused_with_its_details(self, xml: str) -> None:
        error = refusal(check_question, xml)
        assert error.turk_code == XML_ERROR
        assert error.detail.startswith("There was an error parsing the XML question or answer data in your request.")
        assert re.search(r"Details: .", error.detail)

    def test_a_breach_of_the_schema_is_named_as_the_service_named_it(self) -> None:
        error = refusal(check_question, html_question("x").replace("FrameHeight", "Height"))
        assert "Details: cvc-complex-type.2.4.a: Element 'Height'" in error.detail


class TestSize:
    def test_a_document_of_65535_bytes_is_taken_and_one_more_byte_is_refused(self) -> None:
        room = 65_535 - len(html_question(""))
        check_question(html_question("x" * room))
        error = refusal(check_question, html_question("x" * (room + 1)))
        assert (error.turk_code, "65536 bytes" in error.detail) == ("", True)

    def test_size_is_counted_in_bytes_not_characters(self) -> None:
        room = 65_535 - len(html_question(""))
        check_question(html_question("é" * (room // 2)))
        refusal(check_question, html_question("é" * (room // 2 + 1)))

    def test_tests_and_answer_keys_have_the_same_limit(self) -> None:
        long = f"<!--{'x' * 65_535}-->"
        assert "Test has" in refusal(check_test, form(long)).detail
        assert "AnswerKey has" in refusal(check_answer_key, key(long), FULL_FORM).detail


class TestHostileXml:
    @pytest.mark.parametrize(
        "doctype",
        [
            "<!DOCTYPE HTMLQuestion>",
            '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd">',
            '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
            '<?xml version="1.0"?><!-- --><?pi?>\n<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
        ],
    )
    @pytest.mark.parametrize("check", [check_question, check_test])
    def test_document_types_and_entities_are_refused_before_parsing(self, check: Check, doctype: str) -> None:
        error = refusal(check, doctype + FULL_FORM)
        assert error.turk_code == XML_ERROR
        assert "DOCTYPE is disallowed" in error.detail

    def test_an_entity_that_nobody_declared_is_refused(self) -> None:
        assert refusal(check_question, external_question("https://example.org/&e;")).turk_code == XML_ERROR

    @pytest.mark.parametrize("hostile", ["<!--", "<?", "<", "<a ", '="', "<script>", "<script><!--", "<p a="])
    def test_what_never_ends_is_read_in_time_linear_in_its_length(self, hostile: str) -> None:
        page = (hostile * 65_000)[:65_000]
        assert not html_rules.is_clean(page) or not html_rules.problems(page)
        check_question(html_question(page))
        refusal(check_question, page)


class TestExternalQuestion:
    @pytest.mark.parametrize(
        "url",
        [
            "https://example.org/task?a=1&amp;b=2",
            "\n https://example.org \n",
            "http://localhost:5000/task",
            "http://a.localhost/",
            "http://127.0.0.1:8000/",
            "http://[::1]/",
            "<![CDATA[https://example.org/?a&b]]>",
        ],
    )
    def test_an_https_url_or_one_of_this_machine_is_taken(self, url: str) -> None:
        check_question(external_question(url))

    @pytest.mark.parametrize(
        "url",
        [
            "http://example.org/",
            "ftp://example.org/",
            "example.org",
            "",
            "https://",
            "https:///path",
            "javascript:1",
        ],
    )
    def test_any_other_url_is_refused_without_a_code(self, url: str) -> None:
        assert refusal(check_question, external_question(url)).turk_code == ""

    @pytest.mark.parametrize(
        "xml",
        [
            external_question("https://example.org/?a&b"),
            external_question("https://example.org/", rest=""),
            external_question("https://example.org/", rest="<FrameHeight>high</FrameHeight>"),
            external_question("https://example.org/", rest="<FrameHeight>1</FrameHeight><More/>"),
        ],
    )
    def test_xml_off_its_schema_is_refused(self, xml: str) -> None:
        assert refusal(check_question, xml).turk_code == XML_ERROR


class TestQuestionForm:
    @pytest.mark.parametrize("version", ["2017-11-06", "2005-10-01"])
    def test_a_form_with_every_element_is_a_question_and_a_test_in_both_namespaces(self, version: str) -> None:
        xml = FULL_FORM.replace("2017-11-06", version)
        check_question(xml)
        check_test(xml)

    @pytest.mark.parametrize(
        "xml",
        [
            form(""),
            form("<Overview/>"),
            form("<Overview>words</Overview>"),
            form("<Overview><Text><b>bold</b></Text></Overview>"),
            form("<Overview><Application/></Overview>"),
            form(question("a", "<FileUploadAnswer><MaxFileSizeInBytes>1</MaxFileSizeInBytes></FileUploadAnswer>")),
            form(question("a", "<FreeTextAnswer/>", content="<Text>a</Text> stray words")),
            form(question("a", "<FreeTextAnswer/>", head="<IsRequired>yes</IsRequired>")),
            form(question("a", "<FreeTextAnswer/>", head="<IsRequired>true</IsRequired><DisplayName/>")),
            form(question("", "<FreeTextAnswer/>")),
            form(question("a", "")),
            form(question("a", selection())),
            form(question("a", selection("x", style="<StyleSuggestion>stars</StyleSuggestion>"))),
            form(question("a", "<FreeTextAnswer/>", content=BINARY.replace("image", "paper"))),
            form(question("a", "<FreeTextAnswer/>"), version="2018-01-01"),
        ],
    )
    def test_a_form_off_its_schema_is_refused(self, xml: str) -> None:
        for check in (check_question, check_test):
            error = refusal(check, xml)
            assert error.turk_code == XML_ERROR
            assert "Details: cvc-" in error.detail

    @pytest.mark.parametrize(
        "xml",
        [
            form(question("a", "<FreeTextAnswer/>") * 2),
            form(question("a", selection("x", "x"))),
        ],
    )
    def test_identifiers_are_unique_where_answers_need_them_to_be(self, xml: str) -> None:
        assert "more than once" in refusal(check_test, xml).detail

    @pytest.mark.parametrize("xml", [html_question("<p>"), external_question("https://example.org"), key("")])
    def test_a_test_can_only_be_a_question_form(self, xml: str) -> None:
        assert refusal(check_test, xml).turk_code == XML_ERROR

    def test_an_answer_key_is_no_question(self) -> None:
        xml = key(scored("a", ("x", 1)))
        assert "cvc-elt.1" in refusal(check_question, xml).detail


class TestFormattedContent:
    def wrap(self, content: str) -> str:
        return form(question("a", "<FreeTextAnswer/>", content=f"<FormattedContent>{content}</FormattedContent>"))

    @pytest.mark.parametrize(
        "content",
        [
            "plain words &amp; &eacute;&nbsp;&#233;",
            '<p align="left">A <i>b</i><br/></p><ul><li>x</li></ul>',
            '<a href="https://example.org" target="_blank" title="t" lang="en">x</a><a href="#part">y</a>',
            '<img src="https://example.org/a.png" alt=""/>',
            '<table border="1"><tr><td colspan="2"><font color="red">1</font></td></tr></table>',
            "1 &lt; 2",
        ],
    )
    def test_the_documented_subset_of_xhtml_is_taken(self, content: str) -> None:
        check_test(self.wrap(f"<![CDATA[{content}]]>"))

    @pytest.mark.parametrize(
        "content",
        [
            "<p>open",
            "<b><i>x</b></i>",
            "<br>",
            "<P>x</P>",
            "<div>x</div>",
            "<span>x</span>",
            "<script>1</script>",
            "<!-- c -->",
            "<?pi?>",
            '<p class="a">x</p>',
            '<p style="a">x</p>',
            '<p id="a">x</p>',
            '<p onclick="1">x</p>',
            '<br lang="en"/>',
            "<p align=left>x</p>",
            '<a href="javascript:alert(1)">x</a>',
            '<a href=" JavaScript:alert(1)">x</a>',
            '<img alt="a"/>',
            '<img src="https://example.org"/>',
            "<li>x</li>",
            "<td>x</td>",
            "&unknown;",
            "</FormattedContent><FormattedContent>",
            '<p xmlns="urn:x">y</p>',
            "1 < 2",
        ],
    )
    def test_anything_else_is_refused(self, content: str) -> None:
        error = refusal(check_question, self.wrap(f"<![CDATA[{content}]]>"))
        assert error.turk_code == XHTML_ERROR
        assert error.detail.startswith("There was an error parsing the XHTML data in your request.")

    def test_markup_outside_of_a_cdata_section_is_off_the_schema(self) -> None:
        assert refusal(check_test, self.wrap("<b>x</b>")).turk_code == XML_ERROR


class TestAnswerKey:
    TEST = form(
        question("one", selection("a", "b"))
        + question("two", selection("c", other="<OtherSelection/>"))
        + question("three", "<FreeTextAnswer/>")
    )

    @pytest.mark.parametrize(
        "content",
        [
            scored("one", ("a", 5)),
            scored("one", ("a b", 5), ("b", -1), default="<DefaultScore>2</DefaultScore>"),
            scored("one", ("a", 5))
            + mapping("<PercentageMapping><MaximumSummedScore>5</MaximumSummedScore></PercentageMapping>"),
            scored("one", ("a", 5))
            + mapping("<ScaleMapping><SummedScoreMultiplier>1.5</SummedScoreMultiplier></ScaleMapping>"),
            scored("one", ("a", 5)) + ranges(span(8, 10), span(5, 7)),
        ],
    )
    def test_a_key_to_multiple_choice_questions_of_the_test_is_taken(self, content: str) -> None:
        check_answer_key(key(content), self.TEST)

    @pytest.mark.parametrize(
        "content",
        [
            "",
            scored("one"),
            scored("one", ("", 5)),
            scored("one", ("a", "many")),
            scored("one", ("a", 2**31)),
            scored("one", ("a", 5)) + mapping(""),
            scored("one", ("a", 5))
            + mapping("<PercentageMapping><MaximumSummedScore>0</MaximumSummedScore></PercentageMapping>"),
            scored("one", ("a", 5))
            + mapping("<ScaleMapping><SummedScoreMultiplier>1e9</SummedScoreMultiplier></ScaleMapping>"),
        ],
    )
    def test_a_key_off_its_schema_is_refused(self, content: str) -> None:
        assert refusal(check_answer_key, key(content), self.TEST).turk_code == XML_ERROR

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (scored("none", ("a", 5)), "'none', which the test does not have"),
            (scored("one", ("c", 5)), "'c', no selection of the question 'one'"),
            (scored("two", ("c", 5)), "'two': it takes free text"),
            (scored("three", ("c", 5)), "'three': it takes free text"),
            (scored("one", ("a", 5)) * 2, "more than one entry for the question 'one'"),
            (scored("one", ("a", 5)) + ranges(span(2, 1)), "from 2 to 1 is empty"),
            (scored("one", ("a", 5)) + ranges(span(5, 9), span(1, 5)), "overlap at 5"),
        ],
    )
    def test_a_key_that_does_not_fit_the_test_is_refused_with_the_reason(self, content: str, reason: str) -> None:
        error = refusal(check_answer_key, key(content), self.TEST)
        assert error.turk_code == ""
        assert reason in error.detail


# Pieces that make pages near the borders of every rule: raw text, comments, quotes, cut-off tags, case.
PIECES = (
    *("<body>", "<BODY a='b'>", "</body>", "<html>", "</html>", "<head>", "</head>", "<p>", "</p>", "<br/>"),
    *("</br>", "<script>", "</script>", "<!--", "-->", "--!>", "<!-->", "<style>", "</style >", "<title>"),
    *(
        "</title>",
        "<textarea>",
        "</textarea>",
        "<template>",
        "</template>",
        "<noscript>",
        "<iframe>",
        "<xmp>",
    ),
    *("</iframe>", "<plaintext>", "<p a='b'c>", '<p a="b"c>', "<p a = 'b' c=d/>", '<p a="b"/>', "<p a='"),
    *(
        "'",
        '"',
        "=",
        ">",
        "<",
        "</",
        "</ x>",
        "<!doctype html>",
        "<!x",
        "<?x?>",
        "/",
        " ",
        "\n",
        "\r\n",
        "\f",
    ),
    *("\u00a0", "x", "é", "&", "<body", "<bodyguard>", "<p =a='b'c>", "<p a=b'c'd>", "<p a= >", "<p ''x>"),
    *("]]>", "<![CDATA[", "]]", "\x00", "\ufffe", "\U0001f600"),
)
pages = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


class TestTwoWaysOneAnswer:
    @settings(max_examples=2_000)
    @given(pages)
    @example("<!--><body><body>-->")
    @example("<!--a--!><p a='b'c>-->")
    def test_a_page_found_clean_at_a_glance_has_no_problems(self, page: str) -> None:
        if html_rules.is_clean(page):
            assert html_rules.problems(page) == []

    @settings(max_examples=1_000)
    @given(
        pages,
        st.sampled_from(["", " ", "\n", '<?xml version="1.0"?>', '<?xml version="1.0" encoding="UTF-8"?>\n', "\f"]),
        st.sampled_from(["0", " 450\n", "-1", "٣", "1.0", ""]),
        st.sampled_from(["", " ", "\n", "\r\n"]),
    )
    def test_the_fast_way_and_the_xml_parser_agree_on_every_document(
        self, page: str, before: str, height: str, space: str
    ) -> None:
        around = (f"{space}<![CDATA[", f"]]>{space}")
        xml = html_question(page, before=before, height=height, around=around)
        assert self.verdict(xml) == self.verdict(xml, fast=False)

    def verdict(self, xml: str, *, fast: bool = True) -> str | tuple[str, str]:
        with pytest.MonkeyPatch.context() as patch:
            if not fast:
                patch.setattr(documents, "_plain_page", lambda _: None)
            try:
                check_question(xml)
            except DocumentError as error:
                return error.turk_code, error.detail.split(" Invalid content: ")[0]
        return "taken"

    def test_the_usual_question_needs_no_xml_parser(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(documents, "_read", None)
        check_question(html_question(PAGE))
        assert html_rules.is_clean(PAGE)
