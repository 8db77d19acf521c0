"""The table of calls as OpenAPI 3.1 has it."""

import re
from collections import defaultdict
from collections.abc import Sequence
from inspect import cleandoc
from typing import Any

import msgspec

from server.errors import AtCapacity, BadRequest, Forbidden, KeepstreamError
from server.web.openapi import shapes
from server.web.openapi.operations import JSON, OPERATIONS, Operation, Reply
from server.web.websocket import Cancel, Input, Ping

Data = dict[str, Any]
Errors = Sequence[type[KeepstreamError]]

SCHEMA = "#/components/schemas/{name}"
IN_PATH = re.compile(r"{(\w+)}")
#: The ids that an answer holds, each with its place there.
IDS_OF: dict[type | None, dict[str, str]] = {
    shapes.Session: {"session": "$response.body#/id"},
    shapes.Run: {"run": "$response.body#/id", "session": "$response.body#/session"},
}
RETRY_AFTER = {
    "required": True,
    "description": "Seconds until it is worth another try.",
    "schema": {"type": "integer", "minimum": 1},
}


class BodyTooLarge(KeepstreamError):
    """A body of more than 1 MiB."""

    code, status = "request_entity_too_large", 413


def paths() -> Data:
    """The ``paths`` object."""
    found: dict[str, Data] = defaultdict(dict)
    for (method, path), operation in OPERATIONS.items():
        found[path][method.lower()] = _operation(path, operation)
    return dict(found)


def _operation(path: str, operation: Operation) -> Data:
    shown: Data = {"operationId": operation.id, "summary": operation.summary, **operation.more}
    if parameters := [*map(_in_path, IN_PATH.findall(path)), *operation.parameters]:
        shown["parameters"] = parameters
    if operation.body is not None:
        content = {JSON: {"schema": _schema(operation.body)}}
        shown["requestBody"] = {"required": operation.body_required, "content": content}
    shown["responses"] = {
        str(status): _reply(reply) for status, reply in operation.replies.items()
    } | {
        str(errors[0].status): {"$ref": f"#/components/responses/{_name(errors)}"}
        for errors in _refusals(path, operation)
    }
    return shown


def _in_path(name: str) -> Data:
    return {"name": name, "in": "path", "required": True, "schema": msgspec.json.schema(shapes.Id)}


def _schema(shape: type) -> Data:
    return msgspec.json.schema_components([shape], ref_template=SCHEMA)[0][0]


def _reply(reply: Reply) -> Data:
    shown: Data = {"description": reply.text}
    if reply.shape is not None:
        shown["content"] = {media: {"schema": _schema(reply.shape)} for media in reply.media}
    if reply.shape in IDS_OF:
        names = _links(reply.shape)
        shown["links"] = {name: {"$ref": f"#/components/links/{key}"} for name, key in names}
    return shown


def _links(shape: type) -> list[tuple[str, str]]:
    ...


def _refusals(path: str, operation: Operation) -> list[Errors]:
    """Every refusal of a call, those of one status together."""
    found: list[type[KeepstreamError]] = [Forbidden, *operation.refuses, KeepstreamError]
    if "{" in path or operation.parameters or operation.body:
        found.insert(0, BadRequest)
    if operation.body:
        found.append(BodyTooLarge)
    statuses = sorted({error.status for error in found} - set(operation.replies))
    return [[error for error in found if error.status == status] for status in statuses]


def _name(errors: Errors) -> str:
    return ".".join(error.code for error in errors)
