// node check.mjs VAULT: runs every query of a vault, and holds its three forms against each other.
import { evaluate } from "./evaluate.mjs";
import { evaluateBase } from "./base.mjs";
import { QUERY_LANGUAGE } from "./plugin.mjs";
import { readVault, typeOf } from "./vault.mjs";

const REASON = /^No rows( as of \S+( \S+)*)?: /;

export function check(root) {
  const pages = readVault(root);
  const result = { pages: pages.size, queries: 0, rows: 0, empty_with_reason: 0, defects: [] };
  const defect = (page, kind, message) => result.defects.push({ page: page.path, kind, message });
  const types = new Map();
  for (const page of pages.values()) {
    for (const key of page.inline) defect(page, "leaked inline field", key);
    for (const [key, value] of Object.entries(page.fields)) {
      const type = typeOf(value) === "link" ? "string" : typeOf(value);
      if (type === "null") continue;
      if (types.has(key) && types.get(key) !== type) defect(page, "property type conflict", `${key} is ${type}, elsewhere ${types.get(key)}`);
      types.set(key, types.get(key) ?? type);
    }
    for (const { dataview, base, table, reason } of queries(page)) {
      result.queries += 1;
      const parsed = QUERY_LANGUAGE.query.parse(dataview);
      if (!parsed.status) {
        defect(page, "parse error", dataview);
        continue;
      }
      const rows = evaluate(parsed.value, pages).map(shown);
      result.rows += rows.length;
      if (rows.length === 0) {
        if (reason && table.length === 0) result.empty_with_reason += 1;
        else defect(page, "empty without reason", dataview);
      }
      if (parsed.value.operations.length === 0) rows.sort();
      const ordered = (list) => (parsed.value.operations.length === 0 ? list.sort() : list);
      const fromBase = ordered(evaluateBase(base, pages).map(shown));
      if (String(rows) !== String(ordered(table))) defect(page, "table differs", difference(rows, table));
      if (String(rows) !== String(fromBase)) defect(page, "Base differs", difference(rows, fromBase));
      if (rows.some((row) => row.split("\t").includes(""))) defect(page, "blank cell", dataview);
    }
  }
  return result;
}

function difference(left, right) {
  const at = left.findIndex((row, idx) => row !== right[idx]);
  return `${left.length} and ${right.length} rows; ${left[at]} / ${right[at]}`;
}

// A hair space behind a text keeps Dataview from taking it for a date; nobody sees it.
function shown(row) {
  return row.map((cell) => (cell === null ? "" : String(cell).replace(/\u200a$/, ""))).join("\t");
}

// Each Dataview block with the Base and the table in the callout behind it. Without rows the reason is in front.
function* queries({ path, body }) {
  const parts = body.split(/^```dataview\n/m).slice(1);
  for (const part of parts) {
    const end = part.indexOf("\n```");
    const dataview = part.slice(0, end);
    const behind = part.slice(end + 5).split("\n").filter((line) => line !== "");
    const start = behind.findIndex((line) => line.startsWith("> [!info]- "));
    const length = behind.slice(start).findIndex((line) => !line.startsWith(">"));
    const callout = behind.slice(start, length < 0 ? undefined : start + length).map((line) => line.replace(/^> ?/, ""));
    const base = /^```base\n([\s\S]*?)\n```/m.exec(callout.join("\n"))?.[1];
    const table = callout.filter((line) => line.startsWith("| ")).slice(2).map((line) => cells(line, path).join("\t"));
    yield { dataview, base, table, reason: REASON.test(behind[0]) };
  }
}

function cells(line, from) {
  const parts = line.slice(2, -2).split(/ (?<!\\)\| /);
  return parts.map((cell) => {
    const link = /^\[\[(.+?)\\\|(.+)\]\]$/.exec(cell);
    if (link) return `${link[1]}|${link[2]}`;
    const markdown = /^\[(.+)\]\((.+)\.md\)$/.exec(cell);
    if (markdown) return `${joined(from, decodeURIComponent(markdown[2]))}|${plain(markdown[1])}`;
    return plain(cell);
  });
}

// The path of the vault that an address on a page leads to.
function joined(from, address) {
  const parts = from.split("/").slice(0, -1);
  for (const part of address.split("/")) part === ".." ? parts.pop() : parts.push(part);
  return parts.join("/");
}

function plain(text) {
  return text.replace(/\\([*_~\\:#=$])/g, "$1").replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code))).replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const result = check(process.argv[2]);
  const kinds = Object.groupBy ? Object.groupBy(result.defects, ({ kind }) => kind) : result.defects.reduce((all, found) => ((all[found.kind] ??= []).push(found), all), {});
  for (const [kind, found] of Object.entries(kinds)) {
    console.log(`${found.length} × ${kind}`);
    for (const { page, message } of found.slice(0, 5)) console.log(`  ${page}: ${message}`);
  }
  console.log(`${result.pages} pages, ${result.queries} queries, ${result.rows} rows, ${result.empty_with_reason} empty with a reason, ${result.defects.length} defects`);
  process.exitCode = result.defects.length > 0 ? 1 : 0;
}
