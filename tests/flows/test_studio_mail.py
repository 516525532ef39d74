"""Mail servers and addresses, as a person writes them."""

from contextlib import AbstractContextManager, nullcontext

import pytest

from flows.errors import StudioError
from flows.studio.mail import mail_url
from flows.studio.notify import _send, tell_webhook


def test_a_plain_server() -> None:
    url = mail_url("td@studio.test", "smtp://mail.studio.test")
    assert url.startswith("mailto://mail.studio.test:25?")
    assert "mode=insecure" in url
    assert "to=td%40studio.test" in url
    assert "from=Smooth-Foley%3Cfoley%40studio.test%3E" in url


def test_a_server_with_a_login_has_it_quoted() -> None:
    url = mail_url("td@studio.test", "smtp+starttls://robot%40studio.test@mail.studio.test", "p@ss:w/rd")
    assert url.startswith("mailtos://robot%40studio.test:p%40ss%3Aw%2Frd@mail.studio.test:587?")
    assert "mode=starttls" in url


@pytest.mark.parametrize("smtp", ["mail.studio.test", "http://mail.studio.test", "smtp://", "smtp://host:port"])
def test_what_is_no_mail_server_is_one_sentence(smtp: str) -> None:
    with pytest.raises(StudioError, match="write it as smtp://HOST"):
        mail_url("td@studio.test", smtp)


def test_a_password_on_the_command_line_is_refused_and_not_repeated() -> None:
    with pytest.raises(StudioError, match="FOLEY_SMTP_PASSWORD") as caught:
        mail_url("td@studio.test", "smtps://robot:hidden@mail.studio.test")
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("address", ["td", "td@", "@studio.test", "a b@studio.test", "a@b@c"])
def test_what_is_no_address_is_one_sentence(address: str) -> None:
    with pytest.raises(StudioError, match="no mail address"):
        mail_url(address, "smtp://mail.studio.test")


def test_a_password_in_what_is_no_mail_server_is_not_repeated_either() -> None:
    with pytest.raises(StudioError) as caught:
        mail_url("td@studio.test", "smtp+tls://robot:hidden@mail.studio.test")
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "ftp://hooks.test/x", "http://", "https://:80/x", "http://[bad/x", "http://h:x/", "https://h/\x1b[0m"]
)
def test_what_is_no_webhook_is_one_sentence_that_does_not_repeat_it(url: str) -> None:
    with pytest.raises(StudioError, match="--webhook must be a URL that begins with http://"):
        tell_webhook(url)


def test_a_webhook_that_refuses_is_not_repeated() -> None:
    """Who knows the address of a webhook can write to it; the words of an error end in logs."""

    class Block:
        def raise_on_failure(self) -> "AbstractContextManager[None]":
            return nullcontext()

        def notify(self, subject: str, body: str) -> None:
            raise RuntimeError("Client error '404 Not Found' for url 'https://hooks.studio.test/T1/secret'")

    with pytest.raises(StudioError, match="404 Not Found") as caught:
        _send("foley-webhook", Block())
    assert "secret" not in str(caught.value)
