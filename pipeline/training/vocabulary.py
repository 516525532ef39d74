"""The byte-pair encoding of the bundled model, learned from the phrases it is trained on.

One merge list serves both text towers: open_clip reads `bpe.txt.gz`, transformers reads `vocab.json` and `merges.txt`.
Token numbers agree.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

from open_clip.tokenizer import bytes_to_unicode

from pipeline.scenes.catalogue import THINGS

_MERGES = 400
_WORD_END = "</w>"


def learn_merges(limit: int = _MERGES) -> list[tuple[str, str]]:
    """Merge the most frequent pair again and again (Sennrich et al. 2016); ties fall in alphabetical order."""
    words = Counter(
        (*word[:-1], word[-1] + _WORD_END) for thing in THINGS for phrase in thing.phrases for word in phrase.split()
    )
    merges: list[tuple[str, str]] = []
    while len(merges) < limit:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, count in words.items():
            for pair in pairwise(word):
                pairs[pair] += count
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        words = Counter({_merge(word, best): count for word, count in words.items()})
    return merges


def _merge(word: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    merged: list[str] = []
    for piece in word:
        if merged and (merged[-1], piece) == pair:
            merged[-1] += piece
        else:
            merged.append(piece)
    return tuple(merged)


def write_open_clip_bpe(path: Path) -> int:
    """Write the merges as open_clip wants them; returns the size of the vocabulary."""
    merges = learn_merges()
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    # mtime=0: equal merges give equal bytes.
    # No newline at the end either: open_clip would take the empty last line for a merge.
    path.write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))
    return len(_tokens(merges))


def write_transformers_tokenizer(folder: Path) -> None:
    """Write the same vocabulary as a CLIPTokenizer folder."""
    merges = learn_merges()
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {token: i for i, token in enumerate(_tokens(merges))}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    start, end = "<|startoftext|>", "<|endoftext|>"
    special = {"bos_token": start, "eos_token": end, "unk_token": end, "pad_token": end}
    settings = {**special, "tokenizer_class": "CLIPTokenizer", "model_max_length": 16}
    (folder / "special_tokens_map.json").write_text(json.dumps(special), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")


def _tokens(merges: list[tuple[str, str]]) -> list[str]:
    alphabet = list(bytes_to_unicode().values())
    joined = [first + second for first, second in merges]
    return [*alphabet, *(a + _WORD_END for a in alphabet), *joined, "<|startoftext|>", "<|endoftext|>"]
