#!/bin/sh
# Installs what lies beside this script: the program, its units, manual pages and completions. As root:
#
#     ./install.sh              into /usr
#     DESTDIR=DIR ./install.sh  into a folder, for packagers: no user is made, nothing is started
set -eu
cd "$(dirname "$0")"
root=${DESTDIR:-}

if [ -z "$root" ] && [ "$(id -u)" != 0 ]; then
    echo "install.sh: this is for root: sudo ./install.sh" >&2
    exit 1
fi

put() { # MODE FOLDER FILE...
    mode=$1 folder=$root$2
    shift 2
    install -d "$folder"
    install -m "$mode" "$@" "$folder/"
}

put 755 /usr/bin gatelodge
put 644 /usr/lib/systemd/system systemd/*.service systemd/*.socket systemd/*.timer
put 644 /usr/share/man/man1 man/*.1
put 644 /etc/gatelodge config/example.toml
put 644 /usr/share/doc/gatelodge README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE gatelodge.cdx.json systemd/single-process.conf
put 644 /usr/share/doc/gatelodge/proxies config/proxies/*
install -D -m 644 systemd/gatelodge.sysusers "$root/usr/lib/sysusers.d/gatelodge.conf"
install -D -m 644 systemd/gatelodge.tmpfiles "$root/usr/lib/tmpfiles.d/gatelodge.conf"
install -D -m 644 completions/gatelodge.bash "$root/usr/share/bash-completion/completions/gatelodge"
install -D -m 644 completions/_gatelodge "$root/usr/share/zsh/site-functions/_gatelodge"
install -D -m 644 completions/gatelodge.fish "$root/usr/share/fish/vendor_completions.d/gatelodge.fish"
[ -z "$root" ] || exit 0

if ! getent passwd gatelodge >/dev/null; then
    useradd --system --user-group --home-dir /var/lib/gatelodge --no-create-home --shell /usr/sbin/nologin gatelodge
fi
install -d -m 0700 /etc/gatelodge/credentials
install -d -m 0700 -o gatelodge -g gatelodge /var/lib/gatelodge /var/backups/gatelodge
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl try-restart gatelodge.service gatelodge-courier.service || true
fi
echo "Installed. Set Gatelodge up with: gatelodge setup"
