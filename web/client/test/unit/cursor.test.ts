import { expect, it } from "vitest";
import { step } from "../../src/cursor.ts";

it.each([
  ["1-1", "1-2", "next"],
  ["1-9", "1-10", "next"],
  ["1-2", "1-2", "past"],
  ["1-10", "1-9", "past"],
  ["1-1", "1-3", "gap"],
  ["1-1", "2-2", "gap"],
  ["1-18446744073709551614", "1-18446744073709551615", "next"],
  ["1-18446744073709551613", "1-18446744073709551615", "gap"],
  ["", "1-5", "next"],
  ["1-5", "some-thing", "next"],
  ["a", "b", "next"],
])("from %s, %s is %s", (at, cursor, expected) => {
  expect(step(at, cursor)).toBe(expected);
});
