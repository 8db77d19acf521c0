"""The table of calls as OpenAPI 3.1 has it."""

import re
from collections import defaultdict
from collections.abc import Sequence
from inspect import cleandoc
from typing import Any

import msgspec

from server.errors import AtCapacity, BadRequest, Forbidden, KeepstreamError
from server.web.messages import MANY, ONE
from server.web.openapi import shapes
from server.web.openapi.operations import JSON, OPERATIONS, Operation, Reply

Data = dict[str, Any]
Errors = Sequence[type[KeepstreamError]]

SCHEMA = "#/components/schemas/{name}"
IN_PATH = re.compile(r"{(\w+)}")
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
        body = {"schema": _schema(operation.body)}
        if operation.example is not None:
            body["example"] = operation.example
        shown["requestBody"] = {"required": operation.body_required, "content": {JSON: body}}
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
    return shown


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


def components() -> Data:
    """The ``components`` object: what the paths refer to."""
    refused = [
        errors
        for (_, path), operation in OPERATIONS.items()
        for errors in _refusals(path, operation)
    ]
    return {
        "schemas": _schemas(),
        "responses": {_name(errors): _refusal(errors) for errors in refused},
    }


def _refusal(errors: Errors) -> Data:
    codes = {"properties": {"error": {"properties": {"code": {"enum": [e.code for e in errors]}}}}}
    shown: Data = {
        "description": "\n".join(f"- `{error.code}`: {_meaning(error)}" for error in errors),
        "content": {JSON: {"schema": {"allOf": [_schema(shapes.Error), codes]}}},
    }
    return shown | ({"headers": {"Retry-After": RETRY_AFTER}} if AtCapacity in errors else {})


def _meaning(error: type[KeepstreamError]) -> str:
    if error is KeepstreamError:
        return "a bug of the server's; its log says more."
    return cleandoc(error.__doc__ or "").partition("\n")[0].replace("``", "`")


def _schemas() -> Data:
    named = [
        shape
        for operation in OPERATIONS.values()
        for shape in [operation.body, *(reply.shape for reply in operation.replies.values())]
        if shape is not None
    ]
    heard = [*shapes.FRAMES, shapes.Event]
    shown = [shapes.Error, *named, *heard, *shapes.CONNECTION, *MANY.messages]
    _, schemas = msgspec.json.schema_components(shown, ref_template=SCHEMA)
    for schema in schemas.values():
        schema["description"] = cleandoc(schema["description"]).replace("``", "`")
    # The handler checks it, so that the answer says what an id may be.
    schemas["CreateSession"]["properties"]["id"] = msgspec.json.schema(shapes.Id | None)
    schemas["ServerFrame"] = _any_of(heard)
    schemas["ClientFrame"] = _any_of(ONE.messages)
    schemas["ManyServerFrame"] = {"anyOf": [_of_a_session(), _of_the_connection()]}
    schemas["ManyClientFrame"] = _any_of(MANY.messages)
    return schemas


def _any_of(found: Sequence[type]) -> Data:
    return {"anyOf": [_schema(shape) for shape in found]}


def _of_a_session() -> Data:
    frame = _any_of([*shapes.STREAM, shapes.Event])
    frame["anyOf"].append({"type": "array", "items": _schema(shapes.Event), "minItems": 1})
    text = "A frame of the session's own WebSocket; with `frames=arrays` events are in an array."
    return _addressed(msgspec.json.schema(shapes.Id), frame, text)


def _of_the_connection() -> Data:
    frame = _any_of([*shapes.CONNECTION, *shapes.ANSWERS])
    return _addressed({"type": "null"}, frame, "What the connection says of itself, and answers.")


def _addressed(session: Data, frame: Data, text: str) -> Data:
    properties = {"session": session, "frame": frame}
    return {
        "type": "object",
        "description": text,
        "properties": properties,
        "required": [*properties],
    }
