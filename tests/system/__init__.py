"""The proof from outside: a real server process, real sockets, and the contract alone."""
