#!/usr/bin/env python3
"""Makes two files of the tz database (https://www.iana.org/time-zones, public domain), from its compiled files. list.txt has
each rule that is in force now, as POSIX writes it, and the names of the zones that it holds in. changes.txt is for tests: what
Python makes of the first zone of each rule in twelve years, from each change of its clocks on. The arguments say which release
the files are of, and where they are.

    ./make.py 2026a /usr/share/zoneinfo
"""

import collections
import datetime
import pathlib
import sys
import zoneinfo

release, folder = sys.argv[1], pathlib.Path(sys.argv[2])
here = pathlib.Path(__file__).parent
zoneinfo.reset_tzpath([str(folder)])
names = collections.defaultdict(list)
for name in sorted(zoneinfo.available_timezones()):
    # The last line of a file is the rule for all times after those that it lists (RFC 8536, 3.3).
    rule = (folder / name).read_bytes().rsplit(b"\n", 2)[1].decode()
    if rule and name not in ("localtime", "Factory"):
        names[rule].append(name)
head = f"# {release}; public domain, https://www.iana.org/time-zones\n"
(here / "list.txt").write_text(head + "".join(f"{rule} {' '.join(zones)}\n" for rule, zones in sorted(names.items())))

# In the next century: nothing that the files list reaches so far, so the rule alone decides.
FIRST, LAST, DAY = 4_200_000_000, 4_200_000_000 + 12 * 366 * 86_400, 86_400


def clock(zone, seconds):
    at = datetime.datetime.fromtimestamp(seconds, zone)
    return int(at.utcoffset().total_seconds()), at.tzname()


changes = []
for rule, zones in sorted(names.items()):
    zone = zoneinfo.ZoneInfo(zones[0])
    changes.append((zones[0], FIRST, *clock(zone, FIRST)))
    for day in range(FIRST, LAST, DAY):
        before, after = day, day + DAY
        if clock(zone, before) == clock(zone, after):
            continue
        while after - before > 1:
            middle = (before + after) // 2
            before, after = (middle, after) if clock(zone, middle) == clock(zone, before) else (before, middle)
        changes.append((zones[0], after, *clock(zone, after)))
lines = (" ".join(map(str, change)) + "\n" for change in changes)
(here / "changes.txt").write_text(head + "".join(lines))
