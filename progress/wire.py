"""What every document on the wire is made of: the base model, times, fields that may be absent."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel


@lru_cache(maxsize=256)
def _iso_of_millisecond(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def iso_utc(seconds: float) -> str:
    """The ISO 8601 text, in UTC with milliseconds, of seconds since 1970."""
    return _iso_of_millisecond(int(seconds * 1000))


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time on the wire says its offset, such as 2026-01-31T12:00:00.000Z")
    return moment.astimezone(UTC)


def _moment_text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


Moment = Annotated[
    datetime, AfterValidator(_aware), PlainSerializer(_moment_text, when_used="json")
]


def _is_none(value: object) -> bool:
    return value is None


def absent(**constraints: Any) -> Any:
    """A field that is absent from the document where it is None."""
    return Field(default=None, exclude_if=_is_none, **constraints)


class WireModel(BaseModel):
    """The base of all documents on the wire: frozen, camelCase, tolerant of unknown fields."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        extra="ignore",
        json_schema_serialization_defaults_required=True,
    )

    def to_json(self) -> str:
        """The document as it goes on the wire."""
        return self.model_dump_json(by_alias=True)

    def to_dict(self) -> dict[str, Any]:
        """The document as JSON has it, for a column of a database."""
        return self.model_dump(mode="json", by_alias=True)
