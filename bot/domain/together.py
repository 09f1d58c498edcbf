"""The invoices of several accounts of a chat, in one list."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.invoices import Invoice, list_order


def together(accounts: Sequence[Sequence[Invoice]]) -> list[tuple[int, Invoice]]:
    """Return all invoices in the order of one list, each with the place of its account in ``accounts``."""
    owned = [(place, invoice) for place, invoices in enumerate(accounts) for invoice in invoices]
    return sorted(owned, key=lambda pair: (list_order(pair[1]), pair[0]))
