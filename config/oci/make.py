#!/usr/bin/env python3
"""Makes an OCI image archive of the program, without a container engine; the same bytes each time.

    make.py --program FILE --architecture amd64|arm64|armv7 --output gatelodge.oci.tar

How it is run stands in config/oci/Containerfile. `podman load`, `docker load`, skopeo and containerd take the archive: it is an OCI image
layout, and has the `manifest.json` of `docker save` besides, which names the same blobs, for a Docker that has no containerd to keep its
images. SOURCE_DATE_EPOCH is the time of what is ours in it. Standard library only.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tarfile
import time

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
# Never pulled from anywhere: the name says that the image comes from this machine.
NAME = "localhost/gatelodge"
USER = 65532
PLATFORMS = {
    "amd64": {"architecture": "amd64", "os": "linux"},
    "arm64": {"architecture": "arm64", "os": "linux", "variant": "v8"},
    "armv7": {"architecture": "arm", "os": "linux", "variant": "v7"},
}
# Debian's package libc6-armhf-cross. The build for 32-bit ARM needs a C library; this one looks names up without further files.
GLIBC = pathlib.Path("/usr/arm-linux-gnueabihf/lib")
NOTICES = pathlib.Path("/usr/share/doc")
AUTHORITIES = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")


class Tree:
    """Files and folders, as they are put into a layer."""

    def __init__(self):
        self.entries = {}

    def folder(self, path, owner=0, mode=0o755):
        for above in reversed(list(pathlib.PurePosixPath(path).parents)[:-1]):
            self.entries.setdefault(str(above), (None, 0, 0o755))
        self.entries[path] = (None, owner, mode)

    def file(self, path, content, mode=0o644):
        above = str(pathlib.PurePosixPath(path).parent)
        if above != "." and above not in self.entries:
            self.folder(above)
        self.entries[path] = (content, 0, mode)

    def __iter__(self):
        return iter(sorted(self.entries.items()))

    def layer(self, changed):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for path, (content, owner, mode) in self:
                add(tar, path, content, changed, owner, mode)
        return packed.getvalue()


def add(tar, path, content, changed, owner=0, mode=0o644):
    entry = tarfile.TarInfo(path)
    entry.mtime, entry.mode, entry.uid, entry.gid = changed, mode, owner, owner
    if content is None:
        entry.type = tarfile.DIRTYPE
        tar.addfile(entry)
    else:
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))


def base(architecture):
    """What changes seldom: an upgrade shares it with the version before."""
    tree = Tree()
    tree.file("etc/passwd", f"root:x:0:0:root:/:/none\ngatelodge:x:{USER}:{USER}:Gatelodge:/var/lib/gatelodge:/none\n".encode())
    tree.file("etc/group", f"root:x:0:\ngatelodge:x:{USER}:\n".encode())
    # An empty volume takes over the owner of the folder that it is mounted on.
    tree.folder("etc/gatelodge", USER, 0o755)
    tree.folder("var/lib/gatelodge", USER, 0o700)
    tree.folder("run/gatelodge", USER, 0o700)
    tree.file("etc/ssl/certs/ca-certificates.crt", AUTHORITIES.read_bytes())
    tree.file("usr/share/doc/ca-certificates/copyright", (NOTICES / "ca-certificates" / "copyright").read_bytes())
    if architecture == "armv7":
        tree.file("etc/nsswitch.conf", b"hosts: files dns\n")
        tree.file("lib/ld-linux-armhf.so.3", (GLIBC / "ld-linux-armhf.so.3").read_bytes(), 0o755)
        for name in ["libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2"]:
            tree.file(f"lib/{name}", (GLIBC / name).read_bytes(), 0o755)
        tree.file("usr/share/doc/libc6/copyright", (NOTICES / "libc6-armhf-cross" / "copyright").read_bytes())
    return tree


def program(path):
    tree = Tree()
    tree.file("gatelodge", path.read_bytes(), 0o755)
    for licence in ["LICENSE-MIT", "LICENSE-APACHE"]:
        tree.file(f"usr/share/doc/gatelodge/{licence}", (REPOSITORY / licence).read_bytes())
    return tree


def seconds(text):
    """A duration of the Containerfile, in the nanoseconds of the configuration."""
    return int(re.fullmatch(r"(\d+)s", text).group(1)) * 10**9


def instructions():
    """The Containerfile as the configuration that an engine would make of it."""
    config = {"WorkingDir": "/"}
    for line in (HERE / "Containerfile").read_text().splitlines():
        word, _, rest = line.partition(" ")
        match word:
            # What is in the image is put together here.
            case "" | "#" | "FROM" | "COPY":
                pass
            case "ENV":
                config["Env"] = shlex.split(rest)
            case "USER":
                config["User"] = rest
            case "VOLUME":
                config["Volumes"] = {path: {} for path in json.loads(rest)}
            case "EXPOSE":
                config["ExposedPorts"] = {f"{port}/tcp": {} for port in rest.split()}
            case "STOPSIGNAL":
                config["StopSignal"] = rest
            case "ENTRYPOINT" | "CMD":
                config[word.capitalize()] = json.loads(rest)
            case "HEALTHCHECK":
                # Docker's own: the image specification does not know it, and Podman does not read it.
                options, _, command = rest.partition(" CMD ")
                given = dict(option.removeprefix("--").split("=") for option in options.split())
                config["Healthcheck"] = {
                    "Test": ["CMD", *json.loads(command)],
                    "Interval": seconds(given["interval"]),
                    "Timeout": seconds(given["timeout"]),
                    "StartPeriod": seconds(given["start-period"]),
                    "Retries": int(given["retries"]),
                }
            case _ if line.startswith("#"):
                pass
            case _:
                raise SystemExit(f"make.py: the Containerfile says {word}, which this does not know")
    return config


def about(version, architecture):
    """Labels for people and programs that look at the image."""
    cargo = (REPOSITORY / "Cargo.toml").read_text()
    found = lambda key: re.search(rf'^{key} = "(.*)"$', cargo, re.MULTILINE).group(1)
    revision = subprocess.run(["git", "rev-parse", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True)
    labels = {
        "title": "Gatelodge",
        "description": found("description"),
        "licenses": f"({found('license')}) AND MPL-2.0" + (" AND LGPL-2.1-or-later" if architecture == "armv7" else ""),
        "version": version,
        "revision": revision.stdout.strip(),
    }
    return {f"org.opencontainers.image.{key}": value for key, value in labels.items() if value}


def as_json(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


class Archive:
    """An image layout: blobs by their digest, and the few files that lead to them."""

    def __init__(self):
        self.blobs = {}

    def blob(self, content, media_type):
        digest = hashlib.sha256(content).hexdigest()
        self.blobs[f"blobs/sha256/{digest}"] = content
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    def write(self, path, files, created):
        with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
            for folder in ["blobs", "blobs/sha256"]:
                add(tar, folder, None, created, mode=0o755)
            for name, content in sorted({**self.blobs, **files}.items()):
                add(tar, name, content, created)


def make(arguments, version, created):
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(created))
    platform, labels = PLATFORMS[arguments.architecture], about(version, arguments.architecture)
    archive, layers, differences, history = Archive(), [], [], []
    # Files of the system have no date, so that their layer is the same in the next version.
    trees = [("files of the system", base(arguments.architecture), 0), ("gatelodge", program(arguments.program), created)]
    for comment, tree, changed in trees:
        layer = tree.layer(changed)
        differences.append(f"sha256:{hashlib.sha256(layer).hexdigest()}")
        history.append({"created": stamp, "created_by": "config/oci/make.py", "comment": comment})
        packed = gzip.compress(layer, compresslevel=9, mtime=0)
        layers.append(archive.blob(packed, "application/vnd.oci.image.layer.v1.tar+gzip"))
    settings = {
        "created": stamp,
        **platform,
        "config": {**instructions(), "Labels": {**labels, "org.opencontainers.image.created": stamp}},
        "rootfs": {"type": "layers", "diff_ids": differences},
        "history": history,
    }
    config = archive.blob(as_json(settings), "application/vnd.oci.image.config.v1+json")
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers, "annotations": labels}
    name = f"{NAME}:{version}"
    described = archive.blob(as_json(manifest), kind)
    described |= {
        "platform": platform,
        # Podman and skopeo read the one, containerd the other.
        "annotations": {"org.opencontainers.image.ref.name": name, "io.containerd.image.name": name},
    }
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [described]}
    place = lambda blob: "blobs/" + blob["digest"].replace(":", "/")
    saved = [{"Config": place(config), "RepoTags": [name], "Layers": [place(layer) for layer in layers]}]
    files = {"oci-layout": {"imageLayoutVersion": "1.0.0"}, "index.json": index, "manifest.json": saved}
    archive.write(arguments.output, {path: as_json(content) for path, content in files.items()}, created)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--architecture", choices=PLATFORMS, required=True)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    version = re.search(r'^version = "(.*)"$', (REPOSITORY / "Cargo.toml").read_text(), re.MULTILINE).group(1)
    created = int(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
    make(arguments, version, created)


if __name__ == "__main__":
    sys.exit(main())
