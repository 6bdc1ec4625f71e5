"""The chat models behind a network address, for any client of OpenAI's protocol.

- `protocol`: what may be asked, and what is answered.
- `turns`: who is answered when.
- `connections`: how many may be open, and for how long.
- `app`: the requests.
- `running`: the server's beginning and end.

Taught in chapter 14.
"""

from transformer_lab.server.running import running_server, serve, start

__all__ = ["running_server", "serve", "start"]
