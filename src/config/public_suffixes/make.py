#!/usr/bin/env python3
"""Makes list.txt of the public suffix list (https://publicsuffix.org/list/public_suffix_list.dat, MPL 2.0), read from
standard input: one rule a line in ASCII, without comments, in the order of the alphabet. The argument says as of when.

    ./make.py 2026-07-24 < public_suffix_list.dat
"""

import pathlib
import sys


def in_ascii(rule):
    return ".".join(label if label.isascii() else "xn--" + label.encode("punycode").decode() for label in rule.split("."))


lines = (line.split("//")[0].strip() for line in sys.stdin)
rules = sorted({in_ascii(line) for line in lines if line})
notice = "Mozilla Public License 2.0, https://mozilla.org/MPL/2.0/; made of https://publicsuffix.org/list/"
text = f"// {sys.argv[1]}; {notice}\n" + "".join(f"{rule}\n" for rule in rules)
pathlib.Path(__file__).with_name("list.txt").write_text(text)
