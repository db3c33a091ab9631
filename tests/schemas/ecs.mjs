// Holds events, one JSON line each on standard input, against the fields of the Elastic Common Schema
// as the package publishes them: names, types, lists, and the values that a field allows. Fields of
// one's own are allowed under a name of one's own.
import { createInterface } from "node:readline";
import { EcsFlat, EcsVersion } from "@elastic/ecs";

const OWN = "tidegate.";
const TYPES = {
  boolean: (value) => typeof value === "boolean",
  constant_keyword: (value) => typeof value === "string",
  date: (value) => typeof value === "string" && !Number.isNaN(Date.parse(value)),
  float: (value) => typeof value === "number",
  ip: (value) => typeof value === "string" && /^[0-9a-f.:]+$/.test(value),
  keyword: (value) => typeof value === "string",
  long: (value) => Number.isInteger(value),
  match_only_text: (value) => typeof value === "string",
  wildcard: (value) => typeof value === "string",
};

function* leaves(value, path) {
  if (value !== null && typeof value === "object" && !Array.isArray(value)) {
    for (const [key, part] of Object.entries(value)) yield* leaves(part, path ? `${path}.${key}` : key);
  } else {
    yield [path, value];
  }
}

function* wrongs(event) {
  for (const [path, value] of leaves(event, "")) {
    if (path.startsWith(OWN)) continue;
    const field = EcsFlat[path];
    if (!field) {
      yield `${path} is no field`;
      continue;
    }
    const isList = field.normalize.includes("array");
    if (isList !== Array.isArray(value)) yield `${path} is ${isList ? "no" : "a"} list`;
    const fits = TYPES[field.type];
    if (!fits) yield `${path} has the type ${field.type}, which is not known here`;
    for (const one of [value].flat()) {
      if (fits && !fits(one)) yield `${path} is ${JSON.stringify(one)}, not ${field.type}`;
      const allowed = field.allowed_values?.map((known) => known.name);
      if (allowed?.length && !allowed.includes(one)) yield `${path} may not be ${one}`;
    }
  }
  // A type is expected with some categories only.
  const types = EcsFlat["event.category"].allowed_values;
  for (const category of event.event.category) {
    const expected = types.find((known) => known.name === category).expected_event_types;
    const other = event.event.type.filter((type) => !expected.includes(type));
    // With several categories, a type need only be expected by one of them.
    if (other.length && event.event.category.length === 1) yield `${category} has no type ${other}`;
  }
  for (const [path, field] of Object.entries(EcsFlat)) {
    const value = path.split(".").reduce((part, key) => part?.[key], event);
    if (field.required && value === undefined) yield `${path} is missing`;
  }
  if (event.ecs.version !== EcsVersion.replace(/\+.*|-.*/, "")) yield `ecs.version is not ${EcsVersion}`;
}

let events = 0;
let found = 0;
for await (const line of createInterface({ input: process.stdin })) {
  events += 1;
  for (const wrong of wrongs(JSON.parse(line))) {
    found += 1;
    console.log(wrong);
  }
}
console.log(`${events} events, ${found} wrong`);
process.exit(found > 0 || events === 0 ? 1 : 0);
