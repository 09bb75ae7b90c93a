"""Signing in, out and back in, as workers do where it counts."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from marketplace_server import STORES
from real_marketplace import RealMarketplace, real_marketplace
from surfing import Surfer

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "correct horse battery staple"
_NUMBERS = itertools.count()


@pytest.fixture(scope="module", params=STORES)
def market(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealMarketplace]:
    with real_marketplace(tmp_path_factory.mktemp("entry"), request.param) as found:
        yield found


@pytest.fixture
def worker() -> str:
    """A worker of its own for every test."""
    return f"A1WORKER{next(_NUMBERS)}"


def signed_in(market: RealMarketplace, worker: str) -> Surfer:
    surfer = Surfer(market.url)
    assert surfer.post(market.invitation(worker)).status == 303
    return surfer


def with_password(market: RealMarketplace, worker: str) -> Surfer:
    surfer = signed_in(market, worker)
    assert "Your password is set" in surfer.post("/account/password", password=PASSWORD).text
    return surfer


@pytest.mark.parametrize("path", ["/", "/work", "/inbox", "/qualifications", "/account", "/hits/3X", "/assignments/3X"])
def test_who_is_not_signed_in_sees_the_door_only(market: RealMarketplace, path: str) -> None:
    assert Surfer(market.url).get(path).place.partition("?")[0] == "/sign-in"


@pytest.mark.parametrize("path", ["/", "/inbox", "/hits/3X", "/?q=birds+%26+bees&sort=reward"])
def test_signing_in_leads_to_where_one_wanted_to_go(market: RealMarketplace, worker: str, path: str) -> None:
    with_password(market, worker)
    surfer = Surfer(market.url)
    door = surfer.get(path).place
    assert surfer.post(door, worker=worker, password="wrong").status == 403
    assert surfer.post(door, worker=worker, password=PASSWORD).place == path
    assert surfer.get(door).place == path


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "/\t/evil.example/",
        "evil.example",
        "javascript:x",
    ],
)
def test_signing_in_never_leads_to_another_site(market: RealMarketplace, worker: str, elsewhere: str) -> None:
    with_password(market, worker)
    surfer = Surfer(market.url)
    door = f"/sign-in?{urlencode({'next': elsewhere})}"
    assert surfer.post(door, worker=worker, password=PASSWORD).place == "/"
    assert surfer.get(door).place == "/"


def test_a_link_is_used_up_by_its_form_and_not_by_looking(market: RealMarketplace, worker: str) -> None:
    link = market.invitation(worker)
    for _ in range(2):
        assert f"invited to work here as {worker}" in Surfer(market.url).get(link).text
    surfer = Surfer(market.url)
    assert worker in surfer.follow(surfer.post(link)).text
    late = Surfer(market.url).post(link)
    assert (late.status, "used before" in late.text) == (410, True)


def test_a_revoked_link_and_an_unknown_one_do_not_work(market: RealMarketplace, worker: str) -> None:
    link = market.invitation(worker)
    assert market.keep("revoke", worker=worker) == {"revoked": 1}
    assert Surfer(market.url).post(link).status == 410
    assert Surfer(market.url).post(link + "x").status == 410


def test_a_password_lets_a_worker_in_again(market: RealMarketplace, worker: str) -> None:
    with_password(market, worker)
    surfer = Surfer(market.url)
    assert "do not fit together" in surfer.post("/sign-in", worker=worker, password="wrong horse battery").text
    assert surfer.get("/").place == "/sign-in"
    assert surfer.post("/sign-in", worker=worker.lower(), password=PASSWORD).place == "/"
    assert worker in surfer.get("/account").text


def test_signing_out_makes_the_cookie_worthless(market: RealMarketplace, worker: str) -> None:
    surfer = signed_in(market, worker)
    stolen = dict(surfer.cookies)
    surfer.post("/sign-out")
    assert Surfer(market.url, stolen).get("/").place == "/sign-in"


def test_another_browsers_session_can_be_ended(market: RealMarketplace, worker: str) -> None:
    here = signed_in(market, worker)
    there = Surfer(market.url, agent="Mozilla/5.0 (iPhone) Safari/605")
    there.post(market.invitation(worker))
    assert "Safari on iPhone" in here.get("/account").text
    here.post("/account/sessions/end")
    assert there.get("/").place == "/sign-in"
    assert here.get("/").status == 200


def test_a_new_password_needs_the_old_one_and_signs_other_browsers_out(market: RealMarketplace, worker: str) -> None:
    here = with_password(market, worker)
    there = Surfer(market.url)
    there.post("/sign-in", worker=worker, password=PASSWORD)
    refused = here.post("/account/password", old="wrong horse battery", password="another long password")
    assert (refused.status, there.get("/").status) == (403, 200)
    assert "is set" in here.post("/account/password", old=PASSWORD, password="another long password").text
    assert there.get("/").place == "/sign-in"


def test_a_short_password_is_refused(market: RealMarketplace, worker: str) -> None:
    assert "12 to 200 characters" in signed_in(market, worker).post("/account/password", password="short").text


def test_guessing_is_slowed_down_and_the_right_password_with_it(market: RealMarketplace, worker: str) -> None:
    with_password(market, worker)
    tries = [Surfer(market.url).post("/sign-in", worker=worker, password=f"guess number {n}").status for n in range(11)]
    assert tries == [403] * 10 + [429]
    assert Surfer(market.url).post("/sign-in", worker=worker, password=PASSWORD).status == 429
    assert signed_in(market, worker).get("/").status == 200


def test_who_is_disabled_is_out_at_once_and_stays_out(market: RealMarketplace, worker: str) -> None:
    surfer, link = with_password(market, worker), market.invitation(worker)
    market.keep("disable", worker=worker)
    assert surfer.get("/").place == "/sign-in"
    assert Surfer(market.url).post("/sign-in", worker=worker, password=PASSWORD).status == 403
    assert Surfer(market.url).post(link).status == 410
    market.keep("enable", worker=worker)
    assert Surfer(market.url).post("/sign-in", worker=worker, password=PASSWORD).status == 303


def test_nobody_can_be_another_worker(market: RealMarketplace, worker: str) -> None:
    surfer = signed_in(market, worker)
    assert surfer.post("/account/worker", worker="A1OTHER").status in {404, 405}
    name = next(iter(surfer.cookies))
    assert Surfer(market.url, {name: worker}).get("/").place == "/sign-in"


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(market: RealMarketplace, worker: str) -> None:
    cookie = Surfer(market.url).post(market.invitation(worker)).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "domain" not in cookie
