"""The harness: its checker finds what is wrong, and its scenarios hold."""
