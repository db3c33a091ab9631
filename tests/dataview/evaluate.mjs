// Queries as Dataview runs them, over its parser's tree: what the vault's queries use, and a little more.
import { Link, typeOf } from "./vault.mjs";

export function evaluate(query, pages) {
  let rows = [...pages.values()].filter((page) => inSource(query.source, page)).map((page) => ({ page, extra: {} }));
  for (const operation of query.operations) rows = apply(operation, rows);
  if (query.header.type !== "table") throw new Error(`no ${query.header.type} query is expected`);
  const cells = rows.map((row) => query.header.fields.map(({ field }) => value(field, row)));
  return query.header.showId ? cells.map((row, idx) => [fileLink(rows[idx].page), ...row]) : cells;
}

function fileLink(page) {
  return new Link(page.path.replace(/\.md$/, ""), page.name);
}

function inSource(source, page) {
  switch (source.type) {
    case "folder":
      return page.folder === source.folder || page.folder.startsWith(source.folder + "/") || page.path === source.folder + ".md";
    case "tag":
      return page.tags.has(source.tag.toLowerCase());
    case "negate":
      return !inSource(source.child, page);
    case "binaryop":
      return source.op === "&" ? inSource(source.left, page) && inSource(source.right, page) : inSource(source.left, page) || inSource(source.right, page);
    case "empty":
      return true;
    default:
      throw new Error(`a source of type ${source.type} is not expected`);
  }
}

function apply(operation, rows) {
  switch (operation.type) {
    case "where":
      return rows.filter((row) => truthy(value(operation.clause, row)));
    case "limit":
      return rows.slice(0, value(operation.amount, rows[0]));
    case "sort":
      return [...rows].sort((left, right) => {
        for (const { field, direction } of operation.fields) {
          const order = compare(value(field, left), value(field, right));
          if (order !== 0) return direction === "ascending" ? order : -order;
        }
        return 0;
      });
    case "flatten":
      return rows.flatMap((row) => [value(operation.field.field, row)].flat().map((item) => ({ ...row, extra: { ...row.extra, [operation.field.name]: item } })));
    default:
      throw new Error(`an operation ${operation.type} is not expected`);
  }
}

function value(field, row) {
  switch (field.type) {
    case "literal":
      return field.value;
    case "variable":
      return field.name === "file" ? { name: row.page.name, path: row.page.path, folder: row.page.folder, link: fileLink(row.page) } : row.extra[field.name] ?? row.page.fields[field.name] ?? null;
    case "index":
      return value(field.object, row)?.[value(field.index, row)] ?? null;
    case "negated":
      return !truthy(value(field.child, row));
    case "binaryop":
      return operate(field.op, value(field.left, row), value(field.right, row));
    case "function":
      return call(field.func.name, field.arguments.map((argument) => value(argument, row)));
    default:
      throw new Error(`an expression of type ${field.type} is not expected`);
  }
}

function call(name, [first, second, third]) {
  switch (name) {
    case "default":
      return first ?? second;
    case "choice":
      return truthy(first) ? second : third;
    case "length":
      return first?.length ?? 0;
    case "contains":
      return Boolean(first?.includes?.(second));
    case "lower":
      return first?.toLowerCase() ?? null;
    default:
      throw new Error(`a function ${name} is not expected`);
  }
}

function operate(op, left, right) {
  switch (op) {
    case "&":
      return truthy(left) && truthy(right);
    case "|":
      return truthy(left) || truthy(right);
    case "=":
      return compare(left, right) === 0;
    case "!=":
      return compare(left, right) !== 0;
    case "<":
      return compare(left, right) < 0;
    case "<=":
      return compare(left, right) <= 0;
    case ">":
      return compare(left, right) > 0;
    case ">=":
      return compare(left, right) >= 0;
    default:
      throw new Error(`an operator ${op} is not expected`);
  }
}

function truthy(value) {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

// Values of different types are ordered by the names of their types.
function compare(left, right) {
  if (typeOf(left) !== typeOf(right)) return typeOf(left).localeCompare(typeOf(right));
  if (typeof left === "string") return left.localeCompare(right);
  if (typeOf(left) === "null") return 0;
  return left < right ? -1 : left > right ? 1 : 0;
}
