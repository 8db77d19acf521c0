"""Tests, mirroring the source; `system/` holds the proof from outside."""
