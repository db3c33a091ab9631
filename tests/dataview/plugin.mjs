// Dataview's own parser, without Obsidian: the package asks for a module that only the app has.
import Module, { createRequire } from "node:module";

const resolve = Module._resolveFilename;
Module._resolveFilename = function (request, ...rest) {
  return request === "obsidian" ? new URL("./empty.cjs", import.meta.url).pathname : resolve.call(this, request, ...rest);
};
export const { EXPRESSION, QUERY_LANGUAGE } = createRequire(import.meta.url)("obsidian-dataview");
