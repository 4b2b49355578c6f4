"""A receiver of OpenTelemetry: an HTTP server on loopback that decodes what it gets."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
REQUESTS = {"/v1/traces": ExportTraceServiceRequest, "/v1/metrics": ExportMetricsServiceRequest}


@dataclass
class Receiver:
    """status: what it answers. answers: unset, it takes requests and says nothing."""

    status: int = 200
    answers: threading.Event = field(default_factory=threading.Event)
    got: list = field(default_factory=list)
    url: str = ""

    def spans(self) -> list:
        return [
            span
            for path, _, request in self.got
            if path == "/v1/traces"
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def metrics(self) -> dict:
        """Name -> metric, as it was sent last."""
        return {
            metric.name: metric
            for path, _, request in self.got
            if path == "/v1/metrics"
            for resource in request.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@contextmanager
def receiving() -> Iterator[Receiver]:
    found = Receiver()
    found.answers.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = REQUESTS[self.path]()
            request.ParseFromString(self.rfile.read(int(self.headers["Content-Length"])))
            found.got.append((self.path, dict(self.headers), request))
            found.answers.wait(30)
            self.send_response(found.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield found
    found.answers.set()
    server.shutdown()
    server.server_close()


def by_name(spans: Iterable[Any]) -> dict[str, list]:
    found = {}
    for span in spans:
        found.setdefault(span.name, []).append(span)
    return found


def facts(of: Any) -> dict[str, Any]:
    """The attributes of a span, a point or a resource."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in of.attributes}
