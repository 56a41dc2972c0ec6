"""Bodies that no program should send: valid ones with something wrong in them, and plain noise."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

DEEP = 3_000
LONG = 20_000
ODD_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 10**400, 1.5, "", " ", "\x00", "\ud800", "é" * 300, [], {}, [[]]),
    *({"$ref": "#"}, "2025-02-30", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"),
    *("1e999", "null", "'; DROP TABLE leads; --", "<script>", "=1+1", float("nan"), float("inf")),
)


@dataclass(frozen=True)
class Post:
    """A request as it is sent.

    Attributes:
        path: where to.
        body: what.
        media_type: what it says it is.
    """

    path: str
    body: bytes
    media_type: str = "application/json"


def malformed_posts(rng: Random, described: Mapping[str, Any], count: int) -> Iterator[Post]:
    """Yield requests with something wrong in most of them.

    Args:
        rng: decides what.
        described: the OpenAPI document of the service.
        count: how many.
    """
    examples = {
        path: _example(described, methods["post"])
        for path, methods in described["paths"].items()
        if "post" in methods
    }
    paths = sorted(examples)
    for _ in range(count):
        path = rng.choice(paths)
        media_type = "application/json"
        if rng.random() < 0.05:
            media_type = rng.choice(["text/plain", "application/x-pickle", "", "a/b; c=\x7f"])
        yield Post(path, rng.choice(WAYS)(rng, examples[path]), media_type)


def _example(described: Mapping[str, Any], operation: Mapping[str, Any]) -> dict[str, Any]:
    content = operation["requestBody"]["content"]
    schema = next(iter(content.values()))["schema"]
    name = schema.get("$ref", "").rpartition("/")[2]
    fields = described["components"]["schemas"].get(name, schema).get("properties", {})
    return {
        field: values["examples"][0] for field, values in fields.items() if values.get("examples")
    }


def _noise(rng: Random, _: Mapping[str, Any]) -> bytes:
    return rng.randbytes(rng.randrange(200))


def _cut(rng: Random, example: Mapping[str, Any]) -> bytes:
    text = json.dumps(example).encode()
    return text[: rng.randrange(len(text) + 1)]


def _flipped(rng: Random, example: Mapping[str, Any]) -> bytes:
    text = bytearray(json.dumps(example).encode())
    for _ in range(rng.randrange(1, 4)):
        text[rng.randrange(len(text))] = rng.randrange(256)
    return bytes(text)


def _odd(rng: Random, example: Mapping[str, Any]) -> bytes:
    changed = json.loads(json.dumps(example))
    place: Any = changed
    while True:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        if not keys:
            break
        key = rng.choice(keys)
        if isinstance(place[key], dict | list) and rng.random() < 0.6:
            place = place[key]
            continue
        place[key] = rng.choice(ODD_VALUES)
        break
    return json.dumps(changed).encode()


def _more(rng: Random, example: Mapping[str, Any]) -> bytes:
    return json.dumps({**example, rng.choice(["", "a", "__class__", "é"]): rng.random()}).encode()


def _fewer(rng: Random, example: Mapping[str, Any]) -> bytes:
    kept = {key: value for key, value in example.items() if rng.random() < 0.5}
    return json.dumps(kept).encode()


def _deep(rng: Random, _: Mapping[str, Any]) -> bytes:
    opening, closing = rng.choice([(b"[", b"]"), (b'{"a":', b"}")])
    depth = rng.randrange(DEEP)
    return opening * depth + b"0" + (closing * depth if rng.random() < 0.5 else b"")


def _long(rng: Random, example: Mapping[str, Any]) -> bytes:
    key = rng.choice([*example, "a"])
    value = rng.choice(["9" * LONG, ["x"] * LONG, {str(n): n for n in range(1_000)}])
    return json.dumps({**example, key: value}).encode()


def _other(rng: Random, _: Mapping[str, Any]) -> bytes:
    return rng.choice(
        [b"", b"null", b"[]", b"0", b'"a"', b"true", b"{}", b"{}{}", b"\xef\xbb\xbf{}"]
    )


WAYS: tuple[Callable[[Random, Mapping[str, Any]], bytes], ...] = (
    *(_noise, _cut, _flipped, _odd, _odd, _odd, _more, _fewer, _deep, _long, _other),
)
