"""A program of its own that finds and reads the XML of an e-invoice: ``python -P einvoice_reader.py < FILE``.

The file comes from elsewhere and may be made to harm. So it is read in a process that has no secrets, little memory and
little time, and that the bot can end. It writes a line of JSON, and behind it the XML if that can be read. Nothing:
there is none.
"""

from __future__ import annotations

import json
import re
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, BinaryIO

MEMORY = 512 * 1024 * 1024
SECONDS = 10
LARGEST_XML = 2 * 1024 * 1024
ATTACHMENTS = 20
"""How many files of a PDF are looked at."""

UNREADABLE = "unreadable"
"""What is said of XML that can't be read safely."""

NAMES = ("factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml", "zugferd_invoice.xml")
"""What the XML of an e-invoice is called in a PDF. Others are recognised by their content."""

PROFILES = {
    "minimum": "MINIMUM",
    "basicwl": "BASIC WL",
    "basic": "BASIC",
    "en16931": "EN 16931",
    "extended": "EXTENDED",
    "comfort": "COMFORT",
}
FULL_SCHEMA = "extended-ctc-fr"
"""The library's name for the whole schema of CII, of which ZUGFeRD's profiles are parts."""

ROOTS = {"CrossIndustryInvoice", "CrossIndustryDocument", "Invoice", "CreditNote"}
CREDIT_NOTES = {"381", "261", "262", "296", "308", "396", "420", "458", "532"}
"""Codes of UNTDID 1001 for what is in the customer's favour."""


def main(file: BinaryIO) -> None:
    """Write what the file's XML says, and the XML."""
    _limit()
    found = next(_candidates(file), None)
    if found is None:
        return
    xml, embedded = found
    facts = {**_read(xml), "embedded": embedded}
    of_use = b"" if facts["check"] == UNREADABLE else xml  # nobody gets the rest, which may be of any size
    sys.stdout.buffer.write(json.dumps(facts).encode() + b"\n" + of_use)


def _limit() -> None:
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as first_to_go:  # noqa: PTH123
        first_to_go.write("1000")  # where memory is scarce, the system ends this process and not the bot
    for kind, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_FSIZE, 0)):
        resource.setrlimit(kind, (most, most))


def _candidates(file: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """Yield the XML, and whether it is within a PDF: those with a known name first."""
    if b"%PDF-" not in file.read(2048):
        file.seek(0)
        yield file.read(LARGEST_XML + 1), False
        return
    from pypdf import PdfReader  # noqa: PLC0415  # after the limits are set

    file.seek(0)
    named = []
    for attachment, _ in zip(PdfReader(file).attachment_list, range(ATTACHMENTS), strict=False):
        with suppress(Exception):  # one broken attachment says nothing of the others
            name = attachment.name.lower()
            if name.endswith(".xml"):
                named.append((name not in NAMES, name, attachment.content or b""))
    for is_unknown, _, content in sorted(named, key=lambda each: each[0]):
        if not is_unknown or _root_of(content) in ROOTS:
            yield content, True


def _root_of(xml: bytes) -> str:
    """Return the name of the outermost element, without its prefix."""
    root = _parsed(xml)
    return "" if root is None else _local(root)


def _parsed(xml: bytes) -> Any:
    """Return the root of the XML, or None if it can't be read safely. Entities and other files are never followed."""
    from lxml import etree  # noqa: PLC0415  # as above

    if not xml or len(xml) > LARGEST_XML or b"<!DOCTYPE" in xml.upper():
        return None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    with suppress(etree.XMLSyntaxError):
        root = etree.fromstring(xml, parser)
        if not root.getroottree().docinfo.doctype:
            return root
    return None


def _read(xml: bytes) -> dict[str, object]:
    root = _parsed(xml)
    if root is None or _local(root) not in ROOTS:
        return {"form": "", "check": UNREADABLE}
    is_ubl = _local(root) in {"Invoice", "CreditNote"}
    facts = _ubl(root) if is_ubl else _cii(root)
    return {"form": _form(root, is_ubl=is_ubl), "check": _check(root), **facts}


def _cii(root: Any) -> dict[str, object]:
    currency = _text(root, ".//*[local-name()='InvoiceCurrencyCode']")
    sums = ".//*[contains(local-name(), 'MonetarySummation') and not(contains(local-name(), 'Line'))]"
    code = _text(root, "./*[local-name()='ExchangedDocument' or local-name()='HeaderExchangedDocument']"
                       "/*[local-name()='TypeCode']")  # fmt: skip
    return {
        "number": _text(root, "./*[contains(local-name(), 'ExchangedDocument')]/*[local-name()='ID']"),
        "total": _text(root, f"{sums}/*[local-name()='GrandTotalAmount']"),
        "tax": _amount_in(root, f"{sums}/*[local-name()='TaxTotalAmount']", currency),
        "credit_note": code in CREDIT_NOTES,
    }


def _ubl(root: Any) -> dict[str, object]:
    currency = _text(root, "./*[local-name()='DocumentCurrencyCode']")
    is_note = _local(root) == "CreditNote" or _text(root, "./*[local-name()='InvoiceTypeCode']") in CREDIT_NOTES
    return {
        "number": _text(root, "./*[local-name()='ID']"),
        "total": _text(root, "./*[local-name()='LegalMonetaryTotal']/*[local-name()='TaxInclusiveAmount']"),
        "tax": _amount_in(root, "./*[local-name()='TaxTotal']/*[local-name()='TaxAmount']", currency),
        "credit_note": is_note,
    }


def _text(root: Any, path: str) -> str:
    found = root.xpath(path)
    return (found[0].text or "").strip()[:200] if found else ""


def _amount_in(root: Any, path: str, currency: str) -> str:
    """Return the sum in the invoice's currency: the tax may stand there in a second one, too."""
    found = root.xpath(path)
    fitting = [each for each in found if each.get("currencyID") in {None, currency}] or found
    return (fitting[0].text or "").strip()[:200] if fitting else ""


def _form(root: Any, *, is_ubl: bool) -> str:
    guideline = _guideline(root)
    if "xrechnung" in guideline.lower():
        return f"XRechnung ({'UBL' if is_ubl else 'CII'})"
    if is_ubl:
        return "UBL"
    profile = PROFILES.get(re.split(r"[:#]", guideline)[-1].lower(), "EN 16931" if "en16931" in guideline else "")
    if _local(root) == "CrossIndustryDocument":
        return f"ZUGFeRD 1.0 ({profile})" if profile else "ZUGFeRD 1.0"
    return f"ZUGFeRD ({profile})" if profile else "CII"


def _guideline(root: Any) -> str:
    """Return what the XML says it follows."""
    return _text(root, ".//*[local-name()='GuidelineSpecifiedDocumentContextParameter']/*[local-name()='ID']") or _text(
        root, "./*[local-name()='CustomizationID']"
    )


def _check(root: Any) -> str:
    """Return whether the XML keeps to the schema of its form."""
    import facturx  # noqa: PLC0415  # as above

    try:
        flavor = facturx.get_flavor(root)
        level = None
        if flavor == "factur-x":
            level = FULL_SCHEMA if "xrechnung" in _guideline(root).lower() else facturx.get_level(root, flavor)
    except Exception:  # noqa: BLE001  # whatever it is, there is no schema for it
        return "unchecked"
    try:
        facturx.xml_check_xsd(root, flavor=flavor, level=level)
    except Exception as error:  # noqa: BLE001  # the library has no error of its own
        from lxml import etree  # noqa: PLC0415  # as above

        return "invalid" if isinstance(error.__cause__, etree.DocumentInvalid) else "unchecked"
    return "valid"


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


if __name__ == "__main__":
    main(open(0, "rb"))  # noqa: SIM115  # standard input, which can be sought in as it is a file
