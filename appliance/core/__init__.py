"""Decisions without I/O: `step(state, event, now)`, `deadline(state, now)`, `render(state, now)`."""
