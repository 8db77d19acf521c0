"""The road from a child to its readers, run by seeds: every interleaving and every fault by lot."""
