// A vault's notes as Dataview indexes them: typed fields, tags, links.
import { readFileSync, readdirSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { parse } from "yaml";
import { EXPRESSION } from "./plugin.mjs";

export class Link {
  constructor(path, display) {
    Object.assign(this, { path, display });
  }
  toString() {
    return `${this.path}|${this.display}`;
  }
}

export function readVault(root) {
  const pages = new Map();
  for (const file of walk(root)) {
    const path = relative(root, file).split(sep).join("/");
    pages.set(path, readPage(path, readFileSync(file, "utf8")));
  }
  return pages;
}

function* walk(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith(".")) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.name.endsWith(".md")) yield path;
  }
}

export function readPage(path, text) {
  text = text.replaceAll("\r\n", "\n");
  const found = /^---\n([\s\S]*?)\n---(\n|$)/.exec(text);
  const body = found ? text.slice(found[0].length) : text;
  const frontMatter = found ? parse(found[1], { version: "1.2", uniqueKeys: true }) ?? {} : {};
  const fields = {};
  for (const [key, value] of Object.entries(frontMatter)) fields[key] = typed(value);
  const name = path.split("/").pop().replace(/\.md$/, "");
  return { path, name, folder: path.split("/").slice(0, -1).join("/"), body, fields, inline: inlineFields(body), tags: tags(frontMatter.tags) };
}

// Dataview tries its date, duration and link literals on every text of front matter.
export function typed(value) {
  if (Array.isArray(value)) return value.map(typed);
  if (typeof value !== "string") return value ?? null;
  for (const literal of ["date", "duration", "link"]) {
    const result = EXPRESSION[literal].parse(value);
    if (!result.status) continue;
    if (literal === "link") return new Link(result.value.path, result.value.display ?? result.value.path.split("/").pop());
    return { [literal]: value };
  }
  return value;
}

export function typeOf(value) {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) return "list";
  if (value instanceof Link) return "link";
  if (typeof value === "object") return Object.keys(value)[0] === "date" ? "date" : Object.keys(value)[0] === "duration" ? "duration" : "object";
  return typeof value;
}

// A tag gives its parents too: #a/b is found by #a. Case does not matter.
function tags(list) {
  const all = new Set();
  for (const item of Array.isArray(list) ? list : list ? [list] : []) {
    for (const tag of String(item).split(/[\s,]+/).filter(Boolean)) {
      const parts = tag.replace(/^#/, "").toLowerCase().split("/");
      parts.forEach((_, idx) => all.add("#" + parts.slice(0, idx + 1).join("/")));
    }
  }
  return all;
}

// The names of the inline fields that Dataview 0.5.68 finds, by the rules of its `src/data-import/inline-field.ts`:
// npm's package has its query language only. Fields are seen in code, tables and HTML too.
export function inlineFields(body) {
  const found = [];
  for (const line of body.split("\n")) {
    if (!line.includes("::") || line.length > 32768) continue;
    const wrapped = wrappedFields(line);
    if (wrapped.length > 0) found.push(...wrapped.filter(Boolean));
    else {
      const key = FULL_LINE_KEY.exec(line.slice(0, line.indexOf("::")).trim())?.[1];
      if (key) found.push(key);
    }
  }
  return found;
}

// Punctuation, the key (words, blanks, `/`, `-` and emojis), and what closes Markdown's emphasis and code.
const FULL_LINE_KEY = /^[^0-9\w\p{L}]*((?:[0-9\p{L}\w\s_/-]|\p{Extended_Pictographic}|\p{Emoji_Presentation}|[\u200d\ufe0f])*?)[_*~`]*$/u;

// Keys of `[key:: value]` and `(key:: value)`; of two fields that overlap, the first.
function wrappedFields(line) {
  const found = [];
  for (const [open, close] of ["[]", "()"]) {
    let start = line.indexOf(open);
    while (start >= 0) {
      const field = wrappedField(line, start + 1, open, close);
      if (field) found.push({ start, ...field });
      start = line.indexOf(open, field ? field.end : start + 1);
    }
  }
  found.sort((left, right) => left.start - right.start);
  const kept = [];
  for (const field of found) {
    if (kept.length === 0 || kept.at(-1).end < field.start) kept.push(field);
  }
  return kept.map((field) => field.key);
}

function wrappedField(line, start, open, close) {
  const separator = line.indexOf("::", start);
  if (separator < 0) return undefined;
  const key = line.slice(start, separator);
  if (/[[\]()]/.test(key)) return undefined;
  let depth = 0;
  let escaped = false;
  for (let at = separator + 2; at < line.length; at += 1) {
    const character = line[at];
    if (character === "\\") escaped = !escaped;
    else if (escaped) escaped = false;
    else if (character === open) depth += 1;
    else if (character === close) {
      depth -= 1;
      if (depth < 0) return { key: key.trim(), end: at + 1 };
    }
  }
  return undefined;
}
