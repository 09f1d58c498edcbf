"""The invoice bot: reminds the customers of a hosting provider of their invoices, over Telegram."""

__version__ = "0.1.0"
