"""As much of a container engine as it takes to try an image: reads an archive as engines do, refuses what they would refuse, and runs
what is in it in namespaces of its own. Standard library only; as root.
"""

import contextlib
import ctypes
import gzip
import hashlib
import io
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time

EMULATORS = {"arm64": "qemu-aarch64-static", "arm": "qemu-arm-static"}
# What a namespace is made of for a container.
NAMESPACES = ["--mount", "--pid", "--net", "--uts", "--ipc"]


class Refused(Exception):
    """An engine would not take the archive."""


def insist(holds, told):
    if not holds:
        raise Refused(told)


class Image:
    """An image layout in an archive, every blob verified on the way to it."""

    def __init__(self, path):
        with tarfile.open(path) as tar:
            self.files = {entry.name: tar.extractfile(entry).read() for entry in tar if entry.isfile()}
        insist(self.json("oci-layout") == {"imageLayoutVersion": "1.0.0"}, "no image layout")
        index = self.json("index.json")
        insist(len(index["manifests"]) == 1, "not one image")
        described = index["manifests"][0]
        manifest = json.loads(self.blob(described))
        self.name = described["annotations"]["org.opencontainers.image.ref.name"]
        self.config = json.loads(self.blob(manifest["config"]))
        self.settings = self.config["config"]
        platform = {key: self.config[key] for key in ["architecture", "os", "variant"] if key in self.config}
        insist(platform == described["platform"], "the index tells of another platform")
        self.layers = [gzip.decompress(self.blob(layer)) for layer in manifest["layers"]]
        found = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in self.layers]
        insist(found == self.config["rootfs"]["diff_ids"], "a layer is not what the configuration says")
        insist(len(self.config["history"]) == len(self.layers), "the history tells of other layers")
        self.is_what_docker_reads(manifest)
        blobs = {name for name in self.files if name.startswith("blobs/")}
        named = {place(entry) for entry in [described, manifest["config"], *manifest["layers"]]}
        insist(blobs == named, "there are blobs that nobody names")

    def json(self, name):
        insist(name in self.files, f"there is no {name}")
        return json.loads(self.files[name])

    def blob(self, described):
        """A blob as its descriptor promises it."""
        content = self.files.get(place(described))
        insist(content is not None, f"there is no blob {described['digest']}")
        insist(len(content) == described["size"], f"{described['digest']} has another size")
        insist(f"sha256:{hashlib.sha256(content).hexdigest()}" == described["digest"], f"{described['digest']} is damaged")
        return content

    def is_what_docker_reads(self, manifest):
        """Docker without containerd reads `manifest.json`, and nothing else."""
        (saved,) = self.json("manifest.json")
        insist(saved["RepoTags"] == [self.name], "Docker would give it another name")
        insist(saved["Config"] == place(manifest["config"]), "Docker would read another configuration")
        insist(saved["Layers"] == [place(layer) for layer in manifest["layers"]], "Docker would read other layers")

    def unpack(self, root):
        for layer in self.layers:
            with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
                # Owners stay as they are, which newer versions of Python would see to.
                tar.extraction_filter = lambda entry, _: entry
                for entry in tar:
                    insist(entry.isfile() or entry.isdir(), f"{entry.name} is neither file nor folder")
                    insist(not {"..", ""} & set(entry.name.split("/")), f"{entry.name} leads elsewhere")
                tar.extractall(root, numeric_owner=True)


def place(described):
    return "blobs/" + described["digest"].replace(":", "/")


class Container:
    """A container of an image, in an empty root of its own. Mounts are pairs of a folder (or `tmpfs`) and a place, with `:ro` behind it
    where nothing may be written.
    """

    def __init__(self, image, *command, mounts=(), user=None, read_only=True, volumes=True, environment=None, before=None, privileged_ports=False):
        self.image, self.folder = image, pathlib.Path(tempfile.mkdtemp(prefix="gatelodge-container-"))
        self.folder.chmod(0o755)
        self.root = self.folder / "root"
        self.root.mkdir()
        image.unpack(self.root)
        if before:
            before(self.root)
        settings = image.settings
        self.user = user or settings["User"]
        self.environment = dict(pair.split("=", 1) for pair in settings["Env"]) | (environment or {})
        self.emulator = EMULATORS.get(image.config["architecture"])
        plan = {
            "root": str(self.root),
            "user": self.numbers(),
            "mounts": self.prepare(mounts, settings["Volumes"] if volumes else {}),
            "read_only": read_only,
            "privileged_ports": privileged_ports,
            "command": self.emulated([*settings["Entrypoint"], *(command or settings["Cmd"])]),
            "environment": self.environment,
        }
        self.lines, self.changed = [], threading.Condition()
        inside = [sys.executable, __file__, json.dumps(plan)]
        self.process = subprocess.Popen(
            ["unshare", *NAMESPACES, "--fork", *inside], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.readers = [threading.Thread(target=self.read, args=[stream]) for stream in ["stdout", "stderr"]]
        for reader in self.readers:
            reader.start()

    def numbers(self):
        user, _, group = self.user.partition(":")
        return [int(user), int(group or 0)]

    def emulated(self, command):
        return ["/emulator", *command] if self.emulator else command

    def prepare(self, mounts, volumes):
        """Makes the places that are mounted on. A volume that nobody mounts is the engine's, and begins as the image has it."""
        places = [target.removesuffix(":ro") for _, target in mounts]
        mounts = [list(pair) for pair in mounts]
        for volume in sorted(volumes):
            # What is mounted below a volume has its place in it.
            if volume not in places:
                anonymous = self.folder / volume.strip("/").replace("/", "-")
                shutil.copytree(self.root / volume.strip("/"), anonymous)
                shutil.copystat(self.root / volume.strip("/"), anonymous)
                found = (self.root / volume.strip("/")).stat()
                os.chown(anonymous, found.st_uid, found.st_gid)
                mounts.insert(0, [str(anonymous), volume])
        if self.emulator:
            mounts.append([shutil.which(self.emulator), "/emulator:ro"])
        mounts += [["/dev/null", "/dev/null"], ["/dev/urandom", "/dev/urandom"], ["proc", "/proc"]]
        return mounts

    def read(self, stream):
        for line in getattr(self.process, stream):
            with self.changed:
                self.lines.append((stream, line))
                self.changed.notify_all()
        with self.changed:
            self.lines.append((stream, None))
            self.changed.notify_all()

    def said(self, *streams):
        with self.changed:
            return "".join(line for stream, line in self.lines if line and stream in (streams or ("stdout", "stderr")))

    def reads_until(self, words, seconds=120):
        """Waits until the container says something, which it does not if it ends before."""
        end = time.monotonic() + seconds
        with self.changed:
            while not any(line and words in line for _, line in self.lines):
                is_over = sum(line is None for _, line in self.lines) == 2
                if is_over or not self.changed.wait(end - time.monotonic()):
                    raise SystemExit(f"it did not say {words!r}:\n" + "".join(line or "" for _, line in self.lines))

    def first_process(self):
        """The machine's number of what is process 1 inside."""
        (child,) = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(child)

    def executes(self, *command, given="", seconds=120):
        """As `exec` of an engine: another process in the same namespaces, by the same user, with the image's environment."""
        user, group = self.numbers()
        enter = ["nsenter", "--target", str(self.first_process()), *NAMESPACES, "--root", "--wd", f"--setuid={user}", f"--setgid={group}"]
        # It is looked for in the image's PATH, and nsenter in ours.
        program = command[0] if command[0].startswith("/") else f"{self.environment['PATH'].rstrip('/')}/{command[0]}"
        return subprocess.run(
            [shutil.which(enter[0]), *enter[1:], *self.emulated([program, *command[1:]])],
            input=given, capture_output=True, text=True, env=self.environment, timeout=seconds,
        )

    def is_healthy(self):
        """The image's own check, within its own time."""
        check = self.image.settings["Healthcheck"]
        kind, *command = check["Test"]
        insist(kind == "CMD", f"a health check by {kind}")
        asked = self.executes(*command, seconds=check["Timeout"] / 10**9)
        return asked.returncode == 0, asked.stdout + asked.stderr

    def asks(self, *arguments):
        """curl, in the container's network."""
        command = ["nsenter", "--target", str(self.first_process()), "--net", "curl", "--silent", "--show-error", "--max-time", "60"]
        return subprocess.run([*command, *arguments], capture_output=True, text=True)

    def stops(self, seconds):
        """As `stop` of an engine, which kills what has not ended in time. Gives the exit code and how long it took."""
        began = time.monotonic()
        os.kill(self.first_process(), getattr(signal, self.image.settings["StopSignal"]))
        return self.ends(seconds), time.monotonic() - began

    def ends(self, seconds=60):
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise SystemExit(f"it did not end within {seconds} s:\n{self.said()}") from None
        for reader in self.readers:
            reader.join()
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # With process 1 all others in its namespace end; `unshare` in front of it ends by that.
        while self.process.poll() is None:
            with contextlib.suppress(ValueError, ProcessLookupError, FileNotFoundError):
                os.kill(self.first_process(), signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.1)
        for reader in self.readers:
            reader.join()
        shutil.rmtree(self.folder)


def enter(plan):
    """Inside the new namespaces, as process 1: makes the root, gives up every right, and becomes the program."""
    root = pathlib.Path(plan["root"])
    mount = lambda *arguments: subprocess.run(["mount", *arguments], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    # Docker lets everybody bind every port of a container's network, Podman does not.
    pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("1024" if plan["privileged_ports"] else "0")
    mount("--bind", root, root)
    for source, target in plan["mounts"]:
        target, _, how = target.partition(":")
        inside = root / target.strip("/")
        if source in ("tmpfs", "proc") or pathlib.Path(source).is_dir():
            inside.mkdir(parents=True, exist_ok=True)
        elif not inside.exists():
            inside.parent.mkdir(parents=True, exist_ok=True)
            inside.touch()
        user, group = plan["user"]
        if source == "tmpfs":
            mount("-t", "tmpfs", "-o", f"uid={user},gid={group},mode=700,size=64m", "none", inside)
        elif source == "proc":
            mount("-t", "proc", "none", inside)
        else:
            mount("--bind", source, inside)
        if how == "ro":
            mount("-o", "remount,bind,ro", inside)
    if plan["read_only"]:
        mount("-o", "remount,bind,ro", root)
    os.chroot(root)
    os.chdir("/")
    libc = ctypes.CDLL(None)
    PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, CAPABILITIES = 24, 38, 41
    for capability in range(CAPABILITIES):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    insist(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "privileges could be gained")
    os.setgroups([])
    os.setgid(plan["user"][1])
    os.setuid(plan["user"][0])
    os.execve(plan["command"][0], plan["command"], plan["environment"])


if __name__ == "__main__":
    enter(json.loads(sys.argv[1]))
