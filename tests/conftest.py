"""What all tests share: how long hypothesis may search."""

from __future__ import annotations

import os

from hypothesis import settings

# Without a deadline for each example: the machine that runs the tests has other work too. Examples are the same in
# every run of CI, so that a change is judged by what it changed; `make test-thorough` looks further.
settings.register_profile("ci", deadline=None, derandomize=True, database=None)
settings.register_profile("local", deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "local"))
