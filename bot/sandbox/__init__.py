"""A provider and a Telegram on this machine, to try the bot against and to test it with. Loopback only."""
