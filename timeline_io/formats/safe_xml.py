"""XML from anywhere -> an element tree, without what XML can be abused for."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element, ParseError, XMLParser, fromstring

from defusedxml.common import DefusedXmlException, DTDForbidden  # type: ignore[import-untyped]
from defusedxml.ElementTree import DefusedXMLParser  # type: ignore[import-untyped]

from timeline_io.errors import UnreadableEditError
from timeline_io.formats.xml_text import to_utf8


def parse_xml(data: bytes, file_name: str) -> Element:
    """The root element; raises UnreadableEditError for damaged or unsafe XML."""
    try:
        return _parsed(to_utf8(data, file_name)[0])
    except DefusedXmlException as error:
        raise UnreadableEditError(
            f"{file_name} declares entities or an external document type, which an edit never needs and "
            "which can be used to attack the reader: it was not opened"
        ) from error
    except (ParseError, ValueError, LookupError, RecursionError) as error:
        raise UnreadableEditError(f"{file_name} is damaged: it is no valid XML ({_short(error)})") from error


class _Guard(DefusedXMLParser):  # type: ignore[misc]
    """Refuses entities and external document types, but not the plain `<!DOCTYPE xmeml>` of every export.

    It only looks and builds nothing, so a feature film's timeline passes in a blink.
    """

    def __init__(self) -> None:
        super().__init__(target=_Nothing(), encoding="utf-8", forbid_dtd=False, forbid_entities=True)
        self.parser.DefaultHandlerExpand = None
        self.parser.StartDoctypeDeclHandler = self._check_doctype

    def _check_doctype(self, name: str, system_id: str | None, public_id: str | None, _internal: Any) -> None:
        if system_id or public_id:
            raise DTDForbidden(name, system_id, public_id)


class _Nothing:
    """A parser target that keeps nothing."""

    def close(self) -> None:
        """There is nothing to hand over."""


def _parsed(utf8: bytes) -> Element:
    guard = _Guard()
    guard.feed(utf8)
    guard.close()
    return fromstring(utf8, XMLParser(encoding="utf-8"))


def _short(error: BaseException) -> str:
    return str(error)[:80].replace("\n", " ") or type(error).__name__
