#!/usr/bin/env python3
"""Makes common.bin: the common passwords as sorted 40-bit prefixes of SHA-256.

    npm install @zxcvbn-ts/language-common@4.1.3
    node -e 'process.stdout.write(require("@zxcvbn-ts/language-common").dictionary["passwords-common"].join("\\n"))' > list.txt
    python3 build.py list.txt common.bin

The list is that package's (MIT, see LICENSE.txt). Entries under five characters are left
out: no permitted password consists of so little.
"""
import hashlib, sys

source, target = sys.argv[1:]
words = open(source, encoding="utf-8").read().split("\n")
kept = {hashlib.sha256(w.lower().encode()).digest()[:5] for w in words if len(w) >= 5}
open(target, "wb").write(b"".join(sorted(kept)))
print(f"{len(words)} words read, {len(kept)} kept")
