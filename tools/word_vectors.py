#!/usr/bin/env python3
"""Turns {"id", "text"} lines into {"id", "vector"} lines: each word adds to one of 64 numbers, chosen by its hash.

Texts that share words get near vectors. It stands in for a language model's embedding in ./dev run, nothing more.
"""
import json
import math
import re
import sys
import zlib

DIMENSION = 64


def vector_of(text):
    counts = {}
    for word in re.findall(r"[^\W_]{2,}", text.lower()):
        counts[word] = counts.get(word, 0) + 1
    values = [0.0] * DIMENSION
    for word, count in counts.items():
        number = zlib.crc32(word.encode())
        values[number % DIMENSION] += (1 if number & (1 << 31) else -1) * (1 + math.log(count))
    length = math.sqrt(sum(value * value for value in values))
    return [round(value / length, 6) for value in values] if length else None


for line in sys.stdin:
    row = json.loads(line)
    vector = vector_of(row["text"])
    if vector:
        print(json.dumps({"id": row["id"], "vector": vector}))
