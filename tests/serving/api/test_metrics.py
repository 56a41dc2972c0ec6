"""Laws of the service's metrics: every request is counted once, and strangers' paths as one."""

from __future__ import annotations

from serving.api.metrics import Exchange, RequestMetrics


def samples(metrics: RequestMetrics) -> dict[str, float]:
    """Return every value by its name and labels, as Prometheus reads them."""
    text = bytes(metrics.response().body).decode()
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def test_requests_are_counted_by_path_and_status() -> None:
    """Each answer adds one to its path and status, and its seconds to its path."""
    metrics = RequestMetrics(["/a", "/b"])
    for path, status in (("/a", 200), ("/a", 200), ("/a", 401), ("/b", 200)):
        metrics.count(Exchange(path, status, 0.25))
    values = samples(metrics)
    assert values['pacesetter_requests_total{path="/a",status="200"}'] == 2
    assert values['pacesetter_requests_total{path="/a",status="401"}'] == 1
    assert values['pacesetter_requests_total{path="/b",status="200"}'] == 1
    assert values['pacesetter_request_seconds_count{path="/a"}'] == 3
    assert values['pacesetter_request_seconds_sum{path="/a"}'] == 0.75


def test_paths_nobody_knows_are_counted_as_one() -> None:
    """However many paths strangers make up, the metrics do not grow."""
    metrics = RequestMetrics(["/a"])
    metrics.count(Exchange("/x0", 401, 0.1))
    size = len(samples(metrics))
    for number in range(50):
        metrics.count(Exchange(f"/x{number}", 401, 0.1))
    values = samples(metrics)
    assert len(values) == size
    assert values['pacesetter_requests_total{path="other",status="401"}'] == 51


def test_a_request_without_an_answer_is_counted() -> None:
    """A client that hangs up before the answer begins still counts."""
    metrics = RequestMetrics(["/a"])
    metrics.count(Exchange("/a", None, 0.1))
    assert samples(metrics)['pacesetter_requests_total{path="/a",status="none"}'] == 1


def test_two_services_in_one_process_count_apart() -> None:
    """Metrics live in a registry of their own."""
    first, second = RequestMetrics(["/a"]), RequestMetrics(["/a"])
    first.count(Exchange("/a", 200, 0.1))
    assert 'pacesetter_requests_total{path="/a",status="200"}' in samples(first)
    assert 'pacesetter_requests_total{path="/a",status="200"}' not in samples(second)


def test_prometheus_is_told_the_format() -> None:
    """The content type is that of Prometheus' text format."""
    assert RequestMetrics([]).response().headers["content-type"].startswith("text/plain; version=")
