"""The doctor finds what is wrong with an installation, and nothing where nothing is."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from marketplace_server import STORES, Real, real
from sqlalchemy import create_engine, text
from tls_front import front

from turkform.marketplace.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tls_front import Front

SITE, TASKS = "https://work.example.org", "https://tasks.example.net"
NAMES = ("work.example.org", "*.tasks.example.net")


@pytest.fixture(scope="module", params=STORES)
def market(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    folder = tmp_path_factory.mktemp("doctor")
    with real(folder, "--public-url", SITE, "--tasks-url", TASKS, store=request.param) as found:
        yield found


@pytest.fixture
def proxy(market: Real, tmp_path: Path) -> Iterator[Front]:
    with front(tmp_path, behind(market), *NAMES) as found:
        yield found


def behind(market: Real) -> tuple[str, int]:
    parts = urlsplit(market.url)
    return parts.hostname or "", parts.port or 0


def examined(market: Real, proxy: Front, **changes: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and each check by its name."""
    words = {
        "store": market.store, "master-key": str(market.master), "public-url": SITE, "tasks-url": TASKS,
        "ca": str(proxy.certificate), "connect": proxy.address,
    } | {name.replace("_", "-"): value for name, value in changes.items()}  # fmt: skip
    done = CliRunner().invoke(main, ["doctor", "--json", *(f"--{name}={value}" for name, value in words.items())])
    return done.exit_code, {finding["check"]: finding for finding in json.loads(done.output)["checks"]}


def test_a_good_installation_has_nothing_wrong(market: Real, proxy: Front) -> None:
    code, found = examined(market, proxy)
    assert [check for check in found.values() if not check["well"]] == []
    assert code == 0
    assert {
        "store", "master key", "site: TLS", "site: health", "site: pages", "site: API", "task host: TLS",
        "task host: task pages", "task host: apart from the site",
    } <= {*found}  # fmt: skip


def test_it_is_told_to_people_a_line_a_check(market: Real, proxy: Front) -> None:
    words = ["--store", market.store, "--master-key", str(market.master), "--ca", str(proxy.certificate)]
    addresses = ["--public-url", SITE, "--tasks-url", TASKS, "--connect", proxy.address]
    done = CliRunner().invoke(main, ["doctor", *words, *addresses])
    assert done.exit_code == 0, done.output
    assert "ok     site: API: an unsigned call is refused\n" in done.output
    assert "wrong" not in done.output


def test_another_stores_master_key_is_found_out(market: Real, proxy: Front, tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    other.write_text("A" * 43 + "=\n")
    other.chmod(0o600)
    code, found = examined(market, proxy, master_key=str(other))
    assert code == 1
    assert "not the master key of this store" in found["master key"]["said"]


def test_a_master_key_that_others_can_read_is_found_out(market: Real, proxy: Front, tmp_path: Path) -> None:
    open_key = tmp_path / "open.key"
    open_key.write_text(market.master.read_text())
    open_key.chmod(0o644)
    _, found = examined(market, proxy, master_key=str(open_key))
    assert "others can read" in found["master key"]["said"]
    assert not found["master key"]["well"]


@pytest.mark.parametrize(
    ("store", "said"),
    [
        ("sqlite:////nowhere/at/all.sqlite", "there is no store"),
        ("postgresql://nobody@127.0.0.1:1/none", "cannot be opened"),
    ],
)
def test_a_store_that_is_not_there_is_found_out_and_not_made(
    market: Real, proxy: Front, store: str, said: str
) -> None:  # fmt: skip
    code, found = examined(market, proxy, store=store)
    assert code == 1
    assert said in found["store"]["said"]
    assert found["site: health"]["well"]


@pytest.mark.parametrize(("version", "well", "said"), [("1", True, "has schema 1"), ("99", False, "has schema 99")])
def test_a_store_of_another_version_is_told_and_left_as_it_is(
    tmp_path: Path, market: Real, proxy: Front, version: str, said: str, *, well: bool
) -> None:
    url = f"sqlite:///{tmp_path / 'other.sqlite'}"
    engine = create_engine(url)
    with closing(engine.raw_connection()) as connection:
        connection.cursor().execute("CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT)")
        connection.cursor().execute("INSERT INTO settings VALUES ('schema', ?)", (version,))
        connection.commit()
    _, found = examined(market, proxy, store=url)
    assert found["store"]["well"] is well
    assert said in found["store"]["said"]
    with engine.connect() as reader:
        assert reader.execute(text("SELECT value FROM settings")).scalar() == version
    engine.dispose()


def test_a_certificate_without_the_wildcard_is_found_out(market: Real, tmp_path: Path) -> None:
    with front(tmp_path, behind(market), "work.example.org") as proxy:
        code, found = examined(market, proxy)
    assert code == 1
    assert found["site: TLS"]["well"]
    assert "wildcard" in found["task host: TLS"]["todo"]


def test_a_certificate_that_ends_soon_is_a_note(market: Real, tmp_path: Path) -> None:
    with front(tmp_path, behind(market), *NAMES, days=3) as proxy:
        code, found = examined(market, proxy)
    assert (code, found["site: TLS"]["todo"]) == (0, "Renew it now.")


def test_a_server_that_knows_itself_by_other_names_is_found_out(market: Real, tmp_path: Path) -> None:
    with front(tmp_path, behind(market), "other.example.org", "*.elsewhere.example.net") as proxy:
        code, found = examined(
            market, proxy, public_url="https://other.example.org", tasks_url="https://elsewhere.example.net"
        )
    assert code == 1
    assert "this very --public-url" in found["site: pages"]["todo"]


def test_names_that_do_not_resolve_are_found_out(market: Real, proxy: Front) -> None:
    done = CliRunner().invoke(
        main,
        ["doctor", "--json", "--store", market.store, "--master-key", str(market.master), "--ca",
         str(proxy.certificate), "--public-url", "https://work.invalid", "--tasks-url", "https://tasks.invalid"],
    )  # fmt: skip
    found = {one["check"]: one for one in json.loads(done.output)["checks"]}
    assert done.exit_code == 1
    assert "does not resolve" in found["site: name"]["said"]
    assert "wildcard" in found["task host: name"]["todo"]
