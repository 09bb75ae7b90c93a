"""A store of an earlier version opens, keeps what is in it, and works."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from marketplace_server import STORES, running, store_url
from postgres import postgres
from sqlalchemy import MetaData, create_engine, inspect, text

from turkform.marketplace.migrations import VERSION, keep, kept
from turkform.marketplace.store import Store, StoreError
from turkform.marketplace.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST = Path(__file__).parent / "stores" / "version-1.sql"


def written_by_the_first_version(kind: str, folder: Path) -> str:
    """A store with the tables and rows of version 1; on PostgreSQL they are copied over."""
    path = folder / "first.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(FIRST.read_text())
    connection.close()
    if kind == "sqlite":
        return f"sqlite:///{path}"
    url = postgres().database()
    source, target = (
        create_engine(f"sqlite:///{path}"),
        create_engine(url.replace("postgresql:", "postgresql+psycopg:")),
    )
    tables = MetaData()
    tables.reflect(source)
    tables.create_all(target)
    with source.connect() as old, target.begin() as new:
        for table in tables.sorted_tables:
            rows = [row._asdict() for row in old.execute(table.select())]
            if rows:
                new.execute(table.insert(), rows)
            if "seq" in table.c:
                new.execute(text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'seq'), 1000)"))
    source.dispose()
    target.dispose()
    return url


@pytest.fixture(scope="module", params=STORES)
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("first")
    with running(folder, store=written_by_the_first_version(request.param, folder)) as server:
        yield server.client("LOCAL")


def test_what_was_kept_is_kept(client: Any) -> None:
    (kind,) = client.list_qualification_types(MustBeRequestable=False, MustBeOwnedByCaller=True)["QualificationTypes"]
    shown = {name: kind[name] for name in ("Name", "Description", "Keywords", "QualificationTypeStatus")}
    assert shown == {
        "Name": "Trained", "Description": 'It\'s "D"', "Keywords": "a,b", "QualificationTypeStatus": "Inactive"
    }  # fmt: skip
    assert kind["RetryDelayInSeconds"] == 60
    grant = {"QualificationTypeId": kind["QualificationTypeId"], "WorkerId": "A1WORKER"}
    assert client.get_qualification_score(**grant)["Qualification"]["IntegerValue"] == 7
    assert client.list_worker_blocks()["WorkerBlocks"] == [{"WorkerId": "A2BAD", "Reason": "r"}]
    assert client.get_account_balance()["OnHoldBalance"] == "0.24"
    assert [hit["RequesterAnnotation"] for hit in client.list_hits()["HITs"]] == ["n1", "n0"]


def test_work_goes_on_where_it_was(client: Any) -> None:
    (hit,) = client.list_reviewable_hits()["HITs"]
    (work,) = client.list_assignments_for_hit(HITId=hit["HITId"])["Assignments"]
    client.approve_assignment(AssignmentId=work["AssignmentId"])
    client.delete_hit(HITId=hit["HITId"])
    client.create_qualification_type(Name="New", Description="D", QualificationTypeStatus="Active")
    assert client.list_reviewable_hits()["NumResults"] == 0


@pytest.mark.parametrize("kind", STORES)
def test_a_store_brought_up_has_the_tables_of_a_new_one(kind: str, tmp_path: Path) -> None:
    def shape(url: str) -> dict[str, tuple[set[str], dict[str, list[str]]]]:
        store = Store(url)
        found = inspect(store.engine)
        shapes = {}
        for name in metadata.tables:
            indexes = {str(i["name"]): [str(column) for column in i["column_names"]] for i in found.get_indexes(name)}
            kept_on = {index: columns for index, columns in indexes.items() if not index.startswith("ix_")}
            shapes[name] = ({column["name"] for column in found.get_columns(name)}, kept_on)
        with store.transaction() as connection:
            assert kept(connection, "schema") == str(VERSION)
        store.close()
        return shapes

    assert shape(written_by_the_first_version(kind, tmp_path)) == shape(store_url(kind, tmp_path))


@pytest.mark.parametrize("kind", STORES)
def test_a_store_of_a_later_version_is_refused(kind: str, tmp_path: Path) -> None:
    url = store_url(kind, tmp_path)
    store = Store(url)
    with store.transaction() as connection:
        keep(connection, "schema", str(VERSION + 1))
    store.close()
    with pytest.raises(StoreError, match=f"its schema has version {VERSION + 1}, this one knows {VERSION}"):
        Store(url)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("marketplace.sqlite", "the store is not a URL"),
        ("mysql://x/y", "a store is on SQLite or PostgreSQL, not on mysql"),
        ("sqlite:////nowhere/at/all.sqlite", "cannot be opened: unable to open database file"),
        ("postgresql://me:hidden@127.0.0.1:1/x", r"postgresql://me:\*\*\*@127.0.0.1:1/x cannot be opened"),
    ],
)
def test_a_store_that_cannot_be_opened_is_named_without_its_password(url: str, message: str) -> None:
    with pytest.raises(StoreError, match=message):
        Store(url)
