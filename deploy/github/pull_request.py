"""turkform on pull requests, as `action.yml` runs it: plan, with one comment kept up to date; apply what was merged.

`plan` writes the plan as Markdown into that comment, and ahead of it, in a line that is not shown, the intent and the
price of the plan and the commit it was made for. `apply`, on the branch a pull request was merged into, reads that line
and runs `turkform apply --approved INTENT --max-spend PRICE`: it plans afresh, and sends nothing where the plan no
longer means what was approved, or costs more. The plan never travels: a file from a pull request proves nothing.

In: the environment variables that `action.yml` sets, GitHub's own, `gh` and `turkform` on the PATH. Out: a comment,
step outputs, and turkform's exit code. Whoever can change comments in the repository can change what is approved;
that is who can merge, too.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

_APPROVAL = re.compile(r"<!-- turkform-approval (\{[^\n]*\}) -->")
_AUTHORS = {"github-actions[bot]"}
"""Whose comments count; with a token of another app, name it in TURKFORM_COMMENT_AUTHOR."""
_LONGEST_PROBLEMS = 50_000
_CHANGES = 2


def main(command: str) -> int:
    """`plan` or `apply`."""
    match command:
        case "plan":
            return plan()
        case "apply":
            return apply()
    return stop(f'command is "{command}"; it is plan or apply.')


# --- plan -----------------------------------------------------------------------------------------


def plan() -> int:
    """Plan, and say so on the pull request; fails where there is no plan, or a refused one."""
    event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    if "pull_request" not in event:
        return stop("plan runs on pull_request events.")
    file = Path(os.environ["RUNNER_TEMP"]) / "turkform-plan.json"
    file.unlink(missing_ok=True)
    done = turkform("plan", "--detailed-exitcode", "-o", str(file), capture_output=True)
    print(done.stdout)
    print(done.stderr, file=sys.stderr)
    if file.exists():
        text = _planned(file, event["pull_request"]["head"]["sha"])
        _output(json.loads(file.read_text(encoding="utf-8")), changes=done.returncode == _CHANGES)
    else:
        text = f"### turkform: no plan\n\n{_fenced(done.stderr)}\n"
    _comment(event["pull_request"]["number"], f"{mark()}\n{text}")
    return 0 if done.returncode == _CHANGES else done.returncode


def _planned(file: Path, head: str) -> str:
    """The plan drawn, after what its merge approves; a refused plan approves nothing."""
    document = json.loads(file.read_text(encoding="utf-8"))
    drawn = turkform("show", str(file), "--format", "markdown", capture_output=True).stdout
    if document["refusals"]:
        return drawn
    approval = {"head": head, "intent": document["intent"], "price": document["price"]["total"]}
    return f"<!-- turkform-approval {json.dumps(approval)} -->\n{drawn}"


def _fenced(text: str) -> str:
    shown = text[:_LONGEST_PROBLEMS]
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    return f"{fence}\n{shown}\n{fence}"


def _output(document: dict[str, Any], *, changes: bool) -> None:
    """What later steps of the workflow can read."""
    rows = {"intent": document["intent"], "price": document["price"]["total"], "changes": str(changes).lower()}
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as out:
        out.writelines(f"{name}={value}\n" for name, value in rows.items())


# --- apply ----------------------------------------------------------------------------------------


def apply() -> int:
    """Apply what the pull request behind this commit was merged with."""
    merged = [
        pull
        for pull in gh(f"commits/{os.environ['GITHUB_SHA']}/pulls")
        if pull["merge_commit_sha"] == os.environ["GITHUB_SHA"]
    ]
    if len(merged) != 1:
        return stop(f"{len(merged)} pull requests were merged as this commit; nothing was approved, nothing was sent.")
    comment = _found(merged[0]["number"])
    approval = _APPROVAL.search(comment["body"]) if comment else None
    if approval is None:
        return stop("the merged pull request has no plan that could be applied. Nothing was sent.")
    approved = json.loads(approval[1])
    if approved["head"] != merged[0]["head"]["sha"]:
        return stop("the plan was made for an earlier commit than the one merged. Nothing was sent.")
    spend = min([approved["price"], *filter(None, [os.environ.get("MAX_SPEND")])], key=float)
    return turkform("apply", "--approved", approved["intent"], "--max-spend", spend).returncode


# --- what both use --------------------------------------------------------------------------------


def turkform(command: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """One command on the campaign; `show` needs none."""
    folder = [] if command == "show" else ["-C", os.environ["FOLDER"]]
    return subprocess.run(
        ["turkform", *folder, command, *arguments], text=True, check=options.pop("check", False), **options
    )


def gh(path: str, *arguments: str, body: str | None = None) -> Any:
    """One call of GitHub's API about this repository."""
    command = ["gh", "api", *arguments, f"repos/{os.environ['GITHUB_REPOSITORY']}/{path}"]
    sent = [] if body is None else ["--input", "-"]
    given = None if body is None else json.dumps({"body": body})
    done = subprocess.run([*command, *sent], input=given, capture_output=True, text=True, check=True)
    return json.loads(done.stdout or "null")


def mark() -> str:
    """Begins the comment about this environment and folder, and no other."""
    about = re.sub("[^\\w./-]", "_", f"{os.environ['TURKFORM_ENV']} {os.environ['FOLDER']}")
    return f"<!-- turkform {about} -->"


def _found(pull: int) -> dict[str, Any] | None:
    """Our comment on a pull request; nobody else's that begins like it."""
    authors = _AUTHORS | {os.environ.get("TURKFORM_COMMENT_AUTHOR", "")}
    comments = gh(f"issues/{pull}/comments?per_page=100", "--paginate")
    ours = [c for c in comments if c["body"].startswith(mark()) and c["user"]["login"] in authors]
    return ours[0] if ours else None


def _comment(pull: int, body: str) -> None:
    """Write the comment anew, or over the one that is there."""
    there = _found(pull)
    if there is None:
        gh(f"issues/{pull}/comments", "--method", "POST", body=body)
    else:
        gh(f"issues/comments/{there['id']}", "--method", "PATCH", body=body)


def stop(reason: str) -> int:
    """Say why nothing is done."""
    print(f"turkform: {reason}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
