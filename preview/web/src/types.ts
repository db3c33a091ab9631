// The engine's results, as `preview/src` writes them.
export interface Edit { line: number; column: number; end_line: number; end_column: number; replacement: string }
export interface Fix { title: string; edits: Edit[] }
export interface Problem { code: string; severity: 'error' | 'warning'; message: string; help: string; explanation: string; line: number; column: number; end_line: number; end_column: number; fix: Fix | null }
export interface TriedExample { expectation: 'match' | 'pass'; request: string; line: number; holds: boolean | null }
export interface Checked { is_note: boolean; n_read: number; n_compiled: number; problems: Problem[]; examples: TriedExample[] }
export interface RuleInfo { id: string; title: string; author: string; level: string; phase: string; techniques: string[] }
export interface PackInfo { name: string; version: number; hash: string; rules: RuleInfo[] }
export interface RowText { method: string; url: string }
export interface Refusal { line: number; code: string; message: string; help: string }
export interface Imported { progress: number; is_done: boolean; n_requests: number; n_refused: number; refusals: Refusal[]; is_cut: boolean }
export interface Found { field: string; pattern: string; before: string; hit: string; after: string }
export interface Part { name: string | null; truth: string; kind: 'all' | 'any' | 'not' | 'item'; parts: Part[]; label: string; values: string[]; found: Found | null }
export interface RuleExplained { id: string; title: string; author: string; level: string; phase: string; tags: string[]; view: string | null; policy: string[]; condition: Part }
export interface Explained { method: string; headers: [string, string][]; readings: { view: string; url: string }[]; anomalies: [string, string][]; monitor: string; enforce: string; truncated: boolean; rules: RuleExplained[]; micros: number }
export interface Word { name: string; meaning: string }
export interface Vocabulary { fields: Word[]; modifiers: Word[]; anomalies: Word[] }
