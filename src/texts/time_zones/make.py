#!/usr/bin/env python3
"""Makes list.txt of the tz database (https://www.iana.org/time-zones, public domain), from its compiled files: each rule that
is in force now, as POSIX writes it, and the names of the zones that it holds in. The argument says which release they are of.

    ./make.py 2026a /usr/share/zoneinfo
"""

import collections
import pathlib
import sys
import zoneinfo

release, folder = sys.argv[1], pathlib.Path(sys.argv[2])
zoneinfo.reset_tzpath([str(folder)])
names = collections.defaultdict(list)
for name in sorted(zoneinfo.available_timezones()):
    # The last line of a file is the rule for all times after those that it lists (RFC 8536, 3.3).
    rule = (folder / name).read_bytes().rsplit(b"\n", 2)[1].decode()
    if rule and name not in ("localtime", "Factory"):
        names[rule].append(name)
text = f"# {release}; public domain, https://www.iana.org/time-zones\n"
text += "".join(f"{rule} {' '.join(zones)}\n" for rule, zones in sorted(names.items()))
pathlib.Path(__file__).with_name("list.txt").write_text(text)
