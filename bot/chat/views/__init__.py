"""Pure functions from domain objects to screens: text and buttons."""
