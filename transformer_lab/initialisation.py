"""Initialisation: the weights that training starts from.

Holds the random start of all our models, and one that is not random: heads that
attend to their neighbours from the first step on. It leaves out norms and rotary
positions, which start as PyTorch and their formulas have them.

Shapes: `D` = `d_model`, `H` heads, `G` heads of keys and values, `K` size of one head.

Sources: Radford et al. 2019 (GPT-2), section 2.3; Trockman and Kolter 2023. Taught in
chapters 9 and 14.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from transformer_lab.attention import MultiHeadAttention
from transformer_lab.embeddings import Embeddings
from transformer_lab.feedforward import FeedForward


def initialise(module: nn.Module, *, n_layers: int) -> None:
    """Set the weights that training starts from; for use with `Module.apply`.

    - A linear layer keeps the size of what passes through it: standard
      deviation 1/sqrt(inputs). The two that write into the residual stream
      start smaller, by 1/sqrt(2 * n_layers), so that the stream does not grow
      with depth (Radford et al. 2019, section 2.3).
    - Each attention layer starts as a copier: `output` undoes `value`, so that
      it passes on whatever it looks at, and has only to learn where to look.
      (The idea of starting near a multiple of the identity: Trockman and
      Kolter 2023, "Mimetic Initialization of Self-Attention Layers".)
    - Token embeddings start at 0.2, positions at 0.02: what a token is counts
      from the first step, where it stands is learned. GPT-2's 0.02 for both is
      made for vectors twelve times as long.
    """
    into_stream = (2 * n_layers) ** -0.5
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=module.in_features**-0.5)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, Embeddings):
        nn.init.normal_(module.token.weight, std=0.2)
        if isinstance(module.position, nn.Embedding):
            nn.init.normal_(module.position.weight, std=0.02)
    elif isinstance(module, FeedForward):
        module.contract.weight.data *= into_stream
    elif isinstance(module, MultiHeadAttention):
        nn.init.orthogonal_(module.value.weight)
        values = module.value.weight.data  # (G * K, D)
        if module.n_sharing > 1:  # each of the heads that share brings its part
            shared = values.unflatten(0, (-1, module.query.out_features // module.n_heads))
            values = shared.repeat_interleave(module.n_sharing, dim=0).flatten(0, 1)
            values = values / module.n_sharing  # (H * K, D)
        module.output.weight.data = into_stream * values.T.contiguous()


def look_at_neighbours(
    attention: MultiHeadAttention, offsets: Sequence[int], *, strength: float = 6.5
) -> None:
    """Start each head with a look at one neighbour, whatever the words are.

    To copy a word from a like place, a model must first know what stands beside each
    word, and where to look is learned slowly. So a short training can start here.

    The biases of queries and keys say the same about every word, and rotary positions
    turn them like all else. Two equal ones fit best where they stand; if the key's is
    turned by minus the offset beforehand, they fit best that far away. What the words
    themselves have to say about where to look starts small.

    Args:
        attention: of rotary positions, with biases; changed in place.
        offsets: for each head, how far to the right it looks; negative to the left.
        strength: the size of the biases; the larger, the sharper the look.

    Raises:
        ValueError: if there are no rotary positions, no biases, or not one offset per head.

    Source: our own. It spares the training what Olsson et al. 2022, "In-context Learning
    and Induction Heads", call a previous-token head.
    """
    if attention.rotate is None or attention.query.bias is None:
        raise ValueError("a look at neighbours is made of rotary positions and biases")
    if attention.n_sharing > 1 or len(offsets) != attention.n_heads:
        raise ValueError(
            f"{len(offsets)} offsets for {attention.n_heads} heads: each head needs one, "
            "and keys of its own"
        )
    n_pairs = attention.query.out_features // attention.n_heads // 2
    still = torch.tensor([strength, 0.0]).repeat_interleave(n_pairs)  # (K,)
    turned = [attention.rotate(still[None], torch.tensor([-offset])) for offset in offsets]
    attention.query.bias.data = still.repeat(attention.n_heads)  # (H * K,)
    attention.key.bias.data = torch.cat(turned, dim=-1)[0]
    attention.query.weight.data *= 0.2
    attention.key.weight.data *= 0.2
