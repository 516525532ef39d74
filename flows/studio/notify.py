"""Tells somebody how passes end: by webhook or mail, sent by the server through an automation of its own.

The address lies encrypted in a block of the server; the words are made there too, with a link to the run.
"""

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flows.errors import StudioError
from flows.server.automations import drop, keep
from pipeline.errors import first_line

if TYPE_CHECKING:
    from prefect.blocks.abstract import NotificationBlock
    from prefect.events.schemas.automations import AutomationCore

WEBHOOK, MAIL = "foley-webhook", "foley-mail"
_TELLS = {WEBHOOK: "Foley: tell a webhook", MAIL: "Foley: tell by mail"}
FAILED = ("Failed", "Crashed", "GivenUp", "CompletedWithFailures", "ToBeContinued")
FINISHED = ("Completed",)
_URL = re.compile(r"[a-z]+://\S+")
_FLOWS = ["foley-pass", "overnight"]
_SUBJECT = "{{ flow_run.name }}: {{ flow_run.state.name }}"
_BODY = (
    "{{ flow_run.name }} ({{ flow.name }}): {{ flow_run.state.name }}. {{ flow_run.state.message }}\n"
    "{{ flow_run|ui_url }}"
)


def tell_webhook(url: str, *, finished: bool = False) -> None:
    """POST {"text", "subject", "body"} to the URL, which chat services understand. Raises StudioError for no URL."""
    if not _is_web_address(url):
        raise StudioError("--webhook must be a URL that begins with http:// or https:// and a host")
    from prefect.blocks.notifications import CustomWebhookNotificationBlock

    block = CustomWebhookNotificationBlock(
        name=WEBHOOK,
        url="{{url}}",
        json_data={"text": "{{subject}}\n{{body}}", "subject": "{{subject}}", "body": "{{body}}"},
        headers=None,
        cookies=None,
        secrets={"url": url},  # type: ignore[arg-type]  # it makes a secret of a plain dict
    )
    _tell(WEBHOOK, block, finished=finished)


def tell_by_mail(address: str, smtp: str, password: str = "", *, finished: bool = False) -> None:
    """Mail the address through the SMTP server. Raises StudioError for an address or server that cannot be."""
    from flows.studio.mail import FoleyMail, mail_url

    _tell(MAIL, FoleyMail(url=mail_url(address, smtp, password)), finished=finished)  # type: ignore[arg-type]


def tell_nobody() -> list[str]:
    """Remove every notification; the names of those that were there."""
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound

    removed = []
    for name, automation in _TELLS.items():
        if drop(automation):
            removed.append(name)
    with get_client(sync_client=True) as client:
        for name, slug in ((WEBHOOK, "custom-webhook"), (MAIL, "foley-mail")):
            try:
                document = client.read_block_document_by_name(name, slug)
            except ObjectNotFound:
                continue
            client.delete_block_document(document.id)
    return removed


def send_test() -> list[str]:
    """Send a test message on every way that is set up, from this machine; the ways that worked.

    Raises StudioError when none is set up, or when one does not work.
    """
    from prefect.blocks.notifications import CustomWebhookNotificationBlock

    from flows.studio.mail import FoleyMail

    sent = []
    for name, kind in ((WEBHOOK, CustomWebhookNotificationBlock), (MAIL, FoleyMail)):
        block: Any = _load(kind, name)
        if block is not None:
            _send(name, block)
            sent.append(name)
    if not sent:
        raise StudioError("nobody is told yet: `foley studio notify --webhook URL` or `--mail ADDRESS --smtp URL`")
    return sent


def tells(name: str, block_id: Any, *, finished: bool) -> "AutomationCore":
    """The automation that tells by this block how a pass or a night ended."""
    from datetime import timedelta

    from prefect.events.actions import SendNotification
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
    from prefect.events.schemas.events import ResourceSpecification

    names = (*FAILED, *(FINISHED if finished else ()))
    flows: dict[str, str | list[str]] = {"prefect.resource.role": "flow", "prefect.resource.name": _FLOWS}
    return AutomationCore(
        name=_TELLS[name],
        description="Says how passes and nights end.",
        trigger=EventTrigger(
            expect={f"prefect.flow-run.{state}" for state in names},
            match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
            match_related=ResourceSpecification(flows),
            for_each={"prefect.resource.id"},
            posture=Posture.Reactive,
            threshold=1,
            within=timedelta(0),
        ),
        actions=[SendNotification(block_document_id=block_id, subject=_SUBJECT, body=_BODY)],
    )


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and url.isprintable()
    except ValueError:
        return False


def _tell(name: str, block: "NotificationBlock", *, finished: bool) -> None:
    block_id = block.save(name, overwrite=True)
    keep(tells(name, block_id, finished=finished))


def _load(kind: Any, name: str) -> Any:
    try:
        return kind.load(name)
    except ValueError:  # there is none
        return None


def _send(name: str, block: Any) -> None:
    try:
        with block.raise_on_failure():
            block.notify(subject="Smooth-Foley", body="A test: notifications of this studio arrive here.")
    except Exception as error:  # whatever the way there may raise
        said = _URL.sub("its address", first_line(error))  # which is a secret
        raise StudioError(
            f"the test by {name.removeprefix('foley-')} did not arrive ({said}): set it up again"
        ) from error
