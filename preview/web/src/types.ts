// The engine's results, as `preview/src` writes them.
export interface Edit { line: number; column: number; end_line: number; end_column: number; replacement: string }
export interface Fix { title: string; edits: Edit[] }
export interface Problem { code: string; severity: 'error' | 'warning'; message: string; help: string; explanation: string; line: number; column: number; end_line: number; end_column: number; fix: Fix | null }
export interface TriedExample { expectation: 'match' | 'pass'; request: string; line: number; holds: boolean | null }
export interface Checked {
  kind: 'empty' | 'sigma' | 'rule' | 'service' | 'runbook' | 'technique' | 'list' | 'note'; is_note: boolean; title: string; services: string[];
  decidable: [number, number, number]; unseen: string[]; asks_behaviour: boolean; n_read: number; n_compiled: number; problems: Problem[]; examples: TriedExample[];
}
export interface RuleInfo { id: string; title: string; author: string; level: string; phase: string; techniques: string[] }
export interface PackInfo { name: string; version: number; hash: string; rules: RuleInfo[] }
export interface RowText { method: string; url: string }
export interface Refusal { line: number; code: string; message: string; help: string }
export interface Imported { progress: number; is_done: boolean; n_requests: number; n_refused: number; refusals: Refusal[]; is_cut: boolean }
export interface Found { field: string; pattern: string; before: string; hit: string; after: string }
export interface Part { name: string | null; truth: 'true' | 'false' | 'not yet known'; kind: 'all' | 'any' | 'not' | 'item'; parts: Part[]; label: string; values: string[]; found: Found | null }
export interface Piece { text: string; is_value: boolean }
export interface RuleExplained { id: string; title: string; author: string; level: string; phase: string; tags: string[]; view: string | null; policy: string[]; because: Piece[]; condition: Part }
export interface Reading { view: string; url: string; meaning: string; undone: string[] }
export interface ServiceUse { name: string; category: string; operations: [string, string][]; identity: string | null; usage: string | null }
export interface OverTime { source: string; host: string; fields: [string, string][]; n_requests: number; times: number[] }
export interface Explained { method: string; headers: [string, string][]; readings: Reading[]; anomalies: [string, string][]; monitor: string; enforce: string; truncated: boolean; service: ServiceUse | null; behaviour: OverTime | null; rules: RuleExplained[]; micros: number }
export interface Word { name: string; meaning: string }
export interface Vocabulary { fields: Word[]; modifiers: Word[]; anomalies: Word[] }
export interface NamedText { name: string; text: string }
export interface GalleryEntry { name: string; title: string; description: string; level: string; techniques: string[]; services: string[]; n_examples: number }
