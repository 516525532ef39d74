"""What a browser may load is what the pages say it may."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from flows.studio.pages import OwnPages, with_own_pages


def page(request: Request) -> Response:
    return HTMLResponse("<p>a page</p>")


def kept(request: Request) -> Response:
    return Response(status_code=304)


def test_a_page_may_speak_to_its_studio_alone() -> None:
    origins = ("http://studio-box:4200", "https://foley.example")
    app = Starlette(routes=[Route("/", page), Route("/kept", kept)])
    client = TestClient(OwnPages(app, origins))
    policy = client.get("/").headers["Content-Security-Policy"]
    assert policy.split() == ["connect-src", "'self'", *origins, "ws://studio-box:4200", "wss://foley.example"]
    assert client.get("/kept").headers["Content-Security-Policy"] == policy
    assert client.get("/").text == "<p>a page</p>"


def test_an_app_that_runs_already_is_given_out_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Starlette(routes=[Route("/", page)])
    monkeypatch.delenv("PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS", raising=False)
    create_app = with_own_pages(lambda: app)
    assert TestClient(create_app()).get("/").headers["Content-Security-Policy"] == "connect-src 'self'"
    assert create_app() is app
