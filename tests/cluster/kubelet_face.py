"""A kubelet's HTTPS face: `/stats/summary` for whom the API server lets get nodes/stats.

Who asks, and whether they may, is asked of the real API server, as a kubelet does; what the
volumes hold is told by the test.
"""

from __future__ import annotations

import json
import ssl
import threading
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from local.certificates import Authority

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from local.cluster import LocalCluster

Object = dict[str, Any]


class KubeletFace:
    """Serves on 127.0.0.1:`port` until the context ends; `authority` signed its certificate."""

    def __init__(self, cluster: LocalCluster, name: str) -> None:
        """Make the certificate; `volumes` is what it answers, `said` the statuses so far."""
        self.cluster = cluster
        self.volumes: list[Object] = []
        self.said: list[int] = []
        signer = Authority(cluster.directory / name)
        self.authority = signer.certificate
        pair = signer.issue("system:node:face", server=True)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pair.certificate, pair.key)
        face = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = face.answer(self.path, self.headers.get("Authorization", ""))
                face.said.append(status)
                # Who asked may have been killed meanwhile.
                with suppress(OSError):
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- same
                del format, args

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        """Begin to serve."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def holds(self, namespace: str, claim: str, *, free: int, size: int = 1000) -> None:
        """Let it say how full one claim's file system is."""
        room = {"capacityBytes": size, "availableBytes": free, "usedBytes": size - free}
        self.volumes.append({"pvcRef": {"namespace": namespace, "name": claim}, **room})

    def answer(self, path: str, authorization: str) -> tuple[int, bytes]:
        """Return status and body."""
        if path != "/stats/summary":
            return HTTPStatus.NOT_FOUND, b""
        user = self._who(authorization.removeprefix("Bearer "))
        if not user:
            return HTTPStatus.UNAUTHORIZED, b"Unauthorized"
        if not self._may(user):
            text = f"Forbidden (user={user['username']}, verb=get, resource=nodes/stats)"
            return HTTPStatus.FORBIDDEN, text.encode()
        return HTTPStatus.OK, json.dumps({"pods": [{"volume": self.volumes}]}).encode()

    def _who(self, token: str) -> Object:
        review = {"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1"}
        found = self._review({**review, "spec": {"token": token}})
        user: Object = found.get("user", {}) if found.get("authenticated") else {}
        return user

    def _may(self, user: Object) -> bool:
        wish = {"verb": "get", "version": "v1", "resource": "nodes", "subresource": "stats"}
        review = {"kind": "SubjectAccessReview", "apiVersion": "authorization.k8s.io/v1"}
        spec = {"user": user["username"], "groups": user["groups"], "resourceAttributes": wish}
        return bool(self._review({**review, "spec": spec}).get("allowed"))

    def _review(self, body: Object) -> Object:
        text = self.cluster.kubectl("create", "-f", "-", "-o", "json", stdin=json.dumps(body))
        status: Object = json.loads(text)["status"]
        return status
