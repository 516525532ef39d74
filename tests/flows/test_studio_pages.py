"""What a browser may load is what the pages say it may."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from flows.studio.pages import OwnPages


def page(request: Request) -> Response:
    return HTMLResponse("<p>a page</p>")


def facts(request: Request) -> Response:
    return JSONResponse({"a": "fact"})


def test_a_page_may_speak_to_its_studio_alone() -> None:
    origins = ("http://studio-box:4200", "https://foley.example")
    client = TestClient(OwnPages(Starlette(routes=[Route("/", page), Route("/api", facts)]), origins))
    policy = client.get("/").headers["Content-Security-Policy"]
    assert policy.split() == [
        "connect-src",
        "'self'",
        "http://studio-box:4200",
        "https://foley.example",
        "ws://studio-box:4200",
        "wss://foley.example",
    ]
    assert "Content-Security-Policy" not in client.get("/api").headers
    assert client.get("/").text == "<p>a page</p>"
