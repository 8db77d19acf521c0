"""Workflows that keep a journal of what they emit, and workflows that misbehave."""
