"""Modules that a server must list as broken, and come up nevertheless."""
