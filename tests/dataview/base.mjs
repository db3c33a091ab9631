// A Base: the filters and columns of the core plugin that the vault's Bases use.
import { parse } from "yaml";
import { Link } from "./vault.mjs";

export function evaluateBase(text, pages) {
  const base = parse(text);
  const view = base.views[0];
  const rows = [...pages.values()].filter((page) => base.filters.and.every((filter) => holds(filter, page)));
  for (const { property, direction } of view.sort ?? []) {
    const sign = direction === "ASC" ? 1 : -1;
    rows.sort((left, right) => sign * String(column(property, left)?.display ?? column(property, left)).localeCompare(String(column(property, right)?.display ?? column(property, right))));
  }
  return rows.map((page) => view.order.map((property) => column(property, page)));
}

function column(property, page) {
  return property === "file.name" ? new Link(page.path.replace(/\.md$/, ""), page.name) : page.fields[property] ?? null;
}

function holds(filter, page) {
  const call = /^file\.(inFolder|hasTag)\("([^"]*)"\)$/.exec(filter);
  if (call?.[1] === "inFolder") return page.folder === call[2] || page.folder.startsWith(call[2] + "/");
  if (call?.[1] === "hasTag") return page.tags.has("#" + call[2].toLowerCase());
  const compared = /^([a-z_]+) (==|!=) (.+)$/.exec(filter);
  if (compared) return (page.fields[compared[1]] === JSON.parse(compared[3])) === (compared[2] === "==");
  const more = /^([a-z_]+) > ([0-9]+)$/.exec(filter);
  if (more) return page.fields[more[1]] > Number(more[2]);
  throw new Error(`the filter ${filter} is not known`);
}
