"""Payments with credit, in the order in which one happens: quote, confirm, execute, reconcile, notify."""
