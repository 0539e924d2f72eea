"""The JSON Schema of the documents of a stream, generated from the event models.

Among its definitions are `EventPage` and `Run`, which no document of a stream is.

``python -m progress.schema`` writes it; with ``--check`` it only says whether the written one
is up to date, by its exit code.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from .events import StreamEvent
from .history import EventPage
from .run import Run
from .wire import WireModel

PATH = Path(__file__).with_name("events.schema.json")

Schema = dict[str, Any]


class _Generator(GenerateJsonSchema):
    """Leaves out field titles, of which generators of types would make an alias each."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False


def json_schema() -> Schema:
    """The schema, as it is written: closed objects, absent fields optional rather than null."""
    event: TypeAdapter[Any] = TypeAdapter(StreamEvent)
    of_each, schema = TypeAdapter.json_schemas(
        [
            ("event", "serialization", event),
            ("page", "serialization", TypeAdapter(EventPage)),
            ("run", "serialization", TypeAdapter(Run)),
        ],
        by_alias=True,
        schema_generator=_Generator,
    )
    schema |= of_each["event", "serialization"]
    for definition in schema["$defs"].values():
        _make_absent_fields_optional(definition)
        if definition.get("type") == "object":
            definition["additionalProperties"] = False
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Event"} | schema


def _make_absent_fields_optional(definition: Schema) -> None:
    model = _MODELS.get(definition.get("title", ""))
    if model is None:
        return
    for name, field in model.model_fields.items():
        if field.exclude_if is None:
            continue
        key = field.serialization_alias or field.alias or name
        described = definition["properties"][key]
        described.pop("default", None)
        # A field that may be anything has no alternatives.
        kept = [part for part in described.pop("anyOf", ()) if part != {"type": "null"}]
        allowed = kept[0] if len(kept) == 1 else {"anyOf": kept} if kept else {}
        definition["properties"][key] = allowed | described
        if key in definition["required"]:
            definition["required"].remove(key)


def _all_models(model: type[WireModel]) -> list[type[WireModel]]:
    return [model, *(found for child in model.__subclasses__() for found in _all_models(child))]


_MODELS = {model.__name__: model for model in _all_models(WireModel)}


def text() -> str:
    """The schema as the file holds it."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the schema, or check it; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m progress.schema", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether it is up to date")
    if not parser.parse_args(arguments).check:
        PATH.write_text(text(), "utf-8")
        return 0
    if PATH.exists() and PATH.read_text("utf-8") == text():
        return 0
    print(f"{PATH} is not up to date. Run: python -m progress.schema", file=sys.stderr)  # noqa: T201
    return 1


if __name__ == "__main__":
    sys.exit(main())
