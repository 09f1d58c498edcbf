"""Searching invoices by what somebody types: a text becomes conditions, and conditions find invoices."""
