"""The GiroCode of a bank transfer (EPC069-12): a picture that banking apps read."""

from __future__ import annotations

import io
from decimal import Decimal

from bot.domain.topping_up import Payee

CURRENCY = "EUR"
"""The only currency of the standard."""

MODULE_PIXELS = 10
QUIET_MODULES = 4
"""How large a module of the code is, and how wide the white edge that the standard of QR codes asks for."""


def giro_code(payee: Payee, amount: Decimal, reference: str) -> bytes | None:
    """Return the code as a PNG. None: the standard can't carry this much text or such a sum.

    Most apps know UTF-8 best. Where that is too long, a charset with one byte a letter may do. Drawing takes some ten
    milliseconds.
    """
    from segno import helpers  # most bots draw no code

    for encoding in ("utf-8", None):
        try:
            code = helpers.make_epc_qr(payee.name, payee.iban, amount, text=reference, encoding=encoding)
        except ValueError:
            continue
        picture = io.BytesIO()
        code.save(picture, kind="png", scale=MODULE_PIXELS, border=QUIET_MODULES)
        return picture.getvalue()
    return None
