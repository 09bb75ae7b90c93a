"""Answer documents as production wrote them, and the score an answer key gives."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkform.marketplace import answers
from turkform.marketplace.answers import Answer, build_answers, build_form_answers, parse_answers, score
from turkform.marketplace.documents import DocumentError

SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas"
HEAD = (
    f'<?xml version="1.0" encoding="ASCII"?><QuestionFormAnswers xmlns="{SCHEMAS}/2005-10-01/QuestionFormAnswers.xsd">'
)
TAIL = "</QuestionFormAnswers>"

FORM = f"""<QuestionForm xmlns="{SCHEMAS}/2017-11-06/QuestionForm.xsd">
  <Question><QuestionIdentifier>animal</QuestionIdentifier><QuestionContent><Text>?</Text></QuestionContent>
    <AnswerSpecification><SelectionAnswer><MaxSelectionCount>2</MaxSelectionCount><Selections>
      <Selection><SelectionIdentifier>cat</SelectionIdentifier><Text>Cat</Text></Selection>
      <Selection><SelectionIdentifier>dog</SelectionIdentifier><Text>Dog</Text></Selection>
      <OtherSelection/></Selections></SelectionAnswer></AnswerSpecification></Question>
  <Overview><Text>Half way.</Text></Overview>
  <Question><QuestionIdentifier>size</QuestionIdentifier><QuestionContent><Text>?</Text></QuestionContent>
    <AnswerSpecification><SelectionAnswer><Selections>
      <Selection><SelectionIdentifier>big</SelectionIdentifier><Text>Big</Text></Selection>
    </Selections></SelectionAnswer></AnswerSpecification></Question>
  <Question><QuestionIdentifier>why</QuestionIdentifier><QuestionContent><Text>?</Text></QuestionContent>
    <AnswerSpecification><FreeTextAnswer/></AnswerSpecification></Question>
</QuestionForm>"""

# Text as XML can hold it; the rest becomes U+FFFD.
xml_text = st.text(
    st.characters(codec="utf-8", exclude_characters="\ufffe\uffff").filter(lambda c: c >= " " or c in "\t\n\r")
)
names = xml_text.filter(bool)


def answer(name: str, inside: str) -> str:
    return f"<Answer><QuestionIdentifier>{name}</QuestionIdentifier>{inside}</Answer>"


def chosen(**selections: str) -> str:
    return (
        HEAD
        + "".join(
            answer(
                name,
                "".join(f"<SelectionIdentifier>{one}</SelectionIdentifier>" for one in values.split()),
            )
            for name, values in selections.items()
        )
        + TAIL
    )


def key(mapping: str = "", *, first: int = 5, second: int = 10, default: int = -2) -> str:
    return f"""<AnswerKey xmlns="{SCHEMAS}/2005-10-01/AnswerKey.xsd">
      <Question><QuestionIdentifier>one</QuestionIdentifier>
        <AnswerOption><SelectionIdentifier>a</SelectionIdentifier><AnswerScore>{first}</AnswerScore></AnswerOption>
        <AnswerOption><SelectionIdentifier>a</SelectionIdentifier><SelectionIdentifier>b</SelectionIdentifier>
          <AnswerScore>{second}</AnswerScore></AnswerOption>
        <DefaultScore>{default}</DefaultScore></Question>
      <Question><QuestionIdentifier>two</QuestionIdentifier>
        <AnswerOption><SelectionIdentifier>c</SelectionIdentifier><AnswerScore>3</AnswerScore></AnswerOption>
      </Question>
      {f"<QualificationValueMapping>{mapping}</QualificationValueMapping>" if mapping else ""}</AnswerKey>"""


def percentage(maximum: int) -> str:
    return f"<PercentageMapping><MaximumSummedScore>{maximum}</MaximumSummedScore></PercentageMapping>"


def scale(multiplier: str) -> str:
    return f"<ScaleMapping><SummedScoreMultiplier>{multiplier}</SummedScoreMultiplier></ScaleMapping>"


def ranges(*spans: tuple[int, int, int], outside: int) -> str:
    return (
        "<RangeMapping>"
        + "".join(
            f"<SummedScoreRange><InclusiveLowerBound>{low}</InclusiveLowerBound><InclusiveUpperBound>{high}"
            f"</InclusiveUpperBound><QualificationValue>{value}</QualificationValue></SummedScoreRange>"
            for low, high, value in spans
        )
        + f"<OutOfRangeQualificationValue>{outside}</OutOfRangeQualificationValue></RangeMapping>"
    )


class TestBuildAnswers:
    def test_every_field_is_free_text_in_one_line_as_production_wrote_it(self) -> None:
        assert build_answers([("animal", "cat"), ("why", "")]) == (
            HEAD + answer("animal", "<FreeText>cat</FreeText>") + answer("why", "<FreeText></FreeText>") + TAIL
        )

    @pytest.mark.parametrize(
        ("text", "written"),
        [
            ("1 < 2 & 3 > 2", "1 &lt; 2 &amp; 3 &gt; 2"),
            ("café \U0001f600", "caf&#233; &#128512;"),
            ("one\r\ntwo\tthree", "one&#13;\ntwo\tthree"),
            ("a\x00b\x0b\ud800\ufffe", "a&#65533;b&#65533;&#65533;&#65533;"),
            ('"it\'s" ]]>', '"it\'s" ]]&gt;'),
        ],
    )
    def test_text_is_written_in_ascii_with_references(self, text: str, written: str) -> None:
        assert answer(written, f"<FreeText>{written}</FreeText>") in build_answers([(text, text)])

    def test_a_field_sent_several_times_is_one_answer_joined_by_bars(self) -> None:
        xml = build_answers([("a", "1"), ("b", "x"), ("a", "2")])
        assert xml == HEAD + answer("a", "<FreeText>1|2</FreeText>") + answer("b", "<FreeText>x</FreeText>") + TAIL

    def test_nothing_submitted_is_a_document_without_answers(self) -> None:
        assert build_answers([]) == HEAD + TAIL
        assert parse_answers(HEAD + TAIL) == {}

    @given(st.dictionaries(names, xml_text))
    def test_reading_what_was_written_gives_the_fields_back(self, fields: dict[str, str]) -> None:
        read = answers.read_answers(build_answers(fields.items()))
        assert read == {name: Answer(free_text=value) for name, value in fields.items()}
        assert list(read) == list(fields)

    @given(st.lists(st.tuples(st.text(), st.text())))
    def test_any_text_makes_a_document_in_ascii_that_can_be_read(self, pairs: list[tuple[str, str]]) -> None:
        xml = build_answers(pairs)
        assert xml.isascii()
        parse_answers(xml)


class TestBuildFormAnswers:
    def test_each_question_is_answered_in_its_own_way_and_in_the_forms_order(self) -> None:
        xml = build_form_answers(FORM, {"why": "é", "animal": ["dog", "cat", "dog"], "size": "big"})
        selections = "".join(f"<SelectionIdentifier>{one}</SelectionIdentifier>" for one in ("dog", "cat"))
        assert xml == (
            HEAD
            + answer("animal", selections)
            + answer("size", "<SelectionIdentifier>big</SelectionIdentifier>")
            + answer("why", "<FreeText>&#233;</FreeText>")
            + TAIL
        )

    def test_what_is_no_selection_is_the_workers_own_where_there_is_room_for_it(self) -> None:
        xml = build_form_answers(FORM, {"animal": ["cat", "a fox"]})
        own = "<SelectionIdentifier>cat</SelectionIdentifier><OtherSelectionText>a fox</OtherSelectionText>"
        assert answer("animal", own) in xml

    @pytest.mark.parametrize("values", [{}, {"animal": "", "size": [], "why": [""]}])
    def test_a_question_left_open_has_an_answer_with_nothing_in_it(self, values: dict[str, str]) -> None:
        xml = build_form_answers(FORM, values)
        assert xml == (HEAD + answer("animal", "") + answer("size", "") + answer("why", "<FreeText></FreeText>") + TAIL)
        assert parse_answers(xml) == {"animal": (), "size": (), "why": ()}

    @pytest.mark.parametrize(
        ("values", "reason"),
        [
            ({"colour": "red"}, "no question 'colour'"),
            ({"size": "small"}, "'size' has no selection 'small'"),
            ({"animal": ["fox", "cow"]}, "'animal' has no selection 'fox'"),
            ({"why": ["a", "b"]}, "'why' takes one text"),
        ],
    )
    def test_a_value_that_no_question_takes_is_refused(self, values: dict[str, str], reason: str) -> None:
        with pytest.raises(DocumentError, match=reason):
            build_form_answers(FORM, values)


class TestParseAnswers:
    def test_every_kind_of_answer_is_read_as_the_values_given(self) -> None:
        xml = (
            HEAD
            + answer("a", "<FreeText> two words </FreeText>")
            + answer(
                "b",
                "<SelectionIdentifier>x</SelectionIdentifier><SelectionIdentifier>y</SelectionIdentifier>",
            )
            + answer("c", "<OtherSelectionText>z</OtherSelectionText>")
            + answer("d", "")
            + answer(
                "e",
                "<UploadedFileSizeInBytes>1</UploadedFileSizeInBytes><UploadedFileKey>k</UploadedFileKey>",
            )
            + TAIL
        )
        assert parse_answers(xml) == {"a": (" two words ",), "b": ("x", "y"), "c": ("z",), "d": (), "e": ()}

    def test_white_space_between_elements_and_another_declaration_are_read_too(self) -> None:
        xml = chosen(one="a").replace("ASCII", "UTF-8").replace("><", ">\n<")
        assert parse_answers(xml) == {"one": ("a",)}

    @pytest.mark.parametrize("xml", ["", "<a>", HEAD, HEAD + "<Answer/>" + TAIL, FORM, "<!DOCTYPE a>" + HEAD + TAIL])
    def test_anything_else_is_refused(self, xml: str) -> None:
        with pytest.raises(DocumentError):
            parse_answers(xml)


class TestScore:
    @pytest.mark.parametrize(
        ("given", "total"),
        [
            ({"one": "a", "two": "c"}, 8),
            ({"one": "b a", "two": "c"}, 13),
            ({"one": "b", "two": "c"}, 1),
            ({"one": "a b d", "two": ""}, -2),
            ({"two": "c"}, 1),
            ({}, -2),
            ({"one": "a", "two": "c d", "three": "c"}, 5),
        ],
    )
    def test_an_option_counts_when_it_is_all_that_was_chosen_else_the_default(
        self, given: dict[str, str], total: int
    ) -> None:
        assert score(key(), chosen(**given)) == total

    def test_a_worker_with_words_of_their_own_has_chosen_no_option(self) -> None:
        own = "<SelectionIdentifier>a</SelectionIdentifier><OtherSelectionText>x</OtherSelectionText>"
        assert score(key(), HEAD + answer("one", own) + TAIL) == -2

    @pytest.mark.parametrize(
        ("mapping", "value"),
        [
            (percentage(13), 100),
            (percentage(26), 50),
            (percentage(7), 186),
            (percentage(104), 13),  # 12.5
            (scale("3"), 39),
            (scale(" 0.5 "), 7),  # 6.5
            (scale("-0.5"), -6),  # -6.5
            (scale("0.1"), 1),
            (ranges((0, 12, 1), (13, 13, 2), outside=9), 2),
            (ranges((0, 12, 1), (14, 20, 2), outside=9), 9),
        ],
    )
    def test_the_sum_is_mapped_as_the_key_says(self, mapping: str, value: int) -> None:
        assert score(key(mapping), chosen(one="a b", two="c")) == value

    @given(st.integers(-1_000, 1_000), st.integers(1, 1_000))
    def test_a_percentage_is_the_nearest_whole_one_and_halves_go_up(self, total: int, maximum: int) -> None:
        value = score(key(percentage(maximum), first=total, default=0), chosen(one="a"))
        assert -Fraction(1, 2) < value - Fraction(100 * total, maximum) <= Fraction(1, 2)

    def test_a_key_or_answers_that_cannot_be_read_are_refused(self) -> None:
        for documents in [("<AnswerKey/>", chosen()), (key(), "<Answers/>"), (key(), key())]:
            with pytest.raises(DocumentError):
                score(*documents)
