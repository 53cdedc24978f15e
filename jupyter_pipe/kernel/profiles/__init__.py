"""What a value looked like when its stage ended, as a small JSON record
(`artifacts/profile_record.py`).

`make_profile(value)` is the entry. It changes nothing and never raises; it imports
nothing that the stage has not imported, so numpy, pandas and polars are looked up where
a value of theirs has been met. A sample of at most 100,000 rows is looked at, always
the same for the same number of rows.
"""

from __future__ import annotations

from .profile import make_profile

__all__ = ["make_profile"]
