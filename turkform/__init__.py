"""turkform: infrastructure as code for human tasks.

The pipeline as functions, one stage each; provisional until 1.0:

    desired = turkform.load("campaigns/quickstart")
    account = turkform.connect(desired.target, url)
    with turkform.Journal.open(desired.target.journal, create=True) as journal:
        found = turkform.survey(desired, account, journal, turkform.Choices())
        print(found.plan.price, found.plan.refusals)
        report = turkform.apply(found, journal, run=turkform.RunInfo("my script"))

Nothing is imported before it is used, so `import turkform` costs nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from turkform.account import Account, connect
    from turkform.apply import apply
    from turkform.campaign import Campaign, Desired
    from turkform.changes import Diff
    from turkform.choices import Choices
    from turkform.closing import close
    from turkform.diff import diff
    from turkform.errors import CampaignError, Diagnostic, TurkformError
    from turkform.journal import Journal
    from turkform.loader import load
    from turkform.money import Money
    from turkform.observed import Observed, observe
    from turkform.outcomes import Report, RunInfo
    from turkform.plan import Plan
    from turkform.results import status
    from turkform.sender import Stop
    from turkform.survey import Survey, survey

__version__ = "0.1.0"

__all__ = [
    "Account",
    "Campaign",
    "CampaignError",
    "Choices",
    "Desired",
    "Diagnostic",
    "Diff",
    "Journal",
    "Money",
    "Observed",
    "Plan",
    "Report",
    "RunInfo",
    "Stop",
    "Survey",
    "TurkformError",
    "__version__",
    "apply",
    "close",
    "connect",
    "diff",
    "load",
    "observe",
    "status",
    "survey",
]

_HOMES = {
    "account": ("Account", "connect"),
    "observed": ("Observed", "observe"),
    "apply": ("apply",),
    "campaign": ("Campaign", "Desired"),
    "closing": ("close",),
    "choices": ("Choices",),
    "changes": ("Diff",),
    "diff": ("diff",),
    "errors": ("CampaignError", "Diagnostic", "TurkformError"),
    "journal": ("Journal",),
    "loader": ("load",),
    "money": ("Money",),
    "outcomes": ("Report", "RunInfo"),
    "plan": ("Plan",),
    "results": ("status",),
    "sender": ("Stop",),
    "survey": ("Survey", "survey"),
}


class _Package(ModuleType):
    """This package, in which `apply`, `diff` and `survey` are the functions, whether or not their modules are loaded.

    Importing a module puts it into its package under its own name, which would hide the function of that name.
    `from turkform.apply import …` finds the module all the same.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if not (isinstance(value, ModuleType) and name in __all__):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    """Fetch a public name from its module."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"turkform.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
