"""Packs: all documents of a period in one ZIP, or in several, with a table."""
