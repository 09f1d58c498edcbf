"""Thin handlers, a file for each part of the bot. They read the request, call a service and show a view."""
