"""Refactorings: what the files say about whose things are, beside what things there shall be.

`moved` gives a resource another address, `removed` lets one go without taking it down, `import` takes one over
that somebody made before. None of them sends anything: the journal remembers them, and the line may then go.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from turkform.kinds.resource import ID_PATTERN, Address, Section, listed, refuse

ADDRESS_PATTERN = r"^(qualification_type|grant|hit_type|batch|block)(\.[a-z][a-z0-9_-]{0,39})?(\[\".*\"\])?$"


def _address(text: str) -> str:
    try:
        Address.parse(text)
    except ValueError as error:
        said, _, remedy = str(error).partition(". ")
        raise refuse(said, remedy) from None
    return text


AddressText = Annotated[str, AfterValidator(_address), Field(pattern=ADDRESS_PATTERN)]


class Moved(Section):
    """A resource that goes by another address now."""

    from_: Annotated[
        AddressText, Field(alias="from", description="The address it had.", examples=["qualification_type.old"])
    ]
    to: Annotated[AddressText, Field(description="The address it has.", examples=["qualification_type.new"])]

    @model_validator(mode="after")
    def _of_one_kind(self) -> Moved:
        old, new = Address.parse(self.from_), Address.parse(self.to)
        if old.kind != new.kind:
            raise refuse(f"{old} cannot become {new}: they are of two kinds", f"Write an address like {old}_2.", "to")
        if old.kind == "batch":
            raise refuse(
                "a batch is moved by keeping its id", f"Write  id: {old.name}  in batches.{new.name} instead.", "from"
            )
        if old.kind not in ("qualification_type", "hit_type") or old.key is not None:
            raise refuse(f"{old} moves with what it belongs to", "Remove the entry.", "from")
        return self


class Removed(Section):
    """A resource that the campaign lets go: it stays in the account, as somebody else's."""

    from_: Annotated[
        AddressText, Field(alias="from", description="The address it had.", examples=["qualification_type.old"])
    ]
    action: Annotated[Literal["forget"], Field(description="forget: leave it in the account as it is.")]


class Imported(Section):
    """A qualification type that is this campaign's from now on, though it did not make it."""

    to: Annotated[
        AddressText, Field(description="The address it is declared at.", examples=["qualification_type.trained"])
    ]
    id: Annotated[str, Field(pattern=ID_PATTERN, description="Its id in the account.", examples=["3XYZ"])]

    @model_validator(mode="after")
    def _of_a_kind(self) -> Imported:
        address = Address.parse(self.to)
        if address.kind != "qualification_type" or address.key is not None:
            why = _WHY.get(address.kind, "only qualification types are imported")
            raise refuse(f"{address} cannot be imported: {why}", "Remove the entry.", "to")
        return self


_WHY = {
    "batch": "HITs are known by the markers they were made with",
    "hit_type": "a hit type is found by its values",
    "grant": "a grant that is declared and there is as declared",
    "block": "a block that is declared and there is as declared",
}


Moves = Annotated[tuple[Moved, ...], BeforeValidator(listed)]
Removals = Annotated[tuple[Removed, ...], BeforeValidator(listed)]
Imports = Annotated[tuple[Imported, ...], BeforeValidator(listed)]
