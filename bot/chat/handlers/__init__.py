"""Thin handlers, a file for each part of the bot: read what was asked, call a service, show a view."""
