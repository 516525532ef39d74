"""A mail as a Prefect notification block. Importing this module makes a server know it."""

from typing import ClassVar
from urllib.parse import quote, unquote, urlencode, urlsplit

from prefect.blocks.notifications import AppriseNotificationBlock
from pydantic import Field, SecretStr

from flows.errors import StudioError
from flows.studio.environment import has_password

_MODES = {"smtp": "insecure", "smtp+starttls": "starttls", "smtps": "ssl"}
_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


class FoleyMail(AppriseNotificationBlock):
    """Sends a studio's notifications by mail."""

    _block_type_name: ClassVar[str] = "Foley Mail"
    _block_type_slug: ClassVar[str] = "foley-mail"

    url: SecretStr = Field(default=..., title="Mail server", description="mailto:// or mailtos:// URL of Apprise")


def mail_url(address: str, smtp: str, password: str = "") -> str:
    """The mail server and the address as one URL of Apprise.

    `smtp` is smtp://HOST, smtp+starttls://USER@HOST or smtps://USER@HOST, with a port where it is not the usual one.
    Raises StudioError for anything else, and for a password on the command line.
    """
    try:
        parts = urlsplit(smtp)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if has_password(smtp):
        raise StudioError("--smtp holds a password that everybody on this machine can read: use FOLEY_SMTP_PASSWORD")
    if parts.scheme not in _MODES or not host:
        raise StudioError(f"--smtp {smtp}: write it as smtp://HOST, smtp+starttls://USER@HOST or smtps://USER@HOST")
    if address.count("@") != 1 or not all(address.split("@")) or any(letter.isspace() for letter in address):
        raise StudioError(f"--mail {address} is no mail address")
    user = unquote(parts.username or "")
    sender = user if "@" in user else f"foley@{address.split('@')[1]}"
    asked = {"from": f"Smooth-Foley<{sender}>", "to": address, "smtp": host, "mode": _MODES[parts.scheme]}
    login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
    scheme = "mailto" if parts.scheme == "smtp" else "mailtos"
    return f"{scheme}://{login}{host}:{port or _PORTS[parts.scheme]}?{urlencode(asked | {'format': 'text'})}"
