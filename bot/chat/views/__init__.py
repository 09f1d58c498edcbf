"""From domain objects to screens: pure functions of what is to be said and in which words."""
