#!/usr/bin/env python3
"""Makes common.bin: the common passwords as sorted 32-bit prefixes of SHA-256, packed.

    npm install @zxcvbn-ts/language-common@4.1.3
    node -e 'process.stdout.write(require("@zxcvbn-ts/language-common").dictionary["passwords-common"].join("\\n"))' > list.txt
    python3 build.py list.txt common.bin

The list is that package's (MIT, see LICENSE.txt). Entries under five characters are left
out: no permitted password consists of so little.

Packed as Elias and Fano did it: of each prefix the lower 16 bits stand as they are; the upper 16 are told by a string of bits, a one for
each prefix and a zero at the end of each of the 65,536 values that the upper bits can have. It takes less than half of the room.
"""
import hashlib, sys


def pack(prefixes):
    bits, lows = [], []
    position = 0
    for high in range(1 << 16):
        while position < len(prefixes) and prefixes[position] >> 16 == high:
            bits.append(1)
            lows.append(prefixes[position] & 0xFFFF)
            position += 1
        bits.append(0)
    bits += [0] * (-len(bits) % 8)
    octets = (bits[at : at + 8] for at in range(0, len(bits), 8))
    highs = bytes(sum(bit << place for place, bit in enumerate(octet)) for octet in octets)
    return len(highs).to_bytes(4, "big") + highs + b"".join(low.to_bytes(2, "big") for low in lows)


if __name__ == "__main__":
    source, target = sys.argv[1:]
    words = open(source, encoding="utf-8").read().split("\n")
    kept = {hashlib.sha256(w.lower().encode()).digest()[:4] for w in words if len(w) >= 5}
    open(target, "wb").write(pack(sorted(int.from_bytes(prefix, "big") for prefix in kept)))
    print(f"{len(words)} words read, {len(kept)} kept")
