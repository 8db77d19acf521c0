"""What runs inside a workflow's process.

In the order of a run's life:

- `main`: the process, from the fork to its exit; wires the rest together
- `birth`: leaving the fork server behind
- `capture`: what the code prints, line by line
- `listener`: the thread that keeps the connection to the server
- `inbox`: what the server says to the run: start, stop, answers
- `outbox`: what the run says to the server: numbered, kept until it is acknowledged
- `pipe`: the lines of both directions (pure)
- `execution`: calling the workflow's function, and what became of it
- `failure`: an exception in words

What the author of a workflow touches: `registration` (the decorator), `signature` (its parameters
as a JSON Schema), `context` (`Context`, `Agent`) and `checking` (what counts as JSON).

`prober` is a program of its own: it tells the server which workflows modules have, by `probe`.
"""
