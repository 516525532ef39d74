"""Importing this module lets the pages of the server of this process speak to the studio alone.

Prefect's pages tell a counter of visitors elsewhere that they were opened, and no setting of Prefect's stops that. The
browser stops it when a page says whom it may speak to (Content Security Policy Level 3, connect-src).
"""

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

from prefect.server.api import server
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Where the pages find their server, and by which other names: flows/studio/environment.py sets both.
_ORIGINS = "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS"


class OwnPages:
    """An ASGI app whose pages may connect to these origins ("http://studio-box:4200") and their own."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        self._app = app
        sockets = (origin.replace("http", "ws", 1) for origin in origins)
        self._policy = " ".join(("connect-src 'self'", *origins, *sockets))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does, and say the policy along: also with "not modified", or a page that the browser kept
        from before would go on without it."""

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Content-Security-Policy"] = self._policy
            await send(message)

        await self._app(scope, receive, sent)


def with_own_pages(create_app: Callable[..., Any]) -> Callable[..., Any]:
    """A maker of apps whose pages speak to the studio alone."""

    @wraps(create_app)
    def created(*arguments: Any, **options: Any) -> Any:
        app = create_app(*arguments, **options)
        # The server's own services ask for the app, too, and get the one that is running.
        if not any(each.cls is OwnPages for each in app.user_middleware):
            app.add_middleware(OwnPages, origins=tuple(filter(None, os.environ.get(_ORIGINS, "").split(","))))
        return app

    return created


server.create_app = with_own_pages(server.create_app)
