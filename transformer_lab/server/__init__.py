"""The chat models behind a network address, for any client of OpenAI's protocol.

- `app`: the requests, and the server's beginning and end.
- `protocol`: what may be asked, and what is answered.
- `turns`: who is answered when.
- `connections`: how many may be open, and for how long.

Taught in chapter 14.
"""

from transformer_lab.server.app import running_server, serve, start

__all__ = ["running_server", "serve", "start"]
