"""Thin handlers, a file for each part of the bot. They read what was asked, call a service and show a view."""
