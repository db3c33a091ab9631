// Holds a WasmPlugin in a JSON file against the model that the package makes of Istio's definition, and
// looks for keys that the definition does not have.
import { readFileSync } from "node:fs";
import { WasmPlugin } from "@kubernetes-models/istio/extensions.istio.io/v1alpha1";

const resource = JSON.parse(readFileSync(process.argv[2], "utf8"));
new WasmPlugin(resource).validate();
const KNOWN =
  "failStrategy imagePullPolicy imagePullSecret match phase pluginConfig pluginName priority selector " +
  "sha256 targetRef targetRefs type url verificationKey vmConfig";
const unknown = Object.keys(resource.spec).filter((key) => !KNOWN.split(" ").includes(key));
if (unknown.length || resource.kind !== "WasmPlugin") throw new Error(`no such keys: ${unknown}`);
