"""A kubelet's HTTPS face: `/stats/summary` for whom the API server lets get nodes/stats.

Who asks, and whether they may, is asked of the real API server, as a kubelet does; what the
volumes hold is told by the caller.
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
from local.errors import LocalClusterError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from local.cluster import LocalCluster

Object = dict[str, Any]
GIB = 2**30
PLENTY = {"inodes": 1_000_000, "inodesFree": 900_000}


class KubeletFace:
    """Serves on 127.0.0.1:`port` until the context ends; `authority` signed its certificate.

    It answers for every node that `speak_for` names, with the same volumes. `said` are the
    statuses so far.
    """

    def __init__(self, cluster: LocalCluster, name: str) -> None:
        """Make the certificate."""
        self.cluster = cluster
        self.said: list[int] = []
        self._volumes: dict[tuple[str, str], tuple[int, int | None]] = {}
        self._nodes: list[str] = []
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
        """End it; its nodes do not name it any more."""
        for node in self._nodes:
            with suppress(LocalClusterError):  # a node, or an API server, that is gone
                self._tell(node, 0)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def settings(self) -> Object:
        """Return the section `kubelets` of who asks it."""
        return {"every": "1s", "authority": str(self.authority)}

    def speak_for(self, node: str) -> None:
        """Let a Node's status say that its kubelet answers here."""
        self._tell(node, self.port)
        self._nodes.append(node)

    def holds(self, namespace: str, claim: str, *, free: int, size: int = 1000) -> None:
        """Let it say how full one claim's file system is, in bytes."""
        self._volumes[namespace, claim] = (size - free, size)

    def fills(self, namespace: str, claim: str, *, used: int) -> None:
        """Let one claim's file system hold so many bytes, and be as large as the claim says."""
        self._volumes[namespace, claim] = (used, None)

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
        volumes = [self._room(*one) for one in list(self._volumes)]
        return HTTPStatus.OK, json.dumps({"pods": [{"volume": volumes}]}).encode()

    def _room(self, namespace: str, claim: str) -> Object:
        used, size = self._volumes[namespace, claim]
        of: Object = {"pvcRef": {"namespace": namespace, "name": claim}}
        if size is None:
            path = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{claim}"
            size = _gibibytes(self.cluster.get(path) or {})
            of |= PLENTY
        return {
            **of,
            "capacityBytes": size,
            "availableBytes": max(size - used, 0),
            "usedBytes": used,
        }

    def _tell(self, node: str, port: int) -> None:
        status = {"status": {"daemonEndpoints": {"kubeletEndpoint": {"Port": port}}}}
        patch = ("--type=merge", "--subresource=status", f"--patch={json.dumps(status)}")
        self.cluster.kubectl("patch", "node", node, *patch)

    def _who(self, token: str) -> Object:
        found = self._review("TokenReview", "authentication", {"token": token})
        user: Object = found.get("user", {}) if found.get("authenticated") else {}
        return user

    def _may(self, user: Object) -> bool:
        wish = {"verb": "get", "version": "v1", "resource": "nodes", "subresource": "stats"}
        spec = {"user": user["username"], "groups": user["groups"], "resourceAttributes": wish}
        return bool(self._review("SubjectAccessReview", "authorization", spec).get("allowed"))

    def _review(self, kind: str, family: str, spec: Object) -> Object:
        group = f"{family}.k8s.io/v1"
        body = {"kind": kind, "apiVersion": group, "spec": spec}
        status: Object = self.cluster.post(f"/apis/{group}/{kind.lower()}s", body)["status"]
        return status


def _gibibytes(claim: Object) -> int:
    """Return the capacity of a claim in bytes; 0 for one that is gone or has none yet."""
    capacity = claim.get("status", {}).get("capacity", {}).get("storage", "0Gi")
    return int(capacity.removesuffix("Gi")) * GIB
