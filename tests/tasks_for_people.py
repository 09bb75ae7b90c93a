"""Tasks that tests publish for a person at a browser."""

from __future__ import annotations

from typing import Any

SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas"


def html_question(page: str, height: int = 0) -> str:
    """A page as an HTMLQuestion."""
    return (
        f'<HTMLQuestion xmlns="{SCHEMAS}/2011-11-11/HTMLQuestion.xsd"><HTMLContent><![CDATA[{page}]]></HTMLContent>'
        f"<FrameHeight>{height}</FrameHeight></HTMLQuestion>"
    )


def external_question(url: str, height: int = 0) -> str:
    """A page on a server of the requester's."""
    return (
        f'<ExternalQuestion xmlns="{SCHEMAS}/2006-07-14/ExternalQuestion.xsd"><ExternalURL>{url}</ExternalURL>'
        f"<FrameHeight>{height}</FrameHeight></ExternalQuestion>"
    )


def form(*questions: str) -> str:
    """A QuestionForm of these questions."""
    return f'<QuestionForm xmlns="{SCHEMAS}/2017-11-06/QuestionForm.xsd">{"".join(questions)}</QuestionForm>'


def choice(name: str, text: str, *selections: str) -> str:
    """A required question with one answer of several; each selection is its own identifier."""
    options = "".join(
        f"<Selection><SelectionIdentifier>{s}</SelectionIdentifier><Text>{s}</Text></Selection>" for s in selections
    )
    return (
        f"<Question><QuestionIdentifier>{name}</QuestionIdentifier><IsRequired>true</IsRequired>"
        f"<QuestionContent><Text>{text}</Text></QuestionContent><AnswerSpecification><SelectionAnswer>"
        f"<StyleSuggestion>radiobutton</StyleSuggestion><Selections>{options}</Selections>"
        "</SelectionAnswer></AnswerSpecification></Question>"
    )


PAGE = """<!DOCTYPE html><html><head><title>t</title></head><body>
<form action="https://www.mturk.com/mturk/externalSubmit" id="mturk_form" method="post">
<input type="hidden" name="assignmentId" id="assignmentId" value="">
<label>Animal <input name="animal" id="animal"></label>
<label><input type="checkbox" name="seen" value="day"> day</label>
<label><input type="checkbox" name="seen" value="night"> night</label>
<input type="submit" id="submitButton">
</form>
<script src="https://s3.amazonaws.com/mturk-public/externalHIT_v1.js"></script>
<script>turkSetAssignmentID();</script>
</body></html>"""
"""A page as it was written for Mechanical Turk: its address, its script, a hidden field that the script fills in."""


def publish(client: Any, question: str, **changes: Any) -> dict[str, Any]:
    """One HIT with three places; as CreateHIT answers."""
    given = {
        "Title": "A task", "Description": "Something to do.", "Reward": "0.10", "AssignmentDurationInSeconds": 600,
        "LifetimeInSeconds": 3600, "MaxAssignments": 3, "AutoApprovalDelayInSeconds": 86_400, "Question": question,
    } | changes  # fmt: skip
    made: dict[str, Any] = client.create_hit(**given)["HIT"]
    return made
