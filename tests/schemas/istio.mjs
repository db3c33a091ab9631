// Holds a WasmPlugin or an EnvoyFilter in a JSON file against the model that the package makes of Istio's
// definition, and looks for keys that the definition does not have.
import { readFileSync } from "node:fs";
import { WasmPlugin } from "@kubernetes-models/istio/extensions.istio.io/v1alpha1";
import { EnvoyFilter } from "@kubernetes-models/istio/networking.istio.io/v1alpha3";

const KINDS = {
  WasmPlugin: [
    WasmPlugin,
    "failStrategy imagePullPolicy imagePullSecret match phase pluginConfig pluginName priority selector " +
      "sha256 targetRef targetRefs type url verificationKey vmConfig",
  ],
  EnvoyFilter: [EnvoyFilter, "configPatches priority targetRefs workloadSelector"],
};
const resource = JSON.parse(readFileSync(process.argv[2], "utf8"));
const [Model, known] = KINDS[resource.kind] ?? [];
if (!Model) throw new Error(`no such kind: ${resource.kind}`);
new Model(resource).validate();
const unknown = Object.keys(resource.spec).filter((key) => !known.split(" ").includes(key));
if (unknown.length) throw new Error(`no such keys: ${unknown}`);
