"""How fast SmolLM2 writes here and with Hugging Face, on the same weights.

    .venv/bin/python tools/benchmark_chat.py --tokens 40 --rounds 5

Both write the same prompt on, greedily and with a key/value cache, in turn and in one
process, so that what else the machine does slows both. The medians are printed, and
their ratio. The two texts must be the same: else the comparison would be of nothing.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from transformers import LlamaForCausalLM
from transformers.utils import logging

from transformer_lab import generation, pretrained
from transformer_lab.chat import load

QUESTION = {"role": "user", "content": "Tell me a short story about a fox and a river."}


def ours(model, prompt: list[int], tokens: int) -> list[int]:
    """Our `Decoder` and our loop."""
    return generation.generate(model, prompt, max_new_tokens=tokens, temperature=0)


def theirs(model, prompt: list[int], tokens: int) -> list[int]:
    """Hugging Face's `generate`; no token ends the text early."""
    ids = torch.tensor([prompt])
    with torch.no_grad():
        written = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=tokens,
            min_new_tokens=tokens,
            do_sample=False,
            pad_token_id=0,
        )
    return written[0, len(prompt) :].tolist()


def main() -> None:
    """Measure, and print a line for each side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=40, help="how many to write")
    parser.add_argument("--rounds", type=int, default=5, help="how often, each side in turn")
    parser.add_argument("--repeat", type=int, default=1, help="say the question so many times")
    options = parser.parse_args()

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    chat = load("smollm2-135m-instruct")
    file = pretrained.package_file(pretrained.SMOLLM2, "SmolLM2-135M-Instruct.Q4_1.gguf")
    reference = LlamaForCausalLM.from_pretrained(file.parent, gguf_file=file.name).eval()
    question = QUESTION | {"content": " ".join([QUESTION["content"]] * options.repeat)}
    prompt = chat.fit([question], options.tokens).ids

    sides = {"ours": (ours, chat.model), "Hugging Face": (theirs, reference)}
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    texts = {}
    for round_ in range(options.rounds + 1):  # the first one warms up, and is not counted
        for name, (write, model) in sides.items():
            started = time.perf_counter()
            texts[name] = write(model, prompt, options.tokens)
            if round_:
                seconds[name].append(time.perf_counter() - started)
    if texts["ours"] != texts["Hugging Face"]:
        raise SystemExit("the two texts differ, so their speeds cannot be compared")

    print(
        f"{len(prompt)} tokens read, {options.tokens} written, medians of {options.rounds} rounds, "
        f"float32, {torch.get_num_threads()} threads"
    )
    speed = {name: options.tokens / statistics.median(times) for name, times in seconds.items()}
    for name, value in speed.items():
        slowest, fastest = options.tokens / max(seconds[name]), options.tokens / min(seconds[name])
        print(f"{name:>12}: {value:6.1f} tokens/s  (from {slowest:.1f} to {fastest:.1f})")
    print(f"{'ratio':>12}: {speed['ours'] / speed['Hugging Face']:.2f} (ours to theirs)")


if __name__ == "__main__":
    main()
