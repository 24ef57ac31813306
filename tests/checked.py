"""A test client that holds every reply of the service against its own OpenAPI document."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator
from tiletown import make_app

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from gridmap.affairs import Affairs
    from gridmap.twin import Twin

PROBLEM = "application/problem+json"


class Checked:
    """Asks an app and fails when the reply is not what the document promises."""

    def __init__(self, twin: Twin, affairs: Affairs | None = None) -> None:
        self.app = make_app(twin, affairs)
        self.client = self.app.test_client()
        self.document: dict[str, Any] = json.loads(self.client.get("/openapi.json").get_data())

    def ask(self, address: str, status: int = 200, method: str = "GET", **options: Any) -> TestResponse:
        """Ask, check status, headers and schema, and give the reply."""
        reply = self.client.open(address, method=method, **options)
        assert reply.status_code == status, reply.get_data(as_text=True)
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert "Content-Security-Policy" in reply.headers
        if reply.get_data():
            self._check_body(address.partition("?")[0], method, reply)
        return reply

    def json(self, address: str, status: int = 200, **options: Any) -> Any:
        """Ask for a reply that is JSON and give its value."""
        return json.loads(self.ask(address, status, **options).get_data())

    def check(self, value: Any, schema: dict[str, Any]) -> None:
        """Hold a value against a schema of the document."""
        root = {**schema, "components": self.document["components"]}
        Draft202012Validator(root, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(value)

    def _check_body(self, path: str, method: str, reply: TestResponse) -> None:
        media_type = reply.headers["Content-Type"]
        promised = self._promised(path, method, reply.status_code)
        if promised is not None:
            assert media_type in promised, f"{path} answered {media_type}, the document says {list(promised)}"
            if "json" in media_type:
                self.check(json.loads(reply.get_data()), promised[media_type]["schema"])
        elif reply.status_code >= 400:
            assert media_type == PROBLEM
            self.check(json.loads(reply.get_data()), {"$ref": "#/components/schemas/Problem"})

    def _promised(self, path: str, method: str, status: int) -> Any:
        for template, item in self.document["paths"].items():
            if re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path):
                operation = item.get("post" if method == "POST" else "get")
                responses = operation["responses"] if operation else {}
                return responses.get(str(status), responses["default"])["content"] if operation else None
        return None
