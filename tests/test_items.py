"""Fingerprints are what the specification says, however fast they are made."""

from __future__ import annotations

import hashlib
import json
from base64 import b32encode
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from turkform.items import fingerprint

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(TEXT, VALUES, max_size=4))
def test_a_fingerprint_is_the_end_of_the_sha256_of_canonical_json(inputs: dict[str, Any]) -> None:
    text = json.dumps(inputs, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert fingerprint(inputs) == b32encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=").lower()[-16:]
