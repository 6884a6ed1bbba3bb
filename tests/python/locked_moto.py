"""Runs moto's server with one modification at a time: `locked_moto.py PORT`.

moto checks `If-Match` and stores the object without a lock in between, so two concurrent
conditional writes can both succeed. Amazon S3 lets only one succeed. Reads stay concurrent.
"""

import sys
import threading

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple


def one_change_at_a_time(application):
    lock = threading.Lock()

    def locked(environ, start_response):
        if environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            return application(environ, start_response)
        with lock:
            return application(environ, start_response)

    return locked


if __name__ == "__main__":
    server = one_change_at_a_time(DomainDispatcherApplication(create_backend_app))
    run_simple("127.0.0.1", int(sys.argv[1]), server, threaded=True, request_handler=MotoRequestHandler)
