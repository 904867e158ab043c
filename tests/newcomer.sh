#!/usr/bin/env bash
# A fresh Debian, and somebody who installs the package, sets Gatelodge up, logs in, upgrades, and takes it away again; then the same
# with the tarball's script. Run by tests/packages, as root: tests/newcomer.sh FOLDER VERSION
set -euo pipefail

packages=$(realpath "$1") version=$2
debian=$(mktemp -d /tmp/gatelodge-debian-XXXXXX)
chmod 755 "$debian"
server=
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$debian"
}
trap finish EXIT

say() { echo "tests/newcomer: $*"; }
inside() { chroot "$debian" /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
must() { "$@" || { say "failed: $*" >&2; exit 1; }; }
# Who it belongs to in there, and who may do what.
is() { # PATH USER MODE
    local uid
    uid=$(inside id -u "$2")
    [ "$(stat -c '%u %a' "$debian$1")" = "$uid $3" ] || { say "$1 is $(stat -c '%u %a' "$debian$1"), not $uid $3" >&2; exit 1; }
}

say "a fresh Debian"
debootstrap --variant=minbase --include=adduser,ca-certificates bookworm "$debian" >/dev/null
echo "127.0.0.1 localhost" >"$debian/etc/hosts"
cp "$packages/gatelodge_${version}_amd64.deb" "$debian/root/gatelodge.deb"
cp "$packages/upgrade.deb" "$debian/root/upgrade.deb"

say "install"
inside dpkg --install /root/gatelodge.deb | grep -q "gatelodge setup"
is /var/lib/gatelodge gatelodge 700
is /etc/gatelodge/credentials root 700
must inside gatelodge --version
for file in /usr/lib/systemd/system/gatelodge.service /usr/share/man/man1/gatelodge.1.gz /usr/share/bash-completion/completions/gatelodge; do
    must test -e "$debian$file"
done

say "set up, as somebody without any other program would"
echo "a pass phrase for the first" >"$debian/root/password"
inside gatelodge setup --url https://localhost:18643 --name "Hill Street" --tls self-signed --https 127.0.0.1:18643 --http none \
    --smtp-host none --admin ada@example.org --admin-password-file /root/password | grep -q "ada@example.org administers"
is /etc/gatelodge/gatelodge.toml root 644
is /var/lib/gatelodge/gatelodge.redb gatelodge 600
is /var/lib/gatelodge/sealing-key gatelodge 600
inside gatelodge check >/dev/null

say "start, as the service's user, and log in"
install -d -o "$(inside id -u gatelodge)" "$debian/run/gatelodge"
chroot --userspec=gatelodge "$debian" /usr/bin/gatelodge serve >"$debian/root/log" 2>&1 &
server=$!
for _ in $(seq 100); do grep -q "serving https" "$debian/root/log" && break; sleep 0.1; done
grep -q "serving https" "$debian/root/log" || { say "it does not start:" >&2; cat "$debian/root/log" >&2; exit 1; }
must [ "$(grep -c /setup/ "$debian/root/log")" = 0 ]
answer=$(python3 - <<'P'
import json, ssl, urllib.request
trusting = ssl.create_default_context()
trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
body = json.dumps({"identity": "ada@example.org", "password": "a pass phrase for the first"}).encode()
request = urllib.request.Request("https://localhost:18643/api/v1/login", body, {"Content-Type": "application/json"})
print(json.load(urllib.request.urlopen(request, context=trusting))["user"]["groups"])
P
)
must [ "$answer" = "['admins']" ]
inside gatelodge doctor | grep -q "^good   address"
kill -TERM "$server" && wait "$server"
server=

say "upgrade: settings and accounts stay"
echo "# a line of the administrator's" >>"$debian/etc/gatelodge/gatelodge.toml"
inside dpkg --install /root/upgrade.deb >/dev/null
must grep -q "a line of the administrator's" "$debian/etc/gatelodge/gatelodge.toml"
inside gatelodge user show ada@example.org | grep -q admins
is /var/lib/gatelodge/gatelodge.redb gatelodge 600

say "remove: settings and accounts stay"
inside dpkg --remove gatelodge >/dev/null
must test ! -e "$debian/usr/bin/gatelodge"
must test -e "$debian/etc/gatelodge/gatelodge.toml"

say "purge: settings and secrets go, accounts stay and are named"
inside dpkg --purge gatelodge | grep -q "accounts are kept in /var/lib/gatelodge"
must test ! -e "$debian/etc/gatelodge"
must test -e "$debian/var/lib/gatelodge/gatelodge.redb"
rm -r "$debian/var/lib/gatelodge"

say "the tarball's script"
tar --extract --gzip --directory "$debian/root" --file "$packages/gatelodge-$version-x86_64-unknown-linux-musl.tar.gz"
inside sh "/root/gatelodge-$version-x86_64-unknown-linux-musl/install.sh" | grep -q "gatelodge setup"
must inside gatelodge --version
is /var/lib/gatelodge gatelodge 700
inside gatelodge setup --url https://localhost:18643 --tls self-signed --https 127.0.0.1:18643 --http none --smtp-host none >/dev/null

say "the image's folder: the binary needs nothing beside it"
mkdir "$debian/image"
cp "$debian/usr/bin/gatelodge" "$debian/image/gatelodge"
must chroot "$debian/image" /gatelodge --version
say "done"
