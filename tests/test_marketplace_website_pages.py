"""What the site's pages say about themselves to browsers, on this machine and behind TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from marketplace_server import Server, running
from real_marketplace import RealMarketplace, real_marketplace
from surfing import Surfer

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "work.example.org"


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("pages")) as found:
        yield found


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealMarketplace]:
    """A marketplace that is reached as https://work.example.org, through a proxy that ends TLS."""
    with real_marketplace(tmp_path_factory.mktemp("secure"), public_url=f"https://{NAME}") as found:
        yield found


def behind(market: RealMarketplace) -> Surfer:
    """A browser at the far side of the proxy."""
    return Surfer(market.server.url, host=NAME, origin=f"https://{NAME}")


@pytest.mark.parametrize("path", ["/", "/work", "/inbox", "/qualifications", "/account", "/hits/3NONE", "/nothing"])
def test_every_page_keeps_to_itself(rehearsal: Server, path: str) -> None:
    headers = Surfer(rehearsal.url).get(path).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "form-action", "connect-src")} == {"'self'"}
    assert {policy[name] for name in ("frame-ancestors", "base-uri", "frame-src")} == {"'none'"}
    assert (headers["x-frame-options"], headers["x-content-type-options"]) == ("DENY", "nosniff")
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert (headers["referrer-policy"], headers["cache-control"]) == ("same-origin", "no-store")


def test_pages_have_no_script_or_style_in_their_markup(rehearsal: Server) -> None:
    for path in ("/", "/work", "/inbox", "/qualifications", "/account"):
        source = Surfer(rehearsal.url).get(path).source
        assert source.count("<script") == source.count('<script src="/static/site.js" defer></script>') == 1
        assert " style=" not in source
        assert "<style" not in source


def test_behind_tls_the_cookie_is_bound_to_the_host_and_kept_to_tls(market: RealMarketplace) -> None:
    surfer = behind(market)
    answer = surfer.post(market.invitation("A1SECURE"))
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-session=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= {part.strip() for part in cookie.split(";")}
    assert "Domain" not in cookie
    page = surfer.get("/account")
    assert "A1SECURE" in page.text
    assert page.headers["strict-transport-security"] == "max-age=31536000"


def test_a_real_marketplace_lets_nobody_in_without_an_invitation(market: RealMarketplace) -> None:
    surfer = behind(market)
    assert surfer.get("/").place == "/sign-in"
    assert surfer.post("/account/worker", worker="A1ANYBODY").status in {303, 404, 405}
    assert surfer.get("/").place == "/sign-in"


def test_the_site_answers_under_its_own_name_only(market: RealMarketplace) -> None:
    assert Surfer(market.server.url, host="evil.example").get("/").status == 421
    assert Surfer(market.server.url, host=f"3abc.{NAME}").get("/").status == 421


def test_a_file_is_asked_about_before_a_copy_is_used(rehearsal: Server) -> None:
    headers = Surfer(rehearsal.url).get("/static/site.css").headers
    assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-cache", "nosniff")
    assert headers["etag"]
