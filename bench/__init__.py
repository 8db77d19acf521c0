"""Every figure that the README claims, and the command that shows it: ``python -m bench``."""
