"""Named one-liners: workflows that live, die and misbehave in one way each."""
