"""Entry: signing in by an invitation or a password, being another worker in a rehearsal, and the account's page.

An invitation's page only asks; what uses the link up is its form, so that programs which open links to scan them change
nothing. Attempts to sign in with a password are counted, by worker and by address.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.routing import Route

from turkform.marketplace import accounts
from turkform.marketplace.accounts import AccountError
from turkform.marketplace.website.pages import fields, go, wanted

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from turkform.marketplace.context import Context
    from turkform.marketplace.website.pages import Pages
    from turkform.marketplace.website.visitors import Visitor, Visitors

TOO_MANY = 429


class Entry:
    """The routes of signing in and of the account."""

    def __init__(self, pages: Pages, visitors: Visitors) -> None:
        self._pages, self._visitors, self._service = pages, visitors, pages.service

    def routes(self) -> list[BaseRoute]:
        """Every route."""
        shown = self._pages.shown
        routes = [
            Route("/invitations/{token}", shown(self.invitation, everybody=True)),
            Route("/invitations/{token}", shown(self.accept, everybody=True), methods=["POST"]),
            Route("/account", shown(self.account)),
        ]
        if self._service.settings.rehearsal:
            return [*routes, Route("/account/worker", shown(self.become), methods=["POST"])]
        return [
            *routes,
            Route("/sign-in", shown(self.door, everybody=True)),
            Route("/sign-in", shown(self.sign_in, everybody=True), methods=["POST"]),
            Route("/sign-out", shown(self.sign_out), methods=["POST"]),
            Route("/account/password", shown(self.password), methods=["POST"]),
            Route("/account/sessions/end", shown(self.end), methods=["POST"]),
        ]

    # --- invitations ---

    async def invitation(self, request: Request, visitor: Visitor) -> Response:
        """Ask whether to use the link."""
        token = request.path_params["token"]
        try:
            worker = await self._service.act(lambda c: accounts.invited(c.connection, token, c.now))
        except AccountError as error:
            return self._pages.trouble(request, visitor, 410, "This invitation does not work", str(error))
        return self._pages.page(request, visitor, "invitation.html", worker=worker)

    async def accept(self, request: Request, visitor: Visitor) -> Response:
        """Use the link up, and sign its worker in."""
        token = request.path_params["token"]
        try:
            worker = await self._service.act(lambda c: accounts.accept_invitation(c.connection, token, c.now))
        except AccountError as error:
            return self._pages.trouble(request, visitor, 410, "This invitation does not work", str(error))
        response = go("/account")
        await self._visitors.sign_in(request, response, worker)
        return response

    # --- passwords ---

    async def door(self, request: Request, visitor: Visitor) -> Response:
        """The page to sign in at."""
        if visitor.worker:
            return go(wanted(request))
        return self._pages.page(request, visitor, "sign_in.html", worker="", problem="")

    async def sign_in(self, request: Request, visitor: Visitor) -> Response:
        """Sign in with a password."""
        given = await fields(request)
        worker = given.get("worker", "").strip().upper()
        address = request.client.host if request.client else ""

        def look(context: Context) -> tuple[bool, str | None]:
            counted = [
                accounts.count_attempt(context.connection, f"worker {worker}", context.now) > accounts.PER_WORKER,
                accounts.count_attempt(context.connection, f"address {address}", context.now) > accounts.PER_ADDRESS,
            ]
            return any(counted), accounts.password_of(context.connection, worker)

        def signed_in(context: Context) -> None:
            accounts.forget_attempts(context.connection, f"worker {worker}")
            accounts.take_back_attempt(context.connection, f"address {address}")

        too_many, hashed = await self._service.act(look)
        if too_many:
            problem, status = "Too many attempts. Wait a quarter of an hour, or ask for a fresh link.", TOO_MANY
        elif await asyncio.to_thread(accounts.is_password, hashed, given.get("password", "")):
            response = go(wanted(request))
            await self._service.act(signed_in)
            await self._visitors.sign_in(request, response, worker)
            return response
        else:
            problem, status = "Worker ID and password do not fit together.", 403
        return self._pages.page(request, visitor, "sign_in.html", status=status, worker=worker, problem=problem)

    async def sign_out(self, _: Request, visitor: Visitor) -> Response:
        """End this session."""
        response = go("/sign-in")
        await self._visitors.sign_out(response, visitor)
        return response

    # --- the account ---

    async def account(self, request: Request, visitor: Visitor) -> Response:
        """The account's page."""
        return await self._account(request, visitor)

    async def _account(
        self, request: Request, visitor: Visitor, problem: str = "", done: str = "", status: int = 200
    ) -> Response:
        sessions, hashed = await self._service.act(
            lambda c: (
                accounts.sessions_of(c.connection, visitor.worker, c.now),
                accounts.password_of(c.connection, visitor.worker),
            )
        )
        return self._pages.page(
            request, visitor, "account.html", status=status, sessions=sessions, has_password=hashed is not None,
            shortest=accounts.SHORTEST_PASSWORD, problem=problem, done=done,
        )  # fmt: skip

    async def become(self, request: Request, visitor: Visitor) -> Response:
        """Be another worker; rehearsals only."""
        worker = (await fields(request)).get("worker", "").strip().upper()
        if not accounts.WORKER_ID.fullmatch(worker):
            problem = "A worker ID is A and up to 63 capitals and digits, like A1EXAMPLE."
            return await self._account(request, visitor, problem, status=400)
        response = go("/account")
        await self._visitors.sign_in(request, response, worker)
        return response

    async def password(self, request: Request, visitor: Visitor) -> Response:
        """Set a password; every other browser has to sign in again."""
        given = await fields(request)
        old = await self._service.act(lambda c: accounts.password_of(c.connection, visitor.worker))
        if old is not None and not await asyncio.to_thread(accounts.is_password, old, given.get("old", "")):
            return await self._account(request, visitor, "That is not your present password.", status=403)
        try:
            hashed = await asyncio.to_thread(accounts.hash_password, given.get("password", ""))
        except AccountError as error:
            return await self._account(request, visitor, str(error), status=400)

        def keep(context: Context) -> None:
            accounts.set_password(context.connection, visitor.worker, hashed)
            accounts.end_other_sessions(context.connection, visitor.worker, visitor.session)

        await self._service.act(keep)
        return await self._account(request, visitor, done="Your password is set. Other browsers were signed out.")

    async def end(self, request: Request, visitor: Visitor) -> Response:
        """End one session, or all but this one."""
        digest = (await fields(request)).get("session", "")

        def ended(context: Context) -> None:
            if digest:
                accounts.end_session(context.connection, visitor.worker, digest)
            else:
                accounts.end_other_sessions(context.connection, visitor.worker, visitor.session)

        await self._service.act(ended)
        return go("/account")
